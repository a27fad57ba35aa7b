// SPDX-License-Identifier: GPL-2.0

//! What the threads of a task agree on: who claims what, whether the task has failed, how many
//! helpers there may be, and the life of each of them.
//!
//! Only `core`, [`crate::ktask::sync`] and [`crate::ktask::policy`] are used here, so that the host
//! compiles these files as they are, on the atomics of a model checker among others.

pub(crate) mod boost;
pub(crate) mod handshake;
pub(crate) mod helper;
pub(crate) mod iterator_lock;
pub(crate) mod limits;
pub(crate) mod line;
pub(crate) mod members;
pub(crate) mod outcome;
pub(crate) mod part;
pub(crate) mod parts;
pub(crate) mod ring;

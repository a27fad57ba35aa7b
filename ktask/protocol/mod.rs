// SPDX-License-Identifier: GPL-2.0

//! What the threads of a task agree on.

pub(crate) mod boost;
pub(crate) mod handshake;
pub(crate) mod iterator_lock;
pub(crate) mod limits;
pub(crate) mod outcome;
pub(crate) mod part;

// SPDX-License-Identifier: GPL-2.0

//! Sequential decisions about one task: chunk sizes, numbers of threads, what to undo.
//!
//! Only `core` is used here, so that the host compiles these files as they are.

pub(crate) mod chunk;
pub(crate) mod patience;
pub(crate) mod share;
pub(crate) mod threads;
pub(crate) mod undo;

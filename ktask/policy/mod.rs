// SPDX-License-Identifier: GPL-2.0

//! Sequential decisions about one task.

pub(crate) mod chunk;
pub(crate) mod threads;
pub(crate) mod undo;

// SPDX-License-Identifier: GPL-2.0

//! Where the outside meets the engine: the C interface and debugfs.

pub(crate) mod c;
pub(crate) mod debugfs;

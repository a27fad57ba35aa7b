// SPDX-License-Identifier: GPL-2.0

//! The atomics the policy layer is written against.
//!
//! In the kernel they are the LKMM atomics. The host tests put a module of the same names in this
//! place, so that the very same policy code runs there.

pub(crate) use kernel::sync::atomic::{
    Atomic,
    Full,
    Relaxed,
    Release, //
};

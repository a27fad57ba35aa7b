// SPDX-License-Identifier: GPL-2.0

//! The kernel's `jiffies`: what time it is, for little. The kernel crate has the type only.

use kernel::{
    bindings,
    time::{
        msecs_to_jiffies,
        Jiffies, //
    }, //
};

/// The time, which wraps around.
#[inline(always)]
pub(crate) fn now() -> Jiffies {
    // SAFETY: The kernel writes the variable at any time, and each access of a word is marked.
    unsafe { (&raw const bindings::jiffies).read_volatile() }
}

/// So many milliseconds, rounded up.
pub(crate) fn from_ms(ms: u32) -> Jiffies {
    msecs_to_jiffies(ms)
}

/// Whether it is `time` or later, as `time_after_eq()` tells.
#[inline(always)]
pub(crate) fn is_over(time: Jiffies) -> bool {
    now().wrapping_sub(time) as isize >= 0
}

// SPDX-License-Identifier: GPL-2.0

//! How tasks share the helpers that there are: max-min fairness, one helper at a time.
//!
//! A helper goes from one task to another only if the other has at least two helpers fewer. Each such
//! move makes the sum of the squares of all tasks' helpers smaller by two at least, so that there is
//! an end of moves until tasks begin or end or limits change. No helper is moved back: afterwards the
//! task that gave has at least as many as the one that took.

/// Whether a task with `own` helpers gives one to a hungry task with `other` helpers.
pub(crate) fn gives(own: u32, other: u32) -> bool {
    own.saturating_sub(other) >= 2
}

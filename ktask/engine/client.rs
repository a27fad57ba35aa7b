// SPDX-License-Identifier: GPL-2.0

//! What the engine asks of whoever has a task.

use core::ffi::c_int;

/// The functions of a task. Positions are the client's own; the engine only passes them on.
///
/// Small and copied about, so that it stays in registers where a task is short.
pub(crate) trait Client: Copy + Sync {
    /// Does the chunk between two positions; 0 or the client's own error. May sleep.
    fn run(&self, start: usize, end: usize) -> c_int;

    /// The address of what [`Self::run`] calls, for reports.
    fn function(&self) -> usize;

    /// Whether positions come from [`Self::advance`]. Otherwise they are numbers that grow by one
    /// with every unit.
    fn walks(&self) -> bool;

    /// The position `size` units after `position`. May sleep.
    fn advance(&self, position: usize, size: usize) -> usize;

    /// Whether completed work is to be undone when the task fails.
    fn undoes(&self) -> bool;

    /// Undoes what was completed between two positions. May sleep.
    fn undo(&self, start: usize, end: usize);
}

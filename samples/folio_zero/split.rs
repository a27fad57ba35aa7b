// SPDX-License-Identifier: GPL-2.0

//! In what order the pages of a folio are cleared. Pure `core`.

use core::ops::Range;

/// How many pages on each side of the faulting one are its neighbourhood, as in the kernel.
const RADIUS: usize = 2;

/// A folio's pages, cut around the one at which a thread has faulted.
#[derive(Debug, PartialEq)]
pub(crate) struct Split {
    /// The pages before and behind the neighbourhood. It does not matter when they are cleared.
    pub(crate) far: [Range<usize>; 2],
    /// The faulting page and its neighbours, which the thread is likely to use next: to be cleared
    /// last and by that very thread, so that they are in its CPU's cache.
    pub(crate) near: Range<usize>,
}

impl Split {
    /// Cuts a folio of `pages` pages around page `fault`; a number beyond the last page counts as
    /// the last.
    pub(crate) fn new(pages: usize, fault: usize) -> Self {
        let fault = fault.min(pages.saturating_sub(1));
        let start = fault.saturating_sub(RADIUS);
        let end = fault.saturating_add(RADIUS + 1).min(pages);
        Self {
            // The kernel's order: those behind first.
            far: [end..pages, 0..start],
            near: start..end,
        }
    }
}

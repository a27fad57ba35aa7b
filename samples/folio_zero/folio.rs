// SPDX-License-Identifier: GPL-2.0

//! Folios: the only part of the sample that touches memory by its address.

use crate::helpers;
use core::ops::Range;
use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*, //
};

/// A folio that has just been allocated for a process and is not mapped yet.
pub(crate) struct Folio {
    folio: *mut bindings::folio,
    /// The user address where it will begin, as far as the kernel knows it.
    base: usize,
    /// The page in it that the process wants first.
    wanted: usize,
}

// SAFETY: Through a shared reference the memory is only ever cleared, in C code. That several
// threads may do so at once does no harm, as all store zeroes and nobody reads.
unsafe impl Sync for Folio {}

impl Folio {
    /// # Safety
    ///
    /// `folio` must be a folio that nobody else uses as long as the result is there.
    unsafe fn new(folio: *mut bindings::folio, addr_hint: usize) -> Self {
        // SAFETY: The caller vouches for the folio.
        let size = unsafe { helpers::folio_zero_nr_pages(folio) } * PAGE_SIZE;
        // A folio's size is a power of two, and it is mapped at a multiple of that.
        let offset = addr_hint & (size - 1);
        Self {
            folio,
            base: addr_hint - offset,
            wanted: offset / PAGE_SIZE,
        }
    }

    /// How many pages it has.
    pub(crate) fn pages(&self) -> usize {
        // SAFETY: The folio is there, as `new` was promised.
        unsafe { helpers::folio_zero_nr_pages(self.folio) }
    }

    /// The node its memory belongs to.
    pub(crate) fn node(&self) -> i32 {
        // SAFETY: As in `pages`.
        unsafe { helpers::folio_zero_nid(self.folio) }
    }

    /// The page that the process wants first.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    /// Clears pages; those beyond the last one are ignored. May sleep.
    pub(crate) fn clear(&self, pages: Range<usize>) {
        let end = pages.end.min(self.pages());
        // SAFETY: The pages are in the folio, which nobody reads yet.
        unsafe { helpers::folio_zero_clear(self.folio, self.base, pages.start, end) }
    }
}

/// What takes the place of the kernel's `folio_zero_user()`. May sleep, as that may.
///
/// # Safety
///
/// As for the kernel's: `folio` must be a folio that nobody else uses yet.
#[no_mangle]
unsafe extern "C" fn rust_folio_zero_user(folio: *mut bindings::folio, addr_hint: usize) {
    // SAFETY: The function's own contract.
    crate::zero(&unsafe { Folio::new(folio, addr_hint) });
}

/// Replaces `folio_zero_user()`: from now on [`crate::zero`] is called. To be the last step of the
/// module's initialisation, as the kernel keeps the module from then on.
pub(crate) fn enable() -> Result {
    // SAFETY: Called once, and the module is complete.
    kernel::error::to_result(unsafe { helpers::folio_zero_enable() })
}

/// From how many bytes on a folio is worth clearing in parallel.
pub(crate) fn threshold() -> usize {
    // SAFETY: Takes nothing and changes nothing.
    unsafe { helpers::folio_zero_threshold() }
}

/// The most threads that are to clear a folio; 0 for as many as ktask takes by itself.
pub(crate) fn threads() -> usize {
    // SAFETY: Takes nothing and changes nothing.
    unsafe { helpers::folio_zero_threads() }
}

// SPDX-License-Identifier: GPL-2.0

//! Pages of a process: the only part of the sample that deals with them by their address.

use crate::helpers;
use core::ops::Range;
use kernel::{
    alloc::flags::__GFP_NOWARN,
    bindings,
    error::to_result,
    mm::Mm,
    page::PAGE_SIZE,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        },
    },
    task::Task, //
};

/// So many pages are pinned before others get their turn.
const BATCH: usize = 4096;

/// So many pages count as locked memory of a process, until this is dropped.
struct Locked {
    mm: ARef<Mm>,
    pages: usize,
}

impl Locked {
    /// Of the current process: `ENOMEM` if it may not lock as much.
    fn new(pages: usize) -> Result<Self> {
        let mm = ARef::<Mm>::from(&**current!().mm().ok_or(EINVAL)?);
        // SAFETY: The address space is there.
        to_result(unsafe { bindings::account_locked_vm(mm.as_raw(), pages, true) })?;
        Ok(Self { mm, pages })
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // SAFETY: The address space is there; this takes back what `new` did, and cannot fail.
        unsafe { bindings::account_locked_vm(self.mm.as_raw(), self.pages, false) };
    }
}

/// A buffer of a process, and which of its pages are pinned. Whoever pins pages has to unpin them,
/// or make it [`Pinned`].
pub(crate) struct UserPages {
    locked: Locked,
    caller: ARef<Task>,
    addr: usize,
    /// For each page a `struct page *`, or 0.
    pinned: KVVec<Atomic<usize>>,
}

impl UserPages {
    /// A buffer of the current process, with none of it pinned: `EINVAL` if it is empty, not made
    /// of whole pages or beyond the end of the address space, `ENOMEM` if it is more than the
    /// process may lock, or there is memory for.
    pub(crate) fn new(addr: usize, size: usize) -> Result<Self> {
        if size == 0 || (addr | size) % PAGE_SIZE != 0 || addr.checked_add(size).is_none() {
            return Err(EINVAL);
        }
        let pages = size / PAGE_SIZE;
        let locked = Locked::new(pages)?;
        // The size is the client's: too large is no reason to warn of.
        let mut pinned = KVVec::with_capacity(pages, GFP_KERNEL_ACCOUNT | __GFP_NOWARN)?;
        for _ in 0..pages {
            pinned.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self {
            locked,
            caller: ARef::from(&**current!()),
            addr,
            pinned,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.pinned.len()
    }

    /// Pins pages, up to the first that cannot be. In the process's own threads pages that are not
    /// there yet appear, as if it touched them. Other threads leave those alone: these would get
    /// them past some of the process's limits and policies. All threads migrate what may not be
    /// pinned where it is, to the memory nodes of the process.
    ///
    /// No two threads may ask for the same page.
    pub(crate) fn pin(&self, pages: Range<usize>) -> Result {
        let borrowed = Borrowed::new(&self.locked.mm, &self.caller);
        let mut next = pages.start;
        while next < pages.end {
            let batch = self.pin_batch(next..pages.end, borrowed.is_none());
            match batch {
                Ok(pinned) => next += pinned,
                Err(_) if borrowed.is_some() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Pins what other threads have left alone.
    pub(crate) fn pin_rest(&self) -> Result {
        let missing = |page: &usize| self.pinned[*page].load(Relaxed) == 0;
        let mut next = 0;
        while let Some(start) = (next..self.len()).find(missing) {
            let end = (start..self.len())
                .find(|page| !missing(page))
                .unwrap_or(self.len());
            self.pin(start..end)?;
            next = end;
        }
        Ok(())
    }

    /// Pins some of the pages, from the first on; how many.
    fn pin_batch(&self, pages: Range<usize>, fault: bool) -> Result<usize> {
        let addr = self.addr + pages.start * PAGE_SIZE;
        let places = self.pinned.get(pages).ok_or(EINVAL)?;
        let count = places.len().min(BATCH);
        // SAFETY: An atomic may be written through a shared reference, and is as its value in
        // memory; there is one for each of the pages.
        let pinned = unsafe {
            helpers::pin_pages_pin(addr, count, fault, places.as_ptr().cast_mut().cast())
        };
        usize::try_from(pinned).map_err(|_| Error::from_errno(pinned as c_int))
    }

    /// Unpins what is pinned of `pages`, which nobody pins meanwhile.
    pub(crate) fn unpin(&self, pages: Range<usize>) {
        if let Some(places) = self.pinned.get(pages) {
            // SAFETY: An atomic may be written through a shared reference, and is as its value in
            // memory. What is not 0 is a page that we have pinned.
            unsafe { helpers::pin_pages_unpin(places.as_ptr().cast_mut().cast(), places.len()) };
        }
    }
}

/// A buffer that is pinned as a whole. It is unpinned when this is dropped.
pub(crate) struct Pinned(pub(crate) UserPages);

impl Drop for Pinned {
    fn drop(&mut self) {
        self.0.unpin(0..self.0.len());
    }
}

/// A helper's use of the caller's address space and memory nodes.
struct Borrowed<'a>(&'a Mm);

impl<'a> Borrowed<'a> {
    /// `None` in a thread that has an address space of its own.
    fn new(mm: &'a Mm, caller: &Task) -> Option<Self> {
        // SAFETY: Helpers only run while the caller, whose address space it is, waits for them.
        unsafe { helpers::pin_pages_borrow(mm.as_raw(), caller.as_ptr()) }.then(|| Self(mm))
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        // SAFETY: `new` has this thread use it.
        unsafe { helpers::pin_pages_give_back(self.0.as_raw()) };
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A singly linked list of pages: the only part of the sample that touches memory by its address.

use crate::{
    helpers,
    ktask, //
};
use core::ptr::{
    self,
    NonNull, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// The fewest pages of a chunk. Finding the end of a chunk takes a look at each of its pages, one
/// after the other and in one thread at a time; what has to be paid for that is the same whatever
/// the size, but each chunk also costs a turn at the walk.
const MIN_CHUNK: usize = 1024;
/// After so many pages of a loop others get their turn.
const BREATHER: usize = 256;

/// What the list keeps in the pages themselves.
struct Page {
    /// The next page's address, or 0.
    next: usize,
    number: usize,
}

/// A list of pages, each with its number in it. Freed when it is dropped, in one thread.
pub(crate) struct PageList {
    /// The first page's address, or 0.
    first: usize,
    pages: usize,
}

/// What was freed, as the threads saw it.
#[derive(Default)]
pub(crate) struct Freed {
    pub(crate) pages: usize,
    /// The sum of the numbers that were in the pages.
    pub(crate) numbers: usize,
}

impl PageList {
    /// Takes `pages` pages from the kernel: `ENOMEM` if it has not as many, `EINTR` if the thread
    /// is to be killed.
    pub(crate) fn new(pages: usize) -> Result<Self> {
        let mut list = Self { first: 0, pages: 0 };
        while list.pages < pages {
            list.push()?;
            if list.pages % BREATHER == 0 {
                breathe()?;
            }
        }
        Ok(list)
    }

    /// Adds a page at the front.
    fn push(&mut self) -> Result {
        // SAFETY: Sleeping is allowed here.
        let page = NonNull::new(unsafe { helpers::free_list_alloc() }).ok_or(ENOMEM)?;
        let page = page.as_ptr().cast::<Page>();
        // SAFETY: The page is ours alone, and a `Page` fits into it.
        unsafe {
            page.write(Page {
                next: self.first,
                number: self.pages,
            })
        };
        self.first = page.expose_provenance();
        self.pages += 1;
        Ok(())
    }

    /// Frees the list with several threads (0: as many as ktask takes by itself). Calls `on_chunk`
    /// in each thread for each chunk.
    pub(crate) fn free(mut self, threads: usize, on_chunk: impl Fn() + Sync) -> Result<Freed> {
        let pages = Atomic::new(0usize);
        let numbers = Atomic::new(0usize);
        ktask::Task::new()
            .min_chunk(MIN_CHUNK)
            .max_threads(threads)
            .walk(self.first, self.pages, skip, |start, end| {
                on_chunk();
                // SAFETY: A chunk is given to one call, and those who look for the end of later
                // chunks are past this one.
                let freed = unsafe { free_until(start, end) };
                pages.add(freed.pages, Relaxed);
                numbers.add(freed.numbers, Relaxed);
                Ok(())
            })?;
        // All is gone. Had there been an error, it would have been before the first chunk, as the
        // work knows none.
        self.first = 0;
        Ok(Freed {
            pages: pages.load(Relaxed),
            numbers: numbers.load(Relaxed),
        })
    }
}

impl Drop for PageList {
    fn drop(&mut self) {
        // SAFETY: Nobody else knows the list.
        unsafe { free_until(self.first, 0) };
    }
}

/// The page so many pages further on, or 0 at the end of the list.
fn skip(mut page: usize, pages: usize) -> usize {
    for number in 0..pages {
        if page == 0 {
            break;
        }
        // SAFETY: ktask asks for positions from the list's first page on and one after the other,
        // before it has anybody work on what lies between; so none of these pages is freed yet.
        page = unsafe { next(page) };
        if number % BREATHER == 0 {
            // A helper is never killed; to a caller it makes no difference.
            let _ = breathe();
        }
    }
    page
}

/// # Safety
///
/// `page` must be the address of a page of a list that nobody frees meanwhile.
unsafe fn next(page: usize) -> usize {
    // SAFETY: The function's own contract.
    unsafe { (*ptr::with_exposed_provenance::<Page>(page)).next }
}

/// Frees a list from page `page` up to page `end`, exclusive, which may be 0 for all of it.
///
/// # Safety
///
/// `page` must be 0 or the address of a page of a list, `end` one further on; nobody else may use
/// what is between them any more.
unsafe fn free_until(mut page: usize, end: usize) -> Freed {
    let mut freed = Freed::default();
    while page != end && page != 0 {
        let memory = ptr::with_exposed_provenance_mut::<Page>(page);
        // SAFETY: By the contract the page is there and ours.
        let Page { next, number } = unsafe { memory.read() };
        // SAFETY: Likewise; it was allocated by `push`, and is not used any more.
        unsafe { helpers::free_list_free(memory.cast()) };
        freed.pages += 1;
        freed.numbers = freed.numbers.wrapping_add(number);
        page = next;
        if freed.pages % BREATHER == 0 {
            // Also who is to be killed has to free all.
            let _ = breathe();
        }
    }
    freed
}

/// Gives way to other threads. `EINTR` if the thread is to be killed, which helpers never are.
fn breathe() -> Result {
    // SAFETY: Only called where sleeping is allowed.
    if unsafe { helpers::free_list_killed() } {
        return Err(EINTR);
    }
    Ok(())
}

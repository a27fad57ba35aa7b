// SPDX-License-Identifier: GPL-2.0

//! A sample consumer of ktask: huge pages that appear faster.
//!
//! Before a process gets a huge page the kernel clears it, in `folio_zero_user()` and in one
//! thread, which for a page of 1 GiB is nearly all the time of the page fault. While this module
//! is loaded and enabled (`/sys/kernel/livepatch/folio_zero/enabled`), folios of at least
//! `threshold` bytes are cleared by up to `threads` threads on the folio's own node. Smaller ones
//! are cleared as the kernel does it, by the same steps: a live patch replaces a function
//! altogether.

use core::ops::Range;
use folio::Folio;
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    sizes::SZ_8M, //
};
use split::Split;

mod folio;
#[path = "../lib/helpers.rs"]
mod helpers;
mod ktask {
    include!(env!("KTASK_RS"));
}
mod split;

module! {
    type: FolioZero,
    name: "folio_zero",
    authors: ["ktask_rs contributors"],
    description: "A sample consumer of ktask: clears huge pages in parallel when they are faulted in",
    license: "GPL",
}

/// The fewest pages of a chunk. It is about a millisecond of clearing: far more than starting a
/// helper costs, and little enough that many threads get work and end at about the same time.
const MIN_CHUNK: usize = SZ_8M / PAGE_SIZE;
/// A folio is good for so many chunks, whatever its size, if the administrator wants it cleared in
/// parallel.
const CHUNKS: usize = 16;

/// The loaded module. It has no state, as the kernel already calls [`zero`] before it is here.
struct FolioZero;

impl kernel::Module for FolioZero {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        folio::enable()
            .inspect_err(|error| pr_err!("cannot replace folio_zero_user(): {error:?}\n"))?;
        Ok(Self)
    }
}

/// Clears a folio. Like the kernel's own function it may sleep, knows no failure, and does not stop
/// for a signal: also a process that is killed meanwhile has the page to give back.
fn zero(folio: &Folio) {
    let split = Split::new(folio.pages(), folio.wanted());
    let large = folio.pages() * PAGE_SIZE >= folio::threshold();
    if !large || in_parallel(folio, split.far.clone()).is_err() {
        for pages in split.far {
            folio.clear(pages);
        }
    }
    folio.clear(split.near);
}

fn in_parallel(folio: &Folio, ranges: [Range<usize>; 2]) -> Result {
    let mut parts = ranges.map(|range| ktask::Part::new(folio.node(), range));
    ktask::Task::new()
        .min_chunk(MIN_CHUNK.min(folio.pages() / CHUNKS))
        .max_threads(folio::threads())
        .run_parts(&mut parts, |chunk| {
            folio.clear(chunk);
            Ok(())
        })
}

// SPDX-License-Identifier: GPL-2.0

//! A sample consumer of ktask whose work has no numbers: frees a linked list of pages.
//!
//! Writing 1 to `/sys/kernel/debug/free_list/run` makes a list of `pages` pages, and then wipes and
//! frees all of them with `threads` threads (0: as many as ktask's `max_threads` knob says). Where a
//! chunk ends is found by walking the list. `result` tells what the last successful run did.

use core::ops::RangeInclusive;
use kernel::{
    new_mutex,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};
use list::PageList;

#[path = "../../lib/debugfs/debugfs.rs"]
mod debugfs;
mod helpers;
mod ktask {
    include!(env!("KTASK_RS"));
}
mod list;

module! {
    type: FreeList,
    name: "free_list",
    authors: ["ktask_rs contributors"],
    description: "A sample consumer of ktask: frees a linked list of pages",
    license: "GPL",
}

/// 64 MiB of pages of 4 KiB.
const PAGES_DEFAULT: u32 = 16384;
const THREADS_MAX: u32 = 65536;

/// The loaded module: its files, which hold all else.
struct FreeList {
    // Removing the files waits for a run.
    _files: debugfs::Tree<Sample>,
}

impl kernel::Module for FreeList {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let sample = Arc::pin_init(Sample::new(), GFP_KERNEL)?;
        let mut files = debugfs::Tree::new(c"free_list", sample);
        let dir = files.root();
        files.file(dir, c"threads", 0, Some(show_threads), Some(store_threads))?;
        files.file(dir, c"pages", 0, Some(show_pages), Some(store_pages))?;
        files.file(dir, c"run", 0, None, Some(store_run))?;
        files.file(dir, c"result", 0, Some(show_result), None)?;
        Ok(Self { _files: files })
    }
}

/// How the next run is done, and what the last successful one did.
#[pin_data]
struct Sample {
    threads: Atomic<u32>,
    pages: Atomic<u32>,
    /// Held for a whole run.
    #[pin]
    last: Mutex<Option<Report>>,
}

impl Sample {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            threads: Atomic::new(0),
            pages: Atomic::new(PAGES_DEFAULT),
            last <- new_mutex!(None),
        })
    }

    fn run(&self) -> Result {
        let mut last = self.last.lock();
        let pages = self.pages.load(Relaxed) as usize;
        let threads = self.threads.load(Relaxed) as usize;
        *last = Some(run_once(pages, threads)?);
        Ok(())
    }
}

/// What a run did.
struct Report {
    pages: usize,
    freed: usize,
    threads_asked: usize,
    chunks: usize,
    chunks_of_helpers: usize,
    time_ns: i64,
    verified: bool,
}

fn run_once(pages: usize, threads: usize) -> Result<Report> {
    let list = PageList::new(pages)
        .inspect_err(|error| pr_err!("cannot make a list of {pages} pages: {error:?}\n"))?;
    let caller = current!().pid();
    let chunks = Atomic::new(0usize);
    let chunks_of_helpers = Atomic::new(0usize);

    let start = Instant::<Monotonic>::now();
    let freed = list.free(threads, || {
        chunks.add(1, Relaxed);
        if current!().pid() != caller {
            chunks_of_helpers.add(1, Relaxed);
        }
    })?;
    let time_ns = start.elapsed().as_nanos();

    // Numbers from 0 on, each of them once.
    let numbers = pages * pages.saturating_sub(1) / 2;
    Ok(Report {
        pages,
        freed: freed.pages,
        threads_asked: threads,
        chunks: chunks.load(Relaxed),
        chunks_of_helpers: chunks_of_helpers.load(Relaxed),
        time_ns,
        verified: freed.pages == pages && freed.numbers == numbers,
    })
}

fn show_threads(sample: &Sample, _: usize, out: &SeqFile) {
    seq_print!(out, "{}\n", sample.threads.load(Relaxed));
}

fn store_threads(sample: &Sample, _: usize, text: &str) -> Result {
    sample
        .threads
        .store(number(text, 0..=THREADS_MAX)?, Relaxed);
    Ok(())
}

fn show_pages(sample: &Sample, _: usize, out: &SeqFile) {
    seq_print!(out, "{}\n", sample.pages.load(Relaxed));
}

fn store_pages(sample: &Sample, _: usize, text: &str) -> Result {
    sample.pages.store(number(text, 0..=u32::MAX)?, Relaxed);
    Ok(())
}

fn store_run(sample: &Sample, _: usize, text: &str) -> Result {
    number(text, 1..=1)?;
    sample.run()
}

fn show_result(sample: &Sample, _: usize, out: &SeqFile) {
    let last = sample.last.lock();
    let Some(report) = &*last else {
        return;
    };
    seq_print!(out, "pages {}\n", report.pages);
    seq_print!(out, "freed {}\n", report.freed);
    seq_print!(out, "threads_asked {}\n", report.threads_asked);
    seq_print!(out, "chunks {}\n", report.chunks);
    seq_print!(out, "chunks_of_helpers {}\n", report.chunks_of_helpers);
    seq_print!(out, "time_ns {}\n", report.time_ns);
    let verified = if report.verified { "yes" } else { "no" };
    seq_print!(out, "verified {verified}\n");
}

/// Parses a decimal number: `EINVAL` if it is none, `ERANGE` if it is outside `allowed`.
fn number(text: &str, allowed: RangeInclusive<u32>) -> Result<u32> {
    let value: u64 = text.parse().map_err(|_| EINVAL)?;
    u32::try_from(value)
        .ok()
        .filter(|value| allowed.contains(value))
        .ok_or(ERANGE)
}

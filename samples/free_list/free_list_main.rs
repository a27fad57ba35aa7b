// SPDX-License-Identifier: GPL-2.0

//! A sample consumer of ktask whose work has no numbers: frees a linked list of pages.
//!
//! Writing 1 to `/sys/kernel/debug/free_list/run` makes a list of `pages` pages, and then wipes and
//! frees all of them with `threads` threads (0: as many as ktask's `max_threads` knob says). Where a
//! chunk ends is found by walking the list. `result` tells what the last successful run did.

use core::ops::RangeInclusive;
use kernel::{
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};
use list::PageList;
use runs::{
    Job,
    Sample, //
};

#[path = "../../lib/debugfs/debugfs.rs"]
mod debugfs;
#[path = "../lib/helpers.rs"]
mod helpers;
mod ktask {
    include!(env!("KTASK_RS"));
}
mod list;
#[path = "../lib/runs.rs"]
mod runs;

module! {
    type: FreeList,
    name: "free_list",
    authors: ["ktask_rs contributors"],
    description: "A sample consumer of ktask: frees a linked list of pages",
    license: "GPL",
}

/// 64 MiB of pages of 4 KiB.
const PAGES_DEFAULT: u32 = 16384;

/// The loaded module: its files, which hold all else.
struct FreeList {
    // Removing the files waits for a run.
    _files: debugfs::Tree<Sample<Free>>,
}

impl kernel::Module for FreeList {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let files = runs::files(c"free_list", Free, PAGES_DEFAULT)?;
        Ok(Self { _files: files })
    }
}

/// Freeing a list.
struct Free;

impl Job for Free {
    type Report = Report;

    const PAGES: RangeInclusive<u32> = 0..=u32::MAX;

    fn run(&self, pages: usize, threads: usize) -> Result<Report> {
        run_once(pages, threads)
    }

    fn check(_: &Report) -> Result {
        Ok(())
    }

    fn show(report: &Report, out: &SeqFile) {
        seq_print!(out, "pages {}\n", report.pages);
        seq_print!(out, "freed {}\n", report.freed);
        seq_print!(out, "threads_asked {}\n", report.threads_asked);
        seq_print!(out, "chunks {}\n", report.chunks);
        seq_print!(out, "chunks_of_helpers {}\n", report.chunks_of_helpers);
        seq_print!(out, "time_ns {}\n", report.time_ns);
        let verified = if report.verified { "yes" } else { "no" };
        seq_print!(out, "verified {verified}\n");
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

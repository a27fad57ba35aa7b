// SPDX-License-Identifier: GPL-2.0

//! A sample consumer of ktask in Rust: clears gigantic pages with several threads.
//!
//! Writing 1 to `/sys/kernel/debug/clear_gigantic/run` takes `pages` pages of 1 GiB from the node
//! `node`, fills them with a pattern, clears them with `threads` threads (0: as many as ktask's
//! `max_threads` knob says) and looks at every word of them. `result` tells what the last
//! successful run did.

use core::ops::RangeInclusive;
use debugfs::number;
use gigantic_page::{
    GiganticPage,
    BLOCKS,
    BLOCK_SIZE, //
};
use kernel::{
    cpu,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sizes::SZ_8M,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        Instant,
        Monotonic, //
    },
};
use runs::{
    Job,
    Sample, //
};

#[path = "../../lib/debugfs/debugfs.rs"]
mod debugfs;
mod gigantic_page;
#[path = "../lib/helpers.rs"]
mod helpers;
mod ktask {
    include!(env!("KTASK_RS"));
}
#[path = "../lib/runs.rs"]
mod runs;

module! {
    type: ClearGigantic,
    name: "clear_gigantic",
    authors: ["ktask_rs contributors"],
    description: "A sample consumer of ktask: clears gigantic pages",
    license: "GPL",
}

/// The fewest blocks of a chunk. It is about a millisecond of clearing: far more than starting a
/// helper costs, and little enough that many threads get work and end at about the same time.
const MIN_CHUNK: usize = SZ_8M / BLOCK_SIZE;

/// What is in the pages before. No byte of it is zero, so a word that was not cleared cannot look
/// as if.
const PATTERN: u64 = 0xa5a5_a5a5_a5a5_a5a5;

const PAGES_DEFAULT: u32 = 1;
const PAGES_MAX: u32 = 65536;

/// The loaded module: its files, which hold all else.
struct ClearGigantic {
    // Removing the files waits for a run.
    _files: debugfs::Tree<Sample<Clear>>,
}

impl kernel::Module for ClearGigantic {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let clear = Clear {
            node: Atomic::new(gigantic_page::first_node()),
        };
        let mut files = runs::files(c"clear_gigantic", clear, PAGES_DEFAULT)?;
        let dir = files.root();
        files.file(dir, c"node", (), Some(show_node), Some(store_node))?;
        Ok(Self { _files: files })
    }
}

/// Clearing pages of a node.
struct Clear {
    node: Atomic<i32>,
}

impl Job for Clear {
    type Report = Report;

    const PAGES: RangeInclusive<u32> = 1..=PAGES_MAX;

    fn run(&self, pages: usize, threads: usize) -> Result<Report> {
        run_once(self.node.load(Relaxed), pages, threads)
    }

    fn check(report: &Report) -> Result {
        if report.bad_words != 0 {
            pr_err!("{} words were not cleared\n", report.bad_words);
            return Err(EIO);
        }
        Ok(())
    }

    fn show(report: &Report, out: &SeqFile) {
        seq_print!(out, "node {}\n", report.node);
        seq_print!(out, "pages {}\n", report.pages);
        seq_print!(out, "bytes {}\n", report.pages * BLOCKS * BLOCK_SIZE);
        seq_print!(out, "threads_asked {}\n", report.threads_asked);
        seq_print!(out, "threads_used {}\n", report.threads_used);
        seq_print!(out, "chunks {}\n", report.chunks);
        seq_print!(out, "time_ns {}\n", report.time_ns);
        seq_print!(out, "local_bytes {}\n", report.local_bytes);
        seq_print!(out, "bad_words {}\n", report.bad_words);
        let verified = if report.bad_words == 0 { "yes" } else { "no" };
        seq_print!(out, "verified {verified}\n");
    }
}

fn show_node(sample: &Sample<Clear>, (): (), out: &SeqFile) {
    seq_print!(out, "{}\n", sample.job.node.load(Relaxed));
}

fn store_node(sample: &Sample<Clear>, (): (), text: &str) -> Result {
    let node = i32::try_from(number(text, 0..=u32::MAX)?)?;
    if !gigantic_page::node_has_memory(node) {
        return Err(EINVAL);
    }
    sample.job.node.store(node, Relaxed);
    Ok(())
}

/// What a run did.
struct Report {
    node: i32,
    pages: usize,
    threads_asked: usize,
    threads_used: usize,
    chunks: usize,
    time_ns: i64,
    local_bytes: usize,
    bad_words: usize,
}

fn run_once(node: i32, pages: usize, threads: usize) -> Result<Report> {
    let mut memory = allocate(node, pages)?;
    memory.iter_mut().try_for_each(|page| page.fill(PATTERN))?;

    let tally = Tally::new(node)?;
    let mut parts = parts(node, pages)?;
    let start = Instant::<Monotonic>::now();
    ktask::Task::new()
        .min_chunk(MIN_CHUNK)
        .max_threads(threads)
        .run_parts(&mut parts, |chunk| {
            tally.count_chunk();
            for block in chunk {
                tally.count_block();
                let page = memory.get(block / BLOCKS).ok_or(EINVAL)?;
                // Only the caller can be killed; its error stops the helpers too.
                page.clear(block % BLOCKS)?;
            }
            Ok(())
        })?;
    let time_ns = start.elapsed().as_nanos();

    // In one thread and without ktask, whose work is what this is to judge.
    let mut bad_words = 0;
    for page in &mut memory {
        bad_words += page.nonzero_words()?;
    }
    Ok(Report {
        node,
        pages,
        threads_asked: threads,
        threads_used: tally.threads(),
        chunks: tally.chunks.load(Relaxed),
        time_ns,
        local_bytes: tally.local_blocks.load(Relaxed) * BLOCK_SIZE,
        bad_words,
    })
}

fn allocate(node: i32, pages: usize) -> Result<KVVec<GiganticPage>> {
    let mut memory = KVVec::with_capacity(pages, GFP_KERNEL)?;
    for number in 1..=pages {
        let page = GiganticPage::new(node).inspect_err(|error| {
            pr_err!("node {node}: cannot get GiB {number} of {pages}: {error:?}\n")
        })?;
        memory.push(page, GFP_KERNEL)?;
    }
    Ok(memory)
}

/// Every page is a node part of its own; the unit is the block, counted through all pages.
fn parts(node: i32, pages: usize) -> Result<KVVec<ktask::Part>> {
    let mut parts = KVVec::with_capacity(pages, GFP_KERNEL)?;
    for page in 0..pages {
        let part = ktask::Part::new(node, page * BLOCKS..(page + 1) * BLOCKS);
        parts.push(part, GFP_KERNEL)?;
    }
    Ok(parts)
}

/// What the threads of a run tell about themselves.
struct Tally {
    node: i32,
    /// The process id of each thread seen; what is unused is 0.
    pids: KVVec<Atomic<i32>>,
    chunks: Atomic<usize>,
    local_blocks: Atomic<usize>,
}

impl Tally {
    fn new(node: i32) -> Result<Self> {
        // A task has no more threads than there are CPUs, so all find a place.
        let cpus = cpu::nr_cpu_ids() as usize;
        let mut pids = KVVec::with_capacity(cpus, GFP_KERNEL)?;
        for _ in 0..cpus {
            pids.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self {
            node,
            pids,
            chunks: Atomic::new(0),
            local_blocks: Atomic::new(0),
        })
    }

    fn count_chunk(&self) {
        self.chunks.add(1, Relaxed);
        let pid = current!().pid();
        for place in &self.pids {
            match place.cmpxchg(0, pid, Relaxed) {
                Err(seen) if seen != pid => continue,
                _ => return,
            }
        }
    }

    fn count_block(&self) {
        if gigantic_page::this_node() == self.node {
            self.local_blocks.add(1, Relaxed);
        }
    }

    fn threads(&self) -> usize {
        self.pids
            .iter()
            .filter(|place| place.load(Relaxed) != 0)
            .count()
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A sample that does its job when it is told to: its files in debugfs.
//!
//! Writing 1 to `run` does the job with `pages` pages and `threads` threads (0: as many as ktask's
//! `max_threads` knob says). `result` tells what the last run did.

use crate::debugfs::{
    self,
    number, //
};
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
};

const THREADS_MAX: u32 = 65536;

/// What a sample does.
pub(crate) trait Job: Send + Sync + 'static {
    /// What a run did.
    type Report: Send + Unpin;

    /// How many pages a run may have.
    const PAGES: RangeInclusive<u32>;

    /// Does it. `threads` is 0 for as many as ktask takes by itself.
    fn run(&self, pages: usize, threads: usize) -> Result<Self::Report>;

    /// An error if the report is not what it has to be. It is shown all the same.
    fn check(report: &Self::Report) -> Result;

    /// One line for each thing it says.
    fn show(report: &Self::Report, out: &SeqFile);
}

/// How the next run is done, and what the last one did.
#[pin_data]
pub(crate) struct Sample<J: Job> {
    pub(crate) job: J,
    threads: Atomic<u32>,
    pages: Atomic<u32>,
    /// Held for a whole run.
    #[pin]
    last: Mutex<Option<J::Report>>,
}

/// Creates the files, which go when the result is dropped; that waits for a run. May sleep.
pub(crate) fn files<J: Job>(name: &CStr, job: J, pages: u32) -> Result<debugfs::Tree<Sample<J>>> {
    let sample = Arc::pin_init(Sample::new(job, pages), GFP_KERNEL)?;
    let mut files = debugfs::Tree::new(name, sample);
    let dir = files.root();
    files.file(dir, c"threads", (), Some(show_threads), Some(store_threads))?;
    files.file(dir, c"pages", (), Some(show_pages), Some(store_pages))?;
    files.file(dir, c"run", (), None, Some(store_run))?;
    files.file(dir, c"result", (), Some(show_result), None)?;
    Ok(files)
}

impl<J: Job> Sample<J> {
    fn new(job: J, pages: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            job,
            threads: Atomic::new(0),
            pages: Atomic::new(pages),
            last <- new_mutex!(None),
        })
    }

    fn run(&self) -> Result {
        let mut last = self.last.lock();
        let pages = self.pages.load(Relaxed) as usize;
        let threads = self.threads.load(Relaxed) as usize;
        let report = self.job.run(pages, threads)?;
        J::check(last.insert(report))
    }
}

fn show_threads<J: Job>(sample: &Sample<J>, (): (), out: &SeqFile) {
    seq_print!(out, "{}\n", sample.threads.load(Relaxed));
}

fn store_threads<J: Job>(sample: &Sample<J>, (): (), text: &str) -> Result {
    sample
        .threads
        .store(number(text, 0..=THREADS_MAX)?, Relaxed);
    Ok(())
}

fn show_pages<J: Job>(sample: &Sample<J>, (): (), out: &SeqFile) {
    seq_print!(out, "{}\n", sample.pages.load(Relaxed));
}

fn store_pages<J: Job>(sample: &Sample<J>, (): (), text: &str) -> Result {
    sample.pages.store(number(text, J::PAGES)?, Relaxed);
    Ok(())
}

fn store_run<J: Job>(sample: &Sample<J>, (): (), text: &str) -> Result {
    match number(text, 0..=u32::MAX)? {
        1 => sample.run(),
        _ => Err(EINVAL),
    }
}

fn show_result<J: Job>(sample: &Sample<J>, (): (), out: &SeqFile) {
    if let Some(report) = &*sample.last.lock() {
        J::show(report, out);
    }
}

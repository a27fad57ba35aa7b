// SPDX-License-Identifier: GPL-2.0

//! Tests of the Rust interface. Loading the module runs them all; it fails with `EIO` if one
//! fails, and the log says which.

use core::cell::Cell;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

mod ktask {
    include!(env!("KTASK_RS"));
}
mod rust_walks;

module! {
    type: KtaskTestRust,
    name: "ktask_test_rust",
    authors: ["ktask_rs contributors"],
    description: "Tests of ktask's Rust interface",
    license: "GPL",
}

const UNITS: usize = 1000;

struct KtaskTestRust;

impl kernel::Module for KtaskTestRust {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        check("p1_every_unit_once", every_unit_once)?;
        check("p1_parts", parts)?;
        check("p7_first_error", first_error)?;
        check("p8_undo", undo)?;
        check("p9_impossible_node", impossible_node)?;
        check("p6_nested", nested)?;
        check("p9_backward_range", backward_range)?;
        check("p9_range_beyond_all_numbers", range_beyond_all_numbers)?;
        check("p8_undo_in_the_caller", undo_in_the_caller)?;
        check("closures_are_dropped_once", closures_are_dropped_once)?;
        rust_walks::run_all()?;
        Ok(Self)
    }
}

fn check(name: &str, test: fn() -> Result<bool>) -> Result {
    let result = test();
    if result == Ok(true) {
        return Ok(());
    }
    pr_err!("{name}: failed: {result:?}\n");
    Err(EIO)
}

/// How often each unit was seen.
struct Seen(KVec<Atomic<u32>>);

impl Seen {
    fn new() -> Result<Self> {
        let mut counts = KVec::with_capacity(UNITS, GFP_KERNEL)?;
        for _ in 0..UNITS {
            counts.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self(counts))
    }

    fn add(&self, chunk: core::ops::Range<usize>, by: i32) {
        for unit in chunk {
            if let Some(count) = self.0.get(unit) {
                count.fetch_add(by as u32, Relaxed);
            }
        }
    }

    fn all(&self, expected: u32) -> bool {
        self.0.iter().all(|count| count.load(Relaxed) == expected)
    }
}

fn every_unit_once() -> Result<bool> {
    let seen = Seen::new()?;
    ktask::Task::new().min_chunk(7).run(0..UNITS, |chunk| {
        seen.add(chunk, 1);
        Ok(())
    })?;
    Ok(seen.all(1))
}

fn parts() -> Result<bool> {
    let seen = Seen::new()?;
    let mut parts = [
        ktask::Part::new(0, 0..UNITS / 3),
        ktask::Part::new(ktask::NO_NODE, UNITS / 3..UNITS),
    ];
    ktask::Task::new()
        .max_threads(3)
        .run_parts(&mut parts, |chunk| {
            seen.add(chunk, 1);
            Ok(())
        })?;
    Ok(seen.all(1))
}

fn first_error() -> Result<bool> {
    let result = ktask::Task::default().run(0..UNITS, |chunk| {
        if chunk.contains(&(UNITS / 2)) {
            Err(ENOSPC)
        } else {
            Ok(())
        }
    });
    Ok(result == Err(ENOSPC))
}

fn undo() -> Result<bool> {
    let seen = Seen::new()?;
    let mut undone = 0;
    let result = ktask::Task::new().min_chunk(10).run_or_undo(
        0..UNITS,
        |chunk| {
            if chunk.end == UNITS {
                return Err(EAGAIN);
            }
            seen.add(chunk, 1);
            Ok(())
        },
        |range| {
            undone += range.len();
            seen.add(range, -1);
        },
    );
    let mut parts = [ktask::Part::new(ktask::NO_NODE, 0..UNITS)];
    let again = ktask::Task::new().run_parts_or_undo(
        &mut parts,
        |_| Err(EBUSY),
        |_| pr_err!("nothing completed\n"),
    );
    Ok(result == Err(EAGAIN) && seen.all(0) && undone < UNITS && again == Err(EBUSY))
}

fn impossible_node() -> Result<bool> {
    let mut parts = [ktask::Part::new(i32::MAX, 0..UNITS)];
    Ok(ktask::Task::new().run_parts(&mut parts, |_| Ok(())) == Err(EINVAL))
}

fn nested() -> Result<bool> {
    let seen = Seen::new()?;
    ktask::Task::new().min_chunk(100).run(0..UNITS, |outer| {
        ktask::Task::new().min_chunk(10).run(outer, |middle| {
            ktask::Task::new().run(middle, |inner| {
                seen.add(inner, 1);
                Ok(())
            })
        })
    })?;
    Ok(seen.all(1))
}

fn backward_range() -> Result<bool> {
    let (start, end) = (UNITS, 0);
    Ok(ktask::Task::new().run(start..end, |_| Err(EIO)) == Ok(()))
}

/// A walk of numbers has no last one, a range has.
fn range_beyond_all_numbers() -> Result<bool> {
    let mut parts = [ktask::Part::walk(ktask::NO_NODE, usize::MAX, 1)];
    Ok(ktask::Task::new().run_parts(&mut parts, |_| Ok(())) == Err(EINVAL))
}

/// So what it uses need not be fit for several threads.
fn undo_in_the_caller() -> Result<bool> {
    let caller = current!().pid();
    let undone = Cell::new(0);
    let elsewhere = Cell::new(false);
    let result = ktask::Task::new().min_chunk(10).run_or_undo(
        0..UNITS,
        |chunk| {
            if chunk.end == UNITS {
                return Err(EAGAIN);
            }
            Ok(())
        },
        |range| {
            undone.set(undone.get() + range.len());
            elsewhere.set(elsewhere.get() || current!().pid() != caller);
        },
    );
    Ok(result == Err(EAGAIN) && undone.get() < UNITS && !elsewhere.get())
}

/// Counts how often values of it are dropped.
struct Counted<'a>(&'a Atomic<u32>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.add(1, Relaxed);
    }
}

fn closures_are_dropped_once() -> Result<bool> {
    let drops = Atomic::new(0);
    let (in_work, in_undo) = (Counted(&drops), Counted(&drops));
    let result = ktask::Task::new().min_chunk(10).run_or_undo(
        0..UNITS,
        move |chunk| {
            let alive = &in_work;
            if chunk.end == UNITS || alive.0.load(Relaxed) != 0 {
                return Err(EAGAIN);
            }
            Ok(())
        },
        move |_| {
            let _alive = &in_undo;
        },
    );
    Ok(result == Err(EAGAIN) && drops.load(Relaxed) == 2)
}

/// The threads of a task, as far as it matters whether they are several.
struct Threads {
    first: Atomic<i32>,
    several: Atomic<bool>,
    since: Instant<Monotonic>,
}

impl Threads {
    /// How long a second thread has to come. It has none, where there is one CPU.
    const PATIENCE: Delta = Delta::from_secs(3);

    fn new() -> Self {
        Self {
            first: Atomic::new(0),
            several: Atomic::new(false),
            since: Instant::now(),
        }
    }

    /// Counts the calling thread, and waits until there is another.
    fn meet(&self) {
        let pid = current!().pid();
        if self
            .first
            .cmpxchg(0, pid, Relaxed)
            .is_err_and(|other| other != pid)
        {
            self.several.store(true, Relaxed);
        }
        while !self.several() && self.since.elapsed() < Self::PATIENCE {
            fsleep(Delta::from_millis(1));
        }
    }

    fn several(&self) -> bool {
        self.several.load(Relaxed)
    }
}

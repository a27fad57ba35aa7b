// SPDX-License-Identifier: GPL-2.0

//! Tests of the Rust interface. Loading the module runs them all; it fails with `EIO` if one
//! fails, and the log says which.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

mod ktask {
    include!(env!("KTASK_RS"));
}

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
        check("p1_every_unit_once", every_unit_once()?)?;
        check("p1_parts", parts()?)?;
        check("p7_first_error", first_error()?)?;
        check("p8_undo", undo()?)?;
        check("p9_impossible_node", impossible_node())?;
        check("p6_nested", nested()?)?;
        Ok(Self)
    }
}

fn check(name: &str, ok: bool) -> Result {
    if ok {
        return Ok(());
    }
    pr_err!("{name}: failed\n");
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

fn impossible_node() -> bool {
    let mut parts = [ktask::Part::new(i32::MAX, 0..UNITS)];
    ktask::Task::new().run_parts(&mut parts, |_| Ok(())) == Err(EINVAL)
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

// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/policy/undo.rs`.

use crate::{
    ktask::{
        policy::{
            chunk::{
                Chunk,
                Sizes, //
            },
            undo::{
                completed, //
                Failed,
            }, //
        },
        protocol::part::Part, //
    },
    util::{
        config,
        fewer_cases,
        positive, //
        Random,
    }, //
};
use proptest::{
    collection::vec,
    prelude::*, //
};
use std::{
    sync::{
        atomic::{
            AtomicBool,
            AtomicU32,
            Ordering, //
        },
        Barrier,
        Mutex, //
    },
    thread, //
};

/// A part of which some chunks were claimed.
#[derive(Clone, Debug)]
struct Claimed {
    /// Length of each chunk and whether it failed.
    chunks: Vec<(usize, bool)>,
    /// The positions between chunks; one more than there are chunks.
    positions: Vec<usize>,
}

impl Claimed {
    fn units(&self) -> usize {
        self.chunks.iter().map(|&(len, _)| len).sum()
    }

    fn failed(&self, part: usize) -> Vec<Failed> {
        let mut offset = 0;
        let mut failed = Vec::new();
        for (index, &(len, fails)) in self.chunks.iter().enumerate() {
            if fails {
                let chunk = Chunk {
                    offset,
                    len,
                    start: self.positions[index],
                    end: self.positions[index + 1],
                };
                failed.push(Failed { part, chunk });
            }
            offset += len;
        }
        failed
    }

    /// What is to be undone according to a table of all units: the longest runs of completed ones,
    /// as the positions where they start and end.
    fn expected(&self) -> Vec<(usize, usize)> {
        let mut done = Vec::new();
        let mut position_at = vec![None; self.units() + 1];
        for (index, &(len, fails)) in self.chunks.iter().enumerate() {
            position_at[done.len()] = Some(self.positions[index]);
            done.extend(vec![!fails; len]);
        }
        position_at[done.len()] = self.positions.last().copied();
        let mut ranges = Vec::new();
        let mut unit = 0;
        for run in done.chunk_by(|left, right| left == right) {
            let after = unit + run.len();
            if run[0] {
                // A run starts and ends where chunks do.
                ranges.push((position_at[unit].unwrap(), position_at[after].unwrap()));
            }
            unit = after;
        }
        ranges
    }
}

/// What `completed` says about one part.
fn undone(index: usize, part: &Claimed, failed: &[Failed]) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    completed(
        index,
        part.positions[0],
        part.units(),
        part.positions[part.chunks.len()],
        failed.iter().copied(),
        |start, end| ranges.push((start, end)),
    );
    ranges
}

fn claimed() -> impl Strategy<Value = Claimed> {
    let chunks = vec((1usize..20, prop::bool::weighted(0.3)), 0..30);
    // Positions are numbers that grow with the units, or whatever an iterator makes of them.
    (chunks, vec(any::<usize>(), 31), any::<bool>(), any::<u32>()).prop_map(
        |(chunks, mut positions, walks, start)| {
            positions.truncate(chunks.len() + 1);
            if !walks {
                positions[0] = start as usize;
                for (index, &(len, _)) in chunks.iter().enumerate() {
                    positions[index + 1] = positions[index] + len;
                }
            }
            Claimed { chunks, positions }
        },
    )
}

#[test]
fn p8_nothing_claimed_nothing_undone() {
    completed(0, 7, 0, 7, [].into_iter(), |_, _| unreachable!());
}

#[test]
fn p8_all_failed_nothing_undone() {
    let part = Claimed {
        chunks: vec![(3, true), (4, true)],
        positions: vec![10, 13, 17],
    };
    assert_eq!(undone(0, &part, &part.failed(0)), []);
}

#[test]
fn p8_all_completed_is_one_range() {
    let part = Claimed {
        chunks: vec![(3, false), (4, false)],
        positions: vec![10, 13, 17],
    };
    assert_eq!(undone(0, &part, &[]), [(10, 17)]);
    // Failures elsewhere are no concern of this part.
    let other = Claimed {
        chunks: vec![(5, true)],
        positions: vec![10, 15],
    };
    assert_eq!(undone(0, &part, &other.failed(1)), [(10, 17)]);
}

#[test]
fn p8_ends_of_the_address_space() {
    let whole = Claimed {
        chunks: vec![(usize::MAX, true)],
        positions: vec![0, usize::MAX],
    };
    assert_eq!(undone(0, &whole, &whole.failed(0)), []);
    let last = Claimed {
        chunks: vec![(usize::MAX - 1, false), (1, true)],
        positions: vec![0, usize::MAX - 1, usize::MAX],
    };
    assert_eq!(undone(0, &last, &last.failed(0)), [(0, usize::MAX - 1)]);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p8_completed_units_are_undone_once_in_longest_ranges(
        parts in vec(claimed(), 1..4), order: u64,
    ) {
        let mut failed: Vec<_> = parts
            .iter()
            .enumerate()
            .flat_map(|(index, part)| part.failed(index))
            .collect();
        // They come in the order in which helpers were started, which is none.
        let mut random = Random::new(order);
        for last in (1..failed.len()).rev() {
            failed.swap(last, random.below(last + 1));
        }
        for (index, part) in parts.iter().enumerate() {
            prop_assert_eq!(undone(index, part, &failed), part.expected());
        }
    }
}

/// Runs a task of real threads on `part`, each of which stops at its own first failure; the chunks
/// that hold a unit of `bad` fail. Counts how often each unit was done; returns the failures.
fn run_task(part: &Part, min: usize, bad: &[usize], done: &[AtomicU32]) -> Vec<Failed> {
    const WORKERS: usize = 3;
    let error = AtomicBool::new(false);
    let failures = Mutex::new(Vec::new());
    let start = Barrier::new(WORKERS);
    let worker = || {
        let mut claims = part.claims(Sizes::new(part.size(), min, WORKERS));
        start.wait();
        while !error.load(Ordering::Relaxed) {
            let Some(chunk) = claims.next(0) else {
                return;
            };
            if bad
                .iter()
                .any(|unit| (chunk.start..chunk.end).contains(unit))
            {
                error.store(true, Ordering::Relaxed);
                failures.lock().unwrap().push(Failed { part: 0, chunk });
                return;
            }
            for unit in &done[chunk.start..chunk.end] {
                unit.fetch_add(1, Ordering::Relaxed);
            }
            thread::yield_now();
        }
    };
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(worker);
        }
    });
    failures.into_inner().unwrap()
}

proptest! {
    #![proptest_config(fewer_cases(4))]

    #[test]
    fn p8_failed_task_of_threads_leaves_nothing_done(
        size in 1usize..3000,
        offset in 0usize..100,
        min in positive().prop_map(|min| min % 50),
        bad in vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let bad: Vec<_> = bad.into_iter().map(|index| offset + index.index(size)).collect();
        let done: Vec<_> = (0..offset + size).map(|_| AtomicU32::new(0)).collect();
        let part = Part::new(offset, size, 0);
        let failed = run_task(&part, min, &bad, &done);
        prop_assert!(!failed.is_empty());
        completed(
            0,
            part.start(),
            part.claimed(),
            part.claimed_end(false),
            failed.iter().copied(),
            |start, end| {
                for unit in &done[start..end] {
                    // Underflows, and so is not 0 below, for what was not done.
                    unit.fetch_sub(1, Ordering::Relaxed);
                }
            },
        );
        prop_assert!(done.iter().all(|unit| unit.load(Ordering::Relaxed) == 0));
    }
}

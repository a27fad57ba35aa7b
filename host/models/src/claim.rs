// SPDX-License-Identifier: GPL-2.0

//! Threads that claim chunks of the same part.

use super::{
    explore,
    Bug,
    Handed, //
};
use crate::ktask::{
    policy::chunk::{
        Chunk,
        Sizes, //
    },
    protocol::part::{
        Claims,
        Part, //
    }, //
};
use loom::{
    sync::Mutex,
    thread, //
};
use std::sync::Arc;

/// A part, its iterator lock, and its units.
struct World {
    part: Part,
    min: usize,
    iterator: Mutex<()>,
    units: Vec<Handed<u32>>,
}

impl World {
    fn new(start: usize, size: usize, min: usize) -> Arc<Self> {
        Arc::new(Self {
            part: Part::new(start, size, 0),
            min,
            iterator: Mutex::new(()),
            units: (0..size).map(|_| Handed::new(0)).collect(),
        })
    }

    fn sizes(&self) -> Sizes {
        Sizes::new(self.part.size(), self.min, 2)
    }

    /// Claims and does chunks until there are none; returns how many units these had.
    fn drain(&self, claim: impl Fn(&Self, &mut Claims<'_>) -> Option<Chunk>) -> usize {
        let mut done = 0;
        let mut claims = self.part.claims(self.sizes());
        while let Some(chunk) = claim(self, &mut claims) {
            for unit in &self.units[chunk.offset..chunk.offset + chunk.len] {
                unit.write(|times| *times += 1);
            }
            done += chunk.len;
        }
        done
    }

    /// All threads have ended.
    fn check(&self, done: usize) {
        assert_eq!(done, self.units.len());
        assert_eq!((self.part.claimed(), self.part.remaining()), (done, 0));
        for unit in &self.units {
            unit.read(|&times| assert_eq!(times, 1));
        }
    }
}

/// Has `threads` threads claim a part of `size` units, `min` at a time.
fn claimed_by(
    threads: usize,
    size: usize,
    min: usize,
    claim: impl Fn(&World, &mut Claims<'_>) -> Option<Chunk> + Copy + Send + Sync + 'static,
) {
    let world = World::new(10, size, min);
    let others: Vec<_> = (1..threads)
        .map(|_| {
            let world = world.clone();
            thread::spawn(move || world.drain(claim))
        })
        .collect();
    let mine = world.drain(claim);
    let theirs: usize = others.into_iter().map(|other| other.join().unwrap()).sum();
    world.check(mine + theirs);
}

fn claim_range(_: &World, claims: &mut Claims<'_>) -> Option<Chunk> {
    let chunk = claims.next(0)?;
    assert_eq!(chunk.start, 10 + chunk.offset);
    Some(chunk)
}

#[test]
fn p1_two_threads_claim() {
    // Two chunks of 2 units, then one of 1.
    explore(100, || claimed_by(2, 5, 2, claim_range));
}

#[test]
fn p1_three_threads_claim() {
    explore(100, || claimed_by(3, 2, 1, claim_range));
}

/// Two threads that walk, with positions that tell whether the walk is one.
fn walk(bug: Bug) {
    claimed_by(2, 3, 1, move |world, _| {
        let lock = (bug != Bug::IteratesUnlocked).then(|| world.iterator.lock().unwrap());
        let chunk = world
            .part
            .claim_walk(world.sizes(), 0, |position, len| Some(position * 2 + len));
        drop(lock);
        let chunk = chunk?;
        // Chunks of one unit: 10, 21, 43, 87.
        let position = (0..chunk.offset).fold(10, |position, _| position * 2 + 1);
        assert_eq!((chunk.start, chunk.end), (position, position * 2 + 1));
        Some(chunk)
    });
}

#[test]
fn p1_two_threads_walk() {
    explore(10, || walk(Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn iterating_unlocked_is_found() {
    explore(1, || walk(Bug::IteratesUnlocked));
}

// SPDX-License-Identifier: GPL-2.0

//! Threads whose chunks fail while others claim.

use super::{
    explore,
    Bug,
    Handed, //
};
use crate::ktask::{
    policy::{
        chunk::{
            Chunk,
            Sizes, //
        },
        undo::{
            self,
            Failed, //
        }, //
    },
    protocol::{
        outcome::Outcome,
        part::{
            Claims,
            Part, //
        }, //
    }, //
};
use loom::thread;
use std::sync::{
    Arc,
    Mutex, //
};

/// A task of one part.
struct World {
    part: Part,
    outcome: Outcome,
    /// How often each unit is done and not undone.
    units: Vec<Handed<i32>>,
    /// The units whose chunk fails, with the unit itself as error.
    bad: &'static [usize],
    /// The errors in the order in which the task was told of them.
    errors: Mutex<Vec<i32>>,
}

/// What one thread has seen.
struct Seen {
    failed: Option<Failed>,
    /// The task's error when this thread stopped.
    error: i32,
}

impl World {
    /// As `Task::drain` in `ktask/engine/task.rs`.
    fn drain(&self) -> Seen {
        let mut failed = None;
        let mut claims = self.part.claims(Sizes::new(self.part.size(), 1, 2));
        while let Some(chunk) = self.claim(&mut claims) {
            let units = chunk.offset..chunk.offset + chunk.len;
            if let Some(&bad) = self.bad.iter().find(|unit| units.contains(unit)) {
                let error = bad as i32;
                self.outcome.fail(error);
                self.errors.lock().unwrap().push(error);
                failed = Some(Failed { part: 0, chunk });
                break;
            }
            for unit in &self.units[units] {
                unit.write(|times| *times += 1);
            }
        }
        let error = self.outcome.error();
        assert!(
            failed.is_none() || error != 0,
            "its own failure is forgotten"
        );
        Seen { failed, error }
    }

    fn claim(&self, claims: &mut Claims<'_>) -> Option<Chunk> {
        if self.outcome.failed() {
            return None;
        }
        claims.next(0)
    }

    fn undo(&self, failed: impl Iterator<Item = Failed> + Clone) {
        let (start, claimed) = (self.part.start(), self.part.claimed());
        let end = self.part.claimed_end(false);
        undo::completed(0, start, claimed, end, failed, |from, to| {
            for unit in &self.units[from..to] {
                unit.write(|times| *times -= 1);
            }
        });
    }
}

/// Two threads share a task of `size` units of which those of `bad` fail.
fn failing(size: usize, bad: &'static [usize], bug: Bug) {
    let world = Arc::new(World {
        part: Part::new(0, size, 0),
        outcome: Outcome::new(),
        units: (0..size).map(|_| Handed::new(0)).collect(),
        bad,
        errors: Mutex::new(Vec::new()),
    });
    let other = {
        let world = world.clone();
        thread::spawn(move || world.drain())
    };
    let mine = world.drain();
    if bug == Bug::UndoesEarly {
        world.undo(mine.failed.into_iter());
    }
    let theirs = other.join().unwrap();

    // The first error, and no other at any time.
    let error = world.outcome.error();
    assert_eq!(Some(&error), world.errors.lock().unwrap().first());
    for seen in [mine.error, theirs.error] {
        assert!(seen == 0 || seen == error, "{seen} became {error}");
    }
    // Threads stop at their own failure, at what they see of others', and at the end.
    let done = (mine.failed.iter()).chain(&theirs.failed);
    assert!(done.clone().count() == world.errors.lock().unwrap().len());
    world.undo(done.copied());
    for unit in &world.units {
        unit.read(|&times| assert_eq!(times, 0, "left as it is"));
    }
}

#[test]
fn p7_p8_one_thread_fails() {
    explore(100, || failing(4, &[1], Bug::None));
}

#[test]
fn p7_p8_two_threads_fail() {
    explore(100, || failing(4, &[1, 2], Bug::None));
}

#[test]
#[should_panic(expected = "left as it is")]
fn undoing_early_is_found() {
    explore(1, || failing(4, &[1, 2], Bug::UndoesEarly));
}

/// Once a thread knows of a failure, however it came to know, it claims nothing.
#[test]
fn p7_no_chunk_after_a_known_failure() {
    explore(2, || {
        let known = Arc::new(loom::sync::Mutex::new(false));
        let outcome = Arc::new(Outcome::new());
        let other = {
            let (known, outcome) = (known.clone(), outcome.clone());
            thread::spawn(move || {
                outcome.fail(5);
                *known.lock().unwrap() = true;
            })
        };
        let seen = outcome.failed();
        if *known.lock().unwrap() || seen {
            assert!(outcome.failed());
            outcome.fail(6);
            assert_eq!(outcome.error(), 5);
        }
        other.join().unwrap();
        assert_eq!(outcome.error(), 5);
    });
}

// SPDX-License-Identifier: GPL-2.0

//! A whole task: a caller and a helper that moves to another node, as in `ktask/engine`.
//!
//! The counters of the parts and the error are relaxed. What the caller sees of them at the end
//! rests on how helpers end.

use super::{
    explore,
    explore_preempted,
    helper::{
        Job,
        Slot,
        Verdict, //
    },
    Bug,
    Handed, //
};
use crate::ktask::policy::chunk::Sizes;
use crate::ktask::policy::threads;
use crate::ktask::policy::undo;
use crate::ktask::policy::undo::Failed;
use crate::ktask::protocol::limits::Charge;
use crate::ktask::protocol::limits::Rlim;
use crate::ktask::protocol::outcome::Outcome;
use crate::ktask::protocol::part::Part;
use std::sync::Arc;

/// A task of two parts.
struct Task {
    parts: [Part; 2],
    outcome: Outcome,
    /// How often each unit is done and not undone.
    units: [Vec<Handed<i32>>; 2],
    /// The part whose first chunk fails.
    bad: Option<usize>,
    global: Rlim,
}

impl Task {
    fn new(sizes: [usize; 2], bad: Option<usize>) -> Arc<Self> {
        let global = Rlim::new();
        global.set(Some(1));
        Arc::new(Self {
            parts: sizes.map(|size| Part::new(0, size, 0)),
            outcome: Outcome::new(),
            units: sizes.map(|size| (0..size).map(|_| Handed::new(0)).collect()),
            bad,
            global,
        })
    }

    /// Does chunks of a part; returns the one that failed.
    fn drain(&self, part: usize) -> Option<Failed> {
        let mut claims = self.parts[part].claims(Sizes::new(self.parts[part].size(), 1, 2));
        while !self.outcome.failed() {
            let chunk = claims.next(0)?;
            if self.bad == Some(part) && chunk.offset == 0 {
                self.outcome.fail(7);
                return Some(Failed { part, chunk });
            }
            for unit in &self.units[part][chunk.start..chunk.end] {
                unit.write(|times| *times += 1);
            }
        }
        None
    }

    /// Where a thread goes on after a part.
    fn next(&self, part: usize) -> Option<usize> {
        if self.outcome.failed() {
            return None;
        }
        threads::most_left(&self.parts, part)
    }

    /// As the caller's `Task::work`.
    fn work(&self) -> Option<Failed> {
        let mut next = Some(0);
        while let Some(part) = next {
            if let Some(failed) = self.drain(part) {
                return Some(failed);
            }
            next = self.next(part);
        }
        None
    }

    /// All threads have ended: checks what was done, or undoes it.
    fn finish(&self, failed: &[Failed]) {
        let failure = self.outcome.failed();
        assert_eq!(failure, self.bad.is_some(), "an error unseen");
        assert_eq!(failed.len(), usize::from(failure));
        for (index, part) in self.parts.iter().enumerate() {
            if failure {
                let end = part.claimed_end(false);
                let failed = failed.iter().copied();
                undo::completed(index, 0, part.claimed(), end, failed, |start, end| {
                    for unit in &self.units[index][start..end] {
                        unit.write(|times| *times -= 1);
                    }
                });
            }
            for unit in &self.units[index] {
                let left = unit.read(|&times| times);
                assert_eq!(left, i32::from(!failure), "a unit done or undone wrongly");
            }
        }
        assert_eq!(self.global.cur(), 0);
    }
}

impl Job for Task {
    type Report = Option<Failed>;

    fn run(&self, seat: u32) -> Verdict<Option<Failed>> {
        // Starts with the second part, and moves for the first.
        let part = if seat == 1 { 1 } else { 0 };
        let failed = self.drain(part);
        if failed.is_none() && seat == 1 && self.next(part).is_some() {
            return Verdict::Move(2);
        }
        self.withdrawn(seat);
        Verdict::Done(failed)
    }

    fn withdrawn(&self, _seat: u32) {
        Charge::Anywhere.put(&self.global, &[]);
    }
}

fn whole_task(sizes: [usize; 2], bad: Option<usize>, bug: Bug) {
    let task = Task::new(sizes, bad);
    let slot = Slot::new();
    assert_eq!(
        Charge::take(&task.global, &[], None),
        Some(Charge::Anywhere)
    );
    slot.take(&task);
    slot.start(bug);
    let mut failed: Vec<_> = task.work().into_iter().collect();
    if slot.close(&task, bug) {
        slot.wait(bug);
    }
    failed.extend(slot.finish().flatten());
    task.finish(&failed);
}

#[test]
fn p1_p3_p11_whole_task() {
    explore_preempted(3, 100, || whole_task([2, 1], None, Bug::None));
}

#[test]
fn p7_p8_p11_whole_task_fails_where_the_helper_starts() {
    explore_preempted(3, 100, || whole_task([1, 2], Some(1), Bug::None));
}

#[test]
fn p7_p8_p11_whole_task_fails_where_the_caller_starts() {
    explore_preempted(3, 100, || whole_task([2, 1], Some(0), Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn task_without_wait_is_found() {
    explore(1, || whole_task([1, 2], Some(1), Bug::NoWait));
}

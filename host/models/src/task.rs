// SPDX-License-Identifier: GPL-2.0

//! A whole task: a caller and a helper that moves to another node, as in `ktask/engine/task.rs`.
//!
//! The counters of the parts and the error are relaxed. What the caller sees of them at the end
//! rests on how helpers end.

use super::{
    explore,
    explore_preempted,
    pool::{
        assignment,
        Job,
        Member,
        Pool,
        Team, //
    },
    Bug,
    Handed, //
};
use crate::ktask::{
    policy::{
        chunk::Sizes,
        undo::{
            self,
            Failed, //
        }, //
    },
    protocol::{
        helper::{
            Assignment,
            Next,
            Origin, //
        },
        limits::{
            Limits,
            Rlim, //
        },
        outcome::Outcome,
        part::Part,
        parts, //
    }, //
};
use std::sync::Arc;

/// A task of two parts, on a node each.
struct Task {
    parts: [Part; 2],
    outcome: Outcome,
    /// How often each unit is done and not undone.
    units: [Vec<Handed<i32>>; 2],
    /// The part whose first chunk fails.
    bad: Option<usize>,
    limits: Limits<Vec<Rlim>>,
}

impl Task {
    fn new(sizes: [usize; 2], bad: Option<usize>) -> Arc<Self> {
        let limited = |_| {
            let rlim = Rlim::new();
            rlim.set(Some(1));
            rlim
        };
        let limits = Limits::new((0..2).map(limited).collect());
        limits.global.set(Some(1));
        Arc::new(Self {
            parts: [0, 1].map(|index| Part::new(0, sizes[index], index as i32)),
            outcome: Outcome::new(),
            units: sizes.map(|size| (0..size).map(|_| Handed::new(0)).collect()),
            bad,
            limits,
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
    fn most_left(&self, part: usize) -> Option<usize> {
        if self.outcome.failed() {
            return None;
        }
        parts::most_left(&self.parts, part)
    }

    /// As the caller's `Task::work`.
    fn work(&self) -> Option<Failed> {
        let mut next = Some(0);
        while let Some(part) = next {
            if let Some(failed) = self.drain(part) {
                return Some(failed);
            }
            next = self.most_left(part);
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
        assert_eq!(self.limits.global.cur(), 0);
        assert!(self.limits.nodes.iter().all(|node| node.cur() == 0));
    }

    /// As `Task::migrate`.
    fn migrate(&self, now: &Assignment, next: usize) -> Option<Assignment> {
        if now.node == Some(next) {
            return None;
        }
        Some(Assignment {
            part: next,
            grant: self.limits.move_to(now.grant, next)?,
            node: Some(next),
            origin: Origin::Move,
            ..*now
        })
    }

    /// As `Task::help`.
    fn help(&self, now: &Assignment) -> Next {
        let mut part = now.part;
        loop {
            if let Some(failed) = self.drain(part) {
                return Next::Failed(failed);
            }
            let Some(next) = self.most_left(part) else {
                return Next::Done;
            };
            if let Some(moved) = self.migrate(now, next) {
                return Next::Move(moved);
            }
            part = next;
        }
    }
}

impl Job for Task {
    fn run(&self, _member: &Member, now: Assignment) -> Next {
        let next = self.help(&now);
        if !matches!(next, Next::Move(_)) {
            self.limits.release(now.grant);
        }
        next
    }

    fn cancelled(&self, assignment: Assignment) {
        self.limits.release(assignment.grant);
    }
}

/// The caller starts with the first part, the helper with the second.
fn whole_task(sizes: [usize; 2], bad: Option<usize>, bug: Bug) {
    let task = Task::new(sizes, bad);
    let pool = Pool::new(1);
    let team = Team::new(&pool, task.clone(), bug);
    let first = Assignment {
        grant: task.limits.acquire(Some(1)).expect("there is room"),
        node: Some(1),
        ..assignment(1)
    };
    assert!(team.start(first));
    let mut failed: Vec<_> = task.work().into_iter().collect();
    failed.extend(team.join());
    task.finish(&failed);
    pool.check_idle();
}

#[test]
fn p1_p3_p11_whole_task() {
    explore_preempted(5, 1000, || whole_task([2, 1], None, Bug::None));
}

#[test]
fn p7_p8_p11_whole_task_fails_where_the_helper_starts() {
    explore_preempted(6, 1000, || whole_task([1, 2], Some(1), Bug::None));
}

#[test]
fn p7_p8_p11_whole_task_fails_where_the_caller_starts() {
    explore_preempted(6, 1000, || whole_task([2, 1], Some(0), Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn task_without_wait_is_found() {
    explore(1, || whole_task([1, 2], Some(1), Bug::NoWait));
}

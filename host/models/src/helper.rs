// SPDX-License-Identifier: GPL-2.0

//! Callers that start, cancel and wait for helpers, which move, fail and are used again.

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
        chunk::Chunk,
        undo::Failed, //
    },
    protocol::helper::{
        Assignment,
        Next, //
    }, //
};
use loom::thread;
use std::sync::{
    atomic::{
        AtomicUsize,
        Ordering, //
    },
    Arc, //
};

/// A job without work.
struct Idle {
    /// What helpers write and the caller reads.
    memory: Handed<usize>,
    /// On how many parts a helper works, where it may; the last run may fail.
    runs: usize,
    fails: bool,
    /// How many helpers have ended or were cancelled.
    over: AtomicUsize,
}

impl Job for Idle {
    fn run(&self, _member: &Member, now: Assignment) -> Next {
        if self.runs > 1 {
            // One helper at a time, moved or not.
            self.memory.write(|runs| *runs += 1);
        } else {
            self.memory.read(|_| ());
        }
        if now.part + 1 < self.runs {
            return Next::Move(assignment(now.part + 1));
        }
        if self.fails {
            self.over.fetch_add(1, Ordering::Relaxed);
            return Next::Failed(failed(now.part));
        }
        self.over.fetch_add(1, Ordering::Relaxed);
        Next::Done
    }

    fn cancelled(&self, _assignment: Assignment) {
        self.over.fetch_add(1, Ordering::Relaxed);
    }
}

fn failed(part: usize) -> Failed {
    let chunk = Chunk {
        offset: part,
        len: 1,
        start: 0,
        end: 1,
    };
    Failed { part, chunk }
}

/// What a model plays.
#[derive(Clone, Copy)]
struct Shape {
    helpers: usize,
    runs: usize,
    fails: bool,
}

const ONE: Shape = Shape {
    helpers: 1,
    runs: 1,
    fails: false,
};
const MOVING: Shape = Shape { runs: 2, ..ONE };
const TWO: Shape = Shape { helpers: 2, ..ONE };
const FAILING: Shape = Shape { fails: true, ..ONE };

/// A task, from its first helper to the end of its scope. Returns how many helpers it had.
fn task(pool: &Arc<Pool>, shape: Shape, bug: Bug) -> usize {
    let job = Arc::new(Idle {
        memory: Handed::new(0),
        runs: shape.runs,
        fails: shape.fails,
        over: AtomicUsize::new(0),
    });
    let team = Team::new(pool, job.clone(), bug);
    let helpers = (0..shape.helpers)
        .take_while(|_| team.start(assignment(0)))
        .count();
    let failures = team.join();
    // P3: the caller's memory is the caller's again.
    let runs = job.memory.write(|runs| *runs);
    assert!(runs <= shape.runs * helpers);
    // P11: each helper is counted less once.
    assert_eq!(job.over.load(Ordering::Relaxed), helpers);
    assert!(failures.len() <= helpers);
    for failure in failures {
        assert!(shape.fails && failure == failed(shape.runs - 1));
    }
    helpers
}

/// One task with as many helpers as it wants.
fn one_task(shape: Shape, bug: Bug) {
    let pool = Pool::new(shape.helpers as u32);
    assert_eq!(task(&pool, shape, bug), shape.helpers);
    pool.check_idle();
}

/// Two tasks with the same helper, one after the other.
fn one_after_the_other(first: Shape, second: Shape) {
    let pool = Pool::new(1);
    assert_eq!(task(&pool, first, Bug::None), 1);
    // Its worker may be about to free the helper.
    task(&pool, second, Bug::None);
    pool.check_idle();
}

/// Two tasks at the same time, with as many helpers as there are for both.
fn side_by_side(helpers: u32, first: Shape, second: Shape, bug: Bug) {
    let pool = Pool::new(helpers);
    let other = {
        let pool = pool.clone();
        thread::spawn(move || task(&pool, second, bug))
    };
    task(&pool, first, bug);
    other.join().unwrap();
    pool.check_idle();
}

#[test]
fn p3_p4_begin_against_cancel() {
    explore(10, || one_task(ONE, Bug::None));
}

#[test]
fn p3_p4_move_against_close() {
    explore(50, || one_task(MOVING, Bug::None));
}

#[test]
fn p3_p4_p14_two_helpers() {
    explore_preempted(5, 1000, || one_task(TWO, Bug::None));
}

#[test]
fn p8_failure_reaches_the_caller() {
    explore(10, || one_task(FAILING, Bug::None));
}

#[test]
fn p3_p4_late_worker_finds_the_next_task() {
    explore(100, || one_after_the_other(ONE, ONE));
}

#[test]
fn p3_p4_late_mover_finds_the_next_task() {
    explore_preempted(6, 1000, || one_after_the_other(MOVING, ONE));
}

#[test]
fn p8_failure_is_not_the_next_tasks() {
    explore(100, || one_after_the_other(FAILING, ONE));
}

/// A helper that has ended is used by another task while its own goes on.
#[test]
fn p3_p4_helper_is_used_again_while_its_task_goes_on() {
    explore_preempted(5, 1000, || side_by_side(1, ONE, ONE, Bug::None));
}

/// As above, where the other helper of the task goes on.
#[test]
fn p3_p4_p14_helper_is_used_again_while_another_one_runs() {
    explore_preempted(3, 1000, || side_by_side(2, TWO, ONE, Bug::None));
}

#[test]
fn p8_failed_helper_is_kept_until_its_failure_is_read() {
    explore_preempted(5, 1000, || side_by_side(1, FAILING, ONE, Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn no_wait_is_found() {
    explore(1, || one_task(ONE, Bug::NoWait));
}

#[test]
#[should_panic(expected = "deadlock")]
fn late_join_is_found() {
    explore(1, || one_task(ONE, Bug::JoinsLate));
}

#[test]
#[should_panic(expected = "moved after the scope was closed")]
fn moving_unlocked_is_found() {
    explore(1, || one_task(MOVING, Bug::MovesUnlocked));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn worker_that_stays_is_found() {
    explore(1, || one_task(MOVING, Bug::StaysWorker));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn nice_unlocked_is_found() {
    explore(1, || one_task(ONE, Bug::NiceUnlocked));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn waking_unlocked_is_found() {
    explore(1, || one_task(ONE, Bug::WakesUnlocked));
}

#[test]
#[should_panic(expected = "a free helper is not idle")]
fn freeing_the_failed_is_found() {
    explore(1, || side_by_side(1, FAILING, ONE, Bug::FreesFailed));
}

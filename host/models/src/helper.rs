// SPDX-License-Identifier: GPL-2.0

//! An owner that starts, cancels and waits for helpers: `ktask/kernel/pool.rs`, with a thread in
//! place of each work item that is queued.
//!
//! A thread that comes late stands for a worker that has taken the item off the queue when that
//! was cancelled, and, if it comes after everything else, for an item that was cancelled in time.

use super::{
    explore,
    explore_preempted,
    Bug,
    Completion,
    Handed, //
};
use crate::ktask::protocol::boost::Lending;
use crate::ktask::protocol::handshake::Closed;
use crate::ktask::protocol::handshake::Handshake;
use loom::{
    sync::Mutex,
    thread, //
};
use std::sync::{
    atomic::{
        AtomicBool,
        AtomicUsize,
        Ordering, //
    },
    Arc, //
};

/// What belongs to the caller of a task, and is gone when the call has returned.
pub(super) trait Job: Send + Sync + 'static {
    type Report: Copy + Send;

    /// Runs in the helper's worker. Seats are numbered from 1.
    fn run(&self, seat: u32) -> Verdict<Self::Report>;

    /// A helper that was to do `seat` never will.
    fn withdrawn(&self, seat: u32);
}

/// How a helper goes on.
pub(super) enum Verdict<R> {
    Done(R),
    Move(u32),
}

struct Order<J: Job> {
    job: Option<Arc<J>>,
    seat: u32,
    report: Option<J::Report>,
}

pub(super) struct Slot<J: Job> {
    hand: Handshake,
    order: Handed<Order<J>>,
    done: Completion,
    worker: Mutex<Lending<()>>,
    /// The owner has closed this slot, in the order in which things really happen here.
    closed: AtomicBool,
}

impl<J: Job> Slot<J> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            hand: Handshake::new(),
            order: Handed::new(Order {
                job: None,
                seat: 0,
                report: None,
            }),
            done: Completion::new(),
            worker: Mutex::new(Lending::new()),
            closed: AtomicBool::new(true),
        })
    }

    /// As `Crew::take`.
    pub(super) fn take(&self, job: &Arc<J>) {
        self.order.write(|order| {
            *order = Order {
                job: Some(job.clone()),
                seat: 1,
                report: None,
            };
        });
        self.worker.lock().unwrap().reset();
    }

    /// As `Crew::start`.
    pub(super) fn start(self: &Arc<Self>, bug: Bug) {
        self.closed.store(false, Ordering::Relaxed);
        self.hand.offer();
        self.queue(bug);
    }

    fn queue(self: &Arc<Self>, bug: Bug) {
        let slot = self.clone();
        thread::spawn(move || slot.work(bug));
    }

    /// As `Slot::work`.
    fn work(self: &Arc<Self>, bug: Bug) {
        let closed = self.closed.load(Ordering::Relaxed);
        if !self.hand.begin() {
            return;
        }
        // P4: what the owner waits for, if it waits, had started before.
        assert!(!closed, "began after it was closed");
        let (job, seat) = self.order.read(|order| (order.job.clone(), order.seat));
        let job = job.expect("began without a job");
        self.worker.lock().unwrap().enter((), 0);
        let verdict = job.run(seat);
        if bug != Bug::LeavesLate {
            self.leave();
        }
        let mut report = None;
        match verdict {
            Verdict::Done(found) => report = Some(found),
            Verdict::Move(seat) => {
                if bug != Bug::MovesLate {
                    self.order.write(|order| order.seat = seat);
                }
                if self.hand.move_on() {
                    if bug == Bug::MovesLate {
                        self.order.write(|order| order.seat = seat);
                    }
                    return self.queue(bug);
                }
                job.withdrawn(seat);
            }
        }
        if bug != Bug::ReportsLate {
            self.order.write(|order| order.report = report);
        }
        self.hand.end();
        self.done.complete();
        if bug == Bug::ReportsLate {
            self.order.write(|order| order.report = report);
        }
        if bug == Bug::LeavesLate {
            self.leave();
        }
    }

    fn leave(&self) {
        let left = self.worker.lock().unwrap().leave();
        assert!(left.is_some(), "another worker has left");
    }

    /// As `Crew::end` for one helper: the first pass. Returns whether to wait for it.
    pub(super) fn close(&self, job: &J, bug: Bug) -> bool {
        let closed = if bug == Bug::NoClose {
            Closed::Started
        } else {
            self.hand.close()
        };
        self.closed.store(true, Ordering::Relaxed);
        if closed == Closed::Withdrawn {
            let seat = self.order.read(|order| order.seat);
            job.withdrawn(seat);
        }
        closed == Closed::Started
    }

    /// As `Slot::wait`.
    pub(super) fn wait(&self, bug: Bug) {
        self.worker.lock().unwrap().lend(-5);
        if bug != Bug::NoWait {
            self.done.wait();
        }
    }

    /// As the drop of `Finished`; returns the report.
    pub(super) fn finish(&self) -> Option<J::Report> {
        self.order.write(|order| {
            order.job = None;
            order.report.take()
        })
    }
}

/// A job without work.
struct Idle {
    memory: Handed<()>,
    /// How many legs helpers do before they are done, where they may.
    legs: u32,
    /// How often a helper was counted less.
    put: AtomicUsize,
}

impl Job for Idle {
    type Report = u32;

    fn run(&self, seat: u32) -> Verdict<u32> {
        self.memory.read(|_| ());
        if seat < self.legs {
            return Verdict::Move(seat + 1);
        }
        self.put.fetch_add(1, Ordering::Relaxed);
        Verdict::Done(seat)
    }

    fn withdrawn(&self, _seat: u32) {
        self.memory.read(|_| ());
        self.put.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task with these slots, from `Pool::scope` to the drop of `Finished`.
fn task(slots: &[Arc<Slot<Idle>>], legs: u32, bug: Bug) {
    let job = Arc::new(Idle {
        memory: Handed::new(()),
        legs,
        put: AtomicUsize::new(0),
    });
    for slot in slots {
        slot.take(&job);
    }
    for slot in slots {
        slot.start(bug);
    }
    let started: Vec<_> = slots.iter().map(|slot| slot.close(&job, bug)).collect();
    for (slot, _) in slots.iter().zip(&started).filter(|(_, &started)| started) {
        slot.wait(bug);
    }
    // P3: the caller's memory is the caller's again.
    job.memory.write(|_| ());
    // P11: every helper was counted less once.
    assert_eq!(job.put.load(Ordering::Relaxed), slots.len());
    for (slot, started) in slots.iter().zip(started) {
        let report = slot.finish();
        assert!(report.is_none() || started);
        assert!(report.is_some() || !started || legs > 1);
    }
}

/// One task with one helper, which does `legs` legs.
fn one_helper(legs: u32, bug: Bug) {
    task(&[Slot::new()], legs, bug);
}

/// Two tasks, one after the other, with the same helper.
fn same_helper_twice(legs: u32, bug: Bug) {
    let slot = Slot::new();
    task(&[slot.clone()], legs, bug);
    task(&[slot], 1, bug);
}

#[test]
fn p3_p4_start_against_cancel() {
    explore(2, || one_helper(1, Bug::None));
}

#[test]
fn p3_p4_move_against_cancel() {
    explore(10, || one_helper(2, Bug::None));
}

#[test]
fn p3_p4_two_helpers() {
    explore(50, || task(&[Slot::new(), Slot::new()], 1, Bug::None));
}

#[test]
fn p3_p4_late_worker_finds_the_next_task() {
    explore(50, || same_helper_twice(1, Bug::None));
}

#[test]
fn p3_p4_late_mover_finds_the_next_task() {
    explore_preempted(4, 1000, || same_helper_twice(2, Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn no_wait_is_found() {
    explore(1, || one_helper(1, Bug::NoWait));
}

#[test]
#[should_panic(expected = "began after it was closed")]
fn no_close_is_found() {
    explore(1, || one_helper(2, Bug::NoClose));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn late_report_is_found() {
    explore(1, || one_helper(1, Bug::ReportsLate));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn late_move_is_found() {
    explore(1, || one_helper(2, Bug::MovesLate));
}

#[test]
#[should_panic(expected = "another worker has left")]
fn late_leave_is_found() {
    explore(1, || same_helper_twice(1, Bug::LeavesLate));
}

// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/handshake.rs`.
//!
//! One test tries every order in which the calls of an owner and a few workers can come, for two
//! tasks that use the same helper one after the other. Another has real threads do the same.

use crate::{
    ktask::protocol::handshake::{
        Handshake,
        Running, //
    },
    preempt,
    util::Random, //
};
use std::{
    hint,
    sync::{
        atomic::{
            AtomicBool,
            AtomicUsize,
            Ordering, //
        },
        Mutex, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

/// The number of a task, which is what owner and workers pass to each other.
type Hand = Handshake<usize>;

/// What an owner does next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Owner {
    Offer,
    /// Looks for the offer, once, and then waits for the helper to end.
    Close,
    Wait,
    Gone,
}

/// One call.
#[derive(Clone, Copy, Debug)]
enum Call {
    Owner,
    /// A worker begins, or ends what it has begun; `true`: moves on instead.
    Worker(usize, bool),
}

/// A worker, before its call of `begin` and after it.
enum Worker<'a> {
    Begins,
    Runs(Running<'a, usize>),
    Gone,
}

/// The actors, and what has been seen so far.
struct World<'a> {
    hand: &'a Hand,
    owner: Owner,
    workers: Vec<Worker<'a>>,
    tasks: usize,
    task: usize,
    /// There is an offer that nobody has begun.
    offered: bool,
    /// A worker has begun, and has neither ended nor moved on.
    running: bool,
    /// The owner has looked for the offer.
    closed: bool,
}

impl<'a> World<'a> {
    fn new(hand: &'a Hand, tasks: usize, workers: usize) -> Self {
        Self {
            hand,
            owner: Owner::Offer,
            workers: (0..workers).map(|_| Worker::Begins).collect(),
            tasks,
            task: 0,
            offered: false,
            running: false,
            closed: false,
        }
    }

    /// The calls that can come next.
    fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        match self.owner {
            Owner::Gone => {}
            Owner::Wait if self.running => {}
            _ => calls.push(Call::Owner),
        }
        for (index, worker) in self.workers.iter().enumerate() {
            match worker {
                Worker::Gone => {}
                Worker::Begins => calls.push(Call::Worker(index, false)),
                Worker::Runs(_) => {
                    calls.push(Call::Worker(index, false));
                    if !self.closed {
                        calls.push(Call::Worker(index, true));
                    }
                }
            }
        }
        calls
    }

    fn step(&mut self, call: Call) {
        match call {
            Call::Owner => self.owner = self.owner_step(),
            Call::Worker(index, moves) => {
                let worker = core::mem::replace(&mut self.workers[index], Worker::Gone);
                self.workers[index] = self.worker_step(worker, moves);
            }
        }
    }

    fn owner_step(&mut self) -> Owner {
        match self.owner {
            Owner::Offer => {
                self.task += 1;
                let mut held = self.hand.hold().expect("the helper is idle");
                assert!(self.hand.hold().is_none(), "held twice");
                held.with(|task| *task = self.task);
                held.offer();
                (self.offered, self.closed) = (true, false);
                Owner::Close
            }
            Owner::Close => {
                let cancelled = self.hand.cancel();
                assert_eq!(cancelled.is_some(), self.offered);
                if let Some(mut held) = cancelled {
                    assert!(self.hand.begin().is_none(), "began what is held");
                    held.with(|task| assert_eq!(*task, self.task));
                    held.release();
                }
                (self.offered, self.closed) = (false, true);
                Owner::Wait
            }
            Owner::Wait => {
                assert!(!self.running);
                if self.task == self.tasks {
                    Owner::Gone
                } else {
                    Owner::Offer
                }
            }
            Owner::Gone => unreachable!(),
        }
    }

    fn worker_step(&mut self, worker: Worker<'a>, moves: bool) -> Worker<'a> {
        match worker {
            Worker::Begins => {
                let began = self.hand.begin();
                // Whenever there is an offer, and only then.
                assert_eq!(began.is_some(), self.offered);
                let Some(mut running) = began else {
                    return Worker::Gone;
                };
                assert!(!self.running, "two at once");
                assert!(self.hand.hold().is_none(), "held what runs");
                running.with(|task| assert_eq!(*task, self.task));
                (self.offered, self.running) = (false, true);
                Worker::Runs(running)
            }
            Worker::Runs(running) => {
                self.running = false;
                if moves {
                    running.move_on();
                    self.offered = true;
                } else {
                    running.end();
                }
                Worker::Gone
            }
            Worker::Gone => unreachable!(),
        }
    }
}

/// Does `path`, then everything that can come after it; returns in how many ways.
fn explore(path: &mut Vec<Call>, tasks: usize, workers: usize) -> usize {
    let hand = Handshake::new(0);
    let mut world = World::new(&hand, tasks, workers);
    for &call in path.iter() {
        world.step(call);
    }
    let calls = world.calls();
    if calls.is_empty() {
        // Nobody is left waiting for something that never comes.
        assert_eq!(world.owner, Owner::Gone, "{path:?}");
        return 1;
    }
    let mut ways = 0;
    for call in calls {
        path.push(call);
        ways += explore(path, tasks, workers);
        path.pop();
    }
    ways
}

#[test]
fn p3_p4_every_order_of_calls() {
    // The numbers of ways guard against a search that finds nothing to do.
    for (tasks, workers, ways) in [(1, 1, 6), (1, 4, 4000), (2, 4, 30_000), (3, 3, 4000)] {
        let found = explore(&mut Vec::new(), tasks, workers);
        assert!(found >= ways, "{tasks} tasks, {workers} workers: {found}");
    }
}

#[test]
fn p4_what_has_not_begun_is_cancelled() {
    let hand = Handshake::new(());
    hand.hold().unwrap().offer();
    hand.cancel().unwrap().release();
    assert!(hand.begin().is_none());
}

#[test]
fn p4_what_moves_on_can_be_cancelled() {
    let hand = Handshake::new(());
    hand.hold().unwrap().offer();
    hand.begin().unwrap().move_on();
    hand.cancel().unwrap().release();
    assert!(hand.begin().is_none());
}

#[test]
fn p3_what_runs_is_neither_cancelled_nor_held() {
    let hand = Handshake::new(());
    hand.hold().unwrap().offer();
    let running = hand.begin().unwrap();
    assert!(hand.cancel().is_none() && hand.hold().is_none() && hand.begin().is_none());
    running.end();
    assert!(hand.cancel().is_none() && hand.begin().is_none());
    hand.hold().unwrap().release();
}

#[test]
fn nothing_begins_without_an_offer() {
    let hand = Handshake::new(());
    assert!(hand.begin().is_none() && hand.cancel().is_none());
    let held = hand.hold().unwrap();
    assert!(hand.begin().is_none() && hand.cancel().is_none());
    held.release();
    assert!(hand.begin().is_none() && hand.cancel().is_none());
}

/// A scope that is closed, and the worker that wants to move on, agree by a lock, as in the module.
#[test]
fn p3_p4_threads() {
    const TASKS: usize = 30_000;
    const WORKERS: u64 = 2;
    const PATIENCE: Duration = Duration::from_secs(20);
    let hand = Handshake::new(0);
    let over = AtomicBool::new(false);
    let closed = Mutex::new(false);
    // Number of the task that workers may use, 0 while there is none, and how many use it.
    let live = AtomicUsize::new(0);
    let users = AtomicUsize::new(0);
    let ended = AtomicUsize::new(0);

    let worker = |seed| {
        preempt::enable(seed);
        let mut random = Random::new(seed);
        while !over.load(Ordering::Relaxed) {
            let Some(mut running) = hand.begin() else {
                thread::yield_now();
                continue;
            };
            let task = live.load(Ordering::Relaxed);
            assert_ne!(task, 0, "began without a task");
            running.with(|passed| assert_eq!(*passed, task));
            assert_eq!(users.fetch_add(1, Ordering::Relaxed), 0, "two at once");
            for _ in 0..random.below(100) {
                hint::spin_loop();
            }
            assert_eq!(live.load(Ordering::Relaxed), task, "the task is gone");
            users.fetch_sub(1, Ordering::Relaxed);
            if random.below(3) == 0 {
                let closed = closed.lock().unwrap();
                if !*closed {
                    running.move_on();
                    continue;
                }
            }
            assert_eq!(live.load(Ordering::Relaxed), task, "the task is gone");
            running.end();
            ended.fetch_add(1, Ordering::Release);
        }
    };
    let owner = || {
        preempt::enable(99);
        let mut random = Random::new(99);
        let mut started = 0;
        for task in 1..=TASKS {
            live.store(task, Ordering::Relaxed);
            let mut held = hand.hold().expect("the helper is idle");
            held.with(|passed| *passed = task);
            *closed.lock().unwrap() = false;
            held.offer();
            for _ in 0..random.below(200) {
                hint::spin_loop();
            }
            if random.below(8) == 0 {
                thread::yield_now();
            }
            let cancelled = {
                let mut closed = closed.lock().unwrap();
                *closed = true;
                hand.cancel().map(|held| held.release()).is_some()
            };
            if !cancelled {
                started += 1;
                let since = Instant::now();
                while ended.load(Ordering::Acquire) < started {
                    assert!(since.elapsed() < PATIENCE, "waits for nobody");
                    thread::yield_now();
                }
            }
            assert_eq!(ended.load(Ordering::Relaxed), started, "ended unasked");
            assert_eq!(users.load(Ordering::Relaxed), 0, "still in use");
            live.store(0, Ordering::Relaxed);
        }
        started
    };
    let started = thread::scope(|scope| {
        for seed in 1..=WORKERS {
            scope.spawn(move || worker(seed));
        }
        // Also when the owner panics, so that the workers do not run for ever.
        let result = scope.spawn(owner).join();
        over.store(true, Ordering::Relaxed);
        result.unwrap()
    });
    assert_eq!(ended.load(Ordering::Relaxed), started);
    assert!(
        started > 0 && started < TASKS,
        "{started}: one side always won"
    );
}

// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/handshake.rs`.
//!
//! One test tries every order in which the calls of an owner and a few workers can come, for two
//! tasks that use the same helper one after the other. Another has real threads do the same.

use crate::ktask::protocol::handshake::Closed;
use crate::ktask::protocol::handshake::Handshake;
use crate::ktask::sync::preempt;
use crate::util::Random;
use std::{
    hint,
    sync::atomic::{
        AtomicBool,
        AtomicUsize,
        Ordering, //
    },
    thread,
    time::{
        Duration,
        Instant, //
    }, //
};

/// What an owner does next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Owner {
    Offer,
    Close,
    /// Waits for the helper to end.
    Wait,
    Gone,
}

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Worker {
    Begin,
    /// Is done with its work: ends, or moves on.
    Run,
    /// Wanted to move on, but is waited for.
    End,
    Gone,
}

/// One call.
#[derive(Clone, Copy, Debug)]
enum Call {
    Owner,
    /// `true`: moves on where it may choose.
    Worker(usize, bool),
}

/// The actors, and what has been seen so far.
struct World {
    hand: Handshake,
    owner: Owner,
    workers: Vec<Worker>,
    tasks_left: usize,
    /// An offer was made and not closed yet.
    open: bool,
    /// The workers that began and neither ended nor moved on.
    running: usize,
    /// How often the helper ended during this task.
    ends: usize,
    /// Whether the task was withdrawn.
    withdrawn: bool,
}

impl World {
    fn new(tasks: usize, workers: usize) -> Self {
        Self {
            hand: Handshake::new(),
            owner: Owner::Offer,
            workers: vec![Worker::Begin; workers],
            tasks_left: tasks,
            open: false,
            running: 0,
            ends: 0,
            withdrawn: false,
        }
    }

    /// The calls that can come next.
    fn calls(&self) -> Vec<Call> {
        let mut calls = Vec::new();
        match self.owner {
            Owner::Gone => {}
            Owner::Wait if self.ends == 0 => {}
            _ => calls.push(Call::Owner),
        }
        for (index, worker) in self.workers.iter().enumerate() {
            match worker {
                Worker::Gone => {}
                Worker::Run => {
                    calls.push(Call::Worker(index, false));
                    calls.push(Call::Worker(index, true));
                }
                Worker::Begin | Worker::End => calls.push(Call::Worker(index, false)),
            }
        }
        calls
    }

    fn step(&mut self, call: Call) {
        match call {
            Call::Owner => self.owner = self.owner_step(),
            Call::Worker(index, moves) => {
                self.workers[index] = self.worker_step(self.workers[index], moves);
            }
        }
    }

    fn owner_step(&mut self) -> Owner {
        match self.owner {
            Owner::Offer => {
                assert_eq!(self.running, 0);
                (self.ends, self.withdrawn) = (0, false);
                self.tasks_left -= 1;
                self.hand.offer();
                self.open = true;
                Owner::Close
            }
            Owner::Close => {
                let closed = self.hand.close();
                self.open = false;
                // Whether it has started is not a matter of opinion.
                let started = self.running != 0 || self.ends != 0;
                assert_eq!(closed == Closed::Started, started);
                self.withdrawn = closed == Closed::Withdrawn;
                if started {
                    Owner::Wait
                } else {
                    self.next_task()
                }
            }
            Owner::Wait => self.next_task(),
            Owner::Gone => unreachable!(),
        }
    }

    fn next_task(&self) -> Owner {
        assert_eq!(self.running, 0);
        assert_eq!(self.ends, usize::from(!self.withdrawn));
        if self.tasks_left == 0 {
            Owner::Gone
        } else {
            Owner::Offer
        }
    }

    fn worker_step(&mut self, worker: Worker, moves: bool) -> Worker {
        match worker {
            Worker::Begin => {
                let began = self.hand.begin();
                // Only one at a time, only while there is an offer, and then always.
                let may = self.open && self.running == 0 && self.ends == 0;
                assert_eq!(began, may);
                if !began {
                    return Worker::Gone;
                }
                self.running += 1;
                Worker::Run
            }
            Worker::Run if moves => {
                let moved = self.hand.move_on();
                assert_eq!(moved, self.open);
                if !moved {
                    return Worker::End;
                }
                self.running -= 1;
                Worker::Gone
            }
            Worker::Run | Worker::End => {
                self.hand.end();
                self.running -= 1;
                self.ends += 1;
                Worker::Gone
            }
            Worker::Gone => unreachable!(),
        }
    }
}

/// Does `path`, then everything that can come after it; returns in how many ways.
fn explore(path: &mut Vec<Call>, tasks: usize, workers: usize) -> usize {
    let mut world = World::new(tasks, workers);
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
    for (tasks, workers, ways) in [(1, 1, 6), (1, 4, 5000), (2, 4, 40_000), (3, 3, 5000)] {
        assert!(explore(&mut Vec::new(), tasks, workers) >= ways);
    }
}

#[test]
fn p4_what_has_not_started_is_withdrawn() {
    let hand = Handshake::new();
    hand.offer();
    assert_eq!(hand.close(), Closed::Withdrawn);
    assert!(!hand.begin());
}

#[test]
fn p4_what_moves_on_can_be_withdrawn() {
    let hand = Handshake::new();
    hand.offer();
    assert!(hand.begin());
    assert!(hand.move_on());
    assert_eq!(hand.close(), Closed::Withdrawn);
    assert!(!hand.begin());
}

#[test]
fn p3_what_is_waited_for_does_not_move_on() {
    let hand = Handshake::new();
    hand.offer();
    assert!(hand.begin());
    assert_eq!(hand.close(), Closed::Started);
    assert!(!hand.move_on());
    assert!(!hand.begin());
    hand.end();
    assert!(!hand.begin());
}

#[test]
fn p3_what_has_ended_has_started() {
    let hand = Handshake::new();
    hand.offer();
    assert!(hand.begin());
    hand.end();
    assert!(!hand.move_on());
    assert_eq!(hand.close(), Closed::Started);
    assert!(!hand.begin());
}

#[test]
fn nothing_begins_without_an_offer() {
    let hand = Handshake::new();
    assert!(!hand.begin());
    assert!(!hand.move_on());
}

#[test]
fn p3_p4_threads() {
    const TASKS: usize = 30_000;
    const WORKERS: u64 = 2;
    const PATIENCE: Duration = Duration::from_secs(20);
    let hand = Handshake::new();
    let over = AtomicBool::new(false);
    // Number of the task that workers may use, 0 while there is none, and how many use it.
    let live = AtomicUsize::new(0);
    let users = AtomicUsize::new(0);
    // Number of the last task that was closed.
    let closed = AtomicUsize::new(0);
    let ended = AtomicUsize::new(0);

    let worker = |seed| {
        preempt::enable(seed);
        let mut random = Random::new(seed);
        while !over.load(Ordering::Relaxed) {
            let closed_before = closed.load(Ordering::Acquire);
            if !hand.begin() {
                thread::yield_now();
                continue;
            }
            let task = live.load(Ordering::Relaxed);
            assert_ne!(task, 0, "began without a task");
            assert!(closed_before < task, "began after the end");
            assert_eq!(users.fetch_add(1, Ordering::Relaxed), 0, "two at once");
            for _ in 0..random.below(100) {
                hint::spin_loop();
            }
            assert_eq!(live.load(Ordering::Relaxed), task, "the task is gone");
            users.fetch_sub(1, Ordering::Relaxed);
            if random.below(3) == 0 && hand.move_on() {
                continue;
            }
            assert_eq!(live.load(Ordering::Relaxed), task, "the task is gone");
            hand.end();
            ended.fetch_add(1, Ordering::Release);
        }
    };
    let owner = || {
        preempt::enable(99);
        let mut random = Random::new(99);
        let mut started = 0;
        for task in 1..=TASKS {
            live.store(task, Ordering::Relaxed);
            hand.offer();
            for _ in 0..random.below(200) {
                hint::spin_loop();
            }
            if random.below(8) == 0 {
                thread::yield_now();
            }
            let found = hand.close();
            closed.store(task, Ordering::Release);
            if found == Closed::Started {
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

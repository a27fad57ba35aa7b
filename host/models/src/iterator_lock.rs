// SPDX-License-Identifier: GPL-2.0

//! A caller and its helpers that walk in turn.

use super::{
    explore,
    Bug,
    Completion,
    Handed, //
};
use crate::ktask::protocol::boost::MAX_NICE;
use crate::ktask::protocol::iterator_lock::Turns;
use loom::{
    sync::{
        Condvar,
        Mutex, //
    },
    thread, //
};
use std::sync::Arc;

/// The nice value that the caller lends.
const LENT: i32 = -7;

/// As in `ktask/kernel/iterator_lock.rs`. A worker is known by its index.
struct World {
    turns: Mutex<Turns<usize>>,
    helpers: Condvar,
    caller: Completion,
    nice: [Handed<i32>; 2],
    /// How many walks there were; only who walks may look.
    walks: Handed<u32>,
}

impl World {
    fn lock_for_caller(&self, bug: Bug) {
        loop {
            let mut turns = self.turns.lock().unwrap();
            if turns.begin_caller() {
                return;
            }
            let worker = turns.lend();
            if bug == Bug::NiceUnlocked {
                drop(turns);
                self.set_nice(worker, LENT);
            } else {
                self.set_nice(worker, LENT);
                drop(turns);
            }
            self.caller.wait();
        }
    }

    fn lock_for_helper(&self, worker: usize) -> bool {
        let mut turns = self.turns.lock().unwrap();
        while !turns.over() {
            if turns.begin_helper(worker) {
                return true;
            }
            turns = self.helpers.wait(turns).unwrap();
        }
        false
    }

    fn unlock(&self, worker: Option<usize>) {
        let mut turns = self.turns.lock().unwrap();
        let walked = turns.end();
        if walked.caller_waits {
            self.caller.complete();
        }
        self.helpers.notify_one();
        if walked.was_lent {
            let worker = worker.expect("the caller was lent something");
            self.nice[worker].read(|&nice| assert_eq!(nice, LENT));
            self.set_nice(Some(worker), MAX_NICE);
        }
    }

    fn finish(&self, bug: Bug) {
        self.lock_for_caller(bug);
        self.turns.lock().unwrap().finish();
        self.helpers.notify_all();
        self.unlock(None);
    }

    fn set_nice(&self, worker: Option<usize>, value: i32) {
        if let Some(worker) = worker {
            self.nice[worker].write(|nice| *nice = value);
        }
    }

    fn walk(&self) {
        self.walks.write(|walks| *walks += 1);
    }

    /// Walks once, if it comes in time.
    fn help(&self, worker: usize) -> u32 {
        if !self.lock_for_helper(worker) {
            return 0;
        }
        self.walk();
        self.unlock(Some(worker));
        // Its chunk, which it does at the lowest priority.
        self.nice[worker].read(|&nice| assert_eq!(nice, MAX_NICE));
        1
    }
}

fn walk_in_turn(bug: Bug) {
    let world = Arc::new(World {
        turns: Mutex::new(Turns::new()),
        helpers: Condvar::new(),
        caller: Completion::new(),
        nice: [0, 1].map(|_| Handed::new(MAX_NICE)),
        walks: Handed::new(0),
    });
    let helpers = [0, 1].map(|worker| {
        let world = world.clone();
        thread::spawn(move || world.help(worker))
    });
    world.lock_for_caller(bug);
    world.walk();
    world.unlock(None);
    world.finish(bug);
    let helped: u32 = helpers
        .into_iter()
        .map(|helper| helper.join().unwrap())
        .sum();
    world.walks.read(|&walks| assert_eq!(walks, 1 + helped));
}

#[test]
fn p1_p14_caller_and_helpers_walk_in_turn() {
    explore(100, || walk_in_turn(Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn nice_unlocked_is_found() {
    explore(1, || walk_in_turn(Bug::NiceUnlocked));
}

// SPDX-License-Identifier: GPL-2.0

//! An owner that lends its priority while helpers begin and end.

use super::{
    explore,
    Bug,
    Handed, //
};
use crate::ktask::protocol::boost::Lending;
use crate::ktask::protocol::boost::MAX_NICE;
use loom::{
    sync::Mutex,
    thread, //
};
use std::sync::Arc;

/// The nice value of workers.
const OWN: i32 = 3;
/// The nice values that the owner lends, one after the other.
const LENT: [i32; 2] = [-7, -9];

struct World {
    /// As in `ktask/kernel/sched.rs`, which sets nice values under this lock. A worker is known
    /// by its index.
    lending: Mutex<Lending<usize>>,
    /// The nice value of each worker thread; `None` when the thread is gone.
    nice: [Handed<Option<i32>>; 2],
}

impl World {
    fn set_nice(&self, worker: usize, value: i32) {
        self.nice[worker].write(|nice| {
            assert!(nice.is_some(), "the thread is gone");
            *nice = Some(value);
        });
    }

    /// A helper's leg in a worker, which ends its life afterwards.
    fn work(&self, worker: usize) {
        {
            let mut lending = self.lending.lock().unwrap();
            let nice = lending.enter(worker, OWN);
            self.set_nice(worker, nice);
        }
        {
            let mut lending = self.lending.lock().unwrap();
            // The lowest priority, or what is lent.
            self.nice[worker].read(|&nice| {
                assert!([MAX_NICE, LENT[0], LENT[1]].map(Some).contains(&nice));
            });
            let own = lending.leave().expect("nobody there to leave");
            self.set_nice(worker, own);
        }
        // Nobody gives it another nice value from now on.
        self.nice[worker].write(|nice| assert_eq!(nice.take(), Some(OWN)));
    }

    fn lend(&self, value: i32, bug: Bug) {
        let mut lending = self.lending.lock().unwrap();
        let worker = lending.lend(value);
        if bug == Bug::NiceUnlocked {
            drop(lending);
            if let Some(worker) = worker {
                self.set_nice(worker, value);
            }
        } else if let Some(worker) = worker {
            self.set_nice(worker, value);
        }
    }
}

fn world() -> Arc<World> {
    Arc::new(World {
        lending: Mutex::new(Lending::new()),
        nice: [0, 1].map(|_| Handed::new(Some(OWN))),
    })
}

/// The owner lends twice while a helper begins, moves to another worker, and ends.
fn lend_while_it_ends(bug: Bug) {
    let world = world();
    let helper = {
        let world = world.clone();
        thread::spawn(move || {
            world.work(0);
            let moved = world.clone();
            thread::spawn(move || moved.work(1)).join().unwrap();
        })
    };
    for value in LENT {
        world.lend(value, bug);
    }
    helper.join().unwrap();
    // Ended helpers have nothing to be lent.
    assert_eq!(world.lending.lock().unwrap().lend(0), None);
}

#[test]
fn p13_p14_lend_while_helper_ends() {
    explore(30, || lend_while_it_ends(Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn nice_unlocked_is_found() {
    explore(1, || lend_while_it_ends(Bug::NiceUnlocked));
}

/// What is lent reaches the helper, whichever comes first; and only in this task.
#[test]
fn p14_lent_nice_reaches_the_helper() {
    explore(2, || {
        let world = world();
        let helper = {
            let world = world.clone();
            thread::spawn(move || {
                let mut lending = world.lending.lock().unwrap();
                let nice = lending.enter(0, OWN);
                world.set_nice(0, nice);
            })
        };
        world.lend(LENT[0], Bug::None);
        helper.join().unwrap();
        world.nice[0].read(|&nice| assert_eq!(nice, Some(LENT[0])));

        let mut lending = world.lending.lock().unwrap();
        assert_eq!(lending.leave(), Some(OWN));
        lending.reset();
        assert_eq!(lending.enter(1, OWN), MAX_NICE);
    });
}

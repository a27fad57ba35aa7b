// SPDX-License-Identifier: GPL-2.0

//! A caller and its helpers that iterate over one part: `ktask/kernel/iterator_lock.rs` played, but
//! for the spinning.

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
    policy::chunk::Sizes,
    protocol::{
        boost::MAX_NICE,
        helper::{
            Assignment,
            Next, //
        },
        part::Part, //
    }, //
};
use std::sync::Arc;

fn lock_for_caller(team: &Team) {
    loop {
        let mut state = team.lock();
        if state.members.iterator.acquire_for_caller() {
            return;
        }
        match state.members.iterator.helper() {
            Some(helper) => team.boost(state, helper),
            None => drop(state),
        }
        team.wait();
    }
}

fn lock_for_helper(member: &Member) -> bool {
    let mut state = member.team.lock();
    while !state.members.iterator.finished() {
        if state.members.iterator.acquire_for_helper(member.id) {
            return true;
        }
        state = member.team.helpers.wait(state).unwrap();
    }
    false
}

fn unlock(team: &Team, holder: Option<&Member>) {
    let mut state = team.lock();
    if state.members.iterator.release() {
        team.wake();
    }
    team.helpers.notify_one();
    team.end_boost(state, holder);
}

fn finish(team: &Team) {
    lock_for_caller(team);
    team.lock().members.iterator.finish();
    team.helpers.notify_all();
    unlock(team, None);
}

/// A part that is iterated over, and its units.
struct Iterates {
    part: Part,
    units: Vec<Handed<u32>>,
}

impl Iterates {
    fn claim(&self) -> Option<usize> {
        let sizes = Sizes::new(self.part.size(), 1, 2);
        let chunk = self
            .part
            .claim_walk(sizes, 0, |position, len| Some(position * 2 + len))?;
        // Chunks of one unit: 10, 21, 43, 87.
        let position = (0..chunk.offset).fold(10, |position, _| position * 2 + 1);
        assert_eq!((chunk.start, chunk.end), (position, position * 2 + 1));
        Some(chunk.offset)
    }

    fn done(&self, unit: usize) {
        self.units[unit].write(|times| *times += 1);
    }
}

impl Job for Iterates {
    /// One chunk, if the helper comes in time.
    fn run(&self, member: &Member, _assignment: Assignment) -> Next {
        if !lock_for_helper(member) {
            return Next::Done;
        }
        let claimed = self.claim();
        unlock(&member.team, Some(member));
        if let Some(unit) = claimed {
            self.done(unit);
        }
        Next::Done
    }

    fn cancelled(&self, _assignment: Assignment) {}
}

fn iterates(helpers: u32, size: usize, bug: Bug) {
    let pool = Pool::new(helpers);
    let job = Arc::new(Iterates {
        part: Part::new(10, size, 0),
        units: (0..size).map(|_| Handed::new(0)).collect(),
    });
    let team = Team::new(&pool, job.clone(), bug);
    for _ in 0..helpers {
        assert!(team.start(assignment(0)));
    }
    loop {
        lock_for_caller(&team);
        let claimed = job.claim();
        unlock(&team, None);
        match claimed {
            Some(unit) => job.done(unit),
            None => break,
        }
    }
    finish(&team);
    assert!(team.join().is_empty());
    for unit in &job.units {
        unit.read(|&times| assert_eq!(times, 1));
    }
    pool.check_idle();
}

#[test]
fn p1_p14_caller_and_helper_iterate_in_turn() {
    explore_preempted(6, 1000, || iterates(1, 2, Bug::None));
}

#[test]
fn p1_p14_caller_and_two_helpers_iterate_in_turn() {
    explore_preempted(3, 1000, || iterates(2, 2, Bug::None));
}

/// A helper that holds the lock, and works after that, while the caller wants the lock.
struct Holds;

impl Job for Holds {
    fn run(&self, member: &Member, _assignment: Assignment) -> Next {
        if lock_for_helper(member) {
            unlock(&member.team, Some(member));
            // Its chunk, which it does at the lowest priority.
            let state = member.team.lock();
            if state.members.open() {
                assert_eq!(member.thread.nice(), MAX_NICE, "still boosted");
            }
        }
        Next::Done
    }

    fn cancelled(&self, _assignment: Assignment) {}
}

fn holds(bug: Bug) {
    let pool = Pool::new(1);
    let team = Team::new(&pool, Arc::new(Holds), bug);
    assert!(team.start(assignment(0)));
    lock_for_caller(&team);
    unlock(&team, None);
    finish(&team);
    team.join();
}

#[test]
fn p14_boost_of_the_holder_ends_with_the_lock() {
    explore(100, || holds(Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn nice_unlocked_is_found() {
    explore(1, || holds(Bug::NiceUnlocked));
}

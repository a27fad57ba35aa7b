// SPDX-License-Identifier: GPL-2.0

//! A caller that boosts the helpers it waits for.

use super::{
    explore,
    explore_preempted,
    pool::{
        assignment,
        Job,
        Member,
        Pool,
        Team,
        CALLER, //
    },
    Bug, //
};
use crate::ktask::protocol::{
    boost::MAX_NICE,
    helper::{
        Assignment,
        Next, //
    }, //
};
use std::sync::Arc;

/// A job whose helpers look at their nice value, under the lock.
struct Looks;

impl Job for Looks {
    fn run(&self, member: &Member, _assignment: Assignment) -> Next {
        let state = member.team.lock();
        let nice = member.thread.nice();
        assert!(nice == MAX_NICE || nice == CALLER);
        let boosted = state.members.boost.boosted();
        assert_eq!(nice == CALLER, boosted == Some(member.id));
        Next::Done
    }

    fn cancelled(&self, _assignment: Assignment) {}
}

fn waits_for(helpers: u32, bug: Bug) {
    let pool = Pool::new(helpers);
    let team = Team::new(&pool, Arc::new(Looks), bug);
    for _ in 0..helpers {
        assert!(team.start(assignment(0)));
    }
    assert!(team.join().is_empty());
    // Nobody is boosted after the task.
    assert_eq!(team.lock().members.boost.boosted(), None);
}

#[test]
fn p13_p14_boost_reaches_a_helper_that_begins_and_ends() {
    explore(20, || waits_for(1, Bug::None));
}

#[test]
fn p13_p14_boost_is_inherited() {
    explore_preempted(6, 1000, || waits_for(2, Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn nice_unlocked_is_found() {
    explore(1, || waits_for(1, Bug::NiceUnlocked));
}

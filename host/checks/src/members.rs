// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/members.rs`, against sets of members.

use crate::{
    ktask::protocol::members::{
        Left,
        Link,
        Links,
        List,
        Members, //
    },
    util::config, //
};
use core::cell::RefCell;
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index, //
};
use std::collections::BTreeSet;

/// The links of as many members.
struct Team(Vec<Link>);

impl Team {
    fn new(members: u32) -> Self {
        Self((0..members).map(|_| Link::new()).collect())
    }

    fn all(&self, list: &List) -> Vec<u32> {
        let mut all = Vec::new();
        let mut next = list.first();
        while let Some(member) = next {
            assert!(all.len() < self.0.len(), "goes round in circles");
            all.push(member);
            next = List::after(self, member);
        }
        all
    }

    fn joined(&self) -> Members {
        let mut members = Members::new();
        for member in 0..self.0.len() as u32 {
            members.join(self, member);
        }
        members
    }
}

impl Links for Team {
    fn link(&self, member: u32) -> Option<&Link> {
        self.0.get(member as usize)
    }
}

/// Nothing to do to a worker that leaves.
const NOTHING: Left = Left {
    heir: None,
    wake_caller: false,
};

#[test]
fn empty_list() {
    let team = Team::new(2);
    assert_eq!(team.all(&List::new()), []);
    assert_eq!(List::after(&team, 9), None);
}

#[test]
fn unknown_members_are_ignored() {
    let team = Team::new(2);
    let mut list = List::new();
    for member in [2, u32::MAX] {
        list.push(&team, member);
        list.remove(&team, member);
        assert_eq!(team.all(&list), []);
    }
}

#[test]
fn task_without_helpers_has_nobody_to_wait_for() {
    let team = Team::new(1);
    let mut members = Members::new();
    let cancelled = members.close(&team, |_| unreachable!());
    assert_eq!(cancelled.first(), None);
    assert_eq!(members.any(), None);
    assert_eq!(members.take_failed().first(), None);
}

#[test]
fn p4_close_asks_each_member_once_and_cancels_the_offered() {
    let team = Team::new(6);
    let mut members = team.joined();
    let asked = RefCell::new(Vec::new());
    let cancelled = members.close(&team, |member| {
        asked.borrow_mut().push(member);
        member % 2 == 0
    });
    let mut asked = asked.into_inner();
    asked.sort_unstable();
    assert!(asked.into_iter().eq(0..6));
    let mut cancelled = team.all(&cancelled);
    cancelled.sort_unstable();
    assert_eq!(cancelled, [0, 2, 4]);
    // Those that run are waited for, the last one wakes the caller.
    assert_eq!(members.leave(&team, 3), NOTHING);
    assert_eq!(members.leave(&team, 1), NOTHING);
    assert_eq!(members.any(), Some(5));
    assert!(members.leave(&team, 5).wake_caller);
    assert_eq!(members.any(), None);
}

#[test]
fn p19_oldest_offer_is_taken_back() {
    let team = Team::new(6);
    let mut members = team.joined();
    // 0 has begun, and 1 begins at this moment.
    let offered = |member| member > 0;
    assert_eq!(members.take_back(&team, offered, |_| false), None);
    let offered = |member| member > 1;
    assert_eq!(members.take_back(&team, offered, |_| true), Some(2));
    assert_eq!(members.take_back(&team, offered, |_| true), Some(3));
    assert_eq!(
        members.take_back(&team, |_| false, |_| unreachable!()),
        None
    );
    assert!(members.open() && !members.is_over());
    let left = team.all(&members.close(&team, |_| true));
    assert_eq!(
        left.into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([0, 1, 4, 5])
    );
}

#[test]
fn p4_nobody_moves_once_the_scope_is_closed() {
    let team = Team::new(2);
    let mut members = team.joined();
    assert!(members.open());
    members.close(&team, |_| false);
    assert!(!members.open());
}

#[test]
fn caller_that_does_not_wait_is_not_woken() {
    let team = Team::new(2);
    let mut members = team.joined();
    assert_eq!(members.leave(&team, 0), NOTHING);
    assert_eq!(members.leave(&team, 1), NOTHING);
    // Nobody is left to wait for.
    members.close(&team, |_| false);
    assert_eq!(members.any(), None);
}

#[test]
fn p19_caller_waits_for_who_is_expected() {
    let team = Team::new(2);
    let mut members = Members::new();
    members.expect();
    members.expect();
    members.expect();
    assert!(!members.is_over());
    assert!(!members.stay_away());
    members.close(&team, |_| unreachable!());
    assert!(!members.is_over());
    // One that joins is to be boosted, so the caller looks again.
    assert!(members.come(&team, 1));
    assert_eq!(members.any(), Some(1));
    assert!(!members.stay_away());
    assert!(!members.is_over());
    assert!(members.leave(&team, 1).wake_caller);
    assert!(members.is_over());
}

#[test]
fn p19_last_one_that_is_expected_wakes_the_caller() {
    let team = Team::new(1);
    let mut members = Members::new();
    members.expect();
    members.close(&team, |_| unreachable!());
    assert!(members.stay_away());
}

#[test]
fn p19_caller_that_does_not_wait_is_not_woken_by_who_comes() {
    let team = Team::new(2);
    let mut members = Members::new();
    members.expect();
    members.expect();
    assert!(!members.come(&team, 0));
    assert_eq!(members.leave(&team, 0), NOTHING);
    assert!(!members.stay_away());
    assert!(members.is_over());
}

#[test]
fn failed_members_are_kept_for_the_caller() {
    let team = Team::new(4);
    let mut members = team.joined();
    members.leave_failed(&team, 2);
    members.leave(&team, 0);
    members.close(&team, |_| false);
    members.leave_failed(&team, 3);
    assert!(members.leave(&team, 1).wake_caller);
    let mut failed = team.all(&members.take_failed());
    failed.sort_unstable();
    assert_eq!(failed, [2, 3]);
    assert_eq!(members.take_failed().first(), None);
}

#[test]
fn p14_last_failed_member_wakes_the_caller() {
    let team = Team::new(1);
    let mut members = team.joined();
    members.close(&team, |_| false);
    assert!(members.leave_failed(&team, 0).wake_caller);
}

#[test]
fn p14_boost_is_inherited_while_the_caller_waits() {
    let team = Team::new(3);
    let mut members = team.joined();
    members.close(&team, |_| false);
    members.boost.give(1, -7);
    let left = members.leave(&team, 1);
    let (heir, nice) = left.heir.expect("somebody is left");
    assert_eq!(nice, -7);
    assert!(heir != 1 && !left.wake_caller);
    assert_eq!(members.boost.nice_of(heir), -7);
    // Who is not boosted leaves nothing.
    let other = 2 - heir;
    assert_eq!(members.leave(&team, other), NOTHING);
    let last = members.leave(&team, heir);
    assert_eq!((last.heir, last.wake_caller), (None, true));
    assert_eq!(members.boost.boosted(), None);
}

/// A helper that holds the iterator lock is boosted for that, not for the work after it.
#[test]
fn p14_boost_is_not_inherited_while_the_caller_works() {
    let team = Team::new(2);
    let mut members = team.joined();
    members.boost.give(0, -7);
    assert_eq!(members.leave(&team, 0), NOTHING);
    assert_eq!(members.boost.boosted(), None);
}

/// A helper that holds the iterator lock is boosted, and works at the lowest priority after that.
#[test]
fn p14_boost_for_the_iterator_lock_ends_with_it() {
    let team = Team::new(2);
    let mut members = team.joined();
    assert!(members.iterator.acquire_for_helper(1));
    assert!(!members.iterator.acquire_for_caller());
    let holder = members.iterator.helper().unwrap();
    members.boost.give(holder, -3);
    assert!(members.iterator.release());
    assert_eq!(members.boost.end(holder), Some(-3));
    members.close(&team, |_| false);
    assert_eq!(members.leave(&team, 1), NOTHING);
}

/// What can happen to the members of a task.
#[derive(Clone, Debug)]
enum Step {
    Join,
    Leave(Index, bool),
    Boost(Index, i32),
    /// Cancels the members that are set here.
    Close(Vec<bool>),
}

const MEMBERS: u32 = 8;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Join),
        6 => (any::<Index>(), any::<bool>()).prop_map(|(who, fails)| Step::Leave(who, fails)),
        2 => (any::<Index>(), -20..19i32).prop_map(|(who, nice)| Step::Boost(who, nice)),
        1 => vec(any::<bool>(), MEMBERS as usize).prop_map(Step::Close),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn list_is_what_was_pushed_and_not_removed(
        steps in vec((0..MEMBERS, any::<bool>()), 0..100),
    ) {
        let team = Team::new(MEMBERS);
        let mut list = List::new();
        let mut expected = Vec::new();
        for (member, push) in steps {
            match (push, expected.iter().position(|&other| other == member)) {
                (true, None) => {
                    list.push(&team, member);
                    expected.insert(0, member);
                }
                (false, Some(at)) => {
                    list.remove(&team, member);
                    expected.remove(at);
                }
                _ => {}
            }
            prop_assert_eq!(&team.all(&list), &expected);
        }
    }

    #[test]
    fn p3_p4_p14_members_are_sets(steps in vec(step(), 0..60)) {
        let team = Team::new(MEMBERS);
        let mut members = Members::new();
        let mut idle: BTreeSet<_> = (0..MEMBERS).collect();
        let mut active = BTreeSet::new();
        let mut failed = BTreeSet::new();
        let mut boosted = None;
        let mut closed = false;
        for step in steps {
            let chosen = |active: &BTreeSet<u32>, index: Index| {
                (!active.is_empty()).then(|| *active.iter().nth(index.index(active.len())).unwrap())
            };
            match step {
                Step::Join if !closed => {
                    if let Some(member) = idle.pop_first() {
                        members.join(&team, member);
                        active.insert(member);
                    }
                }
                Step::Leave(who, fails) => {
                    let Some(member) = chosen(&active, who) else { continue };
                    active.remove(&member);
                    let left = if fails {
                        failed.insert(member);
                        members.leave_failed(&team, member)
                    } else {
                        idle.insert(member);
                        members.leave(&team, member)
                    };
                    prop_assert_eq!(left.wake_caller, closed && active.is_empty());
                    if let Some((_, nice)) = boosted.filter(|&(who, _)| who == member) {
                        let inherits = closed && !active.is_empty();
                        prop_assert_eq!(left.heir.is_some(), inherits);
                        if let Some((heir, inherited)) = left.heir {
                            prop_assert!(active.contains(&heir) && inherited == nice);
                        }
                        boosted = left.heir;
                    } else {
                        prop_assert_eq!(left.heir, None);
                    }
                }
                Step::Boost(who, nice) => {
                    if let Some(member) = chosen(&active, who) {
                        members.boost.give(member, nice);
                        boosted = Some((member, nice));
                    }
                }
                // Those that are boosted run, so their offers are not there to be cancelled.
                Step::Close(offered) if !closed => {
                    closed = true;
                    let may = |member: u32| {
                        offered[member as usize] && boosted.is_none_or(|(who, _)| who != member)
                    };
                    let list = members.close(&team, may);
                    let cancelled: BTreeSet<_> = team.all(&list).into_iter().collect();
                    let expected: BTreeSet<_> =
                        active.iter().copied().filter(|&member| may(member)).collect();
                    prop_assert_eq!(&cancelled, &expected);
                    active.retain(|member| !cancelled.contains(member));
                }
                _ => {}
            }
            prop_assert_eq!(members.open(), !closed);
            prop_assert_eq!(members.any().is_some(), !active.is_empty());
            prop_assert!(members.any().is_none_or(|member| active.contains(&member)));
            prop_assert_eq!(members.boost.boosted(), boosted.map(|(who, _)| who));
        }
        let kept: BTreeSet<_> = team.all(&members.take_failed()).into_iter().collect();
        prop_assert_eq!(kept, failed);
        // Whoever is left leaves in some order, which is what the list says.
        while let Some(member) = members.any() {
            prop_assert!(active.remove(&member));
            members.leave(&team, member);
        }
        prop_assert!(active.is_empty());
    }
}

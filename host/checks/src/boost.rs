// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/boost.rs`.

use crate::{
    ktask::protocol::boost::{
        Boost,
        MAX_NICE, //
    },
    util::config, //
};
use proptest::{
    collection::vec,
    prelude::*, //
};

#[test]
fn p13_nobody_is_boosted_at_first() {
    let mut boost = Boost::new();
    assert_eq!(boost.boosted(), None);
    assert_eq!(boost.nice_of(1), MAX_NICE);
    assert_eq!(boost.end(1), None);
}

/// What can happen to the boost of a task with a few members.
#[derive(Clone, Debug)]
enum Step {
    Give(u32, i32),
    TakeBack(u32),
}

const MEMBERS: u32 = 4;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..MEMBERS, -20..=MAX_NICE).prop_map(|(member, nice)| Step::Give(member, nice)),
        (0..MEMBERS).prop_map(Step::TakeBack),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p13_p14_one_member_is_boosted_at_a_time(steps in vec(step(), 0..50)) {
        let mut boost = Boost::new();
        let mut given = None;
        for step in steps {
            match step {
                Step::Give(member, nice) => {
                    boost.give(member, nice);
                    given = Some((member, nice));
                }
                Step::TakeBack(member) => {
                    let expected = given.filter(|&(to, _)| to == member);
                    prop_assert_eq!(boost.end(member), expected.map(|(_, nice)| nice));
                    given = given.filter(|&(to, _)| to != member);
                }
            }
            prop_assert_eq!(boost.boosted(), given.map(|(to, _)| to));
            for member in 0..MEMBERS {
                let nice = given.filter(|&(to, _)| to == member).map(|(_, nice)| nice);
                prop_assert_eq!(boost.nice_of(member), nice.unwrap_or(MAX_NICE));
            }
        }
    }
}

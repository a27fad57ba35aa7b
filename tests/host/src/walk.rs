// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/iterator_lock.rs`.

use crate::ktask::protocol::iterator_lock::Turns;
use crate::ktask::protocol::iterator_lock::Walked;
use crate::util::config;
use proptest::{
    collection::vec,
    prelude::*, //
};

/// What threads can do.
#[derive(Clone, Copy, Debug)]
enum Step {
    CallerTries,
    CallerLends,
    HelperTries(u32),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Caller,
    Helper(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::CallerTries),
        1 => Just(Step::CallerLends),
        1 => (0..3u32).prop_map(Step::HelperTries),
        2 => Just(Step::End),
    ]
}

#[test]
fn helpers_wait_until_it_is_over() {
    let mut turns = Turns::<u32>::new();
    assert!(turns.begin_caller());
    assert!(!turns.over());
    turns.finish();
    assert!(turns.over());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p1_p14_one_walks_and_the_caller_lends(steps in vec(step(), 0..50)) {
        let mut turns = Turns::new();
        let mut walks = None;
        let mut waits = false;
        let mut lent = false;
        for step in steps {
            match step {
                Step::CallerTries if walks != Some(Who::Caller) => {
                    waits = walks.is_some();
                    prop_assert_eq!(turns.begin_caller(), !waits);
                    walks = walks.or(Some(Who::Caller));
                }
                // Late, perhaps: it may have been told meanwhile, and another may walk.
                Step::CallerLends if walks != Some(Who::Caller) => {
                    let to = match walks {
                        Some(Who::Helper(worker)) => Some(worker),
                        _ => None,
                    };
                    prop_assert_eq!(turns.lend(), to);
                    lent |= to.is_some();
                }
                Step::HelperTries(worker) if walks != Some(Who::Helper(worker)) => {
                    prop_assert_eq!(turns.begin_helper(worker), walks.is_none());
                    walks = walks.or(Some(Who::Helper(worker)));
                }
                Step::End if walks.is_some() => {
                    let walked = Walked { caller_waits: waits, was_lent: lent };
                    prop_assert_eq!(turns.end(), walked);
                    walks = None;
                    (waits, lent) = (false, false);
                }
                _ => {}
            }
        }
    }
}

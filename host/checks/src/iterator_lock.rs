// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/iterator_lock.rs`.

use crate::{
    ktask::protocol::iterator_lock::IteratorLock,
    util::config, //
};
use proptest::{
    collection::vec,
    prelude::*, //
};

/// What threads can do.
#[derive(Clone, Copy, Debug)]
enum Step {
    CallerAcquires,
    HelperAcquires(u32),
    Release,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Caller,
    Helper(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::CallerAcquires),
        2 => (0..3u32).prop_map(Step::HelperAcquires),
        3 => Just(Step::Release),
    ]
}

#[test]
fn helpers_wait_until_it_is_finished() {
    let mut lock = IteratorLock::<u32>::new();
    assert!(lock.acquire_for_caller());
    assert!(!lock.finished());
    lock.finish();
    assert!(lock.finished());
}

/// A caller that was woken and came too late is woken again.
#[test]
fn p14_caller_that_waits_is_woken_by_each_release() {
    let mut lock = IteratorLock::new();
    for helper in 0..3 {
        assert!(lock.acquire_for_helper(helper));
        assert!(!lock.acquire_for_caller());
        assert_eq!(lock.helper(), Some(helper));
        assert!(lock.release());
    }
    assert!(lock.acquire_for_caller());
    assert_eq!(lock.helper(), None);
    assert!(!lock.release());
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p1_p14_one_holds_and_the_caller_is_woken(steps in vec(step(), 0..50)) {
        let mut lock = IteratorLock::new();
        let mut holder = None;
        let mut waits = false;
        for step in steps {
            match step {
                Step::CallerAcquires if holder != Some(Who::Caller) => {
                    waits = holder.is_some();
                    prop_assert_eq!(lock.acquire_for_caller(), !waits);
                    holder = holder.or(Some(Who::Caller));
                }
                Step::HelperAcquires(helper) if holder != Some(Who::Helper(helper)) => {
                    prop_assert_eq!(lock.acquire_for_helper(helper), holder.is_none());
                    holder = holder.or(Some(Who::Helper(helper)));
                }
                Step::Release if holder.is_some() => {
                    prop_assert_eq!(lock.release(), waits);
                    (holder, waits) = (None, false);
                }
                _ => {}
            }
            let helper = match holder {
                Some(Who::Helper(helper)) => Some(helper),
                _ => None,
            };
            prop_assert_eq!(lock.helper(), helper);
        }
    }
}

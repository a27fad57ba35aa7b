// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/boost.rs`.

use crate::ktask::protocol::boost::Lending;
use crate::ktask::protocol::boost::MAX_NICE;
use crate::util::config;
use proptest::{
    collection::vec,
    prelude::*, //
};

/// What can happen to a helper.
#[derive(Clone, Debug)]
enum Step {
    /// A worker with a nice value of its own comes, once the last one has left.
    Enter(i32),
    Leave,
    Lend(i32),
    /// The next task has the helper, which has no worker then.
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let nice = || -20..=MAX_NICE;
    prop_oneof![
        3 => nice().prop_map(Step::Enter),
        3 => Just(Step::Leave),
        2 => nice().prop_map(Step::Lend),
        1 => Just(Step::Reset),
    ]
}

#[test]
fn nobody_there_nobody_told() {
    let mut lending = Lending::<u32>::new();
    assert_eq!(lending.leave(), None);
    assert_eq!(lending.lend(0), None);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p13_p14_nice_is_lent_to_helpers_only(steps in vec(step(), 0..50)) {
        let mut lending = Lending::new();
        // Own and present nice value of each worker that ever came; the last may be the helper.
        let mut workers: Vec<(i32, i32)> = Vec::new();
        let mut seated = false;
        let mut lent = None;
        for step in steps {
            match step {
                Step::Enter(own) if !seated => {
                    let nice = lending.enter(workers.len(), own);
                    workers.push((own, nice));
                    seated = true;
                }
                Step::Leave => {
                    let own = lending.leave();
                    prop_assert_eq!(own.is_some(), seated);
                    if let (Some(nice), Some(worker)) = (own, workers.last_mut()) {
                        worker.1 = nice;
                    }
                    seated = false;
                }
                Step::Lend(nice) => {
                    lent = Some(nice);
                    if let Some(worker) = lending.lend(nice) {
                        workers[worker].1 = nice;
                    }
                }
                Step::Reset if !seated => {
                    lent = None;
                    lending.reset();
                }
                Step::Enter(_) | Step::Reset => {}
            }
            let gone = workers.len() - usize::from(seated);
            prop_assert!(workers[..gone].iter().all(|(own, nice)| own == nice));
            if let Some((_, nice)) = workers.get(gone) {
                prop_assert_eq!(*nice, lent.unwrap_or(MAX_NICE));
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Where a thread may lose its CPU: in front of every atomic access. Tests that look for races ask
//! for that, since few races happen by themselves in the time that a test has.

use crate::util::Random;
use std::{
    cell::RefCell,
    thread, //
};

std::thread_local! {
    static CHANCE: RefCell<Option<Random>> = const { RefCell::new(None) };
}

/// From now on this thread is preempted at random.
pub(crate) fn enable(seed: u64) {
    CHANCE.set(Some(Random::new(seed)));
}

/// The thread may lose its CPU here.
pub(crate) fn point() {
    let now =
        CHANCE.with_borrow_mut(|chance| chance.as_mut().is_some_and(|random| random.below(8) == 0));
    if now {
        thread::yield_now();
    }
}

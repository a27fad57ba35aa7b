// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/ring.rs`.

use crate::ktask::protocol::ring::Ring;
use proptest::prelude::*;
use std::collections::VecDeque;

#[test]
fn the_one_that_is_free_for_longest_comes_first() {
    let mut ring = Ring::full(vec![0, 1, 2]);
    assert_eq!((ring.pop(), ring.pop()), (Some(0), Some(1)));
    ring.push(1);
    ring.push(0);
    let rest = [ring.pop(), ring.pop(), ring.pop(), ring.pop()];
    assert_eq!(rest, [Some(2), Some(1), Some(0), None]);
}

#[test]
fn an_empty_ring_has_no_helper() {
    let mut ring = Ring::full(Vec::new());
    assert_eq!(ring.pop(), None);
    // Room for none.
    ring.push(7);
    assert_eq!(ring.pop(), None);
}

#[test]
fn a_full_ring_takes_no_more() {
    let mut ring = Ring::full(vec![1, 2]);
    ring.push(7);
    assert_eq!(
        [ring.pop(), ring.pop(), ring.pop()],
        [Some(1), Some(2), None]
    );
}

proptest! {
    #[test]
    fn ring_is_a_queue(size in 1u32..9, steps in prop::collection::vec(any::<bool>(), 0..200)) {
        let mut ring = Ring::full((0..size).collect::<Vec<_>>());
        let mut queue: VecDeque<u32> = (0..size).collect();
        let mut taken = VecDeque::new();
        for takes in steps {
            if takes {
                let helper = ring.pop();
                prop_assert_eq!(helper, queue.pop_front());
                taken.extend(helper);
            } else if let Some(helper) = taken.pop_back() {
                ring.push(helper);
                queue.push_back(helper);
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! How long a helper may keep its place without a worker: `ktask/policy/patience.rs`.

use crate::ktask::policy::patience::Patience;

/// The ticks, from `start` on, in which a helper is taken back if none ever begins.
fn taken_back(start: usize, ticks: usize) -> Vec<usize> {
    let mut patience = Patience::new(2);
    (0..ticks)
        .filter(|&tick| patience.is_over(start.wrapping_add(tick)))
        .collect()
}

#[test]
fn p19_patience_doubles() {
    assert_eq!(taken_back(1000, 40), [2, 6, 14, 30]);
    assert_eq!(taken_back(0, 1 << 20).len(), 19);
}

#[test]
fn p19_time_wraps_around() {
    for start in [usize::MAX, usize::MAX - 1, usize::MAX - 5] {
        assert_eq!(taken_back(start, 20), [2, 6, 14]);
    }
}

#[test]
fn p19_helper_that_begins_ends_the_wait() {
    let mut patience = Patience::new(2);
    assert!(!patience.waits());
    assert!(!patience.is_over(0) && !patience.is_over(1) && patience.waits());
    patience.all_have_begun();
    assert!(!patience.waits());
    assert!(!patience.is_over(7) && !patience.is_over(8));
    assert!(patience.is_over(9));
    // What was learnt of the machine stays.
    patience.all_have_begun();
    assert!(!patience.is_over(20) && !patience.is_over(23));
    assert!(patience.is_over(24));
}

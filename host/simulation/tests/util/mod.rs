// SPDX-License-Identifier: GPL-2.0

//! What all tests use.

use ktask_model::{
    Machine,
    Profile,
    Work, //
};

/// What one thread needs for the tasks of the tests, in nanoseconds.
pub const TOTAL: f64 = 1e9;

/// A machine on which starting and claiming cost nothing.
pub fn plain(nodes: usize) -> Machine {
    Machine {
        queue_ns: 0.0,
        wake_ns: 0.0,
        line_ns: 0.0,
        ..Machine::new("plain", nodes, 16, 16)
    }
}

/// A task in equal parts on these nodes, all of whose units cost the same.
pub fn uniform(units: usize, nodes: &[usize]) -> Work {
    Work::new(Profile::Uniform, units, 1, TOTAL, nodes)
}

/// Fails if `found` is off `expected` by more than this share.
#[track_caller]
pub fn near(found: f64, expected: f64, share: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= share, "{found} and not {expected}, off by {off}");
}

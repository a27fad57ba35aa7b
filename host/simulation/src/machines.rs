// SPDX-License-Identifier: GPL-2.0

//! The machines that policies are compared on.

use crate::Machine;

/// Seconds that one thread and 16 threads took to clear 100 GiB on the Xeon of the RFC, all of it
/// on the node of the caller.
pub const XEON_100_GIB_S: (f64, f64) = (41.13, 3.94);

/// From a small guest to more than there is. The Xeon is the RFC's; other ceilings, and what
/// memory of other nodes costs, are guesses.
pub fn all() -> Vec<Machine> {
    vec![
        Machine::new("1 x 4", 1, 4, 4).with_memory(2.5, 1.0),
        Machine::new("1 x 16", 1, 16, 16).with_memory(5.0, 1.0),
        Machine::new("2 x 20", 2, 20, 20).with_memory(7.0, 0.7),
        xeon(),
        Machine::new("2 x 128, caches of 16", 2, 128, 16).with_memory(24.0, 0.7),
        Machine::new("8 x 128", 8, 128, 32).with_memory(16.0, 0.6),
    ]
}

/// The machine of the RFC's measurements (Xeon E7-8895 v3): 288 CPUs on 8 nodes.
pub fn xeon() -> Machine {
    let (one, sixteen) = XEON_100_GIB_S;
    Machine::new("8 x 36", 8, 36, 36).with_memory(one / sixteen, 0.8)
}

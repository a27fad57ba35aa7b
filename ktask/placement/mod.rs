// SPDX-License-Identifier: GPL-2.0

//! On which CPU and node a helper runs.
//!
//! Only `core` and [`crate::ktask::protocol`] are used here, so that the host compiles these files
//! as they are.
//!
//! | file | what is in it | shared |
//! | --- | --- | --- |
//! | [`machine`] | the tables of all CPUs, and what is learnt of them | under a lock |
//! | [`topology`], [`excluded`] | parts of these tables | under that lock |
//! | [`nodes`] | what is known of each node | atomics |
//! | [`turns`] | whose turn it is on a node | under a lock of the node |
//! | [`place`] | where a helper goes | nothing of its own |

pub(crate) mod excluded;
pub(crate) mod machine;
pub(crate) mod nodes;
pub(crate) mod place;
pub(crate) mod topology;
pub(crate) mod turns;

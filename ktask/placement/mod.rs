// SPDX-License-Identifier: GPL-2.0

//! On which CPU and node a helper runs.
//!
//! Only `core` and [`crate::ktask::protocol`] are used here, so that the host compiles these files
//! as they are. Nothing is shared between threads: [`machine::Machine`] belongs under a lock.

pub(crate) mod excluded;
pub(crate) mod machine;
pub(crate) mod topology;

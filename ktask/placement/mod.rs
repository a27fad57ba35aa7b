// SPDX-License-Identifier: GPL-2.0

//! On which CPU and node a helper runs.

pub(crate) mod excluded;
pub(crate) mod topology;

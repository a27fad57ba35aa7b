// SPDX-License-Identifier: GPL-2.0

//! The framework. Each layer uses only those above it in this list.

pub(crate) mod sync;

pub(crate) mod policy;

pub(crate) mod protocol;

pub(crate) mod placement;

pub(crate) mod kernel;

pub(crate) mod engine;

pub(crate) mod interface;

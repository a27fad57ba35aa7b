// SPDX-License-Identifier: GPL-2.0

//! Unit and property tests of the rooms without the kernel, and of what is pure in the samples.
//!
//! Tests that check a promise of the project carry its number in their name.

#![cfg(test)]
#![deny(unsafe_code)]

// Cargo builds again when this has changed; see `run`.
const _: Option<&str> = option_env!("KTASK_HOST_SOURCES");

#[path = "../../ktask.rs"]
mod ktask;

#[path = "../../nodes.rs"]
mod nodes;

#[path = "../../../samples/folio_zero/split.rs"]
mod folio_split;

mod preempt;
mod util;

mod boost;
mod chunk;
mod excluded;
mod handshake;
mod helper;
mod iterator_lock;
mod limits;
mod line;
mod machine;
mod members;
mod outcome;
mod part;
mod parts;
mod patience;
mod ring;
mod share;
mod split;
mod threads;
mod topology;
mod undo;

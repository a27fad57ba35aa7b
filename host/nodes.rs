// SPDX-License-Identifier: GPL-2.0

//! The nodes of a machine: what `ktask/placement/nodes.rs` needs, with locks of the host's or, with the
//! feature `loom`, of a model checker's.

use crate::ktask::{
    placement::{
        nodes::{
            Facts,
            Nodes, //
        },
        turns::Turns, //
    },
    sync::Atomic, //
};
#[cfg(feature = "loom")]
use loom::sync::Mutex;
#[cfg(not(feature = "loom"))]
use std::sync::Mutex;

pub(crate) struct HostNodes {
    nodes: Vec<(Facts, Mutex<Turns<Vec<u32>>>)>,
    all: Mutex<Turns<Vec<u32>>>,
    builds: Atomic<u32>,
}

impl HostNodes {
    pub(crate) fn new(count: usize, cpus: usize) -> Self {
        let turns = || Mutex::new(Turns::new(vec![0; cpus]));
        Self {
            nodes: (0..count).map(|_| (Facts::new(), turns())).collect(),
            all: turns(),
            builds: Atomic::new(0),
        }
    }
}

impl Nodes for HostNodes {
    type Cpus = Vec<u32>;

    fn count(&self) -> usize {
        self.nodes.len()
    }

    fn facts(&self, node: usize) -> Option<&Facts> {
        Some(&self.nodes.get(node)?.0)
    }

    fn builds(&self) -> &Atomic<u32> {
        &self.builds
    }

    fn with_turns<R>(
        &self,
        node: Option<usize>,
        access: impl FnOnce(&mut Turns<Vec<u32>>) -> R,
    ) -> Option<R> {
        let turns = match node {
            Some(node) => &self.nodes.get(node)?.1,
            None => &self.all,
        };
        Some(access(&mut turns.lock().unwrap()))
    }
}

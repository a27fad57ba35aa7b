// SPDX-License-Identifier: GPL-2.0

//! The nodes of the machine with the kernel's locks: what `placement/nodes.rs` needs.

use crate::ktask::{
    placement::{
        nodes::{
            self,
            Facts, //
        },
        turns::Turns, //
    },
    sync::Atomic, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};

/// One node. In memory of its own, so that tasks on different nodes write different cache lines.
#[pin_data]
struct Node {
    facts: Facts,
    #[pin]
    turns: SpinLock<Turns<KVec<u32>>>,
}

impl Node {
    /// A node without CPUs; `cpus` is the number of CPU ids. May sleep.
    fn new(cpus: usize) -> Result<Pin<KBox<Self>>> {
        let turns = Turns::new(KVec::from_elem(0, cpus, GFP_KERNEL)?);
        let node = pin_init!(Self {
            facts: Facts::new(),
            turns <- new_spinlock!(turns, "ktask_node"),
        });
        KBox::pin_init(node, GFP_KERNEL)
    }
}

/// The nodes of the machine.
pub(crate) struct Nodes {
    nodes: KVec<Pin<KBox<Node>>>,
    /// All CPUs, for helpers that may run anywhere.
    all: Pin<KBox<Node>>,
    builds: Atomic<u32>,
}

impl Nodes {
    /// `count` nodes without CPUs; `cpus` is the number of CPU ids. May sleep.
    pub(crate) fn new(count: usize, cpus: usize) -> Result<Self> {
        let mut nodes = KVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            nodes.push(Node::new(cpus)?, GFP_KERNEL)?;
        }
        Ok(Self {
            nodes,
            all: Node::new(cpus)?,
            builds: Atomic::new(0),
        })
    }
}

impl nodes::Nodes for Nodes {
    type Cpus = KVec<u32>;

    fn count(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    fn facts(&self, node: usize) -> Option<&Facts> {
        Some(&self.nodes.get(node)?.facts)
    }

    #[inline]
    fn builds(&self) -> &Atomic<u32> {
        &self.builds
    }

    #[inline]
    fn with_turns<R>(
        &self,
        node: Option<usize>,
        access: impl FnOnce(&mut Turns<KVec<u32>>) -> R,
    ) -> Option<R> {
        let node = match node {
            Some(node) => self.nodes.get(node)?,
            None => &self.all,
        };
        Some(access(&mut node.turns.lock()))
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Positions would lead several threads to a cell.

use core::cell::Cell;
use kernel::prelude::*;

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_walk_unshared_node",
    authors: ["ktask_rs contributors"],
    description: "A position that is not Send must not compile",
    license: "GPL",
}

#[derive(Default)]
struct Node {
    _seen: Cell<u32>, // must not compile
    next: Option<KBox<Node>>,
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let list = Node::default();
        ktask::Task::new().walk(
            Some(&list),
            1,
            |node, _| node.and_then(|node| node.next.as_deref()),
            |_, _| Ok(()),
        )?;
        Ok(Self)
    }
}

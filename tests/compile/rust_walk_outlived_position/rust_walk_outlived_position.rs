// SPDX-License-Identifier: GPL-2.0

//! A position would outlive the list that it is in.

use kernel::{
    new_mutex,
    prelude::*, //
};

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_walk_outlived_position",
    authors: ["ktask_rs contributors"],
    description: "A dangling position must not compile",
    license: "GPL",
}

#[derive(Default)]
struct Node {
    next: Option<KBox<Node>>,
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pin_init::stack_pin_init!(let kept = new_mutex!(None::<&Node>));
        {
            let list = Node::default();
            ktask::Task::new().walk(
                Some(&list),
                1,
                |node, _| node.and_then(|node| node.next.as_deref()),
                |_start, _| {
                    *kept.lock() = _start; // must not compile
                    Ok(())
                },
            )?;
        }
        pr_info!("{}\n", kept.lock().is_some());
        Ok(Self)
    }
}

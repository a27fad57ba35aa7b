// SPDX-License-Identifier: GPL-2.0

//! The C interface has no way to tell an iterator what it captured.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_walk_capturing_iterator",
    authors: ["ktask_rs contributors"],
    description: "An iterator that captures must not compile",
    license: "GPL",
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let calls = Atomic::new(0);
        ktask::Task::new().walk(
            0,
            100,
            |start, units| {
                calls.add(1, Relaxed); // must not compile
                start + units
            },
            |_, _| Ok(()),
        )?;
        pr_info!("{}\n", calls.load(Relaxed));
        Ok(Self)
    }
}

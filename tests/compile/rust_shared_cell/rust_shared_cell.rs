// SPDX-License-Identifier: GPL-2.0

//! Several threads would change a cell at once.

use kernel::prelude::*;

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_shared_cell",
    authors: ["ktask_rs contributors"],
    description: "A data race that must not compile",
    license: "GPL",
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let sum = core::cell::Cell::new(0);
        ktask::Task::new().run(0..100, |chunk| {
            sum.set(sum.get() + chunk.len()); // must not compile
            Ok(())
        })?;
        Ok(Self)
    }
}

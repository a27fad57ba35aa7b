// SPDX-License-Identifier: GPL-2.0

//! Several threads would have the only reference to a variable.

use kernel::prelude::*;

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_mutable_capture",
    authors: ["ktask_rs contributors"],
    description: "A data race that must not compile",
    license: "GPL",
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut sum = 0;
        ktask::Task::new().run(0..100, |chunk| {
            sum += chunk.len(); // must not compile
            Ok(())
        })?;
        pr_info!("{sum}\n");
        Ok(Self)
    }
}

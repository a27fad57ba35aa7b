// SPDX-License-Identifier: GPL-2.0

//! Several threads would use a pointer that may be for one thread only.

use kernel::prelude::*;

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_raw_pointer",
    authors: ["ktask_rs contributors"],
    description: "A shared pointer that must not compile",
    license: "GPL",
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut sum = 0usize;
        let pointer = &raw mut sum;
        ktask::Task::new().run(0..100, |_| {
            let _ = pointer.is_null(); // must not compile
            Ok(())
        })?;
        pr_info!("{pointer:p}\n");
        Ok(Self)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! An iterator would be called in a thread where it must not be.

use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_walk_unsendable_iterator",
    authors: ["ktask_rs contributors"],
    description: "An iterator that is not Send must not compile",
    license: "GPL",
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let here = NotThreadSafe;
        ktask::Task::new().walk(
            0,
            100,
            move |start, units| {
                let _here = here; // must not compile
                start + units
            },
            |_, _| Ok(()),
        )?;
        Ok(Self)
    }
}

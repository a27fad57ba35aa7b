// SPDX-License-Identifier: GPL-2.0

//! A reference to what one call of the work has on its stack would outlive the call.

use kernel::{
    new_mutex,
    prelude::*, //
};

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_escaping_reference",
    authors: ["ktask_rs contributors"],
    description: "A dangling reference that must not compile",
    license: "GPL",
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pin_init::stack_pin_init!(let kept = new_mutex!(None::<&usize>));
        ktask::Task::new().run(0..100, |chunk| {
            let units = chunk.len();
            *kept.lock() = Some(&units); // must not compile
            Ok(())
        })?;
        pr_info!("{:?}\n", *kept.lock());
        Ok(Self)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! ktask: run one CPU-bound job on many CPUs.
//!
//! The root of the `ktask_rs` module. What it does is in [`ktask`]; how modules use it is in
//! `include/linux/ktask.h` and `include/ktask.rs`.

use core::borrow::Borrow;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use ktask::{
    engine::{
        Engine,
        ENGINE,
        MAX_THREADS_MAX, //
    },
    interface::debugfs,
    kernel::hotplug::Hotplug, //
};

mod ktask;

module! {
    type: KtaskModule,
    name: "ktask_rs",
    authors: ["ktask_rs contributors"],
    description: "ktask: run one CPU-bound job on many CPUs",
    license: "GPL",
    params: {
        max_threads: u32 {
            default: 4,
            description: "The most threads of a task that does not set its own limit",
        },
    },
}

/// The loaded module: registrations that keep the engine alive.
struct KtaskModule {
    _hotplug: Hotplug<Engine>,
    _debugfs: debugfs::Files,
}

impl kernel::Module for KtaskModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let max_threads: u32 = copied(module_parameters::max_threads.value());
        if !(1..=MAX_THREADS_MAX).contains(&max_threads) {
            pr_err!("max_threads={max_threads} is not in 1..={MAX_THREADS_MAX}\n");
            return Err(ERANGE);
        }
        let engine = Arc::pin_init(Engine::new(max_threads), GFP_KERNEL)
            .inspect_err(|error| pr_err!("cannot set up the helpers: {error:?}\n"))?;
        let hotplug = Hotplug::new(ENGINE.publish(engine.clone()))
            .inspect_err(|error| pr_err!("cannot follow CPU hotplug: {error:?}\n"))?;
        // Only now, so that no CPU comes or goes unseen.
        engine.follow_cpus();
        // The last that can fail: nobody has one of the files open if anything else does.
        let debugfs = debugfs::new(engine.clone())
            .inspect_err(|error| pr_err!("cannot create the debugfs files: {error:?}\n"))?;
        pr_info!(
            "loaded: at most {} helpers, {max_threads} threads a task\n",
            engine.machine.limits.global.max()
        );
        Ok(Self {
            _hotplug: hotplug,
            _debugfs: debugfs,
        })
    }
}

/// The value of a module parameter, which `value()` returns by reference up to 7.2 and by value from
/// 7.3 on.
fn copied<T: Copy>(value: impl Borrow<T>) -> T {
    *value.borrow()
}

// SPDX-License-Identifier: GPL-2.0

//! What lockdep says of locks around tasks that are started in Rust (P18). Loading the module takes
//! two locks in the wrong order, one after the other, so nothing deadlocks.

use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: KtaskTestLockdepRust,
    name: "ktask_test_lockdep_rust",
    authors: ["ktask_rs contributors"],
    description: "What lockdep says of locks around ktask's tasks in Rust",
    license: "GPL",
}

/// A place where tasks are started, whose functions take `lock`.
fn taking(lock: Option<&Mutex<()>>) -> Result {
    ktask::Task::new().run(0..64, |_| {
        let _guard = lock.map(Mutex::lock);
        fsleep(Delta::from_micros(50));
        Ok(())
    })
}

/// Another one.
fn not_taking() -> Result {
    ktask::Task::new().run(0..64, |_| {
        fsleep(Delta::from_micros(50));
        Ok(())
    })
}

struct KtaskTestLockdepRust;

impl kernel::Module for KtaskTestLockdepRust {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pin_init::stack_pin_init!(let lock = new_mutex!((), "ktask_test_lock"));
        let lock = lock.as_ref().get_ref();
        taking(Some(lock))?;
        let guard = lock.lock();
        // Right, and not to be mistaken for what follows.
        not_taking()?;
        pr_info!("so far all was right\n");
        taking(None)?;
        drop(guard);
        Ok(Self)
    }
}

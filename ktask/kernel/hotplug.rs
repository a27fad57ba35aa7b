// SPDX-License-Identifier: GPL-2.0

//! Tells when CPUs come and go.

use super::published::{
    Published,
    PublishedGuard, //
};
use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// Something that follows the CPUs of the machine. Called in process context with the CPU hotplug
/// lock held; must not fail.
pub(crate) trait Follow: Send + Sync + Sized + 'static {
    /// Where the callbacks find the follower.
    fn published() -> &'static Published<Self>;

    /// `cpu` has come online.
    fn online(&self, cpu: u32);

    /// `cpu` is about to go offline.
    fn offline(&self, cpu: u32);

    /// Some time has passed: looks at what the kernel tells nobody. Called without that lock.
    fn look(&self);
}

/// A registration for CPU hotplug events; ends when it is dropped.
pub(crate) struct Hotplug<F: Follow> {
    state: bindings::cpuhp_state,
    // Dropped after the registration has ended.
    _published: PublishedGuard<F>,
}

impl<F: Follow> Hotplug<F> {
    /// Tells what is published of every CPU that comes or goes from now on. May sleep.
    pub(crate) fn new(published: PublishedGuard<F>) -> Result<Self> {
        // SAFETY: The callbacks match the state's signature, and the name is static. No callback
        // is invoked for CPUs already online.
        let ret = unsafe {
            bindings::__cpuhp_setup_state(
                bindings::cpuhp_state_CPUHP_AP_ONLINE_DYN,
                c"ktask_rs:online".as_char_ptr(),
                false,
                Some(online::<F>),
                Some(offline::<F>),
                false,
            )
        };
        to_result(ret)?;
        Ok(Self {
            state: ret as bindings::cpuhp_state,
            _published: published,
        })
    }
}

impl<F: Follow> Drop for Hotplug<F> {
    fn drop(&mut self) {
        // SAFETY: The state was set up by `new`. Removing waits for a callback that is running.
        unsafe { bindings::__cpuhp_remove_state(self.state, false) };
    }
}

/// # Safety
///
/// Only to be called while a registration lasts.
unsafe extern "C" fn online<F: Follow>(cpu: c_uint) -> c_int {
    // SAFETY: The registration holds the guard of what is published.
    if let Some(follower) = unsafe { F::published().get() } {
        follower.online(cpu);
    }
    0
}

/// # Safety
///
/// As [`online`].
unsafe extern "C" fn offline<F: Follow>(cpu: c_uint) -> c_int {
    // SAFETY: As in `online`.
    if let Some(follower) = unsafe { F::published().get() } {
        follower.offline(cpu);
    }
    0
}

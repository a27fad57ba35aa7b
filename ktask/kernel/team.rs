// SPDX-License-Identifier: GPL-2.0

//! The threads of one task: its caller, who may wait, and its helpers, who may be boosted.

use super::{
    completion::Completion,
    pool::Pool,
    sched, //
};
use crate::ktask::protocol::{
    boost::MAX_NICE,
    members::{
        Left,
        Members, //
    }, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        SpinLock,
        SpinLockGuard, //
    }, //
};

/// How often a caller that boosts a helper sets the helper's nice value again, in milliseconds. The
/// caller's own may rise meanwhile: the caller may be a helper of an outer task, and be boosted.
pub(super) const BOOST_MS: u32 = 100;

/// The calling worker as a member of a task: proof that this worker is the member's.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    id: u32,
    /// The nice value that the worker came with.
    nice: i32,
}

impl Member {
    /// What the protocols know the member as.
    pub(crate) fn id(self) -> u32 {
        self.id
    }
}

/// The threads of one task.
///
/// # Invariants
///
/// The worker of a member's slot is null, or a worker that runs and sets it to null, under the lock,
/// before it ends its run.
#[pin_data]
pub(crate) struct Team<'a> {
    pool: &'a Pool,
    #[pin]
    members: SpinLock<Members>,
    /// Completed when a caller that waits is to look again.
    #[pin]
    caller: Completion,
}

impl<'a> Team<'a> {
    /// A caller without helpers, who may take them from `pool`.
    pub(crate) fn new(pool: &'a Pool) -> impl PinInit<Self> + 'a {
        pin_init!(Self {
            pool,
            members <- new_spinlock!(Members::new(), "ktask_team"),
            caller <- Completion::new(),
        })
    }

    /// The pool that the helpers come from.
    pub(super) fn pool(&self) -> &'a Pool {
        self.pool
    }

    /// Locks the members.
    pub(super) fn lock(&self) -> SpinLockGuard<'_, Members> {
        self.members.lock()
    }

    /// Caller: waits for [`Self::wake`], no longer than `ms` milliseconds. May sleep.
    pub(super) fn wait(&self, ms: u32) {
        self.caller.wait(ms);
    }

    /// Wakes the caller. Under the lock: the caller returns, and with it the team goes, once it has
    /// had the lock.
    pub(super) fn wake(&self) {
        self.caller.complete();
    }

    /// The calling worker becomes the worker of `member`, at the lowest priority unless boosted.
    pub(super) fn enter(&self, member: u32) -> Member {
        let nice = sched::current_nice();
        let members = self.lock();
        // INVARIANT: `leave` and `move_on`, one of which ends the run, set it to null.
        self.pool.set_worker(member, sched::current_raw());
        // Not before: a worker that lowers itself may lose the CPU at once, and would be where no
        // boost can find it.
        sched::set_current_nice(members.boost.nice_of(member));
        Member { id: member, nice }
    }

    /// The calling worker stops being the worker of `member` by `step`, unless the caller waits for
    /// the members. Returns whether it did.
    pub(super) fn move_on(&self, member: Member, step: &mut dyn FnMut()) -> bool {
        let mut members = self.lock();
        if !members.may_move() {
            return false;
        }
        members.boost.end(member.id);
        self.retire(member);
        step();
        true
    }

    /// The calling worker stops being the worker of `member`, by `step`, which removes the member.
    /// Afterwards the team may be gone.
    pub(super) fn leave(&self, member: Member, step: impl FnOnce(&mut Members) -> Left) {
        let mut members = self.lock();
        self.retire(member);
        let left = step(&mut members);
        if let Some((heir, nice)) = left.heir {
            self.set_nice(&members, heir, nice);
        }
        if left.wake_caller {
            self.wake();
        }
    }

    /// The calling worker is no longer that of `member`, and is left as it was found. Under the lock:
    /// what comes after must not wait for a worker of the lowest priority to get a CPU.
    fn retire(&self, member: Member) {
        self.pool.set_worker(member.id, core::ptr::null_mut());
        sched::set_current_nice(member.nice);
    }

    /// Caller: boosts `member` to its own nice value. A caller of SCHED_IDLE has none that would tell
    /// its priority, and boosts nobody.
    pub(super) fn boost(&self, members: &mut Members, member: u32) {
        let nice = if sched::current_is_idle() {
            MAX_NICE
        } else {
            sched::current_nice()
        };
        members.boost.give(member, nice);
        self.set_nice(members, member, nice);
    }

    /// Ends the boost of the calling worker.
    pub(super) fn end_boost(&self, members: &mut Members, member: Member) {
        if members.boost.end(member.id).is_some() {
            sched::set_current_nice(MAX_NICE);
        }
    }

    /// Caller: waits until all members have left, boosting one of them at a time. The members are
    /// closed. May sleep.
    pub(super) fn wait_for_all(&self) {
        loop {
            {
                let mut members = self.lock();
                let Some(member) = members.boost.boosted().or_else(|| members.any()) else {
                    return;
                };
                self.boost(&mut members, member);
            }
            self.wait(BOOST_MS);
        }
    }

    /// Sets the nice value of a member's worker, if there is one by now. The members show that the
    /// lock is held.
    fn set_nice(&self, _members: &Members, member: u32, nice: i32) {
        let worker = self.pool.worker(member);
        if !worker.is_null() {
            // SAFETY: By the type invariant the worker runs, and needs the lock that is held to end
            // its run.
            unsafe { sched::set_nice(worker, nice) };
        }
    }
}

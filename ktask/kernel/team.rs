// SPDX-License-Identifier: GPL-2.0

//! The threads of one task: its caller, who may wait, and its helpers, who may be boosted.

use super::{
    completion::Completion,
    hungry::Hungry,
    pool::Pool,
    sched,
    scope::RawScope, //
};
use crate::ktask::{
    protocol::{
        boost::MAX_NICE,
        helper::{
            Helper,
            Workers, //
        },
        line::Entry,
        members::{
            Left,
            Members, //
        }, //
    },
    sync::{
        Atomic,
        Relaxed, //
    }, //
};
use core::ops::{
    Deref,
    DerefMut, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        SetOnce,
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

/// What is under the lock of a team.
pub(super) struct Inner {
    members: Members,
    /// How many helpers were offered the job so far.
    pub(super) offered: u32,
}

impl Deref for Inner {
    type Target = Members;

    fn deref(&self) -> &Members {
        &self.members
    }
}

impl DerefMut for Inner {
    fn deref_mut(&mut self) -> &mut Members {
        &mut self.members
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
    hungry: &'a Hungry,
    /// Among the hungry tasks, under their lock.
    pub(super) entry: Entry,
    /// How many helpers the task has, for all who compare tasks. Grows under the lock only.
    helpers: Atomic<u32>,
    /// How many helpers no worker has taken up yet. Changed under the lock.
    waiting: Atomic<u32>,
    /// Whether any other thread may know the team. Set under the lock.
    pub(super) used: Atomic<bool>,
    /// Whether the team was ever among the hungry tasks. Set under the lock.
    pub(super) listed: Atomic<bool>,
    /// The count of changes of the machine when no room was found for a helper of the task; under the
    /// lock of the hungry tasks.
    no_room_at: Atomic<u32>,
    /// The job of the team's scope. Set before any other thread knows the team.
    pub(super) scope: SetOnce<RawScope>,
    #[pin]
    inner: SpinLock<Inner>,
    /// Completed when a caller that waits is to look again.
    #[pin]
    caller: Completion,
}

impl<'a> Team<'a> {
    /// A caller without helpers, who may take them from `pool`, and is among the `hungry` if there
    /// are too few.
    pub(crate) fn new(pool: &'a Pool, hungry: &'a Hungry) -> impl PinInit<Self> + 'a {
        let inner = Inner {
            members: Members::new(),
            offered: 0,
        };
        pin_init!(Self {
            pool,
            hungry,
            entry: Entry::new(),
            helpers: Atomic::new(0),
            waiting: Atomic::new(0),
            used: Atomic::new(false),
            listed: Atomic::new(false),
            no_room_at: Atomic::new(u32::MAX),
            scope: SetOnce::new(),
            inner <- new_spinlock!(inner, "ktask_team"),
            caller <- Completion::new(),
        })
    }

    /// The hungry tasks, to which this one may belong.
    pub(super) fn hungry(&self) -> &'a Hungry {
        self.hungry
    }

    /// How many helpers the task has.
    pub(crate) fn helpers(&self) -> u32 {
        self.helpers.load(Relaxed)
    }

    /// How many of them no worker has taken up yet.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Relaxed)
    }

    /// Whether room may be found for a helper of the task, as far as is known with so many `changes` of
    /// the machine. The calling thread holds the lock of the hungry tasks.
    pub(super) fn had_room(&self, changes: u32) -> bool {
        self.no_room_at.load(Relaxed) != changes
    }

    /// No room was found. The calling thread holds the lock of the hungry tasks.
    pub(super) fn set_no_room(&self, changes: u32) {
        self.no_room_at.store(changes, Relaxed);
    }

    /// Counts one more helper. Under the lock, or several threads would count one each where one is
    /// wanted.
    pub(super) fn add_helper(&self, _inner: &mut Inner) {
        self.helpers.add(1, Relaxed);
    }

    /// Counts one more helper that no worker has taken up. Under the lock.
    pub(super) fn add_waiting(&self, _inner: &mut Inner) {
        self.waiting.add(1, Relaxed);
    }

    /// Caller: takes back a helper that no worker has taken up, and that is not counted any more then,
    /// so that the task can have another one. Returns whether there was one.
    pub(crate) fn take_back(&self) -> bool {
        let taken = {
            let mut inner = self.lock();
            let taken = inner.take_back(
                self.pool,
                |member| self.helper(member).is_some_and(Helper::is_offered),
                |member| self.helper(member).is_some_and(Helper::cancel),
            );
            if taken.is_some() {
                self.waiting.fetch_sub(1, Relaxed);
                self.remove_helper();
            }
            taken
        };
        // Not the team's any more.
        let slot = taken.and_then(|member| self.pool.slot(member));
        if let Some(slot) = slot {
            slot.cancel();
            slot.free();
        }
        slot.is_some()
    }

    fn helper(&self, member: u32) -> Option<&'a Helper<RawScope>> {
        Some(&self.pool.slot(member)?.helper)
    }

    /// A helper is about to leave, and may be replaced. The calling thread is a thread of the task.
    pub(crate) fn remove_helper(&self) {
        self.helpers.fetch_sub(1, Relaxed);
    }

    /// The task could use more helpers than it has, and will get them when there is room. Called by a
    /// thread of the task. Returns whether that is news.
    pub(crate) fn go_hungry(&self) -> bool {
        self.hungry.join(self)
    }

    /// The pool that the helpers come from.
    pub(super) fn pool(&self) -> &'a Pool {
        self.pool
    }

    /// Locks the members.
    pub(super) fn lock(&self) -> SpinLockGuard<'_, Inner> {
        self.inner.lock()
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

    /// The calling worker becomes the worker of `member`, at the lowest priority unless boosted. One
    /// that `works` no more than to find that nothing is left keeps its priority until it is boosted:
    /// nice values are dear.
    pub(super) fn enter(&self, member: u32, works: bool) -> Member {
        let inner = self.lock();
        self.waiting.fetch_sub(1, Relaxed);
        self.enter_locked(&inner, member, works)
    }

    /// The calling worker stops being the worker of `member`, but the team expects it to come back or
    /// to stay away: meanwhile the caller waits for a thread of ordinary priority.
    pub(super) fn step_out(&self, member: Member) {
        self.leave(member, |members| {
            members.expect();
            members.leave(self.pool, member.id)
        });
    }

    /// The calling worker, which is expected, becomes the worker of `member`.
    pub(super) fn come(&self, member: u32) -> Member {
        let mut members = self.lock();
        if members.come(self.pool, member) {
            self.wake();
        }
        self.enter_locked(&members, member, true)
    }

    /// A thread that is expected does not become a member. Afterwards the team may be gone.
    pub(super) fn stay_away(&self) {
        let mut members = self.lock();
        if members.stay_away() {
            self.wake();
        }
    }

    fn enter_locked(&self, members: &Members, member: u32, works: bool) -> Member {
        let nice = sched::current_nice();
        // INVARIANT: `leave` and `move_on`, one of which ends the run, set it to null.
        self.pool.set_worker(member, sched::current_raw());
        // Not before: a worker that lowers itself may lose the CPU at once, and would be where no
        // boost can find it.
        if works || members.boost.boosted() == Some(member) {
            sched::set_current_nice(members.boost.nice_of(member));
        }
        Member { id: member, nice }
    }

    /// The calling worker stops being the worker of `member` by `step`, unless the caller waits for
    /// the members. Returns whether it did.
    pub(super) fn move_on(&self, member: Member, step: &mut dyn FnMut()) -> bool {
        let mut members = self.lock();
        if !members.open() {
            return false;
        }
        members.boost.end(member.id);
        self.retire(member);
        self.add_waiting(&mut members);
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

    /// Caller: waits until all members have left, boosting one of them at a time, and nobody is
    /// expected. The members are closed. May sleep.
    pub(super) fn wait_for_all(&self) {
        loop {
            {
                let mut members = self.lock();
                if members.is_over() {
                    return;
                }
                // Who is expected runs at a nice value of its own.
                if let Some(member) = members.boost.boosted().or_else(|| members.any()) {
                    self.boost(&mut members, member);
                }
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

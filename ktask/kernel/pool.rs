// SPDX-License-Identifier: GPL-2.0

//! Helpers that can be used for a scope.
//!
//! [`Team::scope`] is to helpers what `std::thread::scope` is to threads: a [`Job`] that lives on
//! the caller's stack is run by helpers, none of which touches it any more when the scope ends.
//! All helpers exist from the start, so a scope allocates nothing. Ending a scope waits for helpers
//! that run, never for one that has not started: that one is cancelled.
//!
//! What a helper does when is in `protocol/helper.rs`; here are the work items and the memory.

use super::{
    team::{
        Member,
        Team, //
    },
    workqueue::{
        self,
        Work,
        Workqueue, //
    }, //
};
use crate::ktask::{
    policy::undo::Failed,
    protocol::{
        helper::{
            Assignment,
            Helper,
            Item,
            Next,
            ScopeRef,
            Workers, //
        },
        members::{
            Link,
            Links,
            List, //
        }, //
    },
    sync::{
        Atomic,
        Relaxed, //
    }, //
};
use core::{
    mem::transmute,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    bindings,
    container_of,
    new_spinlock,
    prelude::*,
    static_lock_class,
    sync::{
        Arc,
        SpinLock, //
    }, //
};

/// What the helpers of one scope do.
pub(crate) trait Job: Sync {
    /// Does an assignment in a worker, in process context; may sleep. `conclusive` tells that the
    /// worker is one of those that serve the assignment's CPU.
    fn run(&self, member: Member, assignment: Assignment, conclusive: bool) -> Next;

    /// An assignment will not be done. Called once for each that `run` is not called for. Must not
    /// sleep.
    fn cancelled(&self, assignment: Assignment);
}

/// A scope as its helpers see it.
#[derive(Clone, Copy)]
struct RawScope {
    job: NonNull<dyn Job>,
    team: NonNull<Team<'static>>,
}

// SAFETY: Jobs and teams are `Sync`, so any thread may use them through a pointer.
unsafe impl Send for RawScope {}

impl RawScope {
    fn job(&self) -> &dyn Job {
        // SAFETY: `Helper::run` uses a scope from the member's joining to its leaving only, and until
        // all members have left `Team::scope` keeps the job.
        unsafe { self.job.as_ref() }
    }

    fn team(&self) -> &Team<'_> {
        // SAFETY: As in `job`.
        unsafe { self.team.as_ref() }
    }
}

impl ScopeRef for RawScope {
    type Member = Member;

    fn run(&self, member: &Member, assignment: Assignment, conclusive: bool) -> Next {
        self.job().run(*member, assignment, conclusive)
    }

    fn cancelled(&self, assignment: Assignment) {
        self.job().cancelled(assignment);
    }

    fn enter(&self, member: u32) -> Member {
        self.team().enter(member)
    }

    fn move_on(&self, member: &Member, step: &mut dyn FnMut()) -> bool {
        self.team().move_on(*member, step)
    }

    fn leave(&self, member: &Member) {
        let team = self.team();
        team.leave(*member, |members| members.leave(team.pool(), member.id()));
    }

    fn leave_failed(&self, member: &Member) {
        let team = self.team();
        team.leave(*member, |members| {
            members.leave_failed(team.pool(), member.id())
        });
    }
}

/// The memory of one helper.
#[pin_data]
struct Slot {
    #[pin]
    even: Work,
    #[pin]
    odd: Work,
    helper: Helper<RawScope>,
    /// Under the lock of the helper's team.
    link: Link,
    /// The thread that runs the helper, or null; under the lock of the helper's team.
    worker: Atomic<*mut bindings::task_struct>,
    index: u32,
    free: Arc<Free>,
    wq: workqueue::Handle,
}

// SAFETY: The pointer to the worker is used only as `Team` allows; everything else may be shared.
unsafe impl Sync for Slot {}
// SAFETY: As above.
unsafe impl Send for Slot {}

impl Slot {
    /// Initialises a slot whose work items are queued on `wq`.
    ///
    /// # Safety
    ///
    /// The slot must stay valid until `wq` has been dropped, and `wq` until the last use of the
    /// slot.
    unsafe fn new(index: u32, free: Arc<Free>, wq: workqueue::Handle) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot outlives everything queued on `wq`, so the function may run
            // whenever the item has been queued.
            even <- unsafe { Work::new(c"ktask_even", static_lock_class!(), work_even) },
            // SAFETY: As above.
            odd <- unsafe { Work::new(c"ktask_odd", static_lock_class!(), work_odd) },
            helper: Helper::new(index),
            link: Link::new(),
            worker: Atomic::new(ptr::null_mut()),
            index,
            free,
            wq,
        })
    }

    /// Runs in a worker, in the work item `item`.
    fn work(&self, item: Item) {
        self.helper.run(self, item);
    }
}

impl Workers for Slot {
    fn queue(&self, cpu: u32, item: Item) {
        let work = match item {
            Item::Even => &self.even,
            Item::Odd => &self.odd,
        };
        // SAFETY: The slot stays where it is until the workqueue has been destroyed. Only scopes
        // queue, which keep the pool alive, and a worker that moves on: destroying the workqueue
        // waits for that worker, and then for what it queued. CPUs come from the table of possible
        // CPUs.
        unsafe { self.wq.queue_on(cpu, work) };
    }

    fn cancel(&self) {
        self.even.cancel();
        self.odd.cancel();
    }

    fn idle(&self) -> bool {
        self.even.idle() && self.odd.idle()
    }

    fn free(&self) {
        self.free.ring.lock().push(self.index);
    }
}

/// # Safety
///
/// `work` must be the `even` item of a valid slot.
unsafe extern "C" fn work_even(work: *mut bindings::work_struct) {
    // CAST: `Work` has the address of the work item in it.
    let work = work.cast::<Work>();
    // SAFETY: The function's own contract; a slot is only ever used through shared references.
    let slot = unsafe { &*container_of!(work, Slot, even) };
    slot.work(Item::Even);
}

/// # Safety
///
/// `work` must be the `odd` item of a valid slot.
unsafe extern "C" fn work_odd(work: *mut bindings::work_struct) {
    // CAST: As in `work_even`.
    let work = work.cast::<Work>();
    // SAFETY: As in `work_even`.
    let slot = unsafe { &*container_of!(work, Slot, odd) };
    slot.work(Item::Odd);
}

/// The slots that no scope uses.
#[pin_data]
struct Free {
    #[pin]
    ring: SpinLock<Ring>,
}

/// A ring, so that a slot rests as long as possible before it is used again and its last worker is
/// really gone.
struct Ring {
    slots: KVec<u32>,
    head: usize,
    len: usize,
}

impl Ring {
    fn pop(&mut self) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        let slot = *self.slots.get(self.head)?;
        self.head = self.wrap(self.head.wrapping_add(1));
        self.len -= 1;
        Some(slot)
    }

    fn push(&mut self, slot: u32) {
        let tail = self.wrap(self.head.wrapping_add(self.len));
        if let Some(entry) = self.slots.get_mut(tail) {
            *entry = slot;
            self.len += 1;
        }
    }

    fn wrap(&self, at: usize) -> usize {
        at.checked_rem(self.slots.len()).unwrap_or(0)
    }
}

/// A fixed number of helpers.
#[pin_data(PinnedDrop)]
pub(crate) struct Pool {
    wq: Option<Workqueue>,
    slots: KVec<Pin<KBox<Slot>>>,
    free: Arc<Free>,
}

impl Pool {
    /// Allocates `count` helpers. May sleep.
    pub(crate) fn new(count: usize) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            let mut ring = KVec::with_capacity(count, GFP_KERNEL)?;
            for index in 0..count {
                ring.push(index as u32, GFP_KERNEL)?;
            }
            let ring = Ring {
                slots: ring,
                head: 0,
                len: count,
            };
            let free = pin_init!(Free {
                ring <- new_spinlock!(ring, "ktask_free"),
            });
            let free = Arc::pin_init(free, GFP_KERNEL)?;
            let mut slots = KVec::with_capacity(count, GFP_KERNEL)?;
            // After the slots, so that an error drops the workqueue before them.
            let wq = Workqueue::new()?;
            for index in 0..count {
                // SAFETY: `Pool` drops the workqueue before the slots, and uses slots only while
                // it lives.
                let slot = unsafe { Slot::new(index as u32, free.clone(), wq.handle()) };
                slots.push(KBox::pin_init(slot, GFP_KERNEL)?, GFP_KERNEL)?;
            }
            Ok(try_pin_init!(Self {
                wq: Some(wq),
                slots,
                free,
            }))
        })
    }

    fn slot(&self, index: u32) -> Option<&Slot> {
        self.slots
            .get(index as usize)
            .map(|slot| slot.as_ref().get_ref())
    }

    /// The worker of a member, null if there is none. Under the lock of the member's team.
    pub(super) fn worker(&self, member: u32) -> *mut bindings::task_struct {
        self.slot(member)
            .map_or(ptr::null_mut(), |slot| slot.worker.load(Relaxed))
    }

    /// Sets the worker of a member. Under the lock of the member's team.
    pub(super) fn set_worker(&self, member: u32, worker: *mut bindings::task_struct) {
        if let Some(slot) = self.slot(member) {
            slot.worker.store(worker, Relaxed);
        }
    }

    /// The slots of a list that nobody changes meanwhile.
    fn list(&self, list: &List) -> impl Iterator<Item = &Slot> + Clone {
        let mut next = list.first();
        core::iter::from_fn(move || {
            let member = next?;
            // Found first, as the slot may be freed before the next call.
            next = List::after(self, member);
            self.slot(member)
        })
    }
}

impl Links for Pool {
    fn link(&self, member: u32) -> Option<&Link> {
        self.slot(member).map(|slot| &slot.link)
    }
}

#[pinned_drop]
impl PinnedDrop for Pool {
    fn drop(self: Pin<&mut Self>) {
        // Waits until no worker runs a slot's item any more; the slots are freed after that.
        *self.project().wq = None;
    }
}

impl Team<'_> {
    /// Runs `body`, which may have helpers do `job`, and ends them.
    ///
    /// When this returns, no helper uses `job` or this team any more. Helpers that failed stay taken
    /// until the result is dropped, so that their failures can be read. Once for each team. May
    /// sleep.
    pub(crate) fn scope<'job, T>(
        &self,
        job: &'job (dyn Job + 'job),
        body: impl FnOnce(&Scope<'_, 'job>) -> T,
    ) -> (T, Joined<'_>) {
        let scope = Scope { team: self, job };
        let value = body(&scope);
        (value, scope.join())
    }
}

/// A scope, in which helpers can be started on a job.
pub(crate) struct Scope<'team, 'job> {
    team: &'team Team<'team>,
    job: &'job (dyn Job + 'job),
}

impl<'team> Scope<'team, '_> {
    /// Has a helper do `assignment` in a worker of its CPU. `verify` asks to find out for sure whether
    /// the worker is one that serves that CPU. Returns false, and does nothing, if no helper is left.
    pub(crate) fn start(&self, assignment: Assignment, verify: bool) -> bool {
        let pool = self.team.pool();
        let Some(index) = pool.free.ring.lock().pop() else {
            return false;
        };
        let Some(slot) = pool.slot(index) else {
            return false;
        };
        self.team.lock().join(pool, index);
        let started = slot.helper.offer(slot, self.raw(), assignment, verify);
        if !started {
            self.team.lock().unjoin(pool, index);
        }
        started
    }

    fn raw(&self) -> RawScope {
        let job: NonNull<dyn Job + '_> = NonNull::from(self.job);
        RawScope {
            // SAFETY: Only the lifetime changes. `Team::scope` ends every helper before the job's
            // own lifetime does: nobody outside can get hold of a `Scope` by value, so `join` always
            // runs.
            job: unsafe { transmute::<NonNull<dyn Job + '_>, NonNull<dyn Job>>(job) },
            team: NonNull::from(self.team).cast(),
        }
    }

    /// Ends all helpers: cancels those that have not started, then waits for the others.
    fn join(self) -> Joined<'team> {
        let team = self.team;
        let pool = team.pool();
        let cancelled = team.lock().close(pool, |member| {
            pool.slot(member).is_some_and(|slot| slot.helper.cancel())
        });
        for slot in pool.list(&cancelled) {
            slot.cancel();
            slot.free();
        }
        team.wait_for_all();
        let failed = team.lock().take_failed();
        Joined { pool, failed }
    }
}

/// The helpers of a scope that has ended, as far as they failed.
pub(crate) struct Joined<'pool> {
    pool: &'pool Pool,
    failed: List,
}

impl Joined<'_> {
    /// What the helpers failed with.
    pub(crate) fn failures(&self) -> impl Iterator<Item = Failed> + Clone + '_ {
        self.pool
            .list(&self.failed)
            .filter_map(|slot| slot.helper.failure())
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.pool.list(&self.failed).for_each(Workers::free);
    }
}

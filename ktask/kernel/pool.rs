// SPDX-License-Identifier: GPL-2.0

//! Helpers: worker threads that can be borrowed for a scope.
//!
//! [`Pool::scope`] is to helpers what `std::thread::scope` is to threads: a [`Job`] that lives on
//! the caller's stack is run by helpers, none of which touches it any more when the scope ends.
//! All helpers exist from the start, so a scope allocates nothing. Ending a scope waits for helpers
//! that run, never for one that has not started: that one is withdrawn.

use crate::ktask::kernel::completion::Completion;
use crate::ktask::kernel::sched;
use crate::ktask::kernel::sched::LEND_MS;
use crate::ktask::kernel::workqueue;
use crate::ktask::kernel::workqueue::Work;
use crate::ktask::kernel::workqueue::Workqueue;
use crate::ktask::protocol::handshake::Closed;
use crate::ktask::protocol::handshake::Handshake;
use crate::ktask::sync::Atomic;
use crate::ktask::sync::Relaxed;
use core::{
    cell::UnsafeCell,
    mem::transmute,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    container_of,
    new_spinlock,
    prelude::*,
    static_lock_class,
    sync::SpinLock, //
};

/// No helper.
const NONE: u32 = u32::MAX;

/// What the helpers of one scope do. `S` says what one helper is to do, `R` what it found.
pub(crate) trait Job<S, R>: Sync {
    /// Runs in the helper's worker, in process context; may sleep.
    fn run(&self, seat: S) -> Verdict<S, R>;

    /// A helper that was to do `seat` never will. Runs once for every seat for which `run` does
    /// not.
    fn withdrawn(&self, seat: S);
}

/// How a helper goes on.
pub(crate) enum Verdict<S, R> {
    /// It is done.
    Done(R),
    /// It is to do `S` next, in a worker of the given CPU.
    Move(u32, S),
}

/// What a helper is doing, and for whom.
struct Order<S, R> {
    job: Option<NonNull<dyn Job<S, R>>>,
    seat: Option<S>,
    report: Option<R>,
}

/// One helper.
///
/// # Invariants
///
/// `order` belongs to the owner (the scope that took the slot, or nobody) while `hand` is idle or
/// offered, and to the one worker that began while it is running or closing.
#[pin_data]
struct Slot<S: 'static, R: 'static> {
    // Two work items, used in turn: an item that is queued while it runs goes to the pool where it
    // runs, so a helper that moves to another node must use the other one.
    #[pin]
    even: Work,
    #[pin]
    odd: Work,
    #[pin]
    done: Completion,
    #[pin]
    worker: sched::Seat,
    hand: Handshake,
    order: UnsafeCell<Order<S, R>>,
    // The owner's own notes: the CPU to queue on, whether the offer was withdrawn, and the next in
    // the owner's list.
    cpu: Atomic<u32>,
    withdrawn: Atomic<bool>,
    next: Atomic<u32>,
    wq: workqueue::Handle,
}

// SAFETY: `order` is handed between threads by `hand`, according to the type's invariants; `S` and
// `R` may be sent, and jobs are `Sync`.
unsafe impl<S: Send, R: Send> Sync for Slot<S, R> {}
// SAFETY: As above.
unsafe impl<S: Send, R: Send> Send for Slot<S, R> {}

impl<S: Copy + Send + 'static, R: Send + 'static> Slot<S, R> {
    /// Initialises a slot whose work items are queued on `wq`.
    ///
    /// # Safety
    ///
    /// The slot must stay valid until `wq` has been dropped, and `wq` until the last use of the
    /// slot.
    unsafe fn new(wq: workqueue::Handle) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: The slot outlives everything queued on `wq`, so the function may run
            // whenever the item has been queued.
            even <- unsafe {
                Work::new(c"ktask_even", static_lock_class!(), work_even::<S, R>)
            },
            // SAFETY: As above.
            odd <- unsafe {
                Work::new(c"ktask_odd", static_lock_class!(), work_odd::<S, R>)
            },
            done <- Completion::new(),
            worker <- sched::Seat::new(),
            hand: Handshake::new(),
            order: UnsafeCell::new(Order {
                job: None,
                seat: None,
                report: None,
            }),
            cpu: Atomic::new(0),
            withdrawn: Atomic::new(false),
            next: Atomic::new(NONE),
            wq,
        })
    }

    fn queue(&self, cpu: u32, work: &Work) {
        // SAFETY: The slot stays where it is until the workqueue has been destroyed. Only scopes
        // queue, which keep the pool alive, and a worker that moves on: destroying the workqueue
        // waits for that worker, and then for what it queued. CPUs come from the table of possible
        // CPUs.
        unsafe { self.wq.queue_on(cpu, work) };
    }

    /// Owner: waits until the helper has ended, lending it the caller's priority.
    fn wait(&self) {
        loop {
            self.worker.lend(sched::current_nice());
            if self.done.wait(LEND_MS) {
                return;
            }
        }
    }

    /// Runs in a worker. `other` is the work item that the worker does not run in.
    fn work(&self, other: &Work) {
        if !self.hand.begin() {
            // The offer was withdrawn after the worker had taken the item off the queue.
            return;
        }
        // SAFETY: `begin` succeeded, so by the type invariants `order` is this worker's.
        let order = unsafe { &mut *self.order.get() };
        let mut report = None;
        if let (Some(job), Some(seat)) = (order.job, order.seat) {
            // SAFETY: The scope that made the offer keeps the job alive until this worker ends or
            // moves on (see `Pool::scope`).
            let job = unsafe { job.as_ref() };
            self.worker.enter();
            let verdict = job.run(seat);
            self.worker.leave();
            match verdict {
                Verdict::Done(found) => report = Some(found),
                Verdict::Move(cpu, seat) => {
                    order.seat = Some(seat);
                    if self.hand.move_on() {
                        // From here on neither the order nor the job is this worker's.
                        return self.queue(cpu, other);
                    }
                    job.withdrawn(seat);
                }
            }
        }
        order.report = report;
        self.hand.end();
        // The owner waits for this before it gives the slot back.
        self.done.complete();
    }
}

/// # Safety
///
/// `work` must be the `even` item of a valid slot.
unsafe extern "C" fn work_even<S: Copy + Send + 'static, R: Send + 'static>(
    work: *mut bindings::work_struct,
) {
    // CAST: `Work` has the address of the work item in it.
    let work = work.cast::<Work>();
    // SAFETY: The function's own contract; a slot is only ever used through shared references.
    let slot = unsafe { &*container_of!(work, Slot<S, R>, even) };
    slot.work(&slot.odd);
}

/// # Safety
///
/// `work` must be the `odd` item of a valid slot.
unsafe extern "C" fn work_odd<S: Copy + Send + 'static, R: Send + 'static>(
    work: *mut bindings::work_struct,
) {
    // CAST: As in `work_even`.
    let work = work.cast::<Work>();
    // SAFETY: As in `work_even`.
    let slot = unsafe { &*container_of!(work, Slot<S, R>, odd) };
    slot.work(&slot.even);
}

/// Slots that nobody has taken: a ring, so that a slot rests as long as possible before it is
/// taken again and its last worker is really gone.
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
pub(crate) struct Pool<S: 'static, R: 'static> {
    wq: Option<Workqueue>,
    slots: KVec<Pin<KBox<Slot<S, R>>>>,
    #[pin]
    free: SpinLock<Ring>,
}

impl<S: Copy + Send + 'static, R: Send + 'static> Pool<S, R> {
    /// Allocates `count` helpers. May sleep.
    pub(crate) fn new(count: usize) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            let wq = Workqueue::new()?;
            let mut slots = KVec::with_capacity(count, GFP_KERNEL)?;
            let mut ring = KVec::with_capacity(count, GFP_KERNEL)?;
            for index in 0..count {
                // SAFETY: `Pool` drops the workqueue before the slots, and uses slots only while
                // it lives.
                let slot = unsafe { Slot::new(wq.handle()) };
                slots.push(KBox::pin_init(slot, GFP_KERNEL)?, GFP_KERNEL)?;
                ring.push(index as u32, GFP_KERNEL)?;
            }
            Ok(try_pin_init!(Self {
                wq: Some(wq),
                slots,
                free <- new_spinlock!(
                    Ring { slots: ring, head: 0, len: count },
                    "ktask_pool"
                ),
            }))
        })
    }

    /// Runs `body`, which may start helpers on `job`, and ends them.
    ///
    /// When this returns, no helper uses `job` any more. The helpers stay taken until the result
    /// is dropped, so that their reports can be read. May sleep.
    pub(crate) fn scope<'job, T>(
        &self,
        job: &'job (dyn Job<S, R> + 'job),
        body: impl FnOnce(&mut Crew<'_, 'job, S, R>) -> T,
    ) -> (T, Finished<'_, S, R>) {
        let mut crew = Crew {
            pool: self,
            job,
            first: NONE,
            last: NONE,
            len: 0,
            started: false,
        };
        let value = body(&mut crew);
        let first = crew.end();
        (value, Finished { pool: self, first })
    }

    fn slot(&self, index: u32) -> Option<&Slot<S, R>> {
        self.slots
            .get(index as usize)
            .map(|slot| slot.as_ref().get_ref())
    }

    /// The slots of a list that starts with `first`.
    fn list(&self, first: u32) -> impl Iterator<Item = (u32, &Slot<S, R>)> + Clone {
        let mut index = first;
        core::iter::from_fn(move || {
            let slot = self.slot(index)?;
            let this = index;
            index = slot.next.load(Relaxed);
            Some((this, slot))
        })
    }
}

#[pinned_drop]
impl<S, R> PinnedDrop for Pool<S, R> {
    fn drop(self: Pin<&mut Self>) {
        // Waits until no worker runs a slot's item any more; the slots are freed after that.
        *self.project().wq = None;
    }
}

/// The helpers of a scope.
pub(crate) struct Crew<'pool, 'job, S: 'static, R: 'static> {
    pool: &'pool Pool<S, R>,
    job: &'job (dyn Job<S, R> + 'job),
    first: u32,
    last: u32,
    len: usize,
    started: bool,
}

impl<S: Copy + Send + 'static, R: Send + 'static> Crew<'_, '_, S, R> {
    /// How many helpers have been taken.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes a helper that is to do `seat` in a worker of `cpu`. Returns whether there was one;
    /// there is none once the helpers have been started.
    pub(crate) fn take(&mut self, cpu: u32, seat: S) -> bool {
        if self.started {
            return false;
        }
        let Some(index) = self.pool.free.lock().pop() else {
            return false;
        };
        let Some(slot) = self.pool.slot(index) else {
            return false;
        };
        let job: NonNull<dyn Job<S, R> + '_> = NonNull::from(self.job);
        // SAFETY: Only the lifetime changes. `Pool::scope` ends every helper before the job's own
        // lifetime does: nobody outside can get hold of a `Crew` by value, so `end` always runs.
        let job = unsafe { transmute::<NonNull<dyn Job<S, R> + '_>, NonNull<dyn Job<S, R>>>(job) };
        // SAFETY: The slot was free, so by the type invariants `order` is ours now.
        let order = unsafe { &mut *slot.order.get() };
        *order = Order {
            job: Some(job),
            seat: Some(seat),
            report: None,
        };
        slot.worker.reset();
        slot.cpu.store(cpu, Relaxed);
        slot.withdrawn.store(false, Relaxed);
        slot.next.store(NONE, Relaxed);
        match self.pool.slot(self.last) {
            Some(last) => last.next.store(index, Relaxed),
            None => self.first = index,
        }
        self.last = index;
        self.len += 1;
        true
    }

    /// Lets all helpers taken begin. The first call counts.
    pub(crate) fn start(&mut self) {
        if self.started {
            return;
        }
        self.started = true;
        for (_, slot) in self.pool.list(self.first) {
            slot.hand.offer();
            slot.queue(slot.cpu.load(Relaxed), &slot.even);
        }
    }

    /// Ends all helpers: withdraws those that have not started, then waits for the others, lending
    /// the caller's priority to one at a time. Returns the first of the list.
    fn end(self) -> u32 {
        for (_, slot) in self.pool.list(self.first) {
            if !self.started || slot.hand.close() == Closed::Withdrawn {
                slot.withdrawn.store(true, Relaxed);
                slot.even.cancel();
                slot.odd.cancel();
                // SAFETY: There is no offer any more, so by the type invariants the order is ours.
                if let Some(seat) = unsafe { (*slot.order.get()).seat } {
                    self.job.withdrawn(seat);
                }
            }
        }
        for (_, slot) in self.pool.list(self.first) {
            if !slot.withdrawn.load(Relaxed) {
                slot.wait();
            }
        }
        self.first
    }
}

/// The helpers of a scope that has ended.
pub(crate) struct Finished<'pool, S: Copy + Send + 'static, R: Send + 'static> {
    pool: &'pool Pool<S, R>,
    first: u32,
}

impl<S: Copy + Send + 'static, R: Copy + Send + 'static> Finished<'_, S, R> {
    /// What the helpers reported.
    pub(crate) fn reports(&self) -> impl Iterator<Item = R> + Clone + '_ {
        self.pool.list(self.first).filter_map(|(_, slot)| {
            // SAFETY: All workers have ended, so the orders are ours.
            unsafe { (*slot.order.get()).report }
        })
    }
}

impl<S: Copy + Send + 'static, R: Send + 'static> Drop for Finished<'_, S, R> {
    fn drop(&mut self) {
        for (index, slot) in self.pool.list(self.first) {
            // SAFETY: As in `reports`. Nothing of the scope's is kept.
            let order = unsafe { &mut *slot.order.get() };
            order.job = None;
            order.seat = None;
            order.report = None;
            self.pool.free.lock().push(index);
        }
    }
}

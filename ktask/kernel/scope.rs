// SPDX-License-Identifier: GPL-2.0

//! A scope, in which helpers do a job that lives on the caller's stack.
//!
//! [`Team::scope`] is to helpers what `std::thread::scope` is to threads: none of the helpers touches
//! the job any more when the scope ends. Ending a scope waits for helpers that run, never for one that
//! has not started: that one is cancelled.

use super::{
    pool::Pool,
    team::{
        Member,
        Team, //
    }, //
};
use crate::ktask::{
    policy::undo::Failed,
    protocol::{
        helper::{
            Assignment,
            Next,
            ScopeRef,
            Workers, //
        },
        members::List, //
    },
    sync::Relaxed, //
};
use core::{
    mem::transmute,
    ptr::NonNull, //
};
use kernel::warn_on;

/// What the helpers of one scope do. But for `run`, no function may sleep: they are called with the
/// lock of the team held.
pub(crate) trait Job: Sync {
    /// Does an assignment in a worker, in process context; may sleep. `conclusive` tells that the
    /// worker is one of those that serve the assignment's CPU.
    fn run(&self, member: Member, assignment: Assignment, conclusive: bool) -> Next;

    /// The node whose CPUs a helper with that assignment is bound to, if any.
    fn node_of(&self, assignment: &Assignment) -> Option<usize>;

    /// An assignment will not be done. Called once for each that `run` is not called for.
    fn cancelled(&self, assignment: Assignment);

    /// No slot was left for an assignment, which will not be done.
    fn lacking(&self, assignment: Assignment);

    /// How many helpers the job could use with all CPUs that there may ever be.
    fn most(&self) -> u32;

    /// How many helpers the job could use now.
    fn wanted(&self) -> u32;

    /// Whether any work is left, and where a helper that runs on `node` would go on.
    fn work(&self, node: Option<usize>) -> Option<Work>;

    /// Where the next helper goes, `number` of them having been offered the job before.
    fn place(&self, number: u32) -> Result<Placement, NotPlaced>;
}

/// Work that is left for a helper that runs on some node.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// The helper could go on with this part.
    Here(usize),
    /// All of it belongs to other nodes, or the job's helpers may not come from elsewhere.
    Elsewhere,
}

/// What a hungry task wants.
pub(super) enum Wants {
    /// No more helpers.
    Nothing,
    /// More helpers once there are more CPUs.
    Later,
    /// A helper, who would have this work.
    Now(Work),
}

/// What a new helper is to do.
pub(crate) struct Placement {
    /// The assignment; a limit has been acquired for it.
    pub(crate) assignment: Assignment,
    /// Whether to find out for sure if the worker is one that serves the assignment's CPU.
    pub(crate) verify: bool,
}

/// Why there is no place for a new helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotPlaced {
    /// No work is left, or there are as many helpers as the job could ever use.
    NotWanted,
    /// The limits do not allow it, or there are no more CPUs.
    NoRoom,
    /// The limits allow it, but all slots are taken.
    NoSlot,
}

/// A scope as its helpers see it.
#[derive(Clone, Copy)]
pub(super) struct RawScope {
    job: NonNull<dyn Job>,
    team: NonNull<Team<'static>>,
}

// SAFETY: Jobs and teams are `Sync`, so any thread may use them through a pointer.
unsafe impl Send for RawScope {}
// SAFETY: As above.
unsafe impl Sync for RawScope {}

impl RawScope {
    pub(super) fn job(&self) -> &dyn Job {
        // SAFETY: `Helper::run` uses a scope from the member's joining to its leaving only, others
        // while the scope expects them or with the lock of its team held, and `Team::scope` keeps the
        // job until all members have left and nobody is expected.
        unsafe { self.job.as_ref() }
    }

    pub(super) fn team(&self) -> &Team<'_> {
        // SAFETY: As in `job`.
        unsafe { self.team.as_ref() }
    }
}

impl ScopeRef for RawScope {
    type Member = Member;

    fn run(&self, member: &Member, assignment: Assignment, conclusive: bool) -> Next {
        self.job().run(*member, assignment, conclusive)
    }

    fn node_of(&self, assignment: &Assignment) -> Option<usize> {
        self.job().node_of(assignment)
    }

    fn cancelled(&self, assignment: Assignment) {
        self.job().cancelled(assignment);
    }

    fn enter(&self, member: u32) -> Member {
        self.team().enter(member, self.job().work(None).is_some())
    }

    fn move_on(&self, member: &Member, step: &mut dyn FnMut()) -> bool {
        self.team().move_on(*member, step)
    }

    fn switch(&self, member: &Member, last: Assignment) -> Option<(Self, Assignment)> {
        let team = self.team();
        let has_work = self.job().work(None).is_some();
        // Before another task expects the worker: nobody could boost it.
        team.step_out(*member);
        let Some(found) = team.hungry().find_for(team, last, has_work) else {
            team.come(member.id());
            return None;
        };
        if has_work {
            team.go_hungry();
        }
        team.stay_away();
        Some(found)
    }

    fn come(&self, member: u32) -> Member {
        self.team().come(member)
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

impl<'a> Team<'a> {
    /// Runs `body`, during which helpers may do `job`, and ends them.
    ///
    /// When this returns, no helper uses `job` or this team any more. Helpers that failed stay taken
    /// until the result is dropped, so that their failures can be read. Once for each team. May
    /// sleep.
    pub(crate) fn scope<'job, T>(
        &self,
        job: &'job (dyn Job + 'job),
        body: impl FnOnce() -> T,
    ) -> (T, Joined<'a>) {
        let job: NonNull<dyn Job + '_> = NonNull::from(job);
        let scope = RawScope {
            // SAFETY: Only the lifetime changes. Every use of the job ends with `close_scope`, below,
            // before the job's own lifetime does.
            job: unsafe { transmute::<NonNull<dyn Job + '_>, NonNull<dyn Job>>(job) },
            team: NonNull::from(self).cast(),
        };
        self.scope.populate(scope);
        // Module code does not unwind.
        let value = body();
        (value, self.close_scope())
    }

    /// Has one more helper do the job of the team's scope, if the job wants one and there is room.
    /// The calling thread is a thread of the task, or expected by it.
    pub(crate) fn recruit(&self) -> Result<(), NotPlaced> {
        let scope = self.scope.copy().ok_or(NotPlaced::NotWanted)?;
        let job = scope.job();
        let mut inner = self.lock();
        if !inner.open() {
            return Err(NotPlaced::NotWanted);
        }
        if self.helpers() >= job.wanted() {
            let enough = self.helpers() >= job.most();
            return Err(if enough {
                NotPlaced::NotWanted
            } else {
                NotPlaced::NoRoom
            });
        }
        let Placement { assignment, verify } = job.place(inner.offered)?;
        let pool = self.pool();
        let free = pool
            .take(assignment.node)
            .and_then(|index| Some((index, pool.slot(index)?)));
        let Some((index, slot)) = free else {
            job.lacking(assignment);
            return Err(NotPlaced::NoSlot);
        };
        inner.offered = inner.offered.wrapping_add(1);
        inner.join(pool, index);
        self.used.store(true, Relaxed);
        self.add_helper(&mut inner);
        self.add_waiting(&mut inner);
        // Under the lock, or the caller could have looked for offers before this one is made.
        let offered = slot.helper.offer(slot, scope, assignment, verify);
        // A free helper is idle.
        warn_on!(!offered);
        Ok(())
    }

    /// What the task wants, of a helper on `node`. The calling thread holds the lock of the hungry
    /// tasks.
    pub(super) fn wants(&self, node: Option<usize>) -> Wants {
        let Some(scope) = self.scope.as_ref() else {
            return Wants::Nothing;
        };
        let job = scope.job();
        if self.helpers() >= job.most() {
            return Wants::Nothing;
        }
        match job.work(node) {
            None => Wants::Nothing,
            Some(_) if self.helpers() >= job.wanted() => Wants::Later,
            Some(work) => Wants::Now(work),
        }
    }

    /// The task is to expect the calling thread as a helper. The thread holds the lock of the hungry
    /// tasks. `None` if the task is not hungry any more.
    pub(super) fn expect(&self) -> Option<RawScope> {
        let scope = self.scope.copy()?;
        let mut inner = self.lock();
        if !inner.open() || self.helpers() >= scope.job().wanted() {
            return None;
        }
        inner.expect();
        self.add_helper(&mut inner);
        Some(scope)
    }

    /// Ends all helpers: cancels those that have not started, then waits for the others.
    fn close_scope(&self) -> Joined<'a> {
        let pool = self.pool();
        if !self.used.load(Relaxed) {
            // No other thread knows the team.
            let failed = List::new();
            return Joined { pool, failed };
        }
        let cancelled = self.lock().close(pool, |member| {
            pool.slot(member).is_some_and(|slot| slot.helper.cancel())
        });
        self.hungry().leave(self);
        for slot in pool.list(&cancelled) {
            slot.cancel();
            slot.free();
        }
        self.wait_for_all();
        let failed = self.lock().take_failed();
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

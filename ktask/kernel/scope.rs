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
    }, //
};
use core::{
    mem::transmute,
    ptr::NonNull, //
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
pub(super) struct RawScope {
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
        let Some(index) = pool.take() else {
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

// SPDX-License-Identifier: GPL-2.0

//! One task while it runs: what its caller and its helpers do, each in its own thread.
//!
//! | file | what is in it |
//! | --- | --- |
//! | [`caller`] | the caller's share, and how the task gets helpers |
//! | [`helper`] | a helper's share, and when a helper leaves |
//! | [`chunks`] | the loops in which chunks are claimed and done |

mod caller;
mod chunks;
mod helper;

use super::{
    Client,
    Engine,
    Request, //
};
use crate::ktask::{
    kernel::{
        iterator_lock::IteratorLock,
        lockdep::Wait,
        sched,
        scope::{
            Job,
            NotPlaced, //
        },
        team::Team, //
    },
    policy::{
        chunk::Sizes,
        undo::{
            self,
            Failed, //
        }, //
    },
    protocol::{
        outcome::Outcome,
        part::Part,
        parts, //
    },
    sync::Atomic, //
};
use kernel::sync::aref::ARef;

/// What is decided before a task begins.
pub(super) struct Plan {
    /// The most helpers that the task could use with all CPUs that there may ever be.
    pub(super) most: u32,
    /// For how many threads the work is divided, the caller included.
    pub(super) shares: usize,
    /// The part that the caller starts with.
    pub(super) first: Option<usize>,
    /// The caller's CPU.
    pub(super) cpu: u32,
    /// Whether helpers stay on the CPUs that were chosen for them, which are those of the caller, and
    /// how many of these there are.
    pub(super) confined: Option<usize>,
}

/// A task that can be stopped is divided as if for this many threads at least, so that one thread
/// does not take all of it at once.
pub(super) const KILLABLE_SHARES: usize = 4;

/// A task.
pub(super) struct Task<'a, C> {
    engine: &'a Engine,
    request: &'a Request<'a, C>,
    plan: &'a Plan,
    team: &'a Team<'a>,
    /// The caller, if a fatal signal to it fails the task.
    killable: Option<ARef<kernel::task::Task>>,
    /// The caller, if helpers are to run on its CPUs only.
    confined: Option<ARef<kernel::task::Task>>,
    /// Held while a client's iterator is called; `None` for ranges.
    iterator: Option<&'a IteratorLock<'a>>,
    /// Held wherever the client's functions are called.
    wait: Wait,
    outcome: Outcome,
    /// Whether the caller takes large pieces, as it had no helper when it last looked.
    alone: Atomic<bool>,
}

/// What one thread has done, counted once when the thread ends.
#[derive(Default)]
struct Tally {
    chunks: usize,
    units: usize,
}

impl Tally {
    fn add(&mut self, chunks: usize, units: usize) {
        self.chunks = self.chunks.wrapping_add(chunks);
        self.units = self.units.wrapping_add(units);
    }
}

impl<'a, C: Client> Task<'a, C> {
    pub(super) fn new(
        engine: &'a Engine,
        request: &'a Request<'a, C>,
        plan: &'a Plan,
        team: &'a Team<'a>,
        iterator: Option<&'a IteratorLock<'a>>,
    ) -> Self {
        Self {
            engine,
            request,
            plan,
            team,
            killable: request.options.killable.then(sched::this_thread),
            confined: plan.confined.is_some().then(sched::this_thread),
            iterator,
            wait: Wait::new(request.options.class, request.client.function()),
            outcome: Outcome::new(),
            alone: Atomic::new(false),
        }
    }

    /// Runs the task in the calling thread and in helpers. Returns 0 or the first error. May sleep.
    pub(super) fn run(&self) -> i32 {
        if self.plan.most == 0 {
            let failed = self.callers_share();
            self.finish(failed.into_iter());
        } else {
            let (failed, joined) = self.team.scope(self, || self.callers_share());
            self.finish(Iterator::chain(joined.failures(), failed));
        }
        self.outcome.error()
    }

    /// Starts one more helper, if one is wanted and there is room. Called by any thread of the task.
    fn recruit(&self) -> Result<(), NotPlaced> {
        let engine = self.engine;
        if self.team.helpers() >= self.most() {
            return Err(NotPlaced::NotWanted);
        }
        if engine.machine.limits.global.room() == 0 {
            return Err(NotPlaced::NoRoom);
        }
        self.team.recruit()
    }

    /// Starts another helper if one is wanted. Returns whether it did.
    fn recruit_or_go_hungry(&self) -> bool {
        if self.engine.hungry.any() && self.team.helpers() > 0 {
            // Those with fewer helpers come first.
            if self.team.helpers() < self.most() {
                self.go_hungry();
                self.engine.feed();
            }
            return false;
        }
        match self.recruit() {
            Ok(()) => true,
            Err(NotPlaced::NotWanted) => false,
            Err(NotPlaced::NoRoom | NotPlaced::NoSlot) => {
                self.go_hungry();
                false
            }
        }
    }

    /// The task has fewer helpers than it could use, and is to get them when there is room.
    fn go_hungry(&self) {
        if self.team.go_hungry() {
            let engine = self.engine;
            engine.watch.arm();
            let max = engine.machine.limits.global.max();
            if self.team.helpers() < self.wanted().min(max) {
                engine.machine.changed_often();
            }
            // Whoever has made room meanwhile may not have seen the task.
            engine.feed();
        }
    }

    /// Where to go on after part `after`, unless the task has failed.
    fn most_left(&self, after: usize) -> Option<usize> {
        if self.outcome.failed() {
            return None;
        }
        parts::most_left(self.request.parts, after)
    }

    /// The chunks of a part that several threads work on.
    fn sizes(&self, part: &Part) -> Sizes {
        Sizes::new(
            part.size(),
            self.request.options.min_chunk,
            self.plan.shares,
        )
    }

    /// Undoes a failed task, once all threads have stopped. `failed` are the chunks whose thread
    /// functions failed.
    fn finish(&self, failed: impl Iterator<Item = Failed> + Clone) {
        if self.outcome.failed() {
            undo_completed(self.engine, self.request, failed);
        }
    }
}

/// Counts a failed task, and undoes what was completed, if the client wants that. `failed` are the
/// chunks whose thread functions failed.
pub(super) fn undo_completed<C: Client>(
    engine: &Engine,
    request: &Request<'_, C>,
    failed: impl Iterator<Item = Failed> + Clone,
) {
    let client = request.client;
    engine.stats.failed_tasks.add(1);
    if !client.undoes() {
        return;
    }
    let walks = client.walks();
    for (index, part) in request.parts.iter().enumerate() {
        undo::completed(
            index,
            part.start(),
            part.claimed(),
            part.claimed_end(walks),
            failed.clone(),
            |start, end| {
                engine.stats.undone_ranges.add(1);
                client.undo(start, end);
                sched::cond_resched();
            },
        );
    }
}

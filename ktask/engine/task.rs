// SPDX-License-Identifier: GPL-2.0

//! One task while it runs: what its caller and its helpers do, each in its own thread.

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
            Scope, //
        },
        team::{
            Member,
            Team, //
        }, //
    },
    placement::machine::Wish,
    policy::{
        chunk::{
            Chunk,
            Sizes, //
        },
        undo::{
            self,
            Failed, //
        }, //
    },
    protocol::{
        helper::{
            Assignment,
            Next, //
        },
        outcome::Outcome,
        part::{
            Part, //
        },
        parts, //
    }, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// What is decided before a task begins.
pub(super) struct Plan {
    /// How many threads share the work, the caller included.
    pub(super) threads: usize,
    /// The part that the caller starts with.
    pub(super) first: Option<usize>,
    /// The caller's CPU.
    pub(super) cpu: u32,
    /// Whether helpers stay on the CPUs that were chosen for them.
    pub(super) confined: bool,
}

/// A task that can be stopped is divided as if for this many threads at least, so that one thread
/// does not take all of it at once.
const KILLABLE_SHARES: usize = 4;

/// A task.
pub(super) struct Task<'a, C> {
    engine: &'a Engine,
    request: &'a Request<'a, C>,
    /// The caller, if a fatal signal to it fails the task.
    killable: Option<ARef<kernel::task::Task>>,
    /// For how many threads the work is divided.
    shares: usize,
    /// Whether helpers stay on the CPUs that were chosen for them.
    confined: bool,
    /// Held while a client's iterator is called; `None` for ranges.
    iterator: Option<&'a IteratorLock<'a>>,
    /// Held wherever the client's functions are called.
    wait: Wait,
    outcome: Outcome,
}

impl Tally {
    fn add(&mut self, chunks: usize, units: usize) {
        self.chunks = self.chunks.wrapping_add(chunks);
        self.units = self.units.wrapping_add(units);
    }
}

/// Who works on a part.
#[derive(Clone, Copy)]
enum Worker {
    Caller,
    Helper(Member),
}

/// What one thread has done, counted once when the thread ends: the counters are shared by all CPUs.
#[derive(Default)]
struct Tally {
    chunks: usize,
    units: usize,
}

impl<'a, C: Client> Task<'a, C> {
    pub(super) fn new(
        engine: &'a Engine,
        request: &'a Request<'a, C>,
        plan: &Plan,
        iterator: Option<&'a IteratorLock<'a>>,
    ) -> Self {
        let killable = request.options.killable.then(sched::this_thread);
        let shares = if killable.is_some() {
            KILLABLE_SHARES
        } else {
            1
        };
        Self {
            engine,
            request,
            killable,
            shares: plan.threads.max(shares),
            confined: plan.confined,
            iterator,
            wait: Wait::new(request.options.class, request.client.function()),
            outcome: Outcome::new(),
        }
    }

    /// Runs the task in the calling thread and in helpers. Returns 0 or the first error. May sleep.
    pub(super) fn run(&self, team: &Team<'_>, plan: &Plan) -> i32 {
        if plan.threads == 1 {
            let failed = self.work(plan.first);
            self.finish(failed.into_iter());
        } else {
            let (failed, joined) = team.scope(self, |scope| {
                self.recruit(scope, plan);
                self.work(plan.first)
            });
            self.finish(Iterator::chain(joined.failures(), failed));
        }
        self.outcome.error()
    }

    /// Starts the helpers of a task.
    fn recruit(&self, scope: &Scope<'_, '_>, plan: &Plan) {
        let parts = self.request.parts;
        if let Some(part) = plan.first.and_then(|first| parts.get(first)) {
            part.add_thread();
        }
        for number in 1..plan.threads {
            let total = self.request.total;
            let Some((index, part)) = parts::part_for(parts, total, number, plan.threads) else {
                return;
            };
            if !self.start_helper(scope, plan, index, part.nid()) {
                return;
            }
            part.add_thread();
        }
    }

    /// Starts one helper on the part `index`, whose node is `nid`. Returns whether there was one.
    fn start_helper(
        &self,
        scope: &Scope<'_, '_>,
        plan: &Plan,
        index: usize,
        nid: Option<usize>,
    ) -> bool {
        let engine = self.engine;
        let wish = Wish {
            nid,
            avoid: plan.cpu,
        };
        let Some(placed) = engine.machine.place(wish, plan.confined) else {
            return false;
        };
        let assignment = Assignment {
            part: index,
            grant: placed.grant,
            cpu: placed.cpu,
            node: placed.node,
            moved: false,
        };
        let started = scope.start(assignment, placed.verify);
        if started {
            engine.stats.helpers_spilled.count(placed.spilled);
        } else {
            engine.stats.helpers_unavailable.add(1);
            engine.machine.limits.release(placed.grant);
        }
        started
    }

    /// The caller's share: works wherever something is left.
    fn work(&self, first: Option<usize>) -> Option<Failed> {
        let mut tally = Tally::default();
        let failed = self.drain_all(first, &mut tally);
        self.engine.stats.worked(tally.chunks, tally.units);
        if let Some(iterator) = self.iterator {
            iterator.finish();
        }
        failed
    }

    fn drain_all(&self, first: Option<usize>, tally: &mut Tally) -> Option<Failed> {
        let mut next = first;
        while let Some(part) = next {
            let failed = self.drain(part, Worker::Caller, tally);
            if failed.is_some() {
                return failed;
            }
            next = self.most_left(part);
        }
        None
    }

    /// A helper's share, until the helper ends or moves to another node.
    fn help(&self, member: Member, assignment: &Assignment, tally: &mut Tally) -> Next {
        let mut part = assignment.part;
        loop {
            if let Some(failed) = self.drain(part, Worker::Helper(member), tally) {
                return Next::Failed(failed);
            }
            let Some(next) = self.most_left(part) else {
                return Next::Done;
            };
            if let Some(moved) = self.migrate(assignment, next) {
                return Next::Move(moved);
            }
            part = next;
        }
    }

    /// Moves a helper to the node of part `next`, if that is another one and has room.
    fn migrate(&self, assignment: &Assignment, next: usize) -> Option<Assignment> {
        if self.confined {
            return None;
        }
        let nid = self.request.parts.get(next).and_then(Part::nid);
        let placed = self.engine.machine.migrate(assignment, nid)?;
        Some(Assignment {
            part: next,
            grant: placed.grant,
            cpu: placed.cpu,
            node: placed.node,
            moved: true,
        })
    }

    /// Where to go on after part `after`, unless the task has failed.
    fn most_left(&self, after: usize) -> Option<usize> {
        if self.outcome.failed() {
            return None;
        }
        parts::most_left(self.request.parts, after)
    }

    /// Runs chunks of one part until none is left, or the caller of a task that can be killed is.
    /// Returns the chunk whose thread function failed.
    fn drain(&self, index: usize, by: Worker, tally: &mut Tally) -> Option<Failed> {
        let part = self.request.parts.get(index)?;
        let sizes = Sizes::new(part.size(), self.request.options.min_chunk, self.shares);
        let sizes = match by {
            Worker::Caller => sizes,
            Worker::Helper(_) => sizes.with_slow_start(),
        };
        let _held = self.wait.hold();
        let failed = if self.killable.is_none() && self.iterator.is_none() {
            self.drain_range(part, &sizes, tally)
        } else {
            self.drain_otherwise(part, sizes, by, tally)
        };
        failed.map(|chunk| Failed { part: index, chunk })
    }

    /// The loop of most tasks: of a range, whose caller cannot be killed. A function of its own, so
    /// that nothing that only other tasks need is in its registers.
    #[inline(never)]
    fn drain_range(&self, part: &Part, sizes: &Sizes, tally: &mut Tally) -> Option<Chunk> {
        let client = self.request.client;
        let outcome = &self.outcome;
        let mut claims = part.claims(*sizes);
        let mut done = 0usize;
        while !outcome.failed() {
            let Chunk {
                offset,
                len,
                start,
                end,
            } = claims.next(done)?;
            done = done.wrapping_add(len);
            tally.add(1, len);
            let error = client.run(start, end);
            if error != 0 {
                outcome.fail(error);
                return Some(part.chunk(offset, len));
            }
            sched::cond_resched();
        }
        None
    }

    /// As [`Self::drain_range`], where the caller can be killed or a client's iterator is called.
    #[inline(never)]
    fn drain_otherwise(
        &self,
        part: &Part,
        sizes: Sizes,
        by: Worker,
        tally: &mut Tally,
    ) -> Option<Chunk> {
        let mut chunks = 0usize;
        let mut units = 0usize;
        let mut failed = None;
        while let Some(chunk) = self.claim_otherwise(part, sizes, units, by) {
            chunks = chunks.wrapping_add(1);
            units = units.wrapping_add(chunk.len);
            let error = self.request.client.run(chunk.start, chunk.end);
            if error != 0 {
                self.outcome.fail(error);
                failed = Some(chunk);
                break;
            }
            sched::cond_resched();
        }
        tally.add(chunks, units);
        failed
    }

    /// Claims a chunk where the caller can be killed or a client's iterator is called.
    fn claim_otherwise(&self, part: &Part, sizes: Sizes, done: usize, by: Worker) -> Option<Chunk> {
        let Some(iterator) = self.iterator else {
            if self.stopped(part) {
                return None;
            }
            return part.claims(sizes).next(done);
        };
        let _guard = match by {
            Worker::Caller => iterator.lock_for_caller(),
            Worker::Helper(member) => iterator.lock_for_helper(member)?,
        };
        if self.stopped(part) {
            return None;
        }
        part.claim_walk(sizes, done, |position, size| {
            let end = self.request.client.advance(position, size);
            // Much may have happened during the call of the iterator.
            (!self.stopped(part)).then_some(end)
        })
    }

    /// Whether no more chunks of a part are to start. Being killed fails the task of a caller that
    /// can be, unless the part is complete: that is a success, whatever happens to the caller.
    fn stopped(&self, part: &Part) -> bool {
        let killed = self.killable.as_deref().is_some_and(sched::killed);
        if killed && part.remaining() > 0 {
            self.outcome.fail(EINTR.to_errno());
        }
        self.outcome.failed()
    }

    /// Undoes a failed task, once all threads have stopped. `failed` are the chunks whose thread
    /// functions failed.
    fn finish(&self, failed: impl Iterator<Item = Failed> + Clone) {
        if self.outcome.failed() {
            undo_completed(self.engine, self.request, failed);
        }
    }
}

impl<C: Client> Job for Task<'_, C> {
    fn run(&self, member: Member, assignment: Assignment, conclusive: bool) -> Next {
        let engine = self.engine;
        engine.stats.helpers_started.count(!assignment.moved);
        engine.stats.helpers_migrated.count(assignment.moved);
        let displaced = engine.machine.learn(assignment.cpu, conclusive);
        engine.stats.helpers_displaced.count(displaced);
        let mut tally = Tally::default();
        let next = self.help(member, &assignment, &mut tally);
        engine.stats.worked(tally.chunks, tally.units);
        if !matches!(next, Next::Move(_)) {
            engine.machine.limits.release(assignment.grant);
        }
        next
    }

    fn cancelled(&self, assignment: Assignment) {
        let engine = self.engine;
        engine.stats.helpers_cancelled.count(!assignment.moved);
        engine.machine.limits.release(assignment.grant);
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

// SPDX-License-Identifier: GPL-2.0

//! One task while it runs: what its caller and its helpers do, each in its own thread.

use crate::ktask::engine::Client;
use crate::ktask::engine::Engine;
use crate::ktask::engine::Shape;
use crate::ktask::kernel::iterator_lock::WalkLock;
use crate::ktask::kernel::lockdep::Wait;
use crate::ktask::kernel::pool::Job;
use crate::ktask::kernel::pool::Verdict;
use crate::ktask::kernel::sched;
use crate::ktask::policy::chunk::Sizes;
use crate::ktask::policy::threads;
use crate::ktask::policy::undo;
use crate::ktask::policy::undo::Failed;
use crate::ktask::protocol::limits::Charge;
use crate::ktask::protocol::outcome::Outcome;
use crate::ktask::protocol::part::Chunk;
use crate::ktask::protocol::part::Claims;
use crate::ktask::protocol::part::Part;
use crate::ktask::sync::Atomic;
use crate::ktask::sync::Relaxed;
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// What a helper is to do, until it moves to another node.
#[derive(Clone, Copy)]
pub(super) struct Leg {
    /// The node part it starts with.
    pub(super) part: usize,
    /// What it is counted against.
    pub(super) charge: Charge,
    /// The CPU it was queued for.
    pub(super) cpu: u32,
    /// The node of that CPU.
    pub(super) node: Option<usize>,
    /// Whether it worked on another node before.
    pub(super) moved: bool,
}

/// A task that can be stopped is divided as if for this many threads at least, so that one thread
/// does not take all of it at once.
const KILLABLE_SHARES: usize = 4;

/// A task.
pub(super) struct Task<'a, C> {
    engine: &'a Engine,
    client: &'a C,
    parts: &'a [Part],
    min: usize,
    /// The caller, if a fatal signal to it fails the task.
    killable: Option<ARef<kernel::task::Task>>,
    /// Whether helpers stay on the CPUs that were chosen for them.
    confined: Atomic<bool>,
    /// Held while a client's iterator walks; `None` for ranges.
    walk: Option<&'a WalkLock>,
    /// Held wherever the client's functions are called.
    wait: Wait,
    threads: Atomic<usize>,
    outcome: Outcome,
}

/// Who works on a part.
#[derive(Clone, Copy)]
enum Worker {
    Caller,
    Helper,
}

/// How a thread stopped working on a part.
enum Drained {
    /// Nothing is left to claim, or the task has failed elsewhere.
    Empty,
    /// The thread function failed.
    Failed(Failed),
}

impl<'a, C: Client> Task<'a, C> {
    pub(super) fn new(
        engine: &'a Engine,
        client: &'a C,
        parts: &'a [Part],
        shape: &Shape,
        walk: Option<&'a WalkLock>,
    ) -> Self {
        Self {
            engine,
            client,
            parts,
            min: shape.min_chunk.max(1),
            killable: shape.killable.then(sched::this_thread),
            confined: Atomic::new(false),
            walk,
            wait: Wait::new(shape.class, client.function()),
            threads: Atomic::new(if shape.killable { KILLABLE_SHARES } else { 1 }),
            outcome: Outcome::new(),
        }
    }

    /// Tells how many threads share the work. Before any helper starts.
    pub(super) fn set_threads(&self, threads: usize) {
        let shares = if self.killable.is_some() {
            KILLABLE_SHARES
        } else {
            1
        };
        self.threads.store(threads.max(shares), Relaxed);
    }

    /// Tells whether helpers are confined to CPUs of the caller. Before any helper starts.
    pub(super) fn set_confined(&self, confined: bool) {
        self.confined.store(confined, Relaxed);
    }

    /// The first error, 0 if there was none.
    pub(super) fn error(&self) -> i32 {
        self.outcome.error()
    }

    /// The caller's share: works wherever something is left.
    pub(super) fn work(&self, first: Option<usize>) -> Option<Failed> {
        let failed = self.drain_all(first);
        if let Some(walk) = self.walk {
            walk.finish();
        }
        failed
    }

    fn drain_all(&self, first: Option<usize>) -> Option<Failed> {
        let mut next = first;
        while let Some(part) = next {
            if let Drained::Failed(failed) = self.drain(part, Worker::Caller) {
                return Some(failed);
            }
            next = self.most_left(part);
        }
        None
    }

    /// Counts the failed task, and undoes what was completed, if the client wants that. All threads
    /// must have stopped.
    pub(super) fn undo(&self, failed: impl Iterator<Item = Failed> + Clone) {
        undo_completed(self.engine, self.client, self.parts, failed);
    }

    /// Where to go on after part `after`, unless the task has failed.
    fn most_left(&self, after: usize) -> Option<usize> {
        if self.outcome.failed() {
            return None;
        }
        threads::most_left(self.parts, after)
    }

    /// Runs chunks of one part until none is left, or the caller of a task that can be killed is.
    fn drain(&self, index: usize, by: Worker) -> Drained {
        let Some(part) = self.parts.get(index) else {
            return Drained::Empty;
        };
        let sizes = Sizes::new(part.size(), self.min, self.threads.load(Relaxed));
        let sizes = match by {
            Worker::Caller => sizes,
            Worker::Helper => sizes.with_slow_start(),
        };
        let simple = self.killable.is_none() && self.walk.is_none();
        let mut claims = part.claims(sizes);
        let mut chunks = 0usize;
        let mut units = 0usize;
        let mut drained = Drained::Empty;
        let _held = self.wait.hold();
        loop {
            let claimed = if simple {
                self.claim(&mut claims, units)
            } else {
                self.claim_otherwise(part, sizes, units, by)
            };
            let Some(chunk) = claimed else {
                break;
            };
            chunks = chunks.wrapping_add(1);
            units = units.wrapping_add(chunk.len);
            let error = self.client.run(chunk.start, chunk.end);
            if error != 0 {
                self.outcome.fail(error);
                drained = Drained::Failed(Failed { part: index, chunk });
                break;
            }
            sched::cond_resched();
        }
        self.engine.stats.chunks.add(chunks);
        self.engine.stats.units.add(units);
        drained
    }

    #[inline]
    fn claim(&self, claims: &mut Claims<'_>, done: usize) -> Option<Chunk> {
        if self.outcome.failed() {
            return None;
        }
        claims.next(done)
    }

    /// As [`Self::claim`], where the caller can be killed or a client's iterator walks. Out of the
    /// way of others.
    #[inline(never)]
    fn claim_otherwise(&self, part: &Part, sizes: Sizes, done: usize, by: Worker) -> Option<Chunk> {
        let Some(walk) = self.walk else {
            if self.stopped(part) {
                return None;
            }
            return part.claims(sizes).next(done);
        };
        let _walking = match by {
            Worker::Caller => walk.lock_for_caller(),
            Worker::Helper => walk.lock_for_helper()?,
        };
        if self.stopped(part) {
            return None;
        }
        part.claim_walk(sizes, done, |position, size| {
            let end = self.client.advance(position, size);
            // Much may have happened while this thread walked.
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

    /// Ends a helper's leg.
    fn done(&self, leg: Leg, failed: Option<Failed>) -> Verdict<Leg, Option<Failed>> {
        self.engine.put(leg.charge);
        Verdict::Done(failed)
    }
}

impl<C: Client> Job<Leg, Option<Failed>> for Task<'_, C> {
    fn run(&self, leg: Leg) -> Verdict<Leg, Option<Failed>> {
        if !leg.moved {
            self.engine.stats.helpers_started.add(1);
        }
        self.engine.learn(leg.cpu);
        let mut part = leg.part;
        loop {
            if let Drained::Failed(failed) = self.drain(part, Worker::Helper) {
                return self.done(leg, Some(failed));
            }
            let Some(next) = self.most_left(part) else {
                return self.done(leg, None);
            };
            let nid = self.parts.get(next).and_then(Part::nid);
            let nid = nid.filter(|_| !self.confined.load(Relaxed));
            if let Some((cpu, charge, node)) = self.engine.migrate(leg.charge, leg.node, nid) {
                let leg = Leg {
                    part: next,
                    charge,
                    cpu,
                    node: Some(node),
                    moved: true,
                };
                return Verdict::Move(cpu, leg);
            }
            part = next;
        }
    }

    fn withdrawn(&self, leg: Leg) {
        if !leg.moved {
            self.engine.stats.helpers_cancelled.add(1);
        }
        self.engine.put(leg.charge);
    }
}

/// Counts a failed task, and undoes what was completed, if the client wants that. `failed` are the
/// chunks whose thread functions failed.
pub(super) fn undo_completed<C: Client>(
    engine: &Engine,
    client: &C,
    parts: &[Part],
    failed: impl Iterator<Item = Failed> + Clone,
) {
    engine.stats.failed_tasks.add(1);
    if !client.undoes() {
        return;
    }
    let walks = client.walks();
    for (index, part) in parts.iter().enumerate() {
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

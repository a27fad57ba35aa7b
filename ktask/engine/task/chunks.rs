// SPDX-License-Identifier: GPL-2.0

//! How chunks of one part are claimed and done, in whatever thread.

use super::{
    Tally,
    Task, //
};
use crate::ktask::{
    engine::{
        machine::Machine,
        Client, //
    },
    kernel::{
        sched,
        team::Member, //
    },
    policy::{
        chunk::{
            self,
            Chunk,
            Sizes, //
        },
        undo::Failed, //
    },
    protocol::{
        outcome::Outcome,
        part::Part, //
    }, //
};
use core::cell::Cell;
use kernel::prelude::*;

/// Who works on a part.
#[derive(Clone, Copy)]
pub(super) enum Worker {
    Caller,
    Helper(Member),
}

/// A thread's way through one part.
pub(super) struct Way {
    part: usize,
    pub(super) sizes: Sizes,
    /// Units of the part that the thread has done so far.
    done: usize,
}

impl Way {
    pub(super) fn new(part: usize, sizes: Sizes) -> Self {
        Self {
            part,
            sizes,
            done: 0,
        }
    }
}

/// Why a thread has stopped to claim chunks of a part.
pub(super) enum Stop {
    /// Nothing is left, or the task has failed.
    Drained,
    /// The thread function has failed.
    Failed(Failed),
    /// Something has changed, which the thread is to look at.
    Changed,
}

impl<C: Client> Task<'_, C> {
    /// Runs chunks of one part until none is left, or the caller of a task that can be killed is, or
    /// the changes of the machine are not those that were `seen`; one chunk at least.
    pub(super) fn drain(&self, way: &mut Way, by: Worker, seen: u32, tally: &mut Tally) -> Stop {
        let index = way.part;
        let Some(part) = self.request.parts.get(index) else {
            return Stop::Drained;
        };
        let _held = self.wait.hold();
        let before = way.done;
        let failed = if self.killable.is_none() && self.iterator.is_none() {
            self.drain_range(part, way, seen, &mut tally.chunks)
        } else {
            self.drain_otherwise(part, way, by, seen, &mut tally.chunks)
        };
        tally.add(0, way.done.wrapping_sub(before));
        match failed {
            Some(chunk) => Stop::Failed(Failed { part: index, chunk }),
            None if self.outcome.failed() || part.remaining() == 0 => Stop::Drained,
            None => Stop::Changed,
        }
    }

    /// As [`Self::drain`], of a range, whose caller cannot be killed: most tasks.
    fn drain_range(
        &self,
        part: &Part,
        way: &mut Way,
        seen: u32,
        chunks: &mut usize,
    ) -> Option<Chunk> {
        let run = Run {
            client: self.request.client,
            part,
            outcome: &self.outcome,
            machine: &self.engine.machine,
            seen,
            size: Cell::new(chunk::Run { len: 0, until: 0 }),
            offset: Cell::new(part.claimed()),
            chunks: Cell::new(0),
        };
        let mut failed = None;
        while !self.outcome.failed() {
            let Some(size) = way.sizes.run(part.size(), run.offset.get(), way.done) else {
                break;
            };
            run.size.set(size);
            let before = run.chunks.get();
            let end = run.drain();
            let claimed = run.chunks.get().wrapping_sub(before);
            way.done = way.done.wrapping_add(claimed.wrapping_mul(size.len));
            match end {
                RunEnd::Claimed => {}
                RunEnd::Stopped => break,
                RunEnd::Failed => failed = Some(part.chunk(run.offset.get(), size.len)),
            }
        }
        *chunks = chunks.wrapping_add(run.chunks.get());
        failed
    }

    /// As [`Self::drain_range`], where the caller can be killed or a client's iterator is called.
    #[inline(never)]
    fn drain_otherwise(
        &self,
        part: &Part,
        way: &mut Way,
        by: Worker,
        seen: u32,
        chunks: &mut usize,
    ) -> Option<Chunk> {
        loop {
            let chunk = self.claim_otherwise(part, way.sizes, way.done, by)?;
            *chunks = chunks.wrapping_add(1);
            way.done = way.done.wrapping_add(chunk.len);
            let error = self.request.client.run(chunk.start, chunk.end);
            if error != 0 {
                self.outcome.fail(error);
                return Some(chunk);
            }
            sched::cond_resched();
            if self.engine.machine.changes() != seen {
                return None;
            }
        }
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
}

/// Chunks of one length that a thread claims of a range.
///
/// # Layout
///
/// The cells are there for what is changed, and also to have the fields read from memory: a type
/// without cells lets the compiler keep all fields in registers, which it would have to save and load
/// again around each call of the client's function.
struct Run<'a, C> {
    client: C,
    part: &'a Part,
    outcome: &'a Outcome,
    machine: &'a Machine,
    /// The changes that the thread has looked at.
    seen: u32,
    size: Cell<chunk::Run>,
    /// How many units were claimed when this thread last looked; where the chunk that failed begins.
    offset: Cell<usize>,
    /// How many chunks were claimed.
    chunks: Cell<usize>,
}

/// How a [`Run`] ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RunEnd {
    /// The next chunk has another length, or there is none.
    Claimed,
    /// The task has failed, or something has changed.
    Stopped,
    /// The thread function has failed.
    Failed,
}

impl<C: Client> Run<'_, C> {
    /// Claims chunks and does them: the loop in which threads are between their chunks.
    #[inline(never)]
    fn drain(&self) -> RunEnd {
        let mut offset = self.offset.get();
        let end = loop {
            let chunk::Run { len, until } = self.size.get();
            if offset >= until {
                break RunEnd::Claimed;
            }
            if let Err(now) = self.part.claim(offset, len) {
                offset = now;
                continue;
            }
            self.chunks.set(self.chunks.get().wrapping_add(1));
            let chunk = self.part.chunk(offset, len);
            let error = self.client.run(chunk.start, chunk.end);
            if error != 0 {
                self.outcome.fail(error);
                break RunEnd::Failed;
            }
            offset = offset.wrapping_add(self.size.get().len);
            sched::cond_resched();
            if self.outcome.failed() || self.machine.changes() != self.seen {
                break RunEnd::Stopped;
            }
        };
        self.offset.set(offset);
        end
    }
}

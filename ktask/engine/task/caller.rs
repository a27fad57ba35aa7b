// SPDX-License-Identifier: GPL-2.0

//! What the caller of a task does.

use super::{
    chunks::{
        Stop,
        Way,
        Worker, //
    },
    Tally,
    Task, //
};
use crate::ktask::{
    engine::Client,
    kernel::scope::Job,
    policy::{
        chunk::Sizes,
        undo::Failed, //
    },
    protocol::part::Part,
    sync::Relaxed, //
};

impl<C: Client> Task<'_, C> {
    /// The caller's share: works wherever something is left.
    pub(super) fn callers_share(&self) -> Option<Failed> {
        let mut tally = Tally::default();
        let failed = self.drain_all(&mut tally);
        self.engine.stats.worked(tally.chunks, tally.units);
        if let Some(iterator) = self.iterator {
            iterator.finish();
        }
        failed
    }

    /// Caller: starts a helper if one is wanted, and looks at what has changed. Before its first chunk
    /// and after each one until the helpers are complete, so that a helper that has no CPU does not
    /// hold up others. Returns the count of changes with which the caller is to compare.
    fn tend(&self) -> u32 {
        let seen = self.engine.machine.seen_changes();
        if self.plan.most == 0 || !self.recruit_or_go_hungry() {
            return seen;
        }
        if self.team.helpers() < self.wanted() {
            // Any other count: the next chunk is the last one before the caller looks again.
            return seen.wrapping_sub(1);
        }
        seen
    }

    fn drain_all(&self, tally: &mut Tally) -> Option<Failed> {
        let mut seen = self.tend();
        let mut next = self.plan.first;
        if let Some(part) = next.and_then(|first| self.request.parts.get(first)) {
            part.add_thread();
        }
        while let Some(index) = next {
            let part = self.request.parts.get(index)?;
            let mut way = Way::new(index, self.callers_sizes(part));
            loop {
                match self.drain(&mut way, Worker::Caller, seen, tally) {
                    Stop::Drained => break,
                    Stop::Failed(failed) => return Some(failed),
                    Stop::Changed => {
                        seen = self.tend();
                        way.sizes = self.callers_sizes(part);
                    }
                }
            }
            next = self.most_left(index);
        }
        None
    }

    /// The chunks of a part for the caller as things are.
    fn callers_sizes(&self, part: &Part) -> Sizes {
        let alone = self.plan.most > 0 && self.team.helpers() == 0;
        self.alone.store(alone, Relaxed);
        if alone {
            Sizes::alone(part.size(), self.request.options.min_chunk)
        } else {
            self.sizes(part)
        }
    }
}

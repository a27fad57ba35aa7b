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
    kernel::{
        jiffies,
        scope::Job, //
    },
    policy::{
        chunk::Sizes,
        patience::Patience,
        undo::Failed, //
    },
    protocol::part::Part,
    sync::Relaxed, //
};

/// How long a helper may keep its place without a worker at first, in milliseconds: longer than it
/// takes a worker to wake up where others are running.
const PATIENCE_MS: u32 = 20;

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
    /// and after each one until the helpers are complete, so that a helper that has no CPU does not hold
    /// up others; then when something has changed, as the watch says it has while any helper has not
    /// begun. Returns the count of changes with which the caller is to compare.
    fn tend(&self, patience: &mut Patience) -> u32 {
        let seen = self.engine.machine.seen_changes();
        if self.plan.most == 0 {
            return seen;
        }
        let recruited = self.recruit_or_go_hungry();
        let waited = patience.waits();
        let unwatched = !self.all_have_begun(patience) && !self.engine.watch.is_armed();
        if unwatched && waited {
            // Not before the first chunk, which would begin later.
            self.engine.watch.arm();
        }
        let few = recruited && self.team.helpers() < self.wanted();
        if few || (unwatched && !waited) {
            // Any other count: the next chunk is the last one before the caller looks again.
            return seen.wrapping_sub(1);
        }
        seen
    }

    /// Caller: whether all helpers have begun. One that has not for long leaves its place, to another
    /// task or to another helper of this one, which may be queued for a CPU that is free.
    fn all_have_begun(&self, patience: &mut Patience) -> bool {
        if self.team.waiting() == 0 {
            patience.all_have_begun();
            return true;
        }
        if patience.is_over(jiffies::now()) && self.team.take_back() {
            self.engine.stats.helpers_taken_back.add(1);
            self.engine.feed();
            self.recruit_or_go_hungry();
        }
        false
    }

    fn drain_all(&self, tally: &mut Tally) -> Option<Failed> {
        let mut patience = Patience::new(jiffies::from_ms(PATIENCE_MS));
        let mut seen = self.tend(&mut patience);
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
                        seen = self.tend(&mut patience);
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

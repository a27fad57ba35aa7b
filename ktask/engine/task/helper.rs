// SPDX-License-Identifier: GPL-2.0

//! What a helper of a task does, and what others ask of the task for its helpers.

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
    engine::{
        Client,
        Request, //
    },
    kernel::{
        hungry::Yield,
        scope::{
            Job,
            NotPlaced,
            Placement,
            Work, //
        },
        team::Member, //
    },
    placement::place::Wish,
    policy::undo::Failed,
    protocol::{
        helper::{
            Assignment,
            Next,
            Origin, //
        },
        part::Part,
        parts, //
    },
    sync::Relaxed, //
};

/// How many helpers each helper that begins starts: so many that their number grows fast, and so few
/// that starting them delays nobody's first chunk.
const FAN_OUT: usize = 2;

/// How a helper ends its work for a task.
enum End {
    /// Nothing is left for it.
    Done,
    /// The thread function has failed.
    Failed(Failed),
    /// The helper moves to another node.
    Move(Assignment),
    /// Work is left, but another task is to have the helper.
    Give,
    /// Work is left, but the limits are lower than they were, or other tasks have fewer helpers. The
    /// grant has been released, and the helper is not counted as the task's any more.
    Left,
    /// Work is left, but the helper is not to go on where it is.
    Leave,
}

impl<C: Client> Job for Task<'_, C> {
    fn run(&self, member: Member, assignment: Assignment, conclusive: bool) -> Next {
        self.begin(member, &assignment, conclusive);
        let mut tally = Tally::default();
        let end = self.help(member, &assignment, &mut tally);
        self.engine.stats.worked(tally.chunks, tally.units);
        let next = match end {
            End::Move(moved) => return Next::Move(moved),
            End::Give => {
                self.remove_thread(&assignment);
                return Next::Switch(assignment);
            }
            End::Done => self.done(assignment),
            End::Failed(failed) => {
                self.release(&assignment);
                Next::Failed(failed)
            }
            End::Left => {
                self.leave(&assignment);
                Next::Done
            }
            End::Leave => {
                self.release(&assignment);
                self.leave(&assignment);
                Next::Done
            }
        };
        self.engine.feed();
        next
    }

    fn node_of(&self, assignment: &Assignment) -> Option<usize> {
        self.most_left(assignment.part)?;
        // Nested tasks go by the affinity of the helper that is their caller.
        if self.engine.knobs.respect_affinity() {
            return None;
        }
        // Memory of no node is as far from all of them.
        let part = self.request.parts.get(assignment.part)?;
        part.nid().and(assignment.grant.node())
    }

    fn cancelled(&self, assignment: Assignment) {
        let engine = self.engine;
        let begun = matches!(assignment.origin, Origin::Move);
        engine.stats.helpers_cancelled.count(!begun);
        if !begun {
            self.remove_thread(&assignment);
        }
        engine.machine.limits.release(assignment.grant);
    }

    fn lacking(&self, assignment: Assignment) {
        self.engine.stats.helpers_unavailable.add(1);
        self.remove_thread(&assignment);
        self.engine.machine.limits.release(assignment.grant);
    }

    fn most(&self) -> u32 {
        self.plan.most
    }

    fn wanted(&self) -> u32 {
        self.plan.most.min(self.others())
    }

    fn work(&self, node: Option<usize>) -> Option<Work> {
        let parts = self.request.parts;
        self.most_left(0)?;
        let here = parts::most_left_on(parts, node).filter(|_| self.confined.is_none());
        Some(here.map_or(Work::Elsewhere, Work::Here))
    }

    fn place(&self, number: u32) -> Result<Placement, NotPlaced> {
        let engine = self.engine;
        if self.outcome.failed() {
            return Err(NotPlaced::NotWanted);
        }
        if engine.saves_power() {
            return Err(NotPlaced::NoRoom);
        }
        let Request { parts, total, .. } = *self.request;
        let threads = (self.wanted() as usize).saturating_add(1);
        let number = 1 + (number as usize).checked_rem(threads - 1).unwrap_or(0);
        let (index, part) =
            parts::part_for(parts, total, number, threads).ok_or(NotPlaced::NotWanted)?;
        let wish = Wish {
            nid: part.nid(),
            avoid: self.plan.cpu,
        };
        let changes = engine.machine.seen_changes();
        let placed = engine.machine.place(wish, self.confined.as_deref());
        let placed = placed.ok_or(NotPlaced::NoRoom)?;
        engine.stats.helpers_spilled.count(placed.spilled);
        part.add_thread();
        Ok(Placement {
            assignment: placed.assignment(index, Origin::Start, changes),
            verify: engine.machine.suspects(placed.cpu),
        })
    }
}

impl<C: Client> Task<'_, C> {
    /// How many CPUs there are besides the caller's.
    fn others(&self) -> u32 {
        let cpus = self
            .plan
            .confined
            .unwrap_or_else(|| self.engine.machine.usable());
        u32::try_from(cpus).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// A helper begins an assignment: counts and learns, and starts others.
    fn begin(&self, member: Member, assignment: &Assignment, conclusive: bool) {
        let (engine, stats) = (self.engine, &self.engine.stats);
        let works = self.most_left(assignment.part).is_some();
        if self.alone.load(Relaxed) {
            // The caller is to take smaller pieces.
            self.alone.store(false, Relaxed);
            engine.machine.changed();
        }
        if assignment.origin != Origin::Start {
            self.add_thread(assignment);
        }
        match assignment.origin {
            Origin::Start => stats.helpers_started.add(1),
            Origin::Move => stats.helpers_migrated.add(1),
            Origin::Switch => return stats.helpers_switched.add(1),
            Origin::Again => return,
        }
        let displaced = engine.machine.learn(assignment.cpu, conclusive, |cpu| {
            engine.pool.allowed(member, cpu)
        });
        stats.helpers_displaced.count(displaced);
        if assignment.origin != Origin::Start || !works {
            return;
        }
        engine.watch.arm();
        for _ in 0..FAN_OUT {
            if !self.recruit_or_go_hungry() {
                return;
            }
        }
    }

    /// A helper's share, until the helper leaves or moves to another node.
    fn help(&self, member: Member, assignment: &Assignment, tally: &mut Tally) -> End {
        let mut index = assignment.part;
        let mut seen = match assignment.origin {
            // What has changed has been looked at: a chunk comes first.
            Origin::Again => self.engine.machine.changes(),
            _ => assignment.changes,
        };
        loop {
            let Some(part) = self.request.parts.get(index) else {
                return End::Done;
            };
            let mut way = Way::new(index, self.sizes(part).with_slow_start());
            while part.remaining() > 0 {
                match self.drain(&mut way, Worker::Helper(member), seen, tally) {
                    Stop::Drained => break,
                    Stop::Failed(failed) => return End::Failed(failed),
                    Stop::Changed => {
                        seen = self.engine.machine.seen_changes();
                        if let Some(end) = self.leaves(assignment) {
                            return end;
                        }
                        // With more CPUs the task may want more helpers than before.
                        self.recruit_or_go_hungry();
                    }
                }
            }
            let Some(next) = self.most_left(index) else {
                return End::Done;
            };
            if let Some(moved) = self.migrate(assignment, next) {
                return End::Move(moved);
            }
            index = next;
        }
    }

    /// Whether a helper is to leave although work may be left, now that something has changed.
    fn leaves(&self, assignment: &Assignment) -> Option<End> {
        let engine = self.engine;
        let machine = &engine.machine;
        self.most_left(assignment.part)?;
        if machine.limits.release_excess(assignment.grant) {
            self.team.remove_helper();
            return Some(End::Left);
        }
        if engine.saves_power() || !machine.has(assignment.cpu) {
            return Some(End::Leave);
        }
        if !engine.hungry.any() {
            return None;
        }
        let full = machine.limits.global.room() == 0;
        match engine.hungry.yields(self.team, assignment.node, full) {
            Yield::Nothing => None,
            Yield::Here => Some(End::Give),
            Yield::Elsewhere => {
                machine.limits.release(assignment.grant);
                Some(End::Left)
            }
        }
    }

    /// Moves a helper to the node of part `next`, if that is another one and has room.
    fn migrate(&self, before: &Assignment, next: usize) -> Option<Assignment> {
        if self.confined.is_some() {
            return None;
        }
        let nid = self.request.parts.get(next).and_then(Part::nid);
        let machine = &self.engine.machine;
        let changes = machine.seen_changes();
        let placed = machine.migrate(before, nid)?;
        Some(placed.assignment(next, Origin::Move, changes))
    }

    /// A helper has done what it could for the task, and still has its grant. Another task may have
    /// both.
    fn done(&self, assignment: Assignment) -> Next {
        if self.engine.hungry.any() && assignment.origin != Origin::Again {
            return Next::Switch(assignment);
        }
        self.release(&assignment);
        Next::Done
    }

    /// A helper leaves, although work may be left.
    fn leave(&self, assignment: &Assignment) {
        self.engine.stats.helpers_left.add(1);
        self.remove_thread(assignment);
        self.go_hungry();
    }

    /// A helper gives up its grant, which others may want.
    fn release(&self, assignment: &Assignment) {
        self.engine.machine.limits.release(assignment.grant);
        self.team.remove_helper();
    }

    fn add_thread(&self, assignment: &Assignment) {
        if let Some(part) = self.request.parts.get(assignment.part) {
            part.add_thread();
        }
    }

    fn remove_thread(&self, assignment: &Assignment) {
        if let Some(part) = self.request.parts.get(assignment.part) {
            part.remove_thread();
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The tasks that could use more helpers: see `protocol/line.rs`.
//!
//! A task that lacks nothing is not here, so that the lock is only taken where helpers are scarce.

use super::{
    scope::{
        NotPlaced,
        RawScope,
        Wants,
        Work, //
    },
    team::Team, //
};
use crate::ktask::{
    policy::share,
    protocol::{
        helper::{
            Assignment,
            Origin, //
        },
        line::{
            Entries,
            Entry,
            Line, //
        }, //
    },
    sync::{
        Atomic,
        Relaxed, //
    }, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};

/// How many tasks are looked at for one helper: it is done under a lock. Others have their turn next.
const LOOKED_AT: usize = 16;

/// The tasks that could use more helpers.
///
/// # Invariants
///
/// Each task in the line is the address of a team that stays where it is until it has left the line,
/// which needs the lock.
#[pin_data]
pub(crate) struct Hungry {
    #[pin]
    line: SpinLock<Line>,
    /// Whether there is any, for those who do not hold the lock.
    any: Any,
}

/// Read by threads that start helpers, away from the lock, which is written.
#[repr(align(64))]
struct Any(Atomic<bool>);

/// What a helper is to do for hungry tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Yield {
    /// Work on.
    Nothing,
    /// Go to a task that has work here.
    Here,
    /// Leave, so that a task whose work is elsewhere can have another helper. The helper is not
    /// counted as the task's any more.
    Elsewhere,
}

/// The teams of a line whose lock is held, by their addresses.
struct Teams;

impl Teams {
    /// The team at an address of the line.
    ///
    /// # Safety
    ///
    /// The lock of the line must be held as long as the result is used.
    unsafe fn team<'a>(task: usize) -> &'a Team<'a> {
        // SAFETY: By the type invariant of `Hungry` the address is that of a team, which stays where
        // it is until the lock is dropped. A team is only used through shared references.
        unsafe { &*core::ptr::with_exposed_provenance::<Team<'a>>(task) }
    }
}

impl Entries for Teams {
    fn entry(&self, task: usize) -> &Entry {
        // SAFETY: Whoever calls the line's functions holds the lock, and the reference is gone when
        // they return.
        unsafe { &Self::team(task).entry }
    }
}

impl Hungry {
    /// Nobody is hungry.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            line <- new_spinlock!(Line::new(), "ktask_hungry"),
            any: Any(Atomic::new(false)),
        })
    }

    /// Whether any task is hungry, for all that is known.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.0.load(Relaxed)
    }

    /// A task is hungry, unless its caller waits for the end of all helpers. Called by a thread of the
    /// task. Returns whether that is news.
    pub(super) fn join(&self, team: &Team<'_>) -> bool {
        if team.entry.is_taken() {
            return false;
        }
        let mut line = self.line.lock();
        // Under the lock of the team, too: its caller leaves the line after it has closed the team.
        let inner = team.lock();
        let joins = inner.open() && !team.entry.is_taken();
        if joins {
            team.used.store(true, Relaxed);
            team.listed.store(true, Relaxed);
            // INVARIANT: The team is pinned, and leaves the line before it goes.
            line.join(&Teams, core::ptr::from_ref(team).expose_provenance());
            self.any.0.store(true, Relaxed);
        }
        joins
    }

    /// A task, whose team is closed, leaves the line if it is there.
    pub(super) fn leave(&self, team: &Team<'_>) {
        // Whoever has put the team there has had the team's lock since, and so has the caller. Not so
        // who removes a team, so it takes the lock to see whether that is over.
        if !team.listed.load(Relaxed) {
            return;
        }
        let mut line = self.line.lock();
        if team.entry.is_taken() {
            self.remove(&mut line, team);
        }
    }

    fn remove(&self, line: &mut Line, team: &Team<'_>) {
        line.leave(&Teams, core::ptr::from_ref(team).addr());
        self.any.0.store(line.len() > 0, Relaxed);
    }

    /// Calls `each` with the next few hungry tasks other than `own` that can have a helper now, and the
    /// work that a helper on `node` would have there; those that lack nothing any more leave the line.
    ///
    /// # Safety
    ///
    /// The lock of the line must be held as long as the teams are used.
    unsafe fn look<'a>(
        &self,
        line: &mut Line,
        own: Option<&Team<'_>>,
        node: Option<usize>,
        mut each: impl FnMut(&'a Team<'a>, Work),
    ) {
        for _ in 0..line.len().min(LOOKED_AT) {
            let Some(task) = line.turn(&Teams) else {
                return;
            };
            // SAFETY: The function's own contract.
            let team: &'a Team<'a> = unsafe { Teams::team(task) };
            let is_own =
                own.is_some_and(|own| core::ptr::eq(own, core::ptr::from_ref(team).cast()));
            match team.wants(node) {
                Wants::Nothing => self.remove(line, team),
                Wants::Later => {}
                Wants::Now(_) if is_own => {}
                Wants::Now(work) => each(team, work),
            }
        }
    }

    /// What a helper of `own` on `node` is to do. `full`: there is no room in the machine, so that
    /// what the helper has is all that tasks of other nodes can get.
    pub(crate) fn yields(&self, own: &Team<'_>, node: Option<usize>, full: bool) -> Yield {
        let mut line = self.line.lock();
        let (mut here, mut anywhere) = (None, None);
        let lower = |least: &mut Option<u32>, count| {
            *least = Some(least.map_or(count, |least| least.min(count)));
        };
        let each = |team: &Team<'_>, work| {
            lower(&mut anywhere, team.helpers());
            if matches!(work, Work::Here(_)) {
                lower(&mut here, team.helpers());
            }
        };
        // SAFETY: The lock is held until the function's end.
        unsafe { self.look(&mut line, Some(own), node, each) };
        let gives =
            |others: Option<u32>| others.is_some_and(|count| share::gives(own.helpers(), count));
        if gives(here) {
            Yield::Here
        } else if full && gives(anywhere) {
            // Under the lock, or several helpers would leave where one is wanted.
            own.remove_helper();
            Yield::Elsewhere
        } else {
            Yield::Nothing
        }
    }

    /// Finds the task with the fewest helpers of those that have work where a helper of `own` is,
    /// whose last assignment was `last`. Only one that is to get it from `own` if that has work, too.
    /// The task expects the helper, which is not counted as one of `own` any more.
    pub(super) fn find_for(
        &self,
        own: &Team<'_>,
        last: Assignment,
        has_work: bool,
    ) -> Option<(RawScope, Assignment)> {
        let mut line = self.line.lock();
        let mut best: Option<(&Team<'_>, usize)> = None;
        let each = |team, work| {
            if let Work::Here(part) = work {
                if best.is_none_or(|(best, _)| Team::helpers(team) < best.helpers()) {
                    best = Some((team, part));
                }
            }
        };
        // SAFETY: The lock is held until the function's end.
        unsafe { self.look(&mut line, Some(own), last.node, each) };
        let (team, part) = best?;
        if has_work && !share::gives(own.helpers(), team.helpers()) {
            return None;
        }
        let scope = team.expect()?;
        own.remove_helper();
        let assignment = Assignment {
            part,
            origin: Origin::Switch,
            ..last
        };
        Some((scope, assignment))
    }

    /// Starts a helper for the hungry task with the fewest. `None` if there is none that could have
    /// one. A task for which there is no room has its next turn when something has changed: `changes`
    /// tells how often something has.
    pub(crate) fn feed(&self, changes: u32) -> Option<Result<(), NotPlaced>> {
        let mut line = self.line.lock();
        let mut best: Option<&Team<'_>> = None;
        let each = |team, _| {
            let fewer = best.is_none_or(|best| Team::helpers(team) < best.helpers());
            if fewer && Team::had_room(team, changes) {
                best = Some(team);
            }
        };
        // SAFETY: The lock is held until the function's end.
        unsafe { self.look(&mut line, None, None, each) };
        let team = best?;
        let found = team.recruit();
        if found.is_err() {
            team.set_no_room(changes);
        }
        Some(found)
    }
}

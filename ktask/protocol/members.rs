// SPDX-License-Identifier: GPL-2.0

//! The helpers of one task, and who of them is boosted.
//!
//! A member joins before its offer is made, and leaves when its worker has ended or its offer was
//! cancelled. So a task whose members have all left is no longer used by anybody but its caller.

use super::{
    boost::Boost,
    iterator_lock::IteratorLock, //
};
use crate::ktask::sync::{
    Atomic,
    Relaxed, //
};

/// No member.
const NONE: u32 = u32::MAX;

/// The neighbours of a member in a [`List`]. A member is in one list at a time.
///
/// Accessed under the lock of the task that the member belongs to, or by the only owner of the list;
/// atomic because no type says so.
pub(crate) struct Link {
    next: Atomic<u32>,
    prev: Atomic<u32>,
}

impl Link {
    /// In no list.
    pub(crate) fn new() -> Self {
        Self {
            next: Atomic::new(NONE),
            prev: Atomic::new(NONE),
        }
    }
}

/// Where the links of members are.
pub(crate) trait Links {
    /// The link of a member; `None` for what is no member.
    fn link(&self, member: u32) -> Option<&Link>;
}

/// A doubly linked list of members.
pub(crate) struct List {
    first: u32,
}

impl List {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self { first: NONE }
    }

    /// The member at the front.
    pub(crate) fn first(&self) -> Option<u32> {
        (self.first != NONE).then_some(self.first)
    }

    /// The member behind `member`.
    pub(crate) fn after(links: &impl Links, member: u32) -> Option<u32> {
        let next = links.link(member)?.next.load(Relaxed);
        (next != NONE).then_some(next)
    }

    /// Adds a member of no list at the front.
    pub(crate) fn push(&mut self, links: &impl Links, member: u32) {
        let Some(link) = links.link(member) else {
            return;
        };
        link.prev.store(NONE, Relaxed);
        link.next.store(self.first, Relaxed);
        if let Some(first) = links.link(self.first) {
            first.prev.store(member, Relaxed);
        }
        self.first = member;
    }

    /// Removes a member of this list.
    pub(crate) fn remove(&mut self, links: &impl Links, member: u32) {
        let Some(link) = links.link(member) else {
            return;
        };
        let (prev, next) = (link.prev.load(Relaxed), link.next.load(Relaxed));
        match links.link(prev) {
            Some(prev) => prev.next.store(next, Relaxed),
            None => self.first = next,
        }
        if let Some(next) = links.link(next) {
            next.prev.store(prev, Relaxed);
        }
    }
}

/// What a member leaves to do to the worker that ends its run, under the lock.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// The member that inherits the boost, and the nice value for that member's worker.
    pub(crate) heir: Option<(u32, i32)>,
    /// The caller waits for the last member, which this was.
    pub(crate) wake_caller: bool,
}

/// The members of one task. Belongs under a lock of the task.
pub(crate) struct Members {
    /// Members that are offered or run.
    active: List,
    /// Members that have ended with a failure, which is kept until the caller has read it.
    failed: List,
    /// Threads that are to join, or start a helper, and keep the task until they have done so.
    expected: u32,
    /// The caller waits for the end of all members: no offer is made any more.
    closed: bool,
    /// Priority inheritance.
    pub(crate) boost: Boost<u32>,
    /// The iterator lock.
    pub(crate) iterator: IteratorLock<u32>,
}

impl Members {
    /// A task without helpers.
    pub(crate) fn new() -> Self {
        Self {
            active: List::new(),
            failed: List::new(),
            expected: 0,
            closed: false,
            boost: Boost::new(),
            iterator: IteratorLock::new(),
        }
    }

    /// Adds a member, before its offer is made.
    pub(crate) fn join(&mut self, links: &impl Links, member: u32) {
        self.active.push(links, member);
    }

    /// Whether offers may be made: by threads of the task, for new members or for members that move
    /// on. The owner looks for offers only once.
    pub(crate) fn open(&self) -> bool {
        !self.closed
    }

    /// Any thread that found an open task: keeps the task, whose caller waits until [`Self::come`] or
    /// [`Self::stay_away`].
    pub(crate) fn expect(&mut self) {
        self.expected = self.expected.saturating_add(1);
    }

    /// A worker that is expected joins as a member that runs. Returns whether the caller waits, and is
    /// to be woken, or nobody would boost the member.
    pub(crate) fn come(&mut self, links: &impl Links, member: u32) -> bool {
        self.expected = self.expected.saturating_sub(1);
        self.active.push(links, member);
        self.closed
    }

    /// A thread that is expected does not join. Returns whether the caller waits for it, and is to be
    /// woken.
    pub(crate) fn stay_away(&mut self) -> bool {
        self.expected = self.expected.saturating_sub(1);
        self.closed && self.is_over()
    }

    /// Whether nobody but the caller uses the task.
    pub(crate) fn is_over(&self) -> bool {
        self.active.first().is_none() && self.expected == 0
    }

    /// Worker: the member has ended and uses the task no more.
    pub(crate) fn leave(&mut self, links: &impl Links, member: u32) -> Left {
        self.active.remove(links, member);
        Left {
            heir: self.bequeath(member),
            wake_caller: self.closed && self.is_over(),
        }
    }

    /// Worker: as [`Self::leave`], of a member whose failure the caller is to read.
    pub(crate) fn leave_failed(&mut self, links: &impl Links, member: u32) -> Left {
        let left = self.leave(links, member);
        self.failed.push(links, member);
        left
    }

    /// The boost of a member that leaves goes to another one, if the caller waits for them.
    fn bequeath(&mut self, member: u32) -> Option<(u32, i32)> {
        let nice = self.boost.end(member)?;
        let heir = self.active.first().filter(|_| self.closed)?;
        self.boost.give(heir, nice);
        Some((heir, nice))
    }

    /// Owner: nobody joins or moves on from now on. `cancel` cancels a member's offer, and tells
    /// whether there was one; those members are returned, and all others run.
    pub(crate) fn close(&mut self, links: &impl Links, cancel: impl Fn(u32) -> bool) -> List {
        self.closed = true;
        let mut cancelled = List::new();
        let mut next = self.active.first();
        while let Some(member) = next {
            next = List::after(links, member);
            if cancel(member) {
                self.active.remove(links, member);
                cancelled.push(links, member);
            }
        }
        cancelled
    }

    /// Owner: removes the oldest member that is `offered`, if its offer can be cancelled, which `cancel`
    /// tells. Members that join are put in front.
    pub(crate) fn take_back(
        &mut self,
        links: &impl Links,
        offered: impl Fn(u32) -> bool,
        cancel: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut oldest = None;
        let mut next = self.active.first();
        while let Some(member) = next {
            if offered(member) {
                oldest = Some(member);
            }
            next = List::after(links, member);
        }
        let member = oldest.filter(|&member| cancel(member))?;
        self.active.remove(links, member);
        Some(member)
    }

    /// A member that has not left, of those that are active.
    pub(crate) fn any(&self) -> Option<u32> {
        self.active.first()
    }

    /// Caller, once all members have left: those that failed.
    pub(crate) fn take_failed(&mut self) -> List {
        core::mem::replace(&mut self.failed, List::new())
    }
}

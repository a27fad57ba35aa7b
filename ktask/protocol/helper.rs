// SPDX-License-Identifier: GPL-2.0

//! The life of a helper: offered by the scope of a task, begun and ended by a worker, moved on to
//! another worker, or cancelled.
//!
//! | step | by | needs | afterwards |
//! | --- | --- | --- | --- |
//! | [`Helper::offer`] | owner | an idle helper that is a member of the scope | any worker may begin |
//! | [`Helper::run`] | worker | wins the step out of the offer, else does nothing | the helper has ended or moved on |
//! | [`Helper::cancel`] | owner | wins the step out of the offer | the helper is idle |
//! | [`Helper::failure`] | owner | the helper has ended with a failure | the helper is idle |
//!
//! What is the kernel's (the workqueue, the lock of the scope, nice values) is behind the traits
//! [`Workers`] and [`ScopeRef`], which the host implements for a model checker.

use super::handshake::Handshake;
use crate::ktask::{
    policy::undo::Failed,
    protocol::limits::Grant, //
};

/// What a helper is to do, until it moves to another node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assignment {
    /// The node part to start with.
    pub(crate) part: usize,
    /// The limits that the helper counts against.
    pub(crate) grant: Grant,
    /// The CPU that the helper is queued for.
    pub(crate) cpu: u32,
    /// The node of that CPU.
    pub(crate) node: Option<usize>,
    /// What the helper did before.
    pub(crate) origin: Origin,
    /// The count of changes of the machine when the assignment was made.
    pub(crate) changes: u32,
}

/// What a helper did before an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing: the helper begins.
    Start,
    /// The helper worked on another node.
    Move,
    /// The helper worked for another task.
    Switch,
    /// The same: no other task wanted the helper.
    Again,
}

/// How a helper goes on after a run.
pub(crate) enum Next {
    /// The helper has ended.
    Done,
    /// The helper has ended, as the thread function failed.
    Failed(Failed),
    /// The helper goes on with another assignment, in a worker of that assignment's CPU.
    Move(Assignment),
    /// The helper may go to another task, in the same worker, with the limits that it counts against.
    Switch(Assignment),
}

/// One of the two work items of a helper, which are used in turn: an item that is queued while a
/// worker runs it goes to that worker's pool, wherever it was queued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// The first one.
    Even,
    /// The second one.
    Odd,
}

impl Item {
    fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

/// What a helper needs of the workqueue and of the pool of helpers.
pub(crate) trait Workers {
    /// Queues a work item of the helper for the workers of `cpu`.
    fn queue(&self, cpu: u32, item: Item);

    /// Worker: keeps the calling thread, which runs `item` and was queued for `cpu`, on the CPUs of
    /// `node` until the item ends.
    fn bind(&self, _item: Item, _cpu: u32, _node: impl FnOnce() -> Option<usize>) {}

    /// Takes the work items off the queue if no worker has taken them. Does not wait.
    fn cancel(&self);

    /// Whether no worker has a work item of the helper, so that the next one queued goes to the
    /// workers of the CPU that it is queued for.
    fn idle(&self) -> bool;

    /// Frees the idle helper for the next scope.
    fn free(&self);
}

/// The scope of a task, as one of its helpers sees it. Valid from the helper's joining to its
/// leaving: [`Helper::run`] uses nothing of a scope after `leave`, `leave_failed`, a `move_on` that
/// returned true or a `switch` that returned another scope.
pub(crate) trait ScopeRef: Copy {
    /// The calling worker as a member, which is what the job sees.
    type Member;

    /// Does an assignment. `conclusive` tells that the worker is one of those that serve the
    /// assignment's CPU. May sleep.
    fn run(&self, member: &Self::Member, assignment: Assignment, conclusive: bool) -> Next;

    /// The node that a helper with that assignment is bound to, if any. Does not sleep.
    fn node_of(&self, _assignment: &Assignment) -> Option<usize> {
        None
    }

    /// An assignment will not be done. Called once for each one that `run` is not called for. Does
    /// not sleep.
    fn cancelled(&self, assignment: Assignment);

    /// The calling worker is the helper from now on.
    fn enter(&self, member: u32) -> Self::Member;

    /// The calling worker stops being the helper, by `step`, unless the caller waits for the helpers.
    /// Returns whether it did.
    fn move_on(&self, member: &Self::Member, step: &mut dyn FnMut()) -> bool;

    /// The calling worker leaves the scope for another one, which expects it and where an assignment
    /// is found for it, with the grant of `last`. `None` if there is none; then nothing has changed.
    fn switch(&self, member: &Self::Member, last: Assignment) -> Option<(Self, Assignment)>;

    /// The calling worker, which the scope expects after a [`Self::switch`], is the helper from now on.
    fn come(&self, member: u32) -> Self::Member;

    /// The helper has ended, and with it the use of the scope.
    fn leave(&self, member: &Self::Member);

    /// As [`Self::leave`], of a helper whose failure is to be read.
    fn leave_failed(&self, member: &Self::Member);
}

/// What owner and worker pass to each other.
struct Offer<S> {
    /// The scope and what to do for it, while there is an offer or a run.
    job: Option<(S, Assignment)>,
    failed: Option<Failed>,
    /// The work item that was queued last.
    item: Item,
    /// Whether no worker had that item when it was queued, so that its worker serves its CPU.
    conclusive: bool,
}

/// One helper.
pub(crate) struct Helper<S> {
    member: u32,
    hand: Handshake<Offer<S>>,
}

impl<S: ScopeRef> Helper<S> {
    /// An idle helper, which scopes know as `member`.
    pub(crate) fn new(member: u32) -> Self {
        Self {
            member,
            hand: Handshake::new(Offer {
                job: None,
                failed: None,
                item: Item::Odd,
                conclusive: false,
            }),
        }
    }

    /// Owner: offers an assignment to the workers of its CPU. `verify` asks to find out whether the
    /// worker will be one that serves that CPU for sure. Returns false, and does nothing, if the
    /// helper is not idle.
    pub(crate) fn offer(
        &self,
        workers: &impl Workers,
        scope: S,
        assignment: Assignment,
        verify: bool,
    ) -> bool {
        let Some(mut held) = self.hand.hold() else {
            return false;
        };
        let conclusive = verify && workers.idle();
        let item = held.with(|offer| {
            offer.job = Some((scope, assignment));
            offer.failed = None;
            offer.item = offer.item.other();
            offer.conclusive = conclusive;
            offer.item
        });
        held.offer();
        workers.queue(assignment.cpu, item);
        true
    }

    /// Worker: takes up the offer, if there is one, in the work item `item`. May sleep.
    pub(crate) fn run(&self, workers: &impl Workers, item: Item) {
        let Some(mut running) = self.hand.begin() else {
            // The offer was cancelled after the worker had taken the item off the queue.
            return;
        };
        // The item of an earlier offer may be the one that finds this offer.
        let (job, conclusive) =
            running.with(|offer| (offer.job, offer.conclusive && offer.item == item));
        let Some((scope, assignment)) = job else {
            return running.end();
        };
        // Before the worker is lowered in priority, and may be long without a CPU.
        workers.bind(item, assignment.cpu, || scope.node_of(&assignment));
        let member = scope.enter(self.member);
        let next = scope.run(&member, assignment, conclusive);
        let (scope, member, next) = self.switch(scope, member, next);
        let failed = match next {
            Next::Done | Next::Switch(_) => None,
            Next::Failed(failed) => Some(failed),
            Next::Move(next) => {
                let item = running.with(|offer| {
                    offer.job = Some((scope, next));
                    offer.item = item.other();
                    offer.conclusive = false;
                    offer.item
                });
                let mut moving = Some(running);
                let mut step = || {
                    if let Some(running) = moving.take() {
                        running.move_on();
                    }
                };
                if scope.move_on(&member, &mut step) {
                    // From here on neither the offer nor the scope is this worker's.
                    return workers.queue(next.cpu, item);
                }
                let Some(back) = moving else {
                    return;
                };
                running = back;
                scope.cancelled(next);
                None
            }
        };
        running.with(|offer| {
            offer.job = None;
            offer.failed = failed;
        });
        // Idle before the scope ends, so that the owner can read the failure then.
        running.end();
        match failed {
            None => {
                scope.leave(&member);
                workers.free();
            }
            Some(_) => scope.leave_failed(&member),
        }
    }

    /// Worker: goes from task to task for as long as one has the helper and another one wants it.
    /// Returns the last one, and what comes after it, which is no switch.
    fn switch(&self, scope: S, member: S::Member, next: Next) -> (S, S::Member, Next) {
        let (mut scope, mut member, mut next) = (scope, member, next);
        while let Next::Switch(last) = next {
            let assignment = match scope.switch(&member, last) {
                Some((other, assignment)) => {
                    scope = other;
                    member = scope.come(self.member);
                    assignment
                }
                None => Assignment {
                    origin: Origin::Again,
                    ..last
                },
            };
            next = scope.run(&member, assignment, false);
        }
        (scope, member, next)
    }

    /// Owner: whether no worker has begun yet.
    pub(crate) fn is_offered(&self) -> bool {
        self.hand.is_offered()
    }

    /// Owner: cancels the offer. Returns false if there is none any more. Does not sleep.
    pub(crate) fn cancel(&self) -> bool {
        let Some(mut held) = self.hand.cancel() else {
            return false;
        };
        let job = held.with(|offer| offer.job.take());
        held.release();
        if let Some((scope, assignment)) = job {
            scope.cancelled(assignment);
        }
        true
    }

    /// Owner: what a helper that has ended failed with.
    pub(crate) fn failure(&self) -> Option<Failed> {
        let mut held = self.hand.hold()?;
        let failed = held.with(|offer| offer.failed);
        held.release();
        failed
    }
}

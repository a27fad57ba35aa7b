// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/helper.rs`: each step, in one thread.
//!
//! What happens while others do the same is for the models.

use crate::ktask::{
    policy::{
        chunk::Chunk,
        undo::Failed, //
    },
    protocol::{
        helper::{
            Assignment,
            Helper,
            Item,
            Next,
            Origin,
            ScopeRef,
            Workers, //
        },
        limits::Grant, //
    }, //
};
use core::cell::{
    Cell,
    RefCell, //
};
use std::{
    collections::VecDeque,
    mem::take,
    rc::Rc, //
};

/// What the helper carries along for the engine.
const CHANGES: u32 = 9;

/// What the scopes know the helper as.
const MEMBER: u32 = 7;

/// What the helper has done. Assignments are known by their part.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Queued(u32, Item),
    Unqueued,
    Freed,
    Bound(Item, u32, usize),
    Entered,
    Came,
    Asked(usize),
    Ran(usize, bool),
    Moved,
    Cancelled(usize),
    Left,
    LeftFailed,
}

use Event::{
    Asked,
    Bound,
    Came,
    Cancelled,
    Entered,
    Freed,
    Left,
    LeftFailed,
    Moved,
    Queued,
    Ran,
    Unqueued, //
};
use Item::{
    Even,
    Odd, //
};

type Log = Rc<RefCell<Vec<Event>>>;

#[derive(Default)]
struct Slot {
    log: Log,
    idle: Cell<bool>,
    /// Begins at once what is queued.
    worker: Cell<Option<&'static Helper<&'static Scope>>>,
}

impl Workers for Slot {
    fn queue(&self, cpu: u32, item: Item) {
        self.log.borrow_mut().push(Queued(cpu, item));
        if let Some(helper) = self.worker.get() {
            helper.run(self, item);
        }
    }

    fn bind(&self, item: Item, cpu: u32, node: impl FnOnce() -> Option<usize>) {
        if let Some(node) = node() {
            self.log.borrow_mut().push(Bound(item, cpu, node));
        }
    }

    fn cancel(&self) {
        self.log.borrow_mut().push(Unqueued);
    }

    fn idle(&self) -> bool {
        self.idle.get()
    }

    fn free(&self) {
        self.log.borrow_mut().push(Freed);
    }
}

/// What a test looks at when the helper does something.
type Hook = Box<dyn Fn()>;

#[derive(Default)]
struct Scope {
    log: Log,
    /// What becomes of the helper after each run.
    next: RefCell<VecDeque<Next>>,
    closed: Cell<bool>,
    /// Whether helpers keep to the nodes of their assignments.
    binds: Cell<bool>,
    in_run: RefCell<Option<Hook>>,
    in_leave: RefCell<Option<Hook>>,
    /// The scope that wants the helper.
    other: Cell<Option<&'static Scope>>,
    /// Whether the last run was one of a helper that no other scope wanted.
    again: Cell<bool>,
}

impl Scope {
    fn log(&self, event: Event) {
        self.log.borrow_mut().push(event);
    }
}

fn call(hook: &RefCell<Option<Hook>>) {
    if let Some(hook) = &*hook.borrow() {
        hook();
    }
}

impl ScopeRef for &Scope {
    type Member = u32;

    fn run(&self, member: &u32, assignment: Assignment, conclusive: bool) -> Next {
        assert_eq!(*member, MEMBER);
        let Assignment { part, origin, .. } = assignment;
        assert_eq!(assignment.grant, Grant::Node(part));
        let known = [origin_of(part), Origin::Again, Origin::Switch];
        assert!(known.contains(&origin) && assignment.changes == CHANGES);
        self.again.set(origin == Origin::Again);
        assert_eq!(
            (assignment.cpu, assignment.node),
            (cpu_of(part), Some(part))
        );
        call(&self.in_run);
        self.log(Ran(part, conclusive));
        self.next.borrow_mut().pop_front().unwrap_or(Next::Done)
    }

    fn cancelled(&self, assignment: Assignment) {
        self.log(Cancelled(assignment.part));
    }

    fn node_of(&self, assignment: &Assignment) -> Option<usize> {
        assignment.node.filter(|_| self.binds.get())
    }

    fn enter(&self, member: u32) -> u32 {
        self.log(Entered);
        member
    }

    fn move_on(&self, member: &u32, step: &mut dyn FnMut()) -> bool {
        assert_eq!(*member, MEMBER);
        if self.closed.get() {
            return false;
        }
        self.log(Moved);
        step();
        true
    }

    fn switch(&self, member: &u32, last: Assignment) -> Option<(Self, Assignment)> {
        assert_eq!(*member, MEMBER);
        self.log(Asked(last.part));
        let other = self.other.get()?;
        self.log(Left);
        let origin = Origin::Switch;
        Some((other, Assignment { origin, ..last }))
    }

    fn come(&self, member: u32) -> u32 {
        self.log(Came);
        member
    }

    fn leave(&self, member: &u32) {
        assert_eq!(*member, MEMBER);
        call(&self.in_leave);
        self.log(Left);
    }

    fn leave_failed(&self, member: &u32) {
        assert_eq!(*member, MEMBER);
        call(&self.in_leave);
        self.log(LeftFailed);
    }
}

/// A helper and a scope, which live as long as the tests.
struct World {
    helper: &'static Helper<&'static Scope>,
    scope: &'static Scope,
    slot: Slot,
}

impl World {
    fn new() -> Self {
        let scope: &Scope = Box::leak(Box::default());
        Self {
            helper: Box::leak(Box::new(Helper::new(MEMBER))),
            scope,
            slot: Slot {
                log: scope.log.clone(),
                idle: Cell::new(true),
                ..Slot::default()
            },
        }
    }

    fn offer(&self, part: usize, verify: bool) -> bool {
        let assignment = assignment(part);
        self.helper
            .offer(&self.slot, self.scope, assignment, verify)
    }

    fn run(&self, item: Item) {
        self.helper.run(&self.slot, item);
    }

    fn after_the_next_run(&self, next: Next) {
        self.scope.next.borrow_mut().push_back(next);
    }

    /// As the owner in `ktask/kernel/pool.rs`, of a helper that it does not wait for.
    fn cancel(&self) -> bool {
        let cancelled = self.helper.cancel();
        if cancelled {
            self.slot.cancel();
            self.slot.free();
        }
        cancelled
    }

    /// What has happened since the last call.
    fn events(&self) -> Vec<Event> {
        take(&mut *self.scope.log.borrow_mut())
    }
}

fn origin_of(part: usize) -> Origin {
    match part {
        0 => Origin::Start,
        _ => Origin::Move,
    }
}

fn cpu_of(part: usize) -> u32 {
    10 + part as u32
}

/// The assignment on `part`.
fn assignment(part: usize) -> Assignment {
    Assignment {
        part,
        grant: Grant::Node(part),
        cpu: cpu_of(part),
        node: Some(part),
        origin: origin_of(part),
        changes: CHANGES,
    }
}

fn failed(part: usize) -> Failed {
    let chunk = Chunk {
        offset: 1,
        len: 2,
        start: 3,
        end: 5,
    };
    Failed { part, chunk }
}

#[test]
fn p19_helper_is_offered_until_a_worker_begins() {
    let world = World::new();
    assert!(!world.helper.is_offered());
    assert!(world.offer(0, false));
    assert!(world.helper.is_offered());
    world.run(Even);
    assert!(!world.helper.is_offered());
    assert!(world.offer(0, false));
    assert!(world.helper.cancel());
    assert!(!world.helper.is_offered());
}

#[test]
fn idle_helper_does_nothing() {
    let world = World::new();
    world.run(Even);
    assert!(!world.cancel());
    assert_eq!(world.helper.failure(), None);
    assert_eq!(world.events(), []);
}

#[test]
fn p3_helper_is_offered_begins_and_ends() {
    let world = World::new();
    assert!(world.offer(0, false));
    assert_eq!(world.events(), [Queued(10, Even)]);
    world.run(Even);
    assert_eq!(world.events(), [Entered, Ran(0, false), Left, Freed]);
    assert_eq!(world.helper.failure(), None);
    // Nothing is done twice.
    world.run(Even);
    world.run(Odd);
    assert!(!world.cancel());
    assert_eq!(world.events(), []);
}

#[test]
fn p13_worker_is_bound_before_it_enters() {
    let world = World::new();
    world.scope.binds.set(true);
    world.after_the_next_run(Next::Move(assignment(1)));
    assert!(world.offer(0, false));
    world.events();
    world.run(Even);
    let bound = [Bound(Even, 10, 0), Entered, Ran(0, false)];
    let moved = [Moved, Queued(11, Odd)];
    assert_eq!(world.events(), [&bound[..], &moved].concat());
    world.run(Odd);
    let bound = [Bound(Odd, 11, 1), Entered, Ran(1, false), Left, Freed];
    assert_eq!(world.events(), bound);
}

#[test]
fn work_items_are_used_in_turn() {
    let world = World::new();
    for item in [Even, Odd, Even, Odd] {
        assert!(world.offer(3, false));
        world.run(item);
        assert_eq!(world.events()[0], Queued(13, item));
    }
}

#[test]
fn p4_cancelled_helper_never_runs() {
    let world = World::new();
    assert!(world.offer(2, false));
    world.events();
    assert!(world.cancel());
    assert_eq!(world.events(), [Cancelled(2), Unqueued, Freed]);
    world.run(Even);
    assert!(!world.cancel());
    assert_eq!(world.events(), []);
    // Idle again.
    assert!(world.offer(0, false));
    world.run(Odd);
    assert_eq!(world.events().len(), 5);
}

#[test]
fn helper_that_is_not_idle_is_not_offered() {
    let world = World::new();
    assert!(world.offer(0, false));
    world.events();
    assert!(!world.offer(1, false));
    assert_eq!(world.events(), []);
    // Nor while a worker runs, nor is it cancelled then, nor does another worker begin.
    let helper = world.helper;
    let (scope, log) = (world.scope, world.scope.log.clone());
    *world.scope.in_run.borrow_mut() = Some(Box::new(move || {
        let slot = Slot {
            log: log.clone(),
            ..Slot::default()
        };
        assert!(!helper.offer(&slot, scope, assignment(1), false));
        assert!(!helper.cancel());
        helper.run(&slot, Odd);
        assert_eq!(helper.failure(), None);
    }));
    world.run(Even);
    assert_eq!(world.events(), [Entered, Ran(0, false), Left, Freed]);
}

#[test]
fn p3_worker_that_is_there_at_once_finds_the_offer() {
    let world = World::new();
    world.slot.worker.set(Some(world.helper));
    world.after_the_next_run(Next::Move(assignment(1)));
    assert!(world.offer(0, false));
    let begun = [Queued(10, Even), Entered, Ran(0, false)];
    let moved = [Moved, Queued(11, Odd), Entered, Ran(1, false), Left, Freed];
    assert_eq!(world.events(), [&begun[..], &moved].concat());
}

/// Otherwise the next scope that takes the helper would find it busy.
#[test]
fn p3_helper_is_idle_before_it_leaves() {
    let world = World::new();
    let helper = world.helper;
    *world.scope.in_leave.borrow_mut() = Some(Box::new(move || {
        assert_eq!(helper.failure(), Some(failed(0)), "the helper is not idle");
    }));
    assert!(world.offer(0, false));
    world.after_the_next_run(Next::Failed(failed(0)));
    world.run(Even);
    assert_eq!(world.events().last(), Some(&LeftFailed));
}

#[test]
fn p8_failed_helper_stays_taken_until_its_failure_is_read() {
    let world = World::new();
    assert!(world.offer(1, false));
    world.events();
    world.after_the_next_run(Next::Failed(failed(1)));
    world.run(Even);
    // Not freed: the owner does that.
    assert_eq!(world.events(), [Entered, Ran(1, false), LeftFailed]);
    assert_eq!(world.helper.failure(), Some(failed(1)));
    assert_eq!(world.helper.failure(), Some(failed(1)));
    // The next task knows nothing of it.
    assert!(world.offer(0, false));
    world.run(Odd);
    assert_eq!(world.helper.failure(), None);
}

#[test]
fn p8_cancelled_helper_has_not_failed() {
    let world = World::new();
    assert!(world.offer(0, false));
    world.after_the_next_run(Next::Failed(failed(0)));
    world.run(Even);
    assert_eq!(world.helper.failure(), Some(failed(0)));
    // Offered to the next task, which cancels it.
    assert!(world.offer(1, false) && world.cancel());
    assert_eq!(world.helper.failure(), None);
}

#[test]
fn helper_moves_on_in_the_other_item() {
    let world = World::new();
    assert!(world.offer(0, false));
    world.after_the_next_run(Next::Move(assignment(1)));
    world.after_the_next_run(Next::Move(assignment(2)));
    world.run(Even);
    let begun = [Queued(10, Even), Entered, Ran(0, false)];
    assert_eq!(
        world.events(),
        [&begun[..], &[Moved, Queued(11, Odd)]].concat()
    );
    world.run(Odd);
    let moved = [Entered, Ran(1, false), Moved, Queued(12, Even)];
    assert_eq!(world.events(), moved);
    world.run(Even);
    assert_eq!(world.events(), [Entered, Ran(2, false), Left, Freed]);
}

#[test]
fn p4_helper_that_moves_can_be_cancelled() {
    let world = World::new();
    assert!(world.offer(0, false));
    world.after_the_next_run(Next::Move(assignment(1)));
    world.run(Even);
    world.events();
    assert!(world.cancel());
    assert_eq!(world.events(), [Cancelled(1), Unqueued, Freed]);
    world.run(Odd);
    assert_eq!(world.events(), []);
}

#[test]
fn p4_helper_ends_instead_of_moving_if_the_caller_waits() {
    let world = World::new();
    assert!(world.offer(0, false));
    world.after_the_next_run(Next::Move(assignment(1)));
    world.scope.closed.set(true);
    world.run(Even);
    let events = [
        Queued(10, Even),
        Entered,
        Ran(0, false),
        Cancelled(1),
        Left,
        Freed,
    ];
    assert_eq!(world.events(), events);
    assert!(!world.cancel());
}

#[test]
fn p15_run_is_conclusive_if_the_item_was_idle() {
    for (verify, idle) in [(false, false), (false, true), (true, false), (true, true)] {
        let world = World::new();
        world.slot.idle.set(idle);
        assert!(world.offer(0, verify));
        world.run(Even);
        assert_eq!(world.events()[2], Ran(0, verify && idle));
    }
}

/// The worker that took the item of a cancelled offer serves the CPU of that offer.
#[test]
fn p15_late_worker_is_not_conclusive() {
    let world = World::new();
    assert!(world.offer(0, false));
    assert!(world.cancel());
    assert!(world.offer(1, true));
    world.events();
    world.run(Even);
    assert_eq!(world.events(), [Entered, Ran(1, false), Left, Freed]);
}

/// A helper that moves queues its other item while a worker of another CPU runs it.
#[test]
fn p15_moved_helper_is_not_conclusive() {
    let world = World::new();
    assert!(world.offer(0, true));
    world.after_the_next_run(Next::Move(assignment(1)));
    world.run(Even);
    world.events();
    world.run(Odd);
    assert_eq!(world.events()[1], Ran(1, false));
}

#[test]
fn p19_helper_goes_to_a_scope_that_wants_it() {
    let world = World::new();
    let other: &Scope = Box::leak(Box::new(Scope {
        log: world.scope.log.clone(),
        ..Scope::default()
    }));
    world.scope.other.set(Some(other));
    assert!(world.offer(0, true));
    world.after_the_next_run(Next::Switch(assignment(0)));
    world.run(Even);
    let events = [
        Queued(10, Even),
        Entered,
        Ran(0, true),
        Asked(0),
        Left,
        Came,
        Ran(0, false),
        Left,
        Freed,
    ];
    assert_eq!(world.events(), events);
    assert!(!world.cancel());
}

#[test]
fn p19_helper_that_nobody_wants_goes_on() {
    let world = World::new();
    assert!(world.offer(0, true));
    world.after_the_next_run(Next::Switch(assignment(0)));
    world.run(Even);
    let events = [
        Queued(10, Even),
        Entered,
        Ran(0, true),
        Asked(0),
        Ran(0, false),
        Left,
        Freed,
    ];
    assert_eq!(world.events(), events);
    assert!(world.scope.again.get());
}

/// A helper can be moved, or fail, after it went to another scope, and is that one's then.
#[test]
fn p19_helper_that_has_switched_belongs_to_the_other_scope() {
    for next in [Next::Move(assignment(1)), Next::Failed(failed(0))] {
        let world = World::new();
        let other: &Scope = Box::leak(Box::default());
        world.scope.other.set(Some(other));
        let fails = matches!(next, Next::Failed(_));
        other.next.borrow_mut().push_back(next);
        assert!(world.offer(0, false));
        world.after_the_next_run(Next::Switch(assignment(0)));
        world.run(Even);
        let events = take(&mut *other.log.borrow_mut());
        if fails {
            assert_eq!(events, [Came, Ran(0, false), LeftFailed]);
            assert_eq!(world.helper.failure(), Some(failed(0)));
        } else {
            assert_eq!(events, [Came, Ran(0, false), Moved]);
            assert!(world.helper.cancel());
            assert_eq!(take(&mut *other.log.borrow_mut()), [Cancelled(1)]);
        }
    }
}

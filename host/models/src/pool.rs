// SPDX-License-Identifier: GPL-2.0

//! What `ktask/kernel/pool.rs`, `team.rs` and `iterator_lock.rs` are made of, played: the memory of
//! helpers and of scopes, the lock of a team, work items and nice values.
//!
//! A thread is spawned for each work item that is queued. One that comes late stands for a worker
//! that has taken the item off the queue when that was cancelled, and, if it comes after everything
//! else, for an item that was cancelled in time.

use super::{
    Bug,
    Completion,
    Handed, //
};
use crate::ktask::{
    policy::undo::Failed,
    protocol::{
        boost::MAX_NICE,
        helper::{
            Assignment,
            Helper,
            Item,
            Next,
            Origin,
            ScopeRef,
            Workers, //
        },
        limits::Grant,
        line::{
            Entries,
            Entry,
            Line, //
        },
        members::{
            Left,
            Link,
            Links,
            List,
            Members, //
        }, //
    }, //
};
use loom::{
    sync::{
        Condvar,
        Mutex,
        MutexGuard, //
    },
    thread, //
};
use std::{
    cell::RefCell,
    collections::{
        BTreeMap,
        BTreeSet,
        VecDeque, //
    },
    sync::{
        self,
        atomic::{
            AtomicBool,
            AtomicU64,
            Ordering, //
        },
        Arc, //
    }, //
};

/// The nice value of a worker between its work items.
const OWN: i32 = 3;
/// The nice value of callers.
pub(super) const CALLER: i32 = -7;

/// An assignment for helpers whose CPU does not matter.
pub(super) fn assignment(part: usize) -> Assignment {
    Assignment {
        part,
        grant: Grant::Anywhere,
        cpu: 0,
        node: None,
        origin: Origin::Start,
        changes: 0,
    }
}

/// A thread of the workqueue.
pub(super) struct Thread {
    /// `None` when the thread does something else.
    nice: Handed<Option<i32>>,
}

impl Thread {
    fn set_nice(&self, value: i32) {
        self.nice.write(|nice| {
            assert!(nice.is_some(), "the worker is gone");
            *nice = Some(value);
        });
    }

    pub(super) fn nice(&self) -> i32 {
        self.nice.read(|nice| nice.expect("the worker is gone"))
    }
}

loom::thread_local! {
    /// The calling thread of the workqueue.
    static CURRENT: RefCell<Option<Arc<Thread>>> = RefCell::new(None);
}

fn current() -> Arc<Thread> {
    CURRENT.with(|current| current.borrow().clone().unwrap())
}

/// The memory of one helper.
struct Slot {
    helper: Helper<Scope>,
    link: Link,
    /// Accessed whenever the link is, to see that the list's lock is held.
    linked: Handed<()>,
    worker: Handed<Option<Arc<Thread>>>,
}

pub(super) struct Pool {
    slots: Vec<Slot>,
    free: Mutex<VecDeque<u32>>,
    workers: sync::Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Pool {
    pub(super) fn new(count: u32) -> Arc<Self> {
        let slot = |index| Slot {
            helper: Helper::new(index),
            link: Link::new(),
            linked: Handed::new(()),
            worker: Handed::new(None),
        };
        Arc::new(Self {
            slots: (0..count).map(slot).collect(),
            free: Mutex::new((0..count).collect()),
            workers: sync::Mutex::new(Vec::new()),
        })
    }

    fn slot(&self, member: u32) -> &Slot {
        &self.slots[member as usize]
    }

    fn worker(&self, member: u32) -> Option<Arc<Thread>> {
        self.slot(member).worker.read(|worker| worker.clone())
    }

    fn set_worker(&self, member: u32, thread: Option<Arc<Thread>>) {
        // Dropped outside, as nothing of loom's may be inside.
        let _before = self
            .slot(member)
            .worker
            .write(|worker| std::mem::replace(worker, thread));
    }

    fn free(&self, member: u32) {
        self.free.lock().unwrap().push_back(member);
    }

    fn all(&self, list: &List) -> Vec<u32> {
        let mut all = Vec::new();
        let mut next = list.first();
        while let Some(member) = next {
            all.push(member);
            assert!(all.len() <= self.slots.len(), "goes round in circles");
            next = List::after(self, member);
        }
        all
    }

    /// All tasks are over: waits for late workers, and sees that all helpers are free.
    pub(super) fn check_idle(&self) {
        let workers = std::mem::take(&mut *self.workers.lock().unwrap());
        for worker in workers {
            worker.join().unwrap();
        }
        let mut free = Vec::from(self.free.lock().unwrap().clone());
        free.sort_unstable();
        assert!(
            free.into_iter().eq(0..self.slots.len() as u32),
            "a helper is lost"
        );
    }
}

impl Links for Pool {
    fn link(&self, member: u32) -> Option<&Link> {
        let slot = self.slots.get(member as usize)?;
        slot.linked.write(|_| ());
        Some(&slot.link)
    }
}

/// The work items of one slot.
struct Items {
    pool: Arc<Pool>,
    member: u32,
}

impl Workers for Items {
    fn queue(&self, _cpu: u32, item: Item) {
        let items = Self {
            pool: self.pool.clone(),
            member: self.member,
        };
        let worker = thread::spawn(move || items.work(item));
        self.pool.workers.lock().unwrap().push(worker);
    }

    fn cancel(&self) {}

    fn idle(&self) -> bool {
        true
    }

    fn free(&self) {
        self.pool.free(self.member);
    }
}

impl Items {
    /// As `Slot::work`.
    fn work(&self, item: Item) {
        let thread = Arc::new(Thread {
            nice: Handed::new(Some(OWN)),
        });
        CURRENT.with(|current| *current.borrow_mut() = Some(thread.clone()));
        self.pool.slot(self.member).helper.run(self, item);
        // A worker is left as it was found, and nobody gives it another nice value from now on.
        thread.nice.write(|nice| assert_eq!(nice.take(), Some(OWN)));
    }
}

/// What the helpers of one scope do.
pub(super) trait Job: Send + Sync {
    fn run(&self, member: &Member, assignment: Assignment) -> Next;

    fn cancelled(&self, assignment: Assignment);
}

/// The calling worker as a member of a team.
pub(super) struct Member {
    pub(super) id: u32,
    pub(super) team: Arc<Team>,
    pub(super) thread: Arc<Thread>,
}

/// The scopes that exist. In the module a scope is known by its address.
static SCOPES: sync::Mutex<BTreeMap<u64, Arc<Team>>> = sync::Mutex::new(BTreeMap::new());

/// The key of a scope.
#[derive(Clone, Copy)]
struct Scope(u64);

impl Scope {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    fn insert(self, team: Arc<Team>) {
        SCOPES.lock().unwrap().insert(self.0, team);
    }

    fn remove(self) -> Option<Arc<Team>> {
        SCOPES.lock().unwrap().remove(&self.0)
    }

    /// Accesses the memory of the scope.
    fn team(self) -> Arc<Team> {
        let found = SCOPES.lock().unwrap().get(&self.0).cloned();
        let team = found.expect("the scope is gone");
        team.memory.read(|_| ());
        team
    }
}

impl ScopeRef for Scope {
    type Member = Member;

    fn run(&self, member: &Member, assignment: Assignment, _conclusive: bool) -> Next {
        self.team().job.run(member, assignment)
    }

    fn cancelled(&self, assignment: Assignment) {
        self.team().job.cancelled(assignment);
    }

    fn enter(&self, member: u32) -> Member {
        self.team().enter(member)
    }

    fn move_on(&self, member: &Member, step: &mut dyn FnMut()) -> bool {
        self.team().move_on(member, step)
    }

    fn switch(&self, member: &Member, last: Assignment) -> Option<(Self, Assignment)> {
        let team = self.team();
        team.step_out(member);
        let found = team.hungry.as_ref().and_then(|hungry| hungry.find(&team));
        let Some(other) = found else {
            team.come(member.id);
            return None;
        };
        team.stay_away();
        let origin = Origin::Switch;
        Some((other, Assignment { origin, ..last }))
    }

    fn come(&self, member: u32) -> Member {
        self.team().come(member)
    }

    fn leave(&self, member: &Member) {
        let team = self.team();
        team.leave(member, |members| members.leave(&*team.pool, member.id));
    }

    fn leave_failed(&self, member: &Member) {
        let team = self.team();
        team.leave(member, |members| {
            members.leave_failed(&*team.pool, member.id)
        });
    }
}

/// The hungry tasks, as in `ktask/kernel/hungry.rs`. A task is known by its place among those that a
/// model has, from 1 on.
pub(super) struct Hungry {
    line: Mutex<Line>,
    entries: Entered,
    scopes: sync::Mutex<BTreeMap<usize, Scope>>,
}

/// The entries of tasks.
struct Entered(Vec<Entry>);

impl Entries for Entered {
    fn entry(&self, task: usize) -> &Entry {
        &self.0[task - 1]
    }
}

impl Hungry {
    pub(super) fn new(tasks: usize) -> Arc<Self> {
        Arc::new(Self {
            line: Mutex::new(Line::new()),
            entries: Entered((0..tasks).map(|_| Entry::new()).collect()),
            scopes: sync::Mutex::new(BTreeMap::new()),
        })
    }

    /// Finds another task for a helper of `own`, or for a thread of no task; the task expects it.
    fn find(&self, own: &Team) -> Option<Scope> {
        let mut line = self.line.lock().unwrap();
        for _ in 0..line.len() {
            let task = line.turn(&self.entries)?;
            if task == own.task {
                continue;
            }
            let scope = *self.scopes.lock().unwrap().get(&task).unwrap();
            let team = scope.team();
            let mut state = team.lock();
            if !state.members.open() {
                team.unlock(state);
                continue;
            }
            if team.bug != Bug::ExpectsNobody {
                state.members.expect();
            }
            team.unlock(state);
            return Some(scope);
        }
        None
    }
}

/// What is under the lock of a team, and what has been seen so far.
pub(super) struct State {
    pub(super) members: Members,
    /// The members that have a worker.
    entered: BTreeSet<u32>,
    /// Once the scope is closed: the members that have begun, and not entered yet.
    late: Option<BTreeSet<u32>>,
    /// The caller waits for the members, one of which is boosted.
    waits: bool,
}

/// The threads of one task, and its job.
pub(super) struct Team {
    scope: Scope,
    pool: Arc<Pool>,
    /// The hungry tasks, and the task's place among them.
    hungry: Option<Arc<Hungry>>,
    task: usize,
    job: Arc<dyn Job>,
    bug: Bug,
    state: Mutex<State>,
    caller: Completion,
    /// The scope is closed, in the order in which things really happen here.
    closed: AtomicBool,
    /// Stands for all memory of the caller: of the job, of the team and its lock.
    memory: Handed<()>,
    /// Helpers that wait for the iterator lock.
    pub(super) helpers: Condvar,
}

impl Team {
    pub(super) fn new(pool: &Arc<Pool>, job: Arc<dyn Job>, bug: Bug) -> Arc<Self> {
        Self::among(pool, None, 0, job, bug)
    }

    /// A team that may be the one at place `task` of the hungry ones.
    pub(super) fn among(
        pool: &Arc<Pool>,
        hungry: Option<Arc<Hungry>>,
        task: usize,
        job: Arc<dyn Job>,
        bug: Bug,
    ) -> Arc<Self> {
        let state = State {
            members: Members::new(),
            entered: BTreeSet::new(),
            late: None,
            waits: false,
        };
        let team = Arc::new(Self {
            scope: Scope::new(),
            pool: pool.clone(),
            hungry,
            task,
            job,
            bug,
            state: Mutex::new(state),
            caller: Completion::new(),
            closed: AtomicBool::new(false),
            memory: Handed::new(()),
            helpers: Condvar::new(),
        });
        team.scope.insert(team.clone());
        team
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Drops the lock, which is the caller's memory.
    fn unlock(&self, state: MutexGuard<'_, State>) {
        self.check(&state);
        self.memory.read(|_| ());
        drop(state);
    }

    /// Whoever has the lock finds this.
    fn check(&self, state: &State) {
        let boost = &state.members.boost;
        for &member in &state.entered {
            let worker = self.pool.worker(member).expect("a member without worker");
            assert_eq!(worker.nice(), boost.nice_of(member), "another nice value");
        }
        if state.waits && state.members.any().is_some() {
            assert!(boost.boosted().is_some(), "nobody is boosted");
        }
    }

    fn set_nice(&self, member: u32, nice: i32) {
        if let Some(worker) = self.pool.worker(member) {
            worker.set_nice(nice);
        }
    }

    pub(super) fn wait(&self) {
        self.caller.wait();
    }

    pub(super) fn wake(&self) {
        self.memory.read(|_| ());
        self.caller.complete();
        self.memory.read(|_| ());
    }

    fn enter(self: Arc<Self>, member: u32) -> Member {
        let thread = current();
        let mut state = self.lock();
        assert!(state.entered.insert(member), "two workers");
        // P4: whoever the caller waits for had begun before.
        if let Some(late) = &mut state.late {
            assert!(late.remove(&member), "began after the scope was closed");
        }
        self.pool.set_worker(member, Some(thread.clone()));
        thread.set_nice(state.members.boost.nice_of(member));
        self.unlock(state);
        Member {
            id: member,
            team: self,
            thread,
        }
    }

    /// As `Team::step_out`.
    fn step_out(&self, member: &Member) {
        self.leave(member, |members| {
            members.expect();
            members.leave(&*self.pool, member.id)
        });
    }

    /// As `Team::stay_away`.
    fn stay_away(&self) {
        let mut state = self.lock();
        if state.members.stay_away() {
            self.wake();
        }
        self.unlock(state);
    }

    /// As `Team::come`.
    fn come(self: Arc<Self>, member: u32) -> Member {
        let thread = current();
        let mut state = self.lock();
        if state.members.come(&*self.pool, member) && self.bug != Bug::ComesQuietly {
            self.wake();
            // The caller looks again, and boosts somebody then.
            state.waits = false;
        }
        assert!(state.entered.insert(member), "two workers");
        self.pool.set_worker(member, Some(thread.clone()));
        thread.set_nice(state.members.boost.nice_of(member));
        self.unlock(state);
        Member {
            id: member,
            team: self,
            thread,
        }
    }

    /// The task is hungry, unless it is closed. Called by a thread of the task.
    pub(super) fn go_hungry(&self) {
        let Some(hungry) = &self.hungry else {
            return;
        };
        let mut line = hungry.line.lock().unwrap();
        let state = self.lock();
        if state.members.open() && !hungry.entries.entry(self.task).is_taken() {
            hungry.scopes.lock().unwrap().insert(self.task, self.scope);
            line.join(&hungry.entries, self.task);
        }
        self.unlock(state);
    }

    fn leave_line(&self) {
        let Some(hungry) = &self.hungry else {
            return;
        };
        let mut line = hungry.line.lock().unwrap();
        if hungry.entries.entry(self.task).is_taken() {
            line.leave(&hungry.entries, self.task);
        }
    }

    /// A thread of no task brings a helper to the task whose turn it is, or finds that it is too late:
    /// as the engine feeds hungry tasks.
    pub(super) fn feed(&self) {
        let hungry = self.hungry.as_ref().unwrap();
        let mut line = hungry.line.lock().unwrap();
        if let Some(task) = line.turn(&hungry.entries) {
            let scope = *hungry.scopes.lock().unwrap().get(&task).unwrap();
            scope.team().start(assignment(0));
        }
    }

    fn retire(&self, state: &mut State, member: &Member) {
        assert!(state.entered.remove(&member.id), "no worker");
        if self.bug != Bug::StaysWorker {
            self.pool.set_worker(member.id, None);
        }
        member.thread.set_nice(OWN);
    }

    fn move_on(&self, member: &Member, step: &mut dyn FnMut()) -> bool {
        let mut state = self.lock();
        if !state.members.open() {
            self.unlock(state);
            return false;
        }
        state.members.boost.end(member.id);
        self.retire(&mut state, member);
        if self.bug == Bug::MovesUnlocked {
            drop(state);
            step();
        } else {
            step();
            self.unlock(state);
        }
        // P4: the caller has looked for offers, and would wait for a worker that may never come.
        let closed = self.closed.load(Ordering::Relaxed);
        assert!(!closed, "moved after the scope was closed");
        true
    }

    fn leave(&self, member: &Member, step: impl FnOnce(&mut Members) -> Left) {
        let mut state = self.lock();
        self.retire(&mut state, member);
        let left = step(&mut state.members);
        if let Some((heir, nice)) = left.heir {
            self.set_nice(heir, nice);
        }
        if left.wake_caller && self.bug != Bug::WakesUnlocked {
            self.wake();
        }
        self.unlock(state);
        if left.wake_caller && self.bug == Bug::WakesUnlocked {
            self.wake();
        }
    }

    /// Caller: boosts a member, and drops the lock.
    pub(super) fn boost(&self, mut state: MutexGuard<'_, State>, member: u32) {
        state.members.boost.give(member, CALLER);
        if self.bug == Bug::NiceUnlocked {
            drop(state);
            return self.set_nice(member, CALLER);
        }
        self.set_nice(member, CALLER);
        self.unlock(state);
    }

    /// The calling worker is not boosted any more; drops the lock.
    pub(super) fn end_boost(&self, mut state: MutexGuard<'_, State>, member: Option<&Member>) {
        if let Some(member) = member {
            if state.members.boost.end(member.id).is_some() {
                member.thread.set_nice(MAX_NICE);
            }
        }
        self.unlock(state);
    }

    fn wait_for_all(&self) {
        loop {
            let mut state = self.lock();
            if state.members.is_over() {
                return;
            }
            let boosted = state.members.boost.boosted();
            state.waits = true;
            match boosted.or_else(|| state.members.any()) {
                Some(member) => self.boost(state, member),
                None => self.unlock(state),
            }
            self.wait();
        }
    }

    /// Any thread of the task: has a helper do `assignment`, if one is free and the team is open.
    pub(super) fn start(&self, assignment: Assignment) -> bool {
        let mut state = self.lock();
        let free = state.members.open().then(|| self.free_slot()).flatten();
        let Some(member) = free else {
            self.unlock(state);
            return false;
        };
        let pool = &*self.pool;
        let items = Items {
            pool: self.pool.clone(),
            member,
        };
        let slot = pool.slot(member);
        let offer = || {
            let offered = slot.helper.offer(&items, self.scope, assignment, false);
            assert!(offered, "a free helper is not idle");
        };
        match self.bug {
            Bug::JoinsLate => {
                self.unlock(state);
                offer();
                self.lock().members.join(pool, member);
            }
            Bug::OffersUnlocked => {
                state.members.join(pool, member);
                self.unlock(state);
                offer();
                // P4: the caller has looked for offers.
                let closed = self.closed.load(Ordering::Relaxed);
                assert!(!closed, "offered after the scope was closed");
            }
            _ => {
                state.members.join(pool, member);
                offer();
                self.unlock(state);
            }
        }
        true
    }

    fn free_slot(&self) -> Option<u32> {
        self.pool.free.lock().unwrap().pop_front()
    }

    /// Caller: ends all helpers. Returns the failures.
    pub(super) fn join(&self) -> Vec<Failed> {
        let pool = &*self.pool;
        let cancelled = {
            let mut state = self.lock();
            let cancelled = state
                .members
                .close(pool, |member| pool.slot(member).helper.cancel());
            self.closed.store(true, Ordering::Relaxed);
            state.late = Some(self.begun(&state));
            cancelled
        };
        if self.bug != Bug::StaysHungry {
            self.leave_line();
        }
        for member in pool.all(&cancelled) {
            pool.free(member);
        }
        if self.bug != Bug::NoWait {
            self.wait_for_all();
        }
        let failed = self.lock().members.take_failed();
        // P3: the caller's memory is the caller's again.
        self.memory.write(|_| ());
        let failed = pool.all(&failed);
        if self.bug == Bug::FreesFailed {
            failed.iter().for_each(|&member| pool.free(member));
        }
        let failure = |&member: &u32| pool.slot(member).helper.failure();
        let failures = failed
            .iter()
            .map(|member| failure(member).expect("a failure is lost"))
            .collect();
        if self.bug != Bug::FreesFailed {
            failed.iter().for_each(|&member| pool.free(member));
        }
        self.scope.remove();
        failures
    }

    /// The members that have begun, but have not entered.
    fn begun(&self, state: &State) -> BTreeSet<u32> {
        let mut begun = BTreeSet::new();
        let mut next = state.members.any();
        while let Some(member) = next {
            if !state.entered.contains(&member) {
                begun.insert(member);
            }
            next = List::after(&*self.pool, member);
        }
        begun
    }
}

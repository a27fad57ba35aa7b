// SPDX-License-Identifier: GPL-2.0

//! The CPUs as all tasks share them: the tables of `placement/machine.rs` under a lock, kept up with
//! the CPUs that the kernel says are there, and the nodes, each under a lock of its own.

use crate::ktask::{
    kernel::{
        cpus::{
            self,
            UsableCpus, //
        },
        jiffies,
        nodes::Nodes, //
    },
    placement::{
        machine,
        place::{
            Placed,
            Placer,
            Wish, //
        }, //
    },
    protocol::{
        helper::Assignment,
        limits::{
            Limits,
            Rlim, //
        }, //
    },
    sync::{
        Acquire,
        Atomic,
        Full,
        Relaxed, //
    }, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock,
    task::Task,
    time::{
        Instant,
        Jiffies,
        Monotonic, //
    }, //
};

/// What is under the lock.
struct State {
    tables: machine::Machine<KVec<u32>>,
    /// The CPUs that the tables were built from.
    usable: UsableCpus,
    /// CPUs that are going offline, although the kernel still calls them online.
    leaving: KVec<bool>,
}

impl State {
    /// Whether `cpu` is there for helpers if the workqueue serves it.
    fn available(&self, cpu: u32) -> bool {
        available(&self.usable, &self.leaving, cpu)
    }
}

fn available(usable: &UsableCpus, leaving: &[bool], cpu: u32) -> bool {
    usable.has(cpu) && leaving.get(cpu as usize) == Some(&false)
}

/// What is written once a jiffy, away from what threads read between their chunks.
#[repr(align(64))]
struct Ticks {
    /// When a task was last seen to be hungry.
    changed_at: Atomic<Jiffies>,
    /// When the CPUs were last looked at.
    looked_at: Atomic<Jiffies>,
}

/// The CPUs of the machine.
#[pin_data]
pub(crate) struct Machine {
    /// How often something has changed that threads of tasks are to look at: limits, CPUs, power,
    /// hungry tasks. Read between chunks, and written so rarely that this costs nothing.
    changes: Atomic<u32>,
    /// How many CPUs helpers may use, for those who do not hold the lock.
    usable: Atomic<usize>,
    /// Whether all helpers are to be learnt from, for those who do not hold the lock.
    any_doubt: Atomic<bool>,
    ticks: Ticks,
    start: Instant<Monotonic>,
    /// The limits on helpers, which follow the CPUs.
    pub(crate) limits: Limits<KVec<Rlim>>,
    /// What helpers are placed with. Follow the tables.
    nodes: Nodes,
    #[pin]
    state: SpinLock<State>,
}

impl Machine {
    /// Allocates the tables, and limits of 0. May sleep.
    pub(super) fn new() -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            let (cpus, node_ids) = (cpus::nr_ids(), cpus::nr_node_ids());
            let mut nodes = KVec::with_capacity(node_ids, GFP_KERNEL)?;
            for _ in 0..node_ids {
                nodes.push(Rlim::new(), GFP_KERNEL)?;
            }
            let zeroed = |len| KVec::from_elem(0, len, GFP_KERNEL);
            let state = State {
                tables: machine::Machine::new(cpus, node_ids, zeroed)?,
                usable: UsableCpus::none()?,
                leaving: KVec::from_elem(false, cpus, GFP_KERNEL)?,
            };
            Ok(try_pin_init!(Self {
                changes: Atomic::new(0),
                usable: Atomic::new(0),
                any_doubt: Atomic::new(false),
                ticks: Ticks {
                    changed_at: Atomic::new(jiffies::now()),
                    looked_at: Atomic::new(jiffies::now()),
                },
                start: Instant::now(),
                limits: Limits::new(nodes),
                nodes: Nodes::new(node_ids, cpus)?,
                state <- new_spinlock!(state, "ktask_machine"),
            }))
        })
    }

    /// The count of changes, to be compared with [`Self::changes`] of a later moment.
    #[inline(always)]
    pub(super) fn changes(&self) -> u32 {
        self.changes.load(Relaxed)
    }

    /// As [`Self::changes`]; what changed before is seen after this.
    pub(super) fn seen_changes(&self) -> u32 {
        self.changes.load(Acquire)
    }

    /// Something has changed, and each thread of a task is to look at it at the end of its chunk.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Full);
    }

    /// As [`Self::changed`], once in a jiffy at most: of many short tasks that find no room, each would
    /// have all threads look. Who misses it sees it at the next look of the engine's.
    pub(super) fn changed_often(&self) {
        let now = jiffies::now();
        if self.ticks.changed_at.load(Relaxed) != now {
            self.ticks.changed_at.store(now, Relaxed);
            self.changed();
        }
    }

    /// How many CPUs helpers may use.
    pub(super) fn usable(&self) -> usize {
        self.usable.load(Relaxed)
    }

    /// Whether helpers may still run on `cpu`, as far as its being there goes.
    pub(super) fn has(&self, cpu: u32) -> bool {
        let mut state = self.state.lock();
        self.rebuild_if_changed(&mut state);
        state.available(cpu)
    }

    fn now(&self) -> i64 {
        self.start.elapsed().as_millis()
    }

    /// Reads the CPUs of the machine again, and sets the limits that follow them.
    pub(super) fn follow_cpus(&self) {
        self.rebuild(&mut self.state.lock());
    }

    /// `cpu` is going offline, or has come online. Follows that.
    pub(super) fn set_leaving(&self, cpu: u32, leaving: bool) {
        let mut state = self.state.lock();
        if let Some(entry) = state.leaving.get_mut(cpu as usize) {
            *entry = leaving;
        }
        self.rebuild(&mut state);
    }

    /// Follows a change of the isolated CPUs, of which the kernel tells nobody.
    pub(super) fn follow_isolation(&self) {
        self.rebuild_if_changed(&mut self.state.lock());
    }

    fn rebuild_if_changed(&self, state: &mut State) {
        if !state.usable.is_current() {
            self.rebuild(state);
        }
    }

    fn rebuild(&self, state: &mut State) {
        if !state.usable.is_current() {
            state.tables.cpus_changed(self.now());
            state.usable.read();
        }
        let (usable, leaving) = (&state.usable, &state.leaving);
        state
            .tables
            .rebuild(&self.limits, &self.nodes, cpus::node_of, |cpu| {
                available(usable, leaving, cpu)
            });
        self.usable.store(state.tables.usable(), Relaxed);
        self.note_doubt(state);
        self.changed();
    }

    fn note_doubt(&self, state: &State) {
        self.any_doubt.store(state.tables.any_doubt(), Relaxed);
    }

    /// Looks at the CPUs for a task that begins, once in a jiffy: the kernel tells nobody of a change
    /// of the isolated CPUs.
    #[inline]
    pub(super) fn look(&self) {
        let now = jiffies::now();
        if self.ticks.looked_at.load(Relaxed) != now {
            self.ticks.looked_at.store(now, Relaxed);
            self.look_now();
        }
    }

    #[inline(never)]
    fn look_now(&self) {
        let mut state = self.state.lock();
        self.rebuild_if_changed(&mut state);
        if self.any_doubt.load(Relaxed) && state.tables.try_again(self.now()) {
            self.rebuild(&mut state);
        }
    }

    /// How many of the usable CPUs the calling thread may run on.
    pub(super) fn allowed(&self) -> usize {
        self.state.lock().usable.allowed()
    }

    /// Called by a helper that was queued for `cpu`: learns from where its worker may run which CPUs
    /// the workqueue serves: `allowed` tells whether on some CPU. `conclusive`: the worker is one that
    /// serves `cpu`, if any does. Returns whether the worker is elsewhere.
    pub(super) fn learn(&self, cpu: u32, conclusive: bool, allowed: impl Fn(u32) -> bool) -> bool {
        let displaced = !allowed(cpu);
        if !displaced && !self.any_doubt.load(Relaxed) {
            return false;
        }
        let now = self.now();
        let mut state = self.state.lock();
        self.rebuild_if_changed(&mut state);
        let available = state.available(cpu);
        if state.tables.learn(now, cpu, available, conclusive, allowed) {
            self.rebuild(&mut state);
        } else {
            self.note_doubt(&state);
        }
        displaced
    }

    /// Finds a CPU for a helper, and counts the helper; confined to those that `like` may run on, if
    /// that is given. `None` if the limit is reached, or there is no CPU.
    pub(super) fn place(&self, wish: Wish, like: Option<&Task>) -> Option<Placed> {
        let placer = self.placer();
        match like {
            Some(thread) => {
                let allowed = |cpu| cpus::allowed_for(thread, cpu);
                placer.place_confined(wish, cpus::node_of, allowed)
            }
            None => placer.place(wish, cpus::node_of),
        }
    }

    /// Whether where a helper runs that is queued for `cpu` is to be conclusive.
    pub(super) fn suspects(&self, cpu: u32) -> bool {
        self.any_doubt.load(Relaxed) && self.state.lock().tables.suspects(cpu)
    }

    fn placer(&self) -> Placer<'_, Nodes, KVec<Rlim>, impl Fn(usize, usize) -> u32> {
        Placer {
            nodes: &self.nodes,
            limits: &self.limits,
            distance: cpus::distance,
        }
    }

    /// Moves a helper to where work for `nid` is done, if that is elsewhere and has room.
    pub(super) fn migrate(&self, assignment: &Assignment, nid: Option<usize>) -> Option<Placed> {
        self.placer()
            .migrate(assignment.grant, assignment.node, nid)
    }
}

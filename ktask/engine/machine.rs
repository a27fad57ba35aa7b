// SPDX-License-Identifier: GPL-2.0

//! The CPUs as all tasks share them: the tables of `placement/machine.rs` under a lock, kept up with
//! the CPUs that the kernel says are there.

use crate::ktask::{
    kernel::cpus::{
        self,
        UsableCpus, //
    },
    placement::machine::{
        self,
        Placed,
        Wish, //
    },
    protocol::{
        helper::Assignment,
        limits::{
            Limits,
            Rlim, //
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
    sync::SpinLock,
    time::{
        Instant,
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

/// The CPUs of the machine.
#[pin_data]
pub(crate) struct Machine {
    /// The limits on helpers, which follow the CPUs.
    pub(crate) limits: Limits<KVec<Rlim>>,
    #[pin]
    state: SpinLock<State>,
    /// Whether all helpers are to be learnt from, for those who do not hold the lock.
    any_doubt: Atomic<bool>,
    start: Instant<Monotonic>,
}

/// The CPUs as one task finds them when it starts.
pub(super) struct Seen {
    /// How many of them the task may use.
    pub(super) cpus: usize,
    /// The node of the caller.
    pub(super) node: Option<usize>,
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
                limits: Limits::new(nodes),
                state <- new_spinlock!(state, "ktask_machine"),
                any_doubt: Atomic::new(false),
                start: Instant::now(),
            }))
        })
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
        state.tables.rebuild(&self.limits, cpus::node_of, |cpu| {
            available(usable, leaving, cpu)
        });
        self.note_doubt(state);
    }

    fn note_doubt(&self, state: &State) {
        self.any_doubt.store(state.tables.any_doubt(), Relaxed);
    }

    /// Looks at the CPUs for a task that begins on `cpu`; `confined` to those that the calling thread
    /// may run on.
    pub(super) fn look(&self, cpu: u32, confined: bool) -> Seen {
        let mut state = self.state.lock();
        self.rebuild_if_changed(&mut state);
        if self.any_doubt.load(Relaxed) && state.tables.try_again(self.now()) {
            self.rebuild(&mut state);
        }
        Seen {
            cpus: if confined {
                state.usable.allowed()
            } else {
                state.tables.usable()
            },
            node: state.tables.node_of(cpu),
        }
    }

    /// Called by a helper that was queued for `cpu`: learns from where its worker may run which CPUs
    /// the workqueue serves. `conclusive`: the worker is one that serves `cpu`, if any does. Returns
    /// whether the worker is elsewhere.
    pub(super) fn learn(&self, cpu: u32, conclusive: bool) -> bool {
        let displaced = !cpus::allowed(cpu);
        if !displaced && !self.any_doubt.load(Relaxed) {
            return false;
        }
        let now = self.now();
        let mut state = self.state.lock();
        self.rebuild_if_changed(&mut state);
        let available = state.available(cpu);
        if state
            .tables
            .learn(now, cpu, available, conclusive, cpus::allowed)
        {
            self.rebuild(&mut state);
        } else {
            self.note_doubt(&state);
        }
        displaced
    }

    /// Finds a CPU for a helper, and counts the helper; `confined` to those that the calling thread
    /// may run on. `None` if the limit is reached, or there is no CPU.
    pub(super) fn place(&self, wish: Wish, confined: bool) -> Option<Placed> {
        let tables = &mut self.state.lock().tables;
        if confined {
            tables.place_confined(&self.limits, wish, cpus::distance, cpus::allowed)
        } else {
            tables.place(&self.limits, wish, cpus::distance)
        }
    }

    /// Moves a helper to where work for `nid` is done, if that is elsewhere and has room.
    pub(super) fn migrate(&self, assignment: &Assignment, nid: Option<usize>) -> Option<Placed> {
        self.state.lock().tables.migrate(
            &self.limits,
            assignment.grant,
            assignment.node,
            nid,
            cpus::distance,
        )
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The engine: the life of a task, from the count of its threads to the undoing of a failed one.

mod alone;
mod client;
mod knobs;
mod stats;
mod task;

pub(crate) use client::Client;
pub(crate) use knobs::{
    Knobs,
    MAX_THREADS_MAX, //
};
pub(crate) use stats::Stats;

use crate::ktask::kernel::cpufreq::Power;
use crate::ktask::kernel::cpus;
use crate::ktask::kernel::hotplug::Follow;
use crate::ktask::kernel::iterator_lock::WalkLock;
use crate::ktask::kernel::lockdep;
use crate::ktask::kernel::pool::Crew;
use crate::ktask::kernel::pool::Pool;
use crate::ktask::kernel::published::Published;
use crate::ktask::placement::excluded::Excluded;
use crate::ktask::placement::topology::Topology;
use crate::ktask::policy::threads;
use crate::ktask::policy::undo::Failed;
use crate::ktask::protocol::limits;
use crate::ktask::protocol::limits::Charge;
use crate::ktask::protocol::limits::Rlim;
use crate::ktask::protocol::part::Part;
use crate::ktask::sync::Atomic;
use crate::ktask::sync::Relaxed;
use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock,
    task::might_sleep,
    time::{
        Instant,
        Monotonic, //
    }, //
};
use task::{
    Leg,
    Task, //
};

/// Helpers per possible CPU. The limits allow fewer helpers than CPUs to run; a helper that has
/// ended stays with its task until the caller is done with its own last chunk, so there are some
/// to spare.
const HELPERS_PER_CPU: usize = 2;

/// How often an excluded CPU is tried again, in milliseconds.
const TRY_AGAIN_MS: i64 = 1000;

/// How long after a change of the isolated CPUs nothing is concluded from where helpers run, in
/// milliseconds: the kernel has workqueues follow such a change a moment later.
const SETTLE_MS: i64 = 1000;

/// How a task is to be run.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Minimum chunk size in units.
    pub(crate) min_chunk: usize,
    /// The most threads, or 0 for the knob's.
    pub(crate) max_threads: usize,
    /// Whether a fatal signal to the caller fails the task.
    pub(crate) killable: bool,
    /// Where the task is started.
    pub(crate) class: lockdep::Class,
}

/// The CPUs as the engine sees them.
struct Machine {
    topology: Topology<KVec<u32>>,
    /// The CPUs that the topology was built from.
    usable: cpus::UsableCpus,
    /// CPUs that are going offline, although the kernel still calls them online.
    leaving: KVec<bool>,
    /// CPUs that the workqueue was found not to serve.
    excluded: Excluded<KVec<bool>>,
    /// When one of those was last tried again.
    tried_at: Instant<Monotonic>,
    /// When the isolated CPUs were last seen to have changed.
    changed_at: Option<Instant<Monotonic>>,
}

impl Machine {
    /// Whether the workqueue has followed the last change of the isolated CPUs by now.
    fn settled(&self) -> bool {
        self.changed_at
            .is_none_or(|then| then.elapsed().as_millis() >= SETTLE_MS)
    }
}

/// Whether `cpu` is there for helpers if the workqueue serves it.
fn available(usable: &cpus::UsableCpus, leaving: &[bool], cpu: u32) -> bool {
    usable.has(cpu) && leaving.get(cpu as usize) == Some(&false)
}

/// Everything that tasks share.
#[pin_data]
pub(crate) struct Engine {
    /// What the administrator can turn.
    pub(crate) knobs: Knobs,
    /// What has happened so far.
    pub(crate) stats: Stats,
    power: Power,
    /// The limit on all helpers.
    pub(crate) global: Rlim,
    /// The limit on the helpers of each node.
    pub(crate) nodes: KVec<Rlim>,
    #[pin]
    machine: SpinLock<Machine>,
    /// Whether any CPU is excluded, for those who do not hold the lock.
    any_excluded: Atomic<bool>,
    #[pin]
    pool: Pool<Leg, Option<Failed>>,
}

impl Engine {
    /// Allocates everything that tasks will need. May sleep.
    pub(crate) fn new(max_threads: u32) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(move || {
            let mut nodes = KVec::with_capacity(cpus::nr_node_ids(), GFP_KERNEL)?;
            for _ in 0..cpus::nr_node_ids() {
                nodes.push(Rlim::new(), GFP_KERNEL)?;
            }
            let machine = Machine {
                topology: Topology::new(cpus::nr_ids(), cpus::nr_node_ids(), |len| {
                    KVec::from_elem(0, len, GFP_KERNEL)
                })?,
                usable: cpus::UsableCpus::none()?,
                leaving: KVec::from_elem(false, cpus::nr_ids(), GFP_KERNEL)?,
                excluded: Excluded::none(KVec::from_elem(false, cpus::nr_ids(), GFP_KERNEL)?),
                tried_at: Instant::now(),
                changed_at: None,
            };
            Ok(try_pin_init!(Self {
                knobs: Knobs::new(max_threads),
                stats: Stats::new(),
                power: Power::new(),
                global: Rlim::new(),
                nodes,
                machine <- new_spinlock!(machine, "ktask_machine"),
                any_excluded: Atomic::new(false),
                pool <- Pool::new(cpus::nr_ids().saturating_mul(HELPERS_PER_CPU)),
            }))
        })
    }

    /// Reads the CPUs of the machine again, and sets the limits that follow them.
    pub(crate) fn follow_cpus(&self) {
        self.update(|_| ());
    }

    /// Follows a change of the isolated CPUs, of which the kernel tells nobody.
    pub(crate) fn follow_isolation(&self) {
        self.rebuild_if_changed(&mut self.machine.lock());
    }

    fn rebuild_if_changed(&self, machine: &mut Machine) {
        if !machine.usable.is_current() {
            machine.changed_at = Some(Instant::now());
            self.rebuild(machine);
        }
    }

    fn update(&self, change: impl FnOnce(&mut Machine)) {
        let mut machine = self.machine.lock();
        change(&mut machine);
        self.rebuild(&mut machine);
    }

    /// Called by a helper that was queued for `cpu`: learns from where it may run which CPUs the
    /// workqueue serves.
    fn learn(&self, cpu: u32) {
        let displaced = !cpus::allowed(cpu);
        if !displaced && !self.any_excluded.load(Relaxed) {
            return;
        }
        self.stats.helpers_displaced.add(usize::from(displaced));
        let mut machine = self.machine.lock();
        // A CPU that is offline or isolated by now says nothing about the workqueue's cpumask.
        self.rebuild_if_changed(&mut machine);
        let mut changed = machine.excluded.disprove(cpus::allowed);
        if displaced && machine.settled() && available(&machine.usable, &machine.leaving, cpu) {
            changed |= machine.excluded.set(cpu, true);
        }
        if changed {
            self.rebuild(&mut machine);
        }
    }

    /// Has an excluded CPU tried again if it is time for that.
    fn try_again(&self, machine: &mut Machine) {
        let due = || machine.tried_at.elapsed().as_millis() >= TRY_AGAIN_MS;
        if self.any_excluded.load(Relaxed) && due() {
            machine.tried_at = Instant::now();
            machine.excluded.try_one_again();
            self.rebuild(machine);
        }
    }

    fn rebuild(&self, machine: &mut Machine) {
        let Machine {
            topology,
            usable,
            leaving,
            excluded,
            ..
        } = machine;
        usable.read();
        topology.rebuild(
            cpus::node_of,
            |cpu| available(usable, leaving, cpu) && !excluded.has(cpu),
            cpus::distance,
        );
        self.any_excluded.store(excluded.any(), Relaxed);
        self.global.follow(topology.usable());
        for (node, rlim) in self.nodes.iter().enumerate() {
            rlim.follow(topology.cpus_of(node).len());
        }
    }

    /// The node of the CPU this runs on, as clients name nodes.
    pub(crate) fn current_nid() -> i32 {
        cpus::node_of(cpus::current())
            .and_then(|node| i32::try_from(node).ok())
            .unwrap_or(kernel::bindings::NUMA_NO_NODE)
    }

    /// Checks the node parts of a task and returns their total size in units.
    ///
    /// Fails with `EINVAL` for a node id that is neither possible nor `NUMA_NO_NODE`, and for sizes
    /// that do not fit: in total, or, in a task that is no walk, behind the part's start.
    pub(crate) fn check(parts: &[Part], walks: bool) -> Result<usize> {
        let mut total = 0usize;
        for part in parts {
            let nid = part.raw_nid();
            if nid != kernel::bindings::NUMA_NO_NODE && !cpus::node_possible(nid) {
                return Err(EINVAL);
            }
            total = total.checked_add(part.size()).ok_or(EINVAL)?;
            if !walks {
                part.start().checked_add(part.size()).ok_or(EINVAL)?;
            }
        }
        Ok(total)
    }

    /// Runs a task of `total` units in `parts`, which nobody else may use meanwhile.
    ///
    /// Returns 0 or the first error of the client. May sleep; allocates nothing.
    #[inline]
    pub(crate) fn run<C: Client>(
        &self,
        client: C,
        parts: &[Part],
        total: usize,
        shape: Shape,
    ) -> i32 {
        might_sleep();
        if total == 0 {
            return 0;
        }
        self.stats.tasks.add(1);
        if !shape.killable && self.is_alone(total, &shape) {
            alone::run(self, client, parts, shape.class)
        } else {
            self.run_shared(client, parts, total, shape)
        }
    }

    /// As [`Self::run`], with helpers if there are any. Out of the way of tasks that need none.
    #[inline(never)]
    fn run_shared<C: Client>(&self, client: C, parts: &[Part], total: usize, shape: Shape) -> i32 {
        for part in parts {
            part.reset();
        }
        if !client.walks() {
            let task = Task::new(self, &client, parts, &shape, None);
            return self.run_task(&task, parts, total, shape);
        }
        pin_init::stack_pin_init!(let walk = WalkLock::new());
        let task = Task::new(self, &client, parts, &shape, Some(walk.as_ref().get_ref()));
        self.run_task(&task, parts, total, shape)
    }

    /// Whether a task can have no helper, whatever CPUs there are.
    fn is_alone(&self, total: usize, shape: &Shape) -> bool {
        threads::only_one(total, shape.min_chunk, self.max_threads(shape)) || self.global.is_shut()
    }

    /// The most threads of a task.
    fn max_threads(&self, shape: &Shape) -> usize {
        match shape.max_threads {
            0 => self.knobs.max_threads() as usize,
            max => max,
        }
    }

    fn run_task<C: Client>(
        &self,
        task: &Task<'_, C>,
        parts: &[Part],
        total: usize,
        shape: Shape,
    ) -> i32 {
        let cpu = cpus::current();
        let confined = self.knobs.respect_affinity();
        let (usable, node) = {
            let mut machine = self.machine.lock();
            self.rebuild_if_changed(&mut machine);
            self.try_again(&mut machine);
            let usable = if confined {
                machine.usable.allowed()
            } else {
                machine.topology.usable()
            };
            (usable, machine.topology.node_of(cpu))
        };
        let max = self.max_threads(&shape);
        let threads = match threads::count(total, shape.min_chunk, max, usable) {
            threads if threads > 1 && self.knobs.power_aware() && self.power.saving() => 1,
            threads => threads,
        };
        let first = threads::callers_part(parts, node);

        if threads == 1 {
            self.finish(task, task.work(first).into_iter());
        } else {
            if let Some(part) = first.and_then(|first| parts.get(first)) {
                part.add_thread();
            }
            task.set_confined(confined);
            let (failed, finished) = self.pool.scope(task, |crew| {
                self.recruit(crew, parts, threads, |nid| {
                    if confined {
                        self.place_confined(nid, cpu)
                    } else {
                        self.place(nid, cpu)
                    }
                });
                task.set_threads(crew.len() + 1);
                crew.start();
                task.work(first)
            });
            self.finish(task, Iterator::chain(finished.reports().flatten(), failed));
        }
        task.error()
    }

    /// Takes helpers for a task that may use `threads` threads in all.
    fn recruit(
        &self,
        crew: &mut Crew<'_, '_, Leg, Option<Failed>>,
        parts: &[Part],
        threads: usize,
        place: impl Fn(Option<usize>) -> Option<(u32, Charge, Option<usize>)>,
    ) {
        while crew.len() + 1 < threads {
            let Some(index) = threads::next_part(parts) else {
                return;
            };
            let Some(part) = parts.get(index) else {
                return;
            };
            let Some((to, charge, node)) = place(part.nid()) else {
                return;
            };
            let leg = Leg {
                part: index,
                charge,
                cpu: to,
                node,
                moved: false,
            };
            if !crew.take(to, leg) {
                return self.put(charge);
            }
            part.add_thread();
        }
    }

    /// Finds a CPU for a helper that is to work for node `nid`, and counts the helper. Also returns
    /// the node of the CPU.
    ///
    /// If the node is full, the helper goes to the nearest one that has room, and only if none has
    /// does it run wherever there is a CPU.
    fn place(&self, nid: Option<usize>, avoid: u32) -> Option<(u32, Charge, Option<usize>)> {
        let mut machine = self.machine.lock();
        let topology = &mut machine.topology;
        let home = nid.and_then(|nid| topology.home(nid));
        // Without a wish, wherever it is the next CPU's turn.
        let near = home.or_else(|| {
            let cpu = topology.pick(None, avoid)?;
            topology.node_of(cpu)
        });
        let node = limits::nearest_with_room(&self.nodes, near, |from, to| {
            (!topology.cpus_of(to).is_empty()).then(|| cpus::distance(from, to))
        });
        let charge = Charge::take(&self.global, &self.nodes, node)?;
        let on = charge.node();
        let Some(cpu) = topology.pick(on, avoid) else {
            self.put(charge);
            return None;
        };
        if home.is_some() && home != on {
            self.stats.helpers_spilled.add(1);
        }
        Some((cpu, charge, topology.node_of(cpu)))
    }

    /// As [`Self::place`], on a CPU that the calling thread may run on itself.
    fn place_confined(
        &self,
        nid: Option<usize>,
        avoid: u32,
    ) -> Option<(u32, Charge, Option<usize>)> {
        let mut machine = self.machine.lock();
        let topology = &mut machine.topology;
        let home = nid.and_then(|nid| topology.home(nid));
        let cpu = home
            .and_then(|home| topology.pick_where(Some(home), avoid, cpus::allowed))
            .or_else(|| topology.pick_where(None, avoid, cpus::allowed))?;
        let node = topology.node_of(cpu);
        let charge = Charge::take(&self.global, &self.nodes, node)?;
        if home.is_some() && home != charge.node() {
            self.stats.helpers_spilled.add(1);
        }
        Some((cpu, charge, node))
    }

    /// Moves the charge of a helper that runs on `node` to where work for `nid` is done, if that is
    /// elsewhere and has room. Returns a CPU there, the new charge and the new node.
    fn migrate(
        &self,
        charge: Charge,
        node: Option<usize>,
        nid: Option<usize>,
    ) -> Option<(u32, Charge, usize)> {
        let mut machine = self.machine.lock();
        let home = machine.topology.home(nid?)?;
        if node == Some(home) {
            return None;
        }
        let cpu = machine.topology.pick(Some(home), u32::MAX)?;
        let charge = charge.move_to(&self.nodes, home)?;
        self.stats.helpers_migrated.add(1);
        Some((cpu, charge, home))
    }

    /// Counts a helper less.
    fn put(&self, charge: Charge) {
        charge.put(&self.global, &self.nodes);
    }

    /// Undoes a failed task. `failed` are the chunks whose thread functions failed.
    fn finish<C: Client>(&self, task: &Task<'_, C>, failed: impl Iterator<Item = Failed> + Clone) {
        if task.error() != 0 {
            task.undo(failed);
        }
    }
}

impl Follow for Engine {
    fn place() -> &'static Published<Self> {
        &FOLLOWER
    }

    fn online(&self, cpu: u32) {
        self.set_leaving(cpu, false);
    }

    fn offline(&self, cpu: u32) {
        self.set_leaving(cpu, true);
    }
}

impl Engine {
    fn set_leaving(&self, cpu: u32, leaving: bool) {
        self.update(|machine| {
            if let Some(entry) = machine.leaving.get_mut(cpu as usize) {
                *entry = leaving;
            }
        });
    }
}

static FOLLOWER: Published<Engine> = Published::new();

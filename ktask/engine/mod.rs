// SPDX-License-Identifier: GPL-2.0

//! The engine: the life of a task, from the count of its threads to the undoing of a failed one.
//!
//! | file | what is in it |
//! | --- | --- |
//! | [`request`] | what a client asks for, checked |
//! | [`client`] | the functions of a client |
//! | [`alone`] | a task without helpers |
//! | [`task`] | a task with helpers |
//! | [`machine`] | the CPUs and the limits that all tasks share |
//! | [`knobs`], [`stats`] | what an administrator turns and sees |

mod alone;
mod client;
mod knobs;
pub(crate) mod machine;
mod request;
mod stats;
mod task;

pub(crate) use client::Client;
pub(crate) use knobs::{
    Knobs,
    MAX_THREADS_MAX, //
};
pub(crate) use request::{
    Options,
    Request, //
};
pub(crate) use stats::Stats;

use super::{
    kernel::{
        cpufreq::Governors,
        cpus,
        hotplug::Follow,
        iterator_lock::IteratorLock,
        pool::Pool,
        published::Published,
        sched,
        team::Team, //
    },
    protocol::{
        part::Part,
        parts, //
    }, //
};
use kernel::{
    prelude::*,
    task::might_sleep, //
};
use machine::Machine;
use task::{
    Plan,
    Task, //
};

/// Slots for helpers, per possible CPU. The limits allow fewer helpers than CPUs to run; a helper
/// that has failed keeps its slot until its task is undone, so there are some to spare.
const HELPERS_PER_CPU: usize = 2;

/// The engine that the C interface and the hotplug callbacks use.
pub(crate) static ENGINE: Published<Engine> = Published::new();

/// Everything that tasks share.
#[pin_data]
pub(crate) struct Engine {
    /// What the administrator can turn.
    pub(crate) knobs: Knobs,
    /// What has happened so far.
    pub(crate) stats: Stats,
    /// The CPUs and the limits.
    #[pin]
    pub(crate) machine: Machine,
    governors: Governors,
    #[pin]
    pool: Pool,
}

impl Engine {
    /// Allocates everything that tasks will need. May sleep.
    pub(crate) fn new(max_threads: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            knobs: Knobs::new(max_threads),
            stats: Stats::new(),
            machine <- Machine::new(),
            governors: Governors::new(),
            pool <- Pool::new(cpus::nr_ids().saturating_mul(HELPERS_PER_CPU)),
        }? Error)
    }

    /// Reads the CPUs of the machine again, and sets the limits that follow them.
    pub(crate) fn follow_cpus(&self) {
        self.machine.follow_cpus();
    }

    /// Follows a change of the isolated CPUs, of which the kernel tells nobody.
    pub(crate) fn follow_isolation(&self) {
        self.machine.follow_isolation();
    }

    /// Runs a task. Returns 0 or the first error of the client. May sleep; allocates nothing.
    #[inline]
    pub(crate) fn run<C: Client>(&self, request: Request<'_, C>) -> i32 {
        might_sleep();
        if request.total == 0 {
            return 0;
        }
        self.stats.tasks.add(1);
        if !request.options.killable && self.is_alone(&request) {
            alone::run(self, request)
        } else {
            // A copy of its own, or the request would be in memory where a task is alone, too.
            self.run_shared(&Request { ..request })
        }
    }

    /// Whether a task can have no helper, whatever CPUs there are.
    ///
    /// A caller whose nice value does not tell its priority works alone. The helpers of a SCHED_IDLE
    /// caller would be preferred to work that the caller is not preferred to. A caller of a real-time
    /// or deadline class would wait for helpers that have no CPU because of threads that the caller
    /// preempts.
    #[inline]
    fn is_alone<C: Client>(&self, request: &Request<'_, C>) -> bool {
        request.is_for_one_thread(self.knobs.max_threads())
            || self.machine.limits.global.is_exhausted()
            || !sched::current_has_weight()
    }

    /// As [`Self::run`], with helpers if there are any. Out of the way of tasks that need none.
    #[inline(never)]
    fn run_shared<C: Client>(&self, request: &Request<'_, C>) -> i32 {
        request.parts.iter().for_each(Part::reset);
        let plan = self.plan(request);
        pin_init::stack_pin_init!(let team = Team::new(&self.pool));
        let team = team.as_ref().get_ref();
        if !request.client.walks() {
            return Task::new(self, request, &plan, None).run(team, &plan);
        }
        pin_init::stack_pin_init!(let lock = IteratorLock::new(team));
        Task::new(self, request, &plan, Some(lock.as_ref().get_ref())).run(team, &plan)
    }

    /// Decides on the threads of a task.
    fn plan<C: Client>(&self, request: &Request<'_, C>) -> Plan {
        let cpu = cpus::current();
        let confined = self.knobs.respect_affinity();
        let seen = self.machine.look(cpu, confined);
        Plan {
            threads: self.threads(request, seen.cpus),
            first: parts::callers_part(request.parts, seen.node),
            cpu,
            confined,
        }
    }

    /// How many threads a task is to have with so many CPUs, the caller included.
    fn threads<C: Client>(&self, request: &Request<'_, C>, cpus: usize) -> usize {
        let room = self.machine.limits.global.room() as usize;
        let most = request.threads(self.knobs.max_threads(), cpus);
        match most.min(room.saturating_add(1)) {
            threads if threads > 1 && !self.may_share() => 1,
            threads => threads,
        }
    }

    /// Whether helpers are wanted at all for a caller such as this and on a machine such as this.
    fn may_share(&self) -> bool {
        sched::current_has_weight() && !(self.knobs.power_aware() && self.governors.saving())
    }
}

impl Follow for Engine {
    fn published() -> &'static Published<Self> {
        &ENGINE
    }

    fn online(&self, cpu: u32) {
        self.machine.set_leaving(cpu, false);
    }

    fn offline(&self, cpu: u32) {
        self.machine.set_leaving(cpu, true);
    }
}

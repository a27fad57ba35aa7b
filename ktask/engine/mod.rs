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
        hungry::Hungry,
        iterator_lock::IteratorLock,
        pool::Pool,
        published::Published,
        sched,
        scope::NotPlaced,
        team::Team,
        watch::Watch, //
    },
    protocol::{
        part::Part,
        parts, //
    }, //
};
use kernel::prelude::*;
use machine::Machine;
use task::{
    Plan,
    Task,
    KILLABLE_SHARES, //
};

/// Slots for helpers, per possible CPU. The limits allow fewer helpers than CPUs to run; a helper
/// that has failed keeps its slot until its task is undone, so there are some to spare.
const HELPERS_PER_CPU: usize = 2;

/// How many hungry tasks may turn out to want nothing, or to have no room of their own, when helpers
/// are started for them: others will be found at the next occasion.
const FEED_TRIES: u32 = 16;

/// The engine that the C interface and the hotplug callbacks use.
pub(crate) static ENGINE: Published<Engine> = Published::new();

/// Everything that tasks share.
#[pin_data]
pub(crate) struct Engine {
    /// Looks at what the kernel tells nobody. The first field, as fields are dropped in order, and a
    /// look uses all others.
    #[pin]
    watch: Watch<Engine>,
    /// What the administrator can turn.
    pub(crate) knobs: Knobs,
    /// What has happened so far.
    pub(crate) stats: Stats,
    /// The CPUs and the limits.
    #[pin]
    pub(crate) machine: Machine,
    governors: Governors,
    /// The tasks that could use more helpers.
    #[pin]
    hungry: Hungry,
    #[pin]
    pool: Pool,
}

impl Engine {
    /// Allocates everything that tasks will need. May sleep.
    pub(crate) fn new(max_threads: u32) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            watch <- Watch::new(),
            knobs: Knobs::new(max_threads),
            stats: Stats::new(),
            machine <- Machine::new(),
            governors: Governors::new(),
            hungry <- Hungry::new(),
            pool <- Pool::new(HELPERS_PER_CPU),
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

    /// Limits or knobs have changed: helpers leave at the end of their chunk, or there is room.
    pub(crate) fn follow_limits(&self) {
        self.machine.changed();
        self.feed();
    }

    /// Gives helpers to the hungry tasks, as far as there is room.
    fn feed(&self) {
        // Each round takes room, or a task that cannot have a helper costs one of the tries.
        let mut tries = FEED_TRIES;
        while tries > 0 && self.hungry.any() && self.machine.limits.global.room() > 0 {
            match self.hungry.feed(self.machine.changes()) {
                Some(Ok(())) => {}
                Some(Err(NotPlaced::NotWanted | NotPlaced::NoRoom)) => tries -= 1,
                Some(Err(NotPlaced::NoSlot)) | None => return,
            }
        }
    }

    /// Runs a task. Returns 0 or the first error of the client. May sleep; allocates nothing.
    #[inline]
    pub(crate) fn run<C: Client>(&self, request: Request<'_, C>) -> i32 {
        sched::might_sleep();
        if request.total == 0 {
            return 0;
        }
        let alone = self.is_alone(&request);
        if alone && !request.options.killable {
            alone::run(self, request)
        } else {
            // A copy of its own, or the request would be in memory where a task is alone, too.
            self.run_divided(&Request { ..request }, alone)
        }
    }

    /// Whether a task can have no helper, whatever happens while it runs.
    ///
    /// A caller whose nice value does not tell its priority works alone. The helpers of a SCHED_IDLE
    /// caller would be preferred to work that the caller is not preferred to. A caller of a real-time
    /// or deadline class would wait for helpers that have no CPU because of threads that the caller
    /// preempts.
    #[inline]
    fn is_alone<C: Client>(&self, request: &Request<'_, C>) -> bool {
        request.is_for_one_thread(self.knobs.max_threads()) || !sched::current_has_weight()
    }

    /// As [`Self::run`], in chunks; with helpers, if there are any, unless the caller is `alone`. Out
    /// of the way of tasks that need none of this.
    #[inline(never)]
    fn run_divided<C: Client>(&self, request: &Request<'_, C>, alone: bool) -> i32 {
        self.stats.tasks.add(1);
        request.parts.iter().for_each(Part::reset);
        let plan = self.plan(request, alone);
        pin_init::stack_pin_init!(let team = Team::new(&self.pool, &self.hungry));
        let team = team.as_ref().get_ref();
        let error = if request.client.walks() {
            pin_init::stack_pin_init!(let lock = IteratorLock::new(team));
            let lock = lock.as_ref().get_ref();
            Task::new(self, request, &plan, team, Some(lock)).run()
        } else {
            Task::new(self, request, &plan, team, None).run()
        };
        // Cancelled helpers have left room.
        self.feed();
        error
    }

    /// Decides on the threads of a task.
    fn plan<C: Client>(&self, request: &Request<'_, C>, alone: bool) -> Plan {
        self.machine.look();
        if self.knobs.power_aware() && self.governors.look() {
            self.machine.changed();
        }
        let max_threads = self.knobs.max_threads();
        let most = if alone {
            0
        } else {
            request.threads(max_threads, cpus::nr_ids()) - 1
        };
        let confined = self
            .knobs
            .respect_affinity()
            .then(|| self.machine.allowed());
        let cpus = confined.unwrap_or_else(|| self.machine.usable());
        let now = request.threads(max_threads, cpus);
        // One thread would take all of the work at once, and others could not help later.
        let least = if request.options.killable {
            KILLABLE_SHARES
        } else {
            1 + most.min(1)
        };
        Plan {
            most: u32::try_from(most).unwrap_or(u32::MAX),
            shares: now.max(least),
            first: parts::callers_part(request.parts, usize::try_from(cpus::current_nid()).ok()),
            cpu: cpus::current(),
            confined,
        }
    }

    /// Whether tasks run on their callers alone, as the machine is told to save energy.
    fn saves_power(&self) -> bool {
        self.knobs.power_aware() && self.governors.saving()
    }
}

impl Follow for Engine {
    fn published() -> &'static Published<Self> {
        &ENGINE
    }

    fn online(&self, cpu: u32) {
        self.machine.set_leaving(cpu, false);
        self.feed();
    }

    fn offline(&self, cpu: u32) {
        self.machine.set_leaving(cpu, true);
    }

    fn look(&self) {
        self.machine.follow_isolation();
        let helpers = self.machine.limits.global.cur() > 0;
        if self.governors.look() || self.hungry.any() {
            self.follow_limits();
        } else if helpers {
            // Callers are to see whether all helpers have begun.
            self.machine.changed();
        }
        let need = helpers || self.hungry.any();
        self.watch.look_again(need);
    }
}

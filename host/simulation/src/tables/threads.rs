// SPDX-License-Identifier: GPL-2.0

//! How many threads a task should have that does not say itself: a proposal.

use crate::{
    machines,
    run,
    table::Table,
    Machine,
    Noise,
    Outcome,
    Peer,
    Profile,
    Work, //
};

/// What one thread takes for a GiB, in nanoseconds.
const GIB_NS: f64 = 0.4e9;

/// A unit of 2 MiB, which is also the minimum chunk, in GiB.
const UNITS_PER_GIB: usize = 512;

/// The default of the module.
const DEFAULT: usize = 4;

/// Chunks that differ by 10%, and one other thread that works at the memory of node 0.
const NOISE: Noise = Noise {
    jitter: 0.1,
    others: 1.0,
    seed: 1,
    ..Noise::QUIET
};

struct Task {
    name: &'static str,
    work: Work,
}

fn tasks(machine: &Machine) -> [Task; 4] {
    let task = |name, profile, gib: usize, nodes: usize| {
        let (units, ns) = (gib * UNITS_PER_GIB, gib as f64 * GIB_NS);
        let nodes: Vec<_> = (0..nodes).collect();
        let work = Work::new(profile, units, 1, ns, &nodes);
        Task { name, work }
    };
    [
        task("1 GiB of one node", Profile::Uniform, 1, 1),
        task("100 GiB of all nodes", Profile::Uniform, 100, machine.nodes),
        task("16 GiB, rising cost", Profile::Rising, 16, 1),
        task("16 GiB, falling cost", Profile::Falling, 16, 1),
    ]
}

/// For each way to choose the number of threads: time by that of 4 threads, threads, and what
/// another thread keeps of its speed at the memory of node 0.
pub fn threads() -> String {
    let mut table = Table::new([
        "machine",
        "task",
        "4",
        "1/8 of the node",
        "1/4 of the node",
        "ramp",
        "the limit",
    ]);
    for machine in some_machines() {
        for task in tasks(&machine) {
            row(&mut table, &machine, &task);
        }
    }
    format!(
        "## Threads of a task that does not say\n\n\
         Time by that with 4 threads; threads; speed that one other thread keeps at the memory of \
         node 0, by its speed alone.\n\n{table}"
    )
}

fn some_machines() -> Vec<Machine> {
    let mut machines = machines::all();
    machines.retain(|machine| machine.node_cpus > DEFAULT);
    machines.push(Machine {
        name: "8 x 36, soft ceiling",
        knee: 2.0,
        ..machines::xeon()
    });
    machines.push(Machine {
        name: "8 x 36, no ceiling",
        ..machines::xeon().computing()
    });
    machines
}

fn row(table: &mut Table, machine: &Machine, task: &Task) {
    let outcome = |peer, threads| {
        let caller = machine.node_cpus / 2;
        run(peer, machine, &task.work, threads, NOISE, caller)
    };
    let share = |divisor| DEFAULT.max(task.work.parts() * machine.node_cpus / divisor);
    let four = outcome(Peer::KTASK, DEFAULT);
    let outcomes = [
        outcome(Peer::KTASK, DEFAULT),
        outcome(Peer::KTASK, share(8)),
        outcome(Peer::KTASK, share(4)),
        outcome(Peer::Ramp, machine.cpus()),
        outcome(Peer::KTASK, machine.cpus()),
    ];
    let cell = |outcome: &Outcome| {
        format!(
            "{:.2}; {}; {:.2}",
            outcome.makespan_ns / four.makespan_ns,
            outcome.helpers + 1,
            outcome.others
        )
    };
    let names = [machine.name, task.name].map(String::from);
    table.row(names.into_iter().chain(outcomes.iter().map(cell)));
}

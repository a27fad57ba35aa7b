// SPDX-License-Identifier: GPL-2.0

//! 100 GiB of memory on the Xeon of the RFC, with 16 threads.

use crate::{
    least_ns,
    machines,
    run,
    Noise,
    Peer,
    Profile,
    Work, //
};

/// Threads of the target.
const THREADS: usize = 16;

/// A unit, in MiB.
const UNIT: usize = 2;

/// How 100 GiB are cleared.
#[derive(Clone, Copy)]
pub struct Layout {
    /// Its name in tables.
    pub name: &'static str,
    /// Size of a task in GiB; as many tasks, one after the other, as make up 100.
    gib: usize,
    nodes: &'static [usize],
}

/// One task or many, of one node or of all.
pub const LAYOUTS: [Layout; 5] = [
    Layout {
        name: "one task, caller's node",
        gib: 100,
        nodes: &[0],
    },
    Layout {
        name: "one task, another node",
        gib: 100,
        nodes: &[5],
    },
    Layout {
        name: "one task, all nodes",
        gib: 100,
        nodes: &[0, 1, 2, 3, 4, 5, 6, 7],
    },
    Layout {
        name: "a task for each GiB, caller's node",
        gib: 1,
        nodes: &[0],
    },
    Layout {
        name: "a task for each GiB, another node",
        gib: 1,
        nodes: &[5],
    },
];

/// The machine as it is, and with what disturbs it.
pub const NOISES: [(&str, Noise); 3] = [
    ("quiet", Noise::QUIET),
    (
        "chunks differ by 10%",
        Noise {
            jitter: 0.1,
            seed: 1,
            ..Noise::QUIET
        },
    ),
    (
        "and 10% of the CPUs busy",
        Noise {
            busy: 0.1,
            jitter: 0.1,
            seed: 1,
            ..Noise::QUIET
        },
    ),
];

/// What [`clear`] took.
pub struct Cleared {
    /// Seconds.
    pub s: f64,
    /// The least that it can take with this memory by that, in percent.
    pub efficiency: f64,
}

/// Clears 100 GiB in chunks of at least `min` MiB.
pub fn clear(peer: Peer, layout: Layout, noise: Noise, min: usize) -> Cleared {
    let machine = machines::xeon();
    let ns = machines::XEON_100_GIB_S.0 * 1e9 / 100.0 * layout.gib as f64;
    let units = layout.gib * 1024 / UNIT;
    let work = Work::new(Profile::Uniform, units, min / UNIT, ns, layout.nodes);
    let caller = machine.node_cpus / 2;
    let tasks = 100 / layout.gib;
    let mut total = 0.0;
    for task in 0..tasks {
        let seed = noise.seed + task as u64;
        let noise = Noise { seed, ..noise };
        total += run(peer, &machine, &work, THREADS, noise, caller).makespan_ns;
    }
    let least = least_ns(&machine, &work, THREADS, caller) * tasks as f64;
    Cleared {
        s: total / 1e9,
        efficiency: 100.0 * least / total,
    }
}

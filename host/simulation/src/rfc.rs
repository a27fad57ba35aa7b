// SPDX-License-Identifier: GPL-2.0

//! What the RFC measured: gigantic pages, cleared one after the other ("mm: parallelize
//! clear_gigantic_page", in version 4 for the Xeon, in version 2 for the SPARC).

use crate::{
    run,
    Machine,
    Noise,
    Peer,
    Profile,
    Work, //
};

/// Thread counts of the columns, the first of which is 1 and the last one saturates the memory.
pub const THREADS: [usize; 5] = [1, 2, 4, 8, 16];

/// A unit, which is also the minimum chunk, in MiB.
const UNIT: usize = 2;

/// So many GiB on one machine.
pub struct Measured {
    machine: fn() -> Machine,
    /// How many GiB were cleared.
    pub gib: usize,
    /// Size of a page in GiB.
    page: usize,
    /// How many nodes that fills.
    pub nodes: usize,
    /// What it took with each number of threads, in seconds.
    pub s: [f64; 5],
}

fn xeon() -> Machine {
    Machine::new("Xeon E7-8895 v3", 8, 36, 36)
}

/// Its throughput levels off early: that is the only number here that was made to fit.
fn sparc() -> Machine {
    Machine {
        knee: 2.0,
        ..Machine::new("SPARC T7-4", 4, 256, 256)
    }
}

const fn measured(
    machine: fn() -> Machine,
    page: usize,
    gib: usize,
    nodes: usize,
    s: [f64; 5],
) -> Measured {
    Measured {
        machine,
        gib,
        page,
        nodes,
        s,
    }
}

/// The tables of the RFC. The Xeon has 128 GiB in each node, the SPARC 126.
pub const TABLES: [Measured; 7] = [
    measured(xeon, 1, 100, 1, [41.13, 20.26, 9.62, 4.90, 3.94]),
    measured(xeon, 1, 200, 2, [89.68, 40.64, 19.33, 9.98, 7.96]),
    measured(xeon, 1, 400, 4, [188.20, 81.84, 40.62, 21.09, 15.97]),
    measured(xeon, 1, 800, 8, [434.91, 170.97, 87.38, 42.86, 33.48]),
    measured(sparc, 2, 50, 1, [7.77, 3.95, 2.02, 1.24, 0.79]),
    measured(sparc, 2, 100, 1, [15.50, 8.10, 4.45, 2.99, 1.99]),
    measured(sparc, 2, 200, 2, [31.03, 16.47, 9.20, 6.01, 4.41]),
];

impl Measured {
    /// Seconds that one thread takes for a GiB on its own node, from the table of the same machine
    /// that filled no other.
    fn local_s(&self) -> f64 {
        let name = (self.machine)().name;
        let mut tables = TABLES.iter();
        let local = tables.find(|table| (table.machine)().name == name);
        local.map_or(f64::NAN, |local| local.s[0] / local.gib as f64)
    }

    /// The machine with its memory: its ceiling follows from the time of 16 threads, and what
    /// memory of other nodes costs from that of one thread.
    pub fn calibrated(&self) -> Machine {
        let machine = (self.machine)();
        let full_speed = self.local_s() * self.gib as f64;
        let sixteen = full_speed / self.s[4];
        let ceiling = if machine.knee.is_infinite() {
            sixteen
        } else {
            16.0 / ((16.0 / sixteen).powf(machine.knee) - 1.0).powf(machine.knee.recip())
        };
        let near = 1.0 / self.nodes as f64;
        let remote = (1.0 - near) / (self.s[0] / full_speed - near);
        let remote = if self.nodes == 1 {
            1.0
        } else {
            remote.min(1.0)
        };
        machine.with_memory(ceiling, remote)
    }

    /// Seconds that all pages take, equally many on each of the nodes, the caller's among them.
    pub fn modelled(&self, peer: Peer, threads: usize) -> f64 {
        let machine = self.calibrated();
        let ns = self.local_s() * self.page as f64 * 1e9;
        let caller = machine.node_cpus / 2;
        let page = |node| {
            let units = self.page * 1024 / UNIT;
            let work = Work::new(Profile::Uniform, units, 1, ns, &[node]);
            run(peer, &machine, &work, threads, Noise::QUIET, caller).makespan_ns / 1e9
        };
        let pages = (self.gib / self.page) as f64;
        let all: f64 = (0..self.nodes).map(page).sum();
        all * pages / self.nodes as f64
    }
}

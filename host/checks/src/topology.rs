// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/placement/topology.rs`, `nodes.rs` and `turns.rs`.

use crate::{
    ktask::placement::{
        nodes::Nodes,
        topology::{
            spread, //
            Topology,
        }, //
    },
    nodes::HostNodes,
    util::config, //
};
use core::{
    cell::Cell,
    convert::Infallible, //
};
use proptest::{
    collection::vec,
    option,
    prelude::*, //
};
use std::{
    collections::BTreeSet,
    time::Instant, //
};

/// A CPU id that no machine here has.
const NO_CPU: u32 = u32::MAX;

fn spread_of(len: usize) -> Vec<usize> {
    let mut order = Vec::new();
    spread(len, |index| order.push(index));
    order
}

/// The table, and the nodes that are told of it.
struct Tables {
    table: Topology<Vec<u32>>,
    nodes: HostNodes,
}

fn empty(cpus: usize, nodes: usize) -> Tables {
    let table = Topology::new(cpus, nodes, |len| Ok::<_, Infallible>(vec![0; len]));
    Tables {
        table: table.unwrap_or_else(|never| match never {}),
        nodes: HostNodes::new(nodes, cpus),
    }
}

impl Tables {
    fn rebuild(&mut self, node_of: impl Fn(u32) -> Option<usize>, usable: impl Fn(u32) -> bool) {
        self.table.rebuild(node_of, usable);
        self.table.tell(&self.nodes);
    }

    fn pick(&self, node: Option<usize>, avoid: u32) -> Option<u32> {
        self.nodes.pick(node, avoid)
    }

    fn pick_where(
        &self,
        node: Option<usize>,
        avoid: u32,
        allowed: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        self.nodes
            .with_turns(node, |turns| turns.pick_where(avoid, allowed))?
    }

    fn home(&self, node: usize, distance: impl Fn(usize, usize) -> u32) -> Option<usize> {
        self.nodes.home(node, distance)
    }
}

/// A machine, and what the table should make of it, found the slow way.
#[derive(Clone, Debug)]
struct Machine {
    /// Node and usability of each CPU id; `None` for holes.
    cpus: Vec<Option<(usize, bool)>>,
    /// Distance of each node to each.
    distance: Vec<Vec<u32>>,
}

impl Machine {
    fn nodes(&self) -> usize {
        self.distance.len()
    }

    fn rebuild(&self, topology: &mut Tables) {
        topology.rebuild(
            |cpu| self.cpus[cpu as usize].map(|(node, _)| node),
            |cpu| self.cpus[cpu as usize].is_some_and(|(_, usable)| usable),
        );
    }

    fn topology(&self) -> Tables {
        let mut topology = empty(self.cpus.len(), self.nodes());
        self.rebuild(&mut topology);
        topology
    }

    /// Where the table says that helpers for work on `node` run.
    fn home(&self, topology: &mut Tables, node: usize) -> Option<usize> {
        topology.home(node, |from, to| self.distance[from][to])
    }

    /// The usable CPUs of `node`, or all of them.
    fn usable(&self, node: Option<usize>) -> BTreeSet<u32> {
        let chosen = |cpu: &Option<(usize, bool)>| {
            cpu.is_some_and(|(of, usable)| usable && node.is_none_or(|node| node == of))
        };
        (0u32..)
            .zip(&self.cpus)
            .filter(|(_, cpu)| chosen(cpu))
            .map(|(id, _)| id)
            .collect()
    }

    fn nodes_with_cpus(&self) -> Vec<usize> {
        (0..self.nodes())
            .filter(|&node| !self.usable(Some(node)).is_empty())
            .collect()
    }

    /// Checks where the table says that helpers for each node run.
    fn check_homes(&self, topology: &mut Tables) -> Result<(), TestCaseError> {
        let candidates = self.nodes_with_cpus();
        for node in 0..self.nodes() {
            let home = self.home(topology, node);
            // What was found is remembered.
            prop_assert_eq!(self.home(topology, node), home);
            if candidates.contains(&node) {
                prop_assert_eq!(home, Some(node));
                continue;
            }
            let distance = |to: usize| self.distance[node][to];
            let nearest = candidates.iter().map(|&to| distance(to)).min();
            prop_assert_eq!(home.map(distance), nearest);
            prop_assert!(home.is_none_or(|home| candidates.contains(&home)));
        }
        Ok(())
    }

    /// Checks which CPUs the table lists, and that all of them are picked.
    fn check(&self, topology: &mut Tables) -> Result<(), TestCaseError> {
        prop_assert_eq!(topology.table.nodes(), self.nodes());
        prop_assert_eq!(topology.table.usable(), self.usable(None).len());
        prop_assert_eq!(topology.table.all().len(), self.usable(None).len());
        for node in 0..self.nodes() {
            let listed = topology.table.cpus_of(node);
            let as_set: BTreeSet<_> = listed.iter().copied().collect();
            prop_assert_eq!(listed.len(), as_set.len());
            prop_assert_eq!(as_set, self.usable(Some(node)));
        }
        for node in (0..self.nodes()).map(Some).chain([None]) {
            let usable = self.usable(node);
            let round: Vec<_> = (0..usable.len())
                .filter_map(|_| topology.pick(node, NO_CPU))
                .collect();
            prop_assert_eq!(round.len(), usable.len());
            prop_assert_eq!(round.into_iter().collect::<BTreeSet<_>>(), usable);
        }
        Ok(())
    }
}

prop_compose! {
    /// Some CPUs on some of a few nodes: ids with holes, nodes without CPUs, CPUs not usable.
    fn machine(cpus: usize, nodes: usize)(
        cpus in vec(option::weighted(0.9, (0..nodes, any::<bool>())), cpus),
        populated in vec(prop::bool::weighted(0.7), nodes),
        // Few values, for nodes that are equally far; the diagonal is what ACPI says it is.
        mut distance in vec(vec(11u32..16, nodes), nodes),
    ) -> Machine {
        for (node, row) in distance.iter_mut().enumerate() {
            row[node] = 10;
        }
        // A node that is not populated gives its CPUs to node 0, or is the only one without.
        let cpus = cpus.into_iter().map(|cpu| cpu.map(|(node, usable)| {
            (if populated[node] { node } else { 0 }, usable)
        })).collect();
        Machine { cpus, distance }
    }
}

fn size() -> impl Strategy<Value = (usize, usize)> {
    (0usize..40, 1usize..9)
}

fn any_machine() -> impl Strategy<Value = Machine> {
    size().prop_flat_map(|(cpus, nodes)| machine(cpus, nodes))
}

#[test]
fn spread_is_a_permutation() {
    for len in 0..=600 {
        let mut order = spread_of(len);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..len), "{len}");
    }
}

/// Any few CPUs hit the halves, quarters, eighths of a node as evenly as whole numbers allow.
#[test]
fn spread_prefixes_hit_all_sections_evenly() {
    for len in (0..=9).map(|bits| 1usize << bits) {
        let order = spread_of(len);
        for sections in [2, 4, 8].into_iter().filter(|&sections| sections <= len) {
            let mut hits = vec![0usize; sections];
            for index in &order {
                hits[index * sections / len] += 1;
                let (least, most) = (hits.iter().min().unwrap(), hits.iter().max().unwrap());
                assert!(most - least <= 1, "{len}: {hits:?}");
            }
        }
    }
}

/// With a number of CPUs that is no power of two, prefixes are only nearly even.
#[test]
fn spread_prefixes_hit_halves_about_evenly() {
    for len in 2..=600usize {
        let slack = len.ilog2() as usize + 1;
        let mut low = 0;
        for (index, at) in spread_of(len).into_iter().enumerate() {
            low += usize::from(at < len / 2);
            let even = (index + 1) * (len / 2) / len;
            assert!(low.abs_diff(even) <= slack, "{len}: {low} of {}", index + 1);
        }
    }
}

/// Neighbours in the list, wherever one looks, are in different halves.
#[test]
fn spread_neighbours_are_far_apart() {
    for len in (1..=9).map(|bits| 1usize << bits) {
        for pair in spread_of(len).chunks_exact(2) {
            assert!(pair[0].abs_diff(pair[1]) >= len / 2, "{len}: {pair:?}");
        }
    }
}

fn one_node(cpus: usize) -> Tables {
    let machine = Machine {
        cpus: vec![Some((0, true)); cpus],
        distance: vec![vec![10]],
    };
    machine.topology()
}

/// Whoever the caller is, and wherever the table's turn is.
#[test]
fn callers_cpu_comes_last_and_pools_take_turns() {
    for (cpus, pools) in [(16, 2), (32, 4), (64, 8)] {
        let topology = one_node(cpus);
        let helpers = cpus * 3 / 4;
        for caller in (0..cpus as u32).chain(0..cpus as u32) {
            let picked: Vec<_> = (0..helpers)
                .filter_map(|_| topology.pick(Some(0), caller))
                .collect();
            assert!(!picked.contains(&caller));
            assert_eq!(picked.iter().collect::<BTreeSet<_>>().len(), helpers);
            for pool in 0..pools {
                let of_pool = picked
                    .iter()
                    .filter(|&&cpu| cpu as usize * pools / cpus == pool);
                assert_eq!(of_pool.count(), helpers / pools);
            }
            topology.pick(Some(0), NO_CPU);
        }
    }
}

/// Where an excluded CPU is tried again, tables are rebuilt once a second. A task a second would try the
/// same CPUs for ever.
#[test]
fn p15_turns_go_on_after_a_rebuild() {
    let machine = Machine {
        cpus: vec![Some((0, true)); 4],
        distance: vec![vec![10]],
    };
    for node in [Some(0), None] {
        let mut topology = machine.topology();
        let picked: BTreeSet<_> = (0..4)
            .filter_map(|_| {
                machine.rebuild(&mut topology);
                topology.pick(node, NO_CPU)
            })
            .collect();
        assert_eq!(picked.len(), 4, "{picked:?}");
    }
}

#[test]
fn cpus_of_a_node_are_picked_far_apart() {
    let machine = Machine {
        cpus: (0..32).map(|cpu| Some((cpu / 16, true))).collect(),
        distance: vec![vec![10, 20], vec![20, 10]],
    };
    let topology = machine.topology();
    let pick = |node| topology.pick(node, NO_CPU).unwrap();
    // Four helpers of node 1: one in each quarter of its CPUs, 16 to 31.
    let quarters: BTreeSet<_> = (0..4).map(|_| (pick(Some(1)) - 16) / 4).collect();
    assert_eq!(quarters.len(), 4);
    // Two helpers that may run anywhere: one on each node.
    assert_ne!(pick(None) / 16, pick(None) / 16);
}

#[test]
fn nothing_is_known_before_the_first_look() {
    let topology = empty(4, 2);
    assert_eq!((topology.table.usable(), topology.table.nodes()), (0, 2));
    assert_eq!(topology.pick(None, NO_CPU), None);
    for node in 0..3 {
        assert_eq!(topology.home(node, |_, _| 10), None);
        assert_eq!(topology.pick(Some(node), NO_CPU), None);
        assert!(topology.table.cpus_of(node).is_empty());
    }
}

#[test]
fn failed_allocation_is_passed_on() {
    for fails in 0..4 {
        let count = core::cell::Cell::new(0);
        let topology = Topology::new(4, 2, |len| {
            count.set(count.get() + 1);
            (count.get() <= fails)
                .then(|| vec![0; len])
                .ok_or("no memory")
        });
        assert_eq!(topology.err(), Some("no memory"));
    }
}

#[test]
fn p15_memory_only_nodes_use_the_nearest_with_cpus() {
    // Nodes 0 and 1 have CPUs; 2 and 3 are memory, as from CXL; 4 has an isolated CPU only.
    let machine = Machine {
        cpus: vec![
            Some((0, true)),
            Some((0, true)),
            Some((1, true)),
            Some((1, true)),
            Some((4, false)),
        ],
        distance: vec![
            vec![10, 21, 17, 28, 31],
            vec![21, 10, 28, 17, 31],
            vec![17, 28, 10, 28, 12],
            vec![28, 17, 28, 10, 12],
            vec![31, 30, 12, 12, 10],
        ],
    };
    let mut topology = machine.topology();
    let homes: Vec<_> = (0..5)
        .map(|node| machine.home(&mut topology, node))
        .collect();
    assert_eq!(homes, [Some(0), Some(1), Some(0), Some(1), Some(1)]);
}

#[test]
fn p15_no_usable_cpu_gives_none() {
    let machine = Machine {
        cpus: vec![Some((0, false)), None, Some((1, false))],
        distance: vec![vec![10, 20], vec![20, 10]],
    };
    let topology = machine.topology();
    assert_eq!(topology.table.usable(), 0);
    assert_eq!(topology.pick(None, NO_CPU), None);
    for node in 0..2 {
        assert_eq!(topology.home(node, |_, _| 10), None);
        assert_eq!(topology.pick(Some(node), NO_CPU), None);
    }
}

#[test]
fn unknown_ids_are_answered_with_none() {
    let machine = Machine {
        cpus: vec![Some((0, true)), None],
        distance: vec![vec![10]],
    };
    let topology = machine.topology();
    for node in [1, 2, usize::MAX] {
        assert!(topology.table.cpus_of(node).is_empty());
        assert_eq!(topology.home(node, |_, _| 10), None);
        assert_eq!(topology.pick(Some(node), NO_CPU), None);
    }
}

/// No list has a place for it.
#[test]
fn p15_cpu_of_an_unknown_node_is_not_used() {
    for node in [2, 3, u32::MAX as usize, usize::MAX] {
        let mut topology = empty(3, 2);
        topology.rebuild(|cpu| Some([0, node, 1][cpu as usize]), |_| true);
        assert_eq!(topology.table.usable(), 2);
        let picked: BTreeSet<_> = (0..4).filter_map(|_| topology.pick(None, NO_CPU)).collect();
        assert_eq!(picked, BTreeSet::from([0, 2]));
    }
}

#[test]
fn machine_without_cpus_or_nodes() {
    let machine = Machine {
        cpus: Vec::new(),
        distance: Vec::new(),
    };
    let topology = machine.topology();
    assert_eq!((topology.table.usable(), topology.table.nodes()), (0, 0));
    assert_eq!(topology.pick(None, NO_CPU), None);
    assert_eq!(topology.pick(Some(0), NO_CPU), None);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p15_every_usable_cpu_is_listed_and_picked_once_a_round(machine in any_machine()) {
        machine.check(&mut machine.topology())?;
    }

    #[test]
    fn p15_home_is_the_nearest_node_with_cpus(machine in any_machine()) {
        machine.check_homes(&mut machine.topology())?;
    }

    #[test]
    fn p15_unusable_cpu_is_never_picked(
        machine in any_machine(), picks in vec((option::of(0usize..10), 0u32..50), 0..200),
    ) {
        let topology = machine.topology();
        for (node, avoid) in picks {
            let usable = machine.usable(node);
            match topology.pick(node, avoid) {
                None => prop_assert!(usable.is_empty()),
                Some(cpu) => {
                    prop_assert!(usable.contains(&cpu));
                    // The caller's own CPU is the last resort.
                    prop_assert!(cpu != avoid || usable.len() == 1);
                }
            }
        }
    }

    /// As the caller's affinity confines a task.
    #[test]
    fn p12_p15_only_allowed_cpus_are_picked(
        machine in any_machine(),
        allowed in vec(any::<bool>(), 40),
        picks in vec((option::of(0usize..10), 0u32..50), 0..100),
    ) {
        let topology = machine.topology();
        let allows = |cpu: u32| allowed[cpu as usize];
        for (node, avoid) in picks {
            let mut candidates = machine.usable(node);
            candidates.retain(|&cpu| allows(cpu));
            match topology.pick_where(node, avoid, allows) {
                None => prop_assert!(candidates.is_empty()),
                Some(cpu) => {
                    prop_assert!(candidates.contains(&cpu));
                    prop_assert!(cpu != avoid || candidates.len() == 1);
                }
            }
        }
    }

    /// Each of the allowed CPUs has its turn, however few they are.
    #[test]
    fn allowed_cpus_are_picked_once_a_round(
        machine in any_machine(), allowed in vec(any::<bool>(), 40), node in option::of(0usize..9),
    ) {
        let topology = machine.topology();
        let allows = |cpu: u32| allowed[cpu as usize];
        let mut candidates = machine.usable(node);
        candidates.retain(|&cpu| allows(cpu));
        for _ in 0..3 {
            let round: BTreeSet<_> = (0..candidates.len())
                .filter_map(|_| topology.pick_where(node, NO_CPU, allows))
                .collect();
            prop_assert_eq!(&round, &candidates);
        }
    }

    /// Avoiding one CPU leaves nobody out; those of its own pool have its share to divide.
    #[test]
    fn others_share_what_the_avoided_one_would_get(machine in any_machine(), avoid in 0u32..40) {
        let topology = machine.topology();
        let mut others = machine.usable(None);
        others.remove(&avoid);
        prop_assume!(!others.is_empty());
        let mut times = vec![0; machine.cpus.len()];
        for _ in 0..5 * others.len() {
            times[topology.pick(None, avoid).unwrap() as usize] += 1;
        }
        for cpu in others {
            prop_assert!((4..=8).contains(&times[cpu as usize]), "{times:?}");
        }
    }

    /// Hotplug and isolation, one after the other, on the same table.
    #[test]
    fn p15_rebuilt_table_forgets_the_old_machine(
        machines in size().prop_flat_map(|(cpus, nodes)| vec(machine(cpus, nodes), 2..5)),
        picks in 0usize..20,
    ) {
        let mut topology = machines[0].topology();
        for machine in &machines {
            machine.rebuild(&mut topology);
            machine.check(&mut topology)?;
            machine.check_homes(&mut topology)?;
            // The turns of one machine must not matter to the next.
            for pick in 0..picks {
                topology.pick(pick.checked_rem(3), NO_CPU);
            }
        }
    }
}

/// How often the machine was asked by what it was asked.
#[derive(Default)]
struct Asked {
    nodes: Cell<usize>,
    usable: Cell<usize>,
    distances: Cell<usize>,
}

/// Helpers are placed under the lock under which the tables are built, and a machine may be large.
/// The nearest node of each node was looked for once at every look at the CPUs: nodes times nodes.
#[test]
fn p15_rebuilding_takes_time_in_proportion_to_cpus_and_nodes() {
    const CPUS: usize = 8192;
    const NODES: usize = 32;
    let mut topology = empty(CPUS, NODES);
    let asked = Asked::default();
    let count = |cell: &Cell<usize>| cell.set(cell.get() + 1);
    for _ in 0..3 {
        topology.rebuild(
            |cpu| {
                count(&asked.nodes);
                // The last node has no CPU.
                Some(cpu as usize % (NODES - 1))
            },
            |_| {
                count(&asked.usable);
                true
            },
        );
    }
    assert!(asked.nodes.get() <= 3 * CPUS, "{}", asked.nodes.get());
    assert!(asked.usable.get() <= 3 * 2 * CPUS, "{}", asked.usable.get());
    // The nearest of all nodes is looked for where a node has no CPU, and once.
    for node in (0..NODES).chain(0..NODES) {
        let home = topology.home(node, |_, to| {
            count(&asked.distances);
            10 + to as u32
        });
        assert_eq!(home, Some(if node < NODES - 1 { node } else { 0 }));
    }
    assert!(asked.distances.get() <= NODES, "{}", asked.distances.get());
}

/// The tables were scanned once for each node: 1024 nodes took a thousand times as long as one.
#[test]
fn p15_rebuilding_for_many_nodes_takes_hardly_longer_than_for_one() {
    let fastest = |nodes: usize| {
        let mut topology = empty(8192, nodes);
        let rebuild = |_| {
            let since = Instant::now();
            topology.rebuild(|cpu| Some(cpu as usize % nodes), |_| true);
            since.elapsed()
        };
        (0..10).map(rebuild).min().unwrap()
    };
    let (one, many) = (fastest(1), fastest(1024));
    assert!(many < one * 30, "{one:?} for one node, {many:?} for many");
}

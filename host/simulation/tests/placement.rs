// SPDX-License-Identifier: GPL-2.0

//! Where ktask's helpers are placed and move to, and that the limits get all of them back.
//!
//! Nodes have 16 CPUs here, so that each has room for 12 helpers, and the caller is on node 0.

mod util;

use ktask_model::{
    machines,
    run,
    Machine,
    Noise,
    Outcome,
    Peer,
    Profile,
    Work, //
};
use util::{
    near,
    plain,
    uniform,
    TOTAL, //
};

const UNITS: usize = 1 << 14;

/// Room for helpers on a node.
const ROOM: usize = 12;

fn ktask(nodes: usize, work: &Work, threads: usize) -> Outcome {
    run(Peer::KTASK, &plain(nodes), work, threads, Noise::QUIET, 0)
}

/// A task whose part on one of two nodes has all of the dear units.
fn lopsided() -> Work {
    Work::new(Profile::Eighth(7), UNITS, 1, TOTAL, &[0, 1])
}

/// A task of many more parts than threads, of 8 nodes; `node_of` tells the node of a part.
fn many_parts(node_of: impl Fn(usize) -> usize) -> Work {
    let nodes: Vec<_> = (0..800).map(node_of).collect();
    uniform(UNITS, &nodes)
}

#[test]
fn parts_without_a_node_share_all_nodes() {
    for parts in [1, 3, 8] {
        let work = uniform(UNITS, &vec![0; parts]).without_nodes(0..parts);
        let outcome = ktask(4, &work, 33);
        assert_eq!(outcome.placed, [8; 4]);
        assert_eq!(outcome.moves, 0);
        near(outcome.makespan_ns, TOTAL / 33.0, 0.01);
    }
}

/// Helpers without a node count against the node where they run, and go where there is room.
#[test]
fn parts_without_a_node_keep_away_from_a_full_one() {
    let work = uniform(UNITS, &[0, 0]).without_nodes(1..2);
    let outcome = ktask(4, &work, 33);
    assert_eq!(outcome.placed[0], ROOM);
    assert_eq!(outcome.helpers, 32);
}

#[test]
fn a_full_node_passes_helpers_on() {
    let outcome = ktask(4, &uniform(UNITS, &[2]), 25);
    // The first of those that are equally near.
    assert_eq!(outcome.placed, [ROOM, 0, ROOM, 0]);
    near(outcome.makespan_ns, TOTAL / 25.0, 0.01);
}

/// The limit of the machine is 51 helpers, and 48 of them find room on a node.
#[test]
fn helpers_run_anywhere_once_all_nodes_are_full() {
    let outcome = ktask(4, &uniform(UNITS, &[2]), 64);
    assert_eq!(outcome.helpers, 51);
    assert!(outcome.placed.iter().all(|&helpers| helpers >= ROOM));
}

/// Threads that will not be there would make chunks smaller for nothing.
#[test]
fn chunks_are_sized_for_threads_that_there_is_room_for() {
    let work = uniform(UNITS, &[0]);
    let chunks = |threads| ktask(1, &work, threads).chunks;
    assert_eq!(chunks(64), chunks(ROOM + 1));
    assert_ne!(chunks(64), chunks(ROOM));
}

#[test]
fn helpers_move_to_where_work_is_left() {
    let outcome = ktask(2, &lopsided(), 12);
    assert!(outcome.moves > 0);
    near(outcome.makespan_ns, TOTAL / 12.0, 0.01);
}

#[test]
fn helpers_work_from_afar_for_a_full_node() {
    let outcome = ktask(2, &lopsided(), 26);
    assert!(outcome.placed.iter().all(|&helpers| helpers >= ROOM));
    assert_eq!(outcome.moves, 0);
    near(outcome.makespan_ns, TOTAL / 26.0, 0.01);
}

#[test]
fn each_node_of_a_task_gets_its_share() {
    let nodes = [0, 1, 2, 3, 4, 5, 6, 7];
    let even = ktask(8, &uniform(UNITS, &nodes), 32);
    // The caller is the fourth of node 0.
    assert_eq!(even.placed, [3, 4, 4, 4, 4, 4, 4, 4]);
    assert_eq!((even.local, even.moves), (1.0, 0));
    let dear = Work::new(Profile::Eighth(5), UNITS, 1, TOTAL, &nodes);
    let dear = ktask(8, &dear, 32);
    assert_eq!(dear.placed, even.placed);
    assert!(dear.moves > 0);
    near(dear.makespan_ns, TOTAL / 32.0, 0.01);
}

#[test]
fn many_parts_of_many_nodes_are_done() {
    for node_of in [|part| part % 8, |part| part / 100] {
        let outcome = ktask(8, &many_parts(node_of), 32);
        assert_eq!(outcome.units, UNITS);
        assert!(outcome.placed.iter().all(|&helpers| helpers >= 3));
        assert!(outcome.local > 0.9);
        near(outcome.makespan_ns, TOTAL / 32.0, 0.02);
    }
}

/// The simulation panics if a limit is not back at 0 when a task is over. Here are all ways in which
/// a helper ends.
#[test]
fn limits_get_all_helpers_back() {
    let noise = Noise {
        busy: 0.2,
        jitter: 0.2,
        seed: 3,
        ..Noise::QUIET
    };
    let (mut ended, mut moves, mut cancelled) = (0, 0, 0);
    for machine in all_and_sleepy() {
        let nodes: Vec<_> = (0..machine.nodes).collect();
        let named = Work::new(Profile::Rising, 4096, 8, TOTAL / 30.0, &nodes);
        let unnamed = named.clone().without_nodes(0..nodes.len());
        for work in [named, unnamed] {
            for peer in [Peer::KTASK, Peer::Ramp] {
                for threads in [2, 16, machine.cpus()] {
                    let outcome = run(peer, &machine, &work, threads, noise, 1);
                    ended += outcome.helpers - outcome.cancelled;
                    moves += outcome.moves;
                    cancelled += outcome.cancelled;
                }
            }
        }
    }
    assert!(ended > 0 && moves > 0 && cancelled > 0);
}

/// All machines, and those whose workers take too long to wake up.
fn all_and_sleepy() -> impl Iterator<Item = Machine> {
    machines::all().into_iter().flat_map(|machine| {
        let sleepy = Machine {
            wake_ns: TOTAL / 30.0,
            ..machine.clone()
        };
        [machine, sleepy]
    })
}

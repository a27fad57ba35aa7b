// SPDX-License-Identifier: GPL-2.0

//! What no policy can be faster than.

use crate::{
    machine::Machine,
    work::Work, //
};

/// The least time that a task can take with so many threads, called on a CPU of the machine: the
/// largest of what the threads, the memory of each node, and the dearest minimum chunk need.
pub fn least_ns(machine: &Machine, work: &Work, threads: usize, caller: usize) -> f64 {
    by_threads(machine, work, threads, caller)
        .max(by_memory(machine, work))
        .max(by_chunk(work))
}

/// All threads work all the time from when they have started, of which the caller has `queue_ns`
/// less for each of the others. Fewer threads are better for a task that is small enough.
fn by_threads(machine: &Machine, work: &Work, threads: usize, caller: usize) -> f64 {
    let home = machine.node_of(caller);
    let pieces = work.pieces(0..work.units()).into_iter();
    let near: f64 = pieces.filter(|piece| piece.0 == home).map(|p| p.1).sum();
    let total = work.cost(0..work.units());
    let mut lost = 0.0;
    let mut least = f64::INFINITY;
    for helpers in 0..threads {
        if helpers > 0 {
            lost += (helpers + 1) as f64 * machine.queue_ns + machine.wake_ns * 0.5;
        }
        let all = (helpers + 1) as f64;
        // The caller stays where it is: what exceeds its node's work takes it longer.
        let local = (total + lost) / all;
        let slow = 1.0 - machine.remote;
        least = least.min(if local <= near {
            local
        } else {
            (total + lost - slow * near) / (all - slow)
        });
    }
    least
}

/// Each node's memory is busy all the time.
fn by_memory(machine: &Machine, work: &Work) -> f64 {
    let mut costs = vec![0.0; machine.nodes];
    for (node, cost) in work.pieces(0..work.units()) {
        costs[node] += cost;
    }
    costs.into_iter().fold(0.0, f64::max) / machine.ceiling
}

/// A minimum chunk is not divided.
fn by_chunk(work: &Work) -> f64 {
    let chunks = work.places().iter().flat_map(|place| {
        let end = place.start + place.size;
        let chunk = move |from: usize| from..(from + work.min).min(end);
        (place.start..end).step_by(work.min).map(chunk)
    });
    chunks.map(|units| work.cost(units)).fold(0.0, f64::max)
}

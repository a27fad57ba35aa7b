// SPDX-License-Identifier: GPL-2.0

//! What scripts/bench has measured in a guest, beside what the model makes of it.

use crate::{
    run,
    stats::{
        least,
        median,
        most, //
    },
    table::Table,
    Machine,
    Noise,
    Outcome,
    Peer,
    Profile,
    Work, //
};
use std::collections::BTreeMap;

/// A line of the samples: what was asked for and what came out, by name.
type Sample = BTreeMap<String, String>;

/// What is measured in a guest, and the policy that plays it.
const PEERS: [(&str, Peer); 4] = [
    ("ktask", Peer::KTASK),
    ("padata", Peer::Padata),
    ("padata_near", Peer::PadataNear),
    ("v4_like", Peer::V4),
];

/// What tells one task from another, whoever runs it.
const TASK: [&str; 8] = [
    "work", "skew", "where", "hogs", "units", "min", "ms", "node",
];

/// Reads the samples of the parts `skew` and `uniform` of scripts/bench (CSV), and predicts them
/// from one thread's time and from when helpers began. The model's machine is quiet, so that it is
/// the least of all rounds that counts.
pub fn guest(csv: &str) -> Result<String, String> {
    let samples = read(csv)?;
    let mut table = Table::new([
        "task",
        "threads",
        "peer",
        "measured ms, least (median)",
        "model ms",
        "off by",
        "chunks",
        "model",
    ]);
    let mut offs = Vec::new();
    for (index, sample) in samples.iter().enumerate() {
        let like = |other: &&Sample| same(other, sample, &["peer", "threads"]);
        let (Some(peer), false) = (peer(sample), samples[..index].iter().any(|s| like(&s))) else {
            continue;
        };
        let rounds: Vec<_> = samples.iter().filter(like).collect();
        let ns = numbers(&rounds, "time_ns");
        let modelled = predict(&samples, sample, peer)?;
        let off = 100.0 * (modelled.makespan_ns / least(&ns) - 1.0);
        offs.push(off.abs());
        table.row([
            task_name(sample),
            text(sample, "threads").to_string(),
            text(sample, "peer").to_string(),
            format!("{:.1} ({:.1})", least(&ns) / 1e6, median(&ns) / 1e6),
            format!("{:.1}", modelled.makespan_ns / 1e6),
            format!("{off:+.0}%"),
            format!("{:.0}", median(&numbers(&rounds, "chunks"))),
            modelled.chunks.to_string(),
        ]);
    }
    Ok(format!(
        "## Measured in a guest, and predicted\n\n{table}\nOff by {:.0}% (median), {:.0}% (most).\n",
        median(&offs),
        most(&offs)
    ))
}

fn read(csv: &str) -> Result<Vec<Sample>, String> {
    let mut lines = csv.lines();
    let names: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
    if !names.contains(&"time_ns") {
        return Err("these are no samples of scripts/bench".into());
    }
    let sample = |line: &str| {
        let pairs = names.iter().zip(line.split(','));
        pairs
            .map(|(&name, value)| (name.to_string(), value.to_string()))
            .collect()
    };
    Ok(lines.map(sample).collect())
}

fn text<'a>(sample: &'a Sample, name: &str) -> &'a str {
    sample.get(name).map_or("", String::as_str)
}

fn number(sample: &Sample, name: &str) -> Option<f64> {
    text(sample, name).parse().ok()
}

fn numbers(samples: &[&Sample], name: &str) -> Vec<f64> {
    let numbers = samples.iter().filter_map(|sample| number(sample, name));
    numbers.collect()
}

fn peer(sample: &Sample) -> Option<Peer> {
    let name = text(sample, "peer");
    let found = PEERS.into_iter().find(|peer| peer.0 == name);
    found.map(|peer| peer.1)
}

/// Whether two samples are of the same task and agree in some other things.
fn same(a: &Sample, b: &Sample, and: &[&str]) -> bool {
    TASK.iter()
        .chain(and)
        .all(|&name| text(a, name) == text(b, name))
}

fn task_name(sample: &Sample) -> String {
    match (text(sample, "skew"), text(sample, "hogs")) {
        ("", _) => text(sample, "work").into(),
        (_, "1") => "one CPU busy".into(),
        ("eighth", _) => format!("dear eighth {}", text(sample, "where")),
        (skew, _) => skew.into(),
    }
}

fn profile(sample: &Sample) -> Profile {
    match text(sample, "skew") {
        "rising" => Profile::Rising,
        "falling" => Profile::Falling,
        "tail" => Profile::Tail,
        "eighth" => Profile::Eighth(text(sample, "where").parse().unwrap_or(0)),
        _ => Profile::Uniform,
    }
}

fn predict(samples: &[Sample], sample: &Sample, peer: Peer) -> Result<Outcome, String> {
    let integer = |name| number(sample, name).map(|n| n as usize).ok_or(name);
    let of = |peer| samples.iter().filter(move |s| text(s, "peer") == peer);
    let alone: Vec<_> = of("one_thread").filter(|s| same(s, sample, &[])).collect();
    let ktask: Vec<_> = of("ktask").collect();
    // Work of both nodes names none.
    let nodes = if text(sample, "node").is_empty() {
        2
    } else {
        1
    };
    let threads = samples.iter().filter_map(|s| number(s, "threads"));
    let cpus = threads.fold(0.0, f64::max) as usize / nodes;
    let mut machine = Machine::new("guest", nodes, cpus, cpus);
    let began = least(&numbers(&ktask, "helper_ns"));
    if began.is_finite() {
        machine.wake_ns = (began - machine.queue_ns).max(0.0);
    }
    let work = Work::new(
        profile(sample),
        integer("units")?,
        integer("min")?,
        least(&numbers(&alone, "time_ns")),
        &[0, 1][..nodes],
    );
    let noise = Noise {
        hogs: number(sample, "hogs").unwrap_or(0.0) as usize,
        ..Noise::QUIET
    };
    Ok(run(peer, &machine, &work, integer("threads")?, noise, 0))
}

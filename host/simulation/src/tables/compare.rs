// SPDX-License-Identifier: GPL-2.0

//! ktask and its peers on all machines.

use crate::{
    machines,
    run,
    stats::{
        least,
        median,
        most, //
    },
    survey::{
        survey,
        Case,
        THREADS, //
    },
    table::Table,
    Machine,
    Noise,
    Peer,
    Profile,
    Work, //
};

/// Thread counts that the table of starts has rows for.
const STARTS: [usize; 3] = [8, 16, 64];

/// "Never slower" within what two kinds of noise differ by.
const NOISE: f64 = 1.01;

/// Efficiency, chunks, starts of helpers, and where ktask is behind.
pub fn compare() -> String {
    let cases = survey(&Peer::ALL);
    format!(
        "## Peers: the ideal by the time, in percent\n\nMedian (worst); chunks, median.\n\n{}\n\
         ## Peers: from the call until a helper's first chunk, in microseconds\n\n\
         First, median, last; \"new\" pools have one worker each.\n\n{}\n\
         ## Where ktask is slower than a peer by more than 1%\n\n{}",
        efficiency(&cases),
        starts(),
        behind(&cases)
    )
}

fn headings(first: &[&str]) -> Table {
    let first = first.iter().map(ToString::to_string);
    Table::new(first.chain(Peer::ALL.map(Peer::name)))
}

fn efficiency(cases: &[Case]) -> Table {
    let mut table = headings(&["tasks"]);
    let mut row = |name: String, some: &dyn Fn(&Case) -> bool| {
        let cell = |peer| {
            let some = || cases.iter().filter(|&case| some(case));
            let found: Vec<_> = some().map(|case| case.efficiency(peer)).collect();
            let chunks: Vec<_> = some().map(|case| case.chunks(peer)).collect();
            format!(
                "{:.1} ({:.1}); {:.0}",
                median(&found),
                least(&found),
                median(&chunks)
            )
        };
        table.row([name].into_iter().chain((0..Peer::ALL.len()).map(cell)));
    };
    row("all".into(), &|_| true);
    for machine in machines::all() {
        row(machine.name.into(), &|case| {
            case.machine.name == machine.name
        });
    }
    for profile in Profile::ALL {
        row(profile.name().into(), &|case| case.profile == profile);
    }
    for threads in THREADS {
        row(format!("{threads} threads"), &|case| {
            case.threads == threads
        });
    }
    row("quiet".into(), &|case| case.quiet);
    row("busy".into(), &|case| !case.quiet);
    row("of one node".into(), &|case| !case.spread);
    row("of several nodes".into(), &|case| case.spread);
    table
}

/// Starts of helpers with pools that have enough workers, and with new ones.
fn starts() -> Table {
    let mut table = headings(&["machine", "threads", "pools"]);
    let large = machines::all().into_iter().filter(|m| m.cpus() > STARTS[2]);
    for machine in large {
        for threads in STARTS {
            for (pools, idle_workers) in [("warm", usize::MAX), ("new", 1)] {
                let machine = Machine {
                    idle_workers,
                    ..machine.clone()
                };
                let names = [machine.name, &threads.to_string(), pools].map(String::from);
                let cells = Peer::ALL.map(|peer| started(peer, &machine, threads));
                table.row(names.into_iter().chain(cells));
            }
        }
    }
    table
}

fn started(peer: Peer, machine: &Machine, threads: usize) -> String {
    let nodes: Vec<_> = (0..machine.nodes).collect();
    let work = Work::new(Profile::Uniform, 65536, 8, 1e9, &nodes);
    let caller = machine.node_cpus / 2;
    let starts = run(peer, machine, &work, threads, Noise::QUIET, caller).starts_ns;
    let kth = |share: f64| {
        let index = share * (starts.len() - 1) as f64;
        format!("{:.0}", starts[index.round() as usize] / 1e3)
    };
    format!("{}, {}, {}", kth(0.0), kth(0.5), kth(1.0))
}

/// Why ktask may be behind.
fn reason(case: &Case) -> &'static str {
    match case.profile {
        _ if case.limited() => REASONS[0],
        Profile::Uniform => REASONS[3],
        Profile::Tail => REASONS[2],
        _ if case.spread => REASONS[1],
        _ => REASONS[3],
    }
}

const REASONS: [&str; 4] = [
    "its limit leaves it fewer threads",
    "one node's part is dearer than another's",
    "units of 1 to 1024 times the cost",
    "other",
];

fn behind(cases: &[Case]) -> Table {
    let mut table = Table::new(["why", "peer", "cases", "behind", "most"]);
    for why in REASONS {
        for (peer, which) in Peer::ALL.iter().enumerate().skip(1) {
            let some = cases.iter().filter(|case| reason(case) == why);
            let ratios: Vec<_> = some.map(|case| case.ratio(0, peer)).collect();
            let behind = ratios.iter().filter(|&&ratio| ratio > NOISE).count();
            table.row([
                why.to_string(),
                which.name(),
                ratios.len().to_string(),
                behind.to_string(),
                format!("{:.2}", most(&ratios)),
            ]);
        }
    }
    table
}

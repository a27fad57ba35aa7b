// SPDX-License-Identifier: GPL-2.0

//! Chunk rules side by side.

use crate::{
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
    ChunkRule,
    Peer,
    Profile, //
};

/// The module's and others, with its slow start and without.
const RULES: [ChunkRule; 8] = [
    ChunkRule::Module,
    rule(2, 8, false),
    rule(3, 8, true),
    rule(4, 8, true),
    rule(2, 4, true),
    rule(2, 16, true),
    rule(4, 0, true),
    rule(2, 0, false),
];

const fn rule(shares: usize, cap: usize, slow_start: bool) -> ChunkRule {
    ChunkRule::Guided {
        shares,
        cap,
        slow_start,
    }
}

/// Efficiency and number of chunks with each rule: of all tasks, by what units cost, and by the
/// number of threads.
pub fn chunks() -> String {
    let cases = survey(&RULES.map(Peer::Ktask));
    let mut table = Table::new([
        "tasks",
        "chunk",
        "quiet: median %",
        "worst %",
        "busy: median %",
        "worst %",
        "chunks",
        "most",
    ]);
    rows(&mut table, "all", cases.iter().collect());
    for profile in Profile::ALL {
        let some = cases.iter().filter(|case| case.profile == profile);
        rows(&mut table, profile.name(), some.collect());
    }
    for threads in THREADS {
        let some = cases.iter().filter(|case| case.threads == threads);
        rows(&mut table, &format!("{threads} threads"), some.collect());
    }
    format!(
        "## Chunk rules\n\nr is what remains of the part, s its size, n the threads of the task; \
         in percent of the ideal.\n\n{table}"
    )
}

fn rows(table: &mut Table, what: &str, cases: Vec<&Case>) {
    for (index, rule) in RULES.iter().enumerate() {
        let efficiency = |quiet: bool| -> Vec<f64> {
            let some = cases.iter().filter(|case| case.quiet == quiet);
            some.map(|case| case.efficiency(index)).collect()
        };
        let quiet = efficiency(true);
        let busy = efficiency(false);
        let outcomes = cases.iter().map(|case| &case.outcomes[index]);
        let chunks: Vec<_> = outcomes.map(|o| o.chunks as f64).collect();
        table.row([
            what.to_string(),
            rule.name(),
            format!("{:.1}", median(&quiet)),
            format!("{:.1}", least(&quiet)),
            format!("{:.1}", median(&busy)),
            format!("{:.1}", least(&busy)),
            format!("{:.0}", median(&chunks)),
            format!("{:.0}", most(&chunks)),
        ]);
    }
}

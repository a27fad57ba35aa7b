// SPDX-License-Identifier: GPL-2.0

//! The RFC's own tables beside what the model makes of them.

use crate::{
    rfc::{
        TABLES,
        THREADS, //
    },
    table::Table,
    Peer, //
};

/// Speed-ups over one thread: the RFC's, v4's policy in the model, and ktask's.
pub fn rfc() -> String {
    let mut table = Table::new([
        "machine",
        "GiB",
        "ceiling",
        "remote",
        "threads",
        "RFC",
        "v4, model",
        "off by",
        "ktask, model",
        "off by",
    ]);
    for measured in &TABLES {
        let machine = measured.calibrated();
        for (&threads, s) in THREADS.iter().zip(measured.s).skip(1) {
            let rfc = measured.s[0] / s;
            let [v4, ktask] = [Peer::V4, Peer::KTASK].map(|peer| {
                let up = measured.modelled(peer, 1) / measured.modelled(peer, threads);
                [
                    format!("{up:.2}"),
                    format!("{:+.0}%", 100.0 * (up / rfc - 1.0)),
                ]
            });
            let row = [
                machine.name.to_string(),
                measured.gib.to_string(),
                format!("{:.2}", machine.ceiling),
                format!("{:.2}", machine.remote),
                threads.to_string(),
                format!("{rfc:.2}"),
            ];
            table.row(row.into_iter().chain(v4).chain(ktask));
        }
    }
    format!("## Speed-ups that the RFC tells of, and the model's\n\n{table}")
}

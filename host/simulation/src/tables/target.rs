// SPDX-License-Identifier: GPL-2.0

//! The target: 100 GiB on 288 CPUs.

use super::verdict;
use crate::{
    stats::{
        least,
        most, //
    },
    table::Table,
    target::{
        clear,
        LAYOUTS,
        NOISES, //
    },
    Peer, //
};

/// Minimum chunks in MiB: that of the target, and that of the samples.
const MIN: usize = 2;
const SAMPLES_MIN: usize = 8;

/// Time of each policy, and the ideal by that.
pub fn target() -> String {
    let first = ["100 GiB", "machine"].map(String::from);
    let names = Peer::ALL.map(|peer| peer.name());
    let samples = format!("ktask, chunks from {SAMPLES_MIN} MiB");
    let mut table = Table::new(first.into_iter().chain(names).chain([samples]));
    let (mut efficiency, mut behind, mut ahead) = (Vec::new(), Vec::new(), Vec::new());
    for layout in LAYOUTS {
        for (name, noise) in NOISES {
            let cleared = Peer::ALL.map(|peer| clear(peer, layout, noise, MIN));
            efficiency.push(cleared[0].efficiency);
            behind.extend(cleared[1..].iter().map(|peer| cleared[0].s / peer.s));
            if noise.jitter > 0.0 {
                ahead.extend(cleared[1..].iter().map(|peer| cleared[0].s / peer.s));
            }
            let samples = clear(Peer::KTASK, layout, noise, SAMPLES_MIN);
            let cells = cleared.iter().chain([&samples]);
            let cells = cells.map(|c| format!("{:.3}; {:.1}", c.s, c.efficiency));
            table.row(
                [layout.name, name]
                    .map(String::from)
                    .into_iter()
                    .chain(cells),
            );
        }
    }
    let (efficiency, behind, ahead) = (least(&efficiency), most(&behind), most(&ahead));
    format!(
        "## 100 GiB on 288 CPUs of 8 nodes, 16 threads\n\n\
         Seconds; the ideal by that, in percent. Chunks of at least {MIN} MiB.\n\n{table}\n{}{}{}",
        verdict(
            "100 GiB on 288 CPUs with 16 threads: at least 97% of the ideal",
            format!("{efficiency:.1}%"),
            efficiency >= 97.0
        ),
        verdict(
            "the same: at most 1.01 of any peer's time",
            format!("{behind:.3}"),
            behind <= 1.01
        ),
        verdict(
            "the same where chunks differ: less than any peer's time",
            format!("{ahead:.3}"),
            ahead < 1.0
        )
    )
}

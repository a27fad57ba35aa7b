// SPDX-License-Identifier: GPL-2.0

//! A task that can have no helper: there is nothing to share and nobody to wait for, so each node
//! part is one chunk, and the call costs little more than a plain one.

use crate::ktask::engine::task::undo_completed;
use crate::ktask::engine::Client;
use crate::ktask::engine::Engine;
use crate::ktask::kernel::lockdep;
use crate::ktask::kernel::sched;
use crate::ktask::policy::undo::Failed;
use crate::ktask::protocol::part::Part;

/// Runs the parts of a task one after the other. Returns 0 or the client's error. May sleep.
#[inline]
pub(super) fn run<C: Client>(
    engine: &Engine,
    client: C,
    parts: &[Part],
    class: lockdep::Class,
) -> i32 {
    // Only undoing reads what is noted in the parts.
    let undoes = client.undoes();
    if undoes {
        parts.iter().for_each(Part::reset);
    }
    let mut chunks = 0usize;
    let mut units = 0usize;
    let wait = lockdep::Wait::new(class, client.function());
    let held = wait.hold();
    for part in parts.iter().filter(|part| part.size() > 0) {
        if chunks > 0 {
            sched::cond_resched();
        }
        chunks = chunks.wrapping_add(1);
        units = units.wrapping_add(part.size());
        let end = client.advance(part.start(), part.size());
        let error = client.run(part.start(), end);
        if error != 0 {
            drop(held);
            count(engine, chunks, units);
            fail(engine, client, parts, part, end);
            return error;
        }
        if undoes {
            part.claim_all(end);
        }
    }
    drop(held);
    count(engine, chunks, units);
    0
}

fn count(engine: &Engine, chunks: usize, units: usize) {
    engine.stats.chunks.add(chunks);
    engine.stats.units.add(units);
}

/// Undoes a task that failed in `part`, whose end is the position `end`.
#[cold]
#[inline(never)]
fn fail<C: Client>(engine: &Engine, client: C, parts: &[Part], part: &Part, end: usize) {
    let failed = parts
        .iter()
        .position(|other| core::ptr::eq(other, part))
        .map(|index| Failed {
            part: index,
            chunk: part.claim_all(end),
        });
    undo_completed(engine, &client, parts, failed.into_iter());
}

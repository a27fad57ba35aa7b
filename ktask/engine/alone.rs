// SPDX-License-Identifier: GPL-2.0

//! A task that can have no helper: there is nothing to share and nobody to wait for, so each node
//! part is one chunk, and the call costs little more than a plain one.

use super::{
    task::undo_completed,
    Client,
    Engine,
    Request, //
};
use crate::ktask::{
    kernel::{
        lockdep,
        sched, //
    },
    policy::undo::Failed,
    protocol::part::Part, //
};

/// Runs the parts of a task one after the other. Returns 0 or the client's error. May sleep.
#[inline]
pub(super) fn run<C: Client>(engine: &Engine, request: Request<'_, C>) -> i32 {
    let Request {
        client,
        parts,
        options,
        ..
    } = request;
    // Only undoing reads what is noted in the parts.
    let undoes = client.undoes();
    if undoes {
        parts.iter().for_each(Part::reset);
    }
    let mut chunks = 0usize;
    let mut units = 0usize;
    let wait = lockdep::Wait::new(options.class, client.function());
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
            engine.stats.ran_alone(chunks, units);
            // A copy of its own, or the request would be in memory where nothing fails, too.
            fail(engine, &Request { ..request }, part, end);
            return error;
        }
        if undoes {
            part.claim_all(end);
        }
    }
    drop(held);
    engine.stats.ran_alone(chunks, units);
    0
}

/// Undoes a task that failed in `part`, whose end is the position `end`.
#[cold]
#[inline(never)]
fn fail<C: Client>(engine: &Engine, request: &Request<'_, C>, part: &Part, end: usize) {
    let failed = request
        .parts
        .iter()
        .position(|other| core::ptr::eq(other, part))
        .map(|index| Failed {
            part: index,
            chunk: part.claim_all(end),
        });
    undo_completed(engine, request, failed.into_iter());
}

// SPDX-License-Identifier: GPL-2.0

//! What has to be undone after a failure.
//!
//! A claimed chunk always runs, so everything claimed either completed or failed. Every thread
//! stops at its own first failure, so one record per thread holds all failures and nothing need be
//! kept about what completed.

use super::chunk::Chunk;

/// A chunk whose thread function failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Index of its node part.
    pub(crate) part: usize,
    /// The chunk.
    pub(crate) chunk: Chunk,
}

/// Calls `undo` with the start and end position of each longest completed range of a part.
///
/// `start` is the part's position, `claimed` the units claimed from it and `end` the position after
/// those; `failed` lists the failed chunks of the whole task in any order.
pub(crate) fn completed(
    part: usize,
    start: usize,
    claimed: usize,
    end: usize,
    failed: impl Iterator<Item = Failed> + Clone,
    mut undo: impl FnMut(usize, usize),
) {
    let mut offset = 0;
    let mut position = start;
    loop {
        let next = failed
            .clone()
            .filter(|f| f.part == part && f.chunk.offset >= offset)
            .map(|f| f.chunk)
            .min_by_key(|chunk| chunk.offset);
        let Some(chunk) = next else {
            if claimed > offset {
                undo(position, end);
            }
            return;
        };
        if chunk.offset > offset {
            undo(position, chunk.start);
        }
        offset = chunk.offset.saturating_add(chunk.len);
        position = chunk.end;
    }
}

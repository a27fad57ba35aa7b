// SPDX-License-Identifier: GPL-2.0

//! Rules for the length of chunks: the module's, and others to compare it with.

use crate::ktask::{
    policy::chunk::Sizes,
    protocol::part::Part, //
};
use core::ops::Range;

/// How the length of the next chunk is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkRule {
    /// As the module does.
    Module,
    /// What remains by `shares` times the threads, but at most the part by `cap` times the
    /// threads, if that is not 0.
    Guided {
        /// The larger, the smaller the chunks.
        shares: usize,
        /// The larger, the smaller the first chunks.
        cap: usize,
        /// Whether helpers claim no more than they have done so far and one minimum chunk.
        slow_start: bool,
    },
}

/// What chunks depend on besides the part.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) min: usize,
    pub(super) threads: usize,
    pub(super) helper: bool,
}

impl ChunkRule {
    /// Its name in tables.
    pub fn name(self) -> String {
        match self {
            Self::Module => "module".into(),
            Self::Guided {
                shares,
                cap,
                slow_start,
            } => {
                let slow = if slow_start { "" } else { ", at once" };
                match cap {
                    0 => format!("r/{shares}n{slow}"),
                    _ => format!("min(r/{shares}n, s/{cap}n){slow}"),
                }
            }
        }
    }

    /// Claims a chunk of `part` for a thread that has done `done` units of it.
    pub(super) fn claim(self, part: &Part, shape: Shape, done: usize) -> Option<Range<usize>> {
        let Shape {
            min,
            threads,
            helper,
        } = shape;
        let chunk = match self {
            Self::Module => {
                let sizes = Sizes::new(part.size(), min, threads);
                let sizes = if helper {
                    sizes.with_slow_start()
                } else {
                    sizes
                };
                part.claims(sizes).next(done)?
            }
            Self::Guided {
                shares,
                cap,
                slow_start,
            } => {
                let guided = part.remaining() / (shares * threads);
                let most = part.size().checked_div(cap * threads);
                let mut len = (guided.min(most.unwrap_or(guided)) / min * min).max(min);
                if slow_start && helper {
                    len = len.min(done + min);
                }
                // For so many threads a chunk is the minimum, whatever the module's rule is.
                let sizes = Sizes::new(part.size(), len, usize::MAX);
                part.claims(sizes).next(0)?
            }
        };
        Some(chunk.start..chunk.end)
    }
}

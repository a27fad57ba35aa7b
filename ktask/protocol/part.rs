// SPDX-License-Identifier: GPL-2.0

//! A node part: the part of a task that belongs to one NUMA node, and how chunks are claimed from
//! it.

use crate::ktask::{
    policy::chunk::{
        Chunk,
        Sizes, //
    },
    sync::{
        Atomic,
        Relaxed, //
    }, //
};
use core::mem::offset_of;

/// One node part. The layout is that of `struct ktask_node`, so that the caller's own array serves
/// and nothing need be allocated.
#[repr(C)]
pub(crate) struct Part {
    start: usize,
    size: usize,
    nid: i32,
    threads: Atomic<u32>,
    claimed: Atomic<usize>,
    position: Atomic<usize>,
}

impl Part {
    /// A part of `size` units from `start` on node `nid` (negative: any).
    pub(crate) fn new(start: usize, size: usize, nid: i32) -> Self {
        Self {
            start,
            size,
            nid,
            threads: Atomic::new(0),
            claimed: Atomic::new(0),
            position: Atomic::new(start),
        }
    }

    /// Offsets of the fields in bytes, for whoever gives us memory laid out in another language.
    pub(crate) const fn offsets() -> [usize; 6] {
        [
            offset_of!(Self, start),
            offset_of!(Self, size),
            offset_of!(Self, nid),
            offset_of!(Self, threads),
            offset_of!(Self, claimed),
            offset_of!(Self, position),
        ]
    }

    /// Forgets the progress of an earlier task. Only while no task runs on this part.
    pub(crate) fn reset(&self) {
        self.threads.store(0, Relaxed);
        self.claimed.store(0, Relaxed);
        self.position.store(self.start, Relaxed);
    }

    /// The client's position where the part starts.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Its size in units.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The node where helpers should run, or `None` for any.
    pub(crate) fn nid(&self) -> Option<usize> {
        usize::try_from(self.nid).ok()
    }

    /// The node id as the client gave it.
    pub(crate) fn raw_nid(&self) -> i32 {
        self.nid
    }

    /// How many units have been claimed.
    pub(crate) fn claimed(&self) -> usize {
        self.claimed.load(Relaxed)
    }

    /// How many units nobody has claimed yet.
    pub(crate) fn remaining(&self) -> usize {
        self.size.saturating_sub(self.claimed())
    }

    /// How many threads of the task were sent here to begin with, less those that left early.
    pub(crate) fn threads(&self) -> u32 {
        self.threads.load(Relaxed)
    }

    /// Counts one more thread sent here.
    pub(crate) fn add_thread(&self) {
        self.threads.fetch_add(1, Relaxed);
    }

    /// A thread that was sent here leaves the task before the task's work is done.
    pub(crate) fn remove_thread(&self) {
        self.threads.fetch_sub(1, Relaxed);
    }

    /// A thread's way through this part, in chunks of these sizes.
    #[inline]
    pub(crate) fn claims(&self, sizes: Sizes) -> Claims<'_> {
        Claims {
            part: self,
            sizes,
            seen: self.claimed(),
        }
    }

    /// Claims `len` units of a range if `offset` units are claimed. Otherwise returns how many are, as
    /// an error. No ordering is needed, as in [`Claims::next`].
    #[inline(always)]
    pub(crate) fn claim(&self, offset: usize, len: usize) -> Result<(), usize> {
        let claimed = offset.wrapping_add(len);
        self.claimed.cmpxchg(offset, claimed, Relaxed).map(|_| ())
    }

    /// Claims the next chunk with a custom iterator, which `advance` calls, for a thread that has
    /// done `done` units of the part. `None` from `advance` means that the task has failed
    /// meanwhile; then nothing is claimed.
    ///
    /// The iterator is a sequential walk: the calling thread holds the iterator lock.
    pub(crate) fn claim_walk(
        &self,
        sizes: Sizes,
        done: usize,
        advance: impl FnOnce(usize, usize) -> Option<usize>,
    ) -> Option<Chunk> {
        let offset = self.claimed();
        let remaining = self.size.saturating_sub(offset);
        if remaining == 0 {
            return None;
        }
        let len = sizes.next(remaining, done);
        let start = self.position.load(Relaxed);
        let end = advance(start, len)?;
        self.position.store(end, Relaxed);
        self.claimed.store(offset.wrapping_add(len), Relaxed);
        Some(Chunk {
            offset,
            len,
            start,
            end,
        })
    }

    /// The chunk of `len` units that `offset` units precede, in a part that is a range.
    #[inline]
    pub(crate) fn chunk(&self, offset: usize, len: usize) -> Chunk {
        let start = self.start.wrapping_add(offset);
        Chunk {
            offset,
            len,
            start,
            end: start.wrapping_add(len),
        }
    }

    /// Claims all of a part that no other thread uses; `end` is the position after it.
    pub(crate) fn claim_all(&self, end: usize) -> Chunk {
        self.claimed.store(self.size, Relaxed);
        self.position.store(end, Relaxed);
        Chunk {
            offset: 0,
            len: self.size,
            start: self.start,
            end,
        }
    }

    /// The client's position after everything claimed so far, for a part that is walked (`walk`)
    /// or a range.
    pub(crate) fn claimed_end(&self, walk: bool) -> usize {
        if walk {
            self.position.load(Relaxed)
        } else {
            self.start.wrapping_add(self.claimed())
        }
    }
}

/// One thread's way through a part that is a range.
pub(crate) struct Claims<'a> {
    part: &'a Part,
    sizes: Sizes,
    /// How many units had been claimed when this thread last looked. Each compare-exchange returns
    /// the present value, so that only the first look costs a load.
    seen: usize,
}

impl Claims<'_> {
    /// Claims the next chunk, for a thread that has done `done` units of the part: one
    /// compare-exchange, no lock.
    ///
    /// No ordering is needed: the counter guards no data of ours, and what the client's data needs
    /// comes with the start and the end of the helper.
    #[inline]
    pub(crate) fn next(&mut self, done: usize) -> Option<Chunk> {
        let part = self.part;
        loop {
            let offset = self.seen;
            if offset >= part.size {
                return None;
            }
            let remaining = part.size.wrapping_sub(offset);
            let len = self.sizes.next(remaining, done);
            let claimed = offset.wrapping_add(len);
            match part.claimed.cmpxchg(offset, claimed, Relaxed) {
                Ok(_) => {
                    self.seen = claimed;
                    return Some(part.chunk(offset, len));
                }
                Err(now) => self.seen = now,
            }
        }
    }
}

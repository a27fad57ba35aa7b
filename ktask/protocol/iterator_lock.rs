// SPDX-License-Identifier: GPL-2.0

//! Whose turn it is to walk with a client's iterator: one thread at a time.
//!
//! A helper runs at the lowest priority, so it can lose its CPU for long while it walks. A caller
//! that waits for its turn does not wait for that: it lends the helper its nice value until the
//! walk is over. A turn is nobody's until a thread takes it, as any thread that is next in a queue
//! may be one that has no CPU.

use core::mem::take;

/// Who walks.
enum Walker<W> {
    Nobody,
    Caller,
    /// A helper in this worker, and whether the caller has lent it its nice value.
    Helper(W, bool),
}

/// What is left to do for a thread that has walked, besides telling a helper that waits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Walked {
    /// The caller waits, and is to be told.
    pub(crate) caller_waits: bool,
    /// It was lent a nice value, and is to run at the lowest priority again.
    pub(crate) was_lent: bool,
}

/// The turns of one task; `W` is a worker. Belongs under a lock, which is held until the nice
/// values told here have been set.
pub(crate) struct Turns<W> {
    walker: Walker<W>,
    caller_waits: bool,
    over: bool,
}

impl<W: Copy> Turns<W> {
    /// Nobody walks.
    pub(crate) fn new() -> Self {
        Self {
            walker: Walker::Nobody,
            caller_waits: false,
            over: false,
        }
    }

    /// Caller: begins to walk, or will be told when to try again.
    pub(crate) fn begin_caller(&mut self) -> bool {
        let begins = matches!(self.walker, Walker::Nobody);
        if begins {
            self.walker = Walker::Caller;
        }
        self.caller_waits = !begins;
        begins
    }

    /// Caller, while it waits: the worker to lend its nice value to.
    pub(crate) fn lend(&mut self) -> Option<W> {
        match &mut self.walker {
            Walker::Helper(worker, lent) => {
                *lent = true;
                Some(*worker)
            }
            _ => None,
        }
    }

    /// Helper: begins to walk in `worker`, or is to try again later.
    pub(crate) fn begin_helper(&mut self, worker: W) -> bool {
        let begins = matches!(self.walker, Walker::Nobody);
        if begins {
            self.walker = Walker::Helper(worker, false);
        }
        begins
    }

    /// Whoever walks: has walked.
    pub(crate) fn end(&mut self) -> Walked {
        let was_lent = matches!(self.walker, Walker::Helper(_, true));
        self.walker = Walker::Nobody;
        Walked {
            caller_waits: take(&mut self.caller_waits),
            was_lent,
        }
    }

    /// Caller: has found that there is nothing left to walk for. Helpers need not wait any more.
    pub(crate) fn finish(&mut self) {
        self.over = true;
    }

    /// Whether there is nothing left to walk for.
    pub(crate) fn over(&self) -> bool {
        self.over
    }
}

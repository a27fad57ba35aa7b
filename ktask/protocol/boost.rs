// SPDX-License-Identifier: GPL-2.0

//! Priority inheritance: a caller that waits for one of its helpers boosts it to its own nice value.
//!
//! Helpers run at the lowest priority. Without the boost a caller would wait for a helper that has
//! no CPU for as long as any other thread of the machine has work.

/// The lowest priority of a normal thread.
pub(crate) const MAX_NICE: i32 = 19;

/// Who is boosted: the one owner of the nice values of a task's helpers. `M` is a member.
///
/// Belongs under a lock, which is held until a nice value told here has been set: otherwise a worker
/// could be given a nice value after its run.
pub(crate) struct Boost<M> {
    boosted: Option<M>,
    nice: i32,
}

impl<M: Copy + PartialEq> Boost<M> {
    /// A task none of whose helpers is boosted.
    pub(crate) fn new() -> Self {
        Self {
            boosted: None,
            nice: MAX_NICE,
        }
    }

    /// Boosts `member` to `nice`, and nobody else.
    pub(crate) fn give(&mut self, member: M, nice: i32) {
        self.boosted = Some(member);
        self.nice = nice;
    }

    /// The member that is boosted.
    pub(crate) fn boosted(&self) -> Option<M> {
        self.boosted
    }

    /// The nice value of `member`: what it is boosted to, else the lowest priority.
    pub(crate) fn nice_of(&self, member: M) -> i32 {
        if self.boosted == Some(member) {
            self.nice
        } else {
            MAX_NICE
        }
    }

    /// Ends the boost of `member`. Returns the nice value that the member was boosted to.
    pub(crate) fn end(&mut self, member: M) -> Option<i32> {
        if self.boosted != Some(member) {
            return None;
        }
        self.boosted = None;
        Some(self.nice)
    }
}

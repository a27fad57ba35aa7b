// SPDX-License-Identifier: GPL-2.0

//! The nice value of a helper's worker: the lowest priority, or what the owner lends it.

/// The lowest priority of a normal task.
pub(crate) const MAX_NICE: i32 = 19;

/// Which worker `W` is the helper at the moment, and what it is lent. Belongs under a lock, which
/// is held until the nice values told here have been set: otherwise a worker could be given a
/// nice value after it has stopped being the helper, or even has ended.
pub(crate) struct Lending<W> {
    /// The worker, while it is the helper, and its own nice value, to be restored.
    worker: Option<(W, i32)>,
    /// The nice value that the owner lends.
    lent: Option<i32>,
}

impl<W: Copy> Lending<W> {
    /// No worker, nothing lent.
    pub(crate) fn new() -> Self {
        Self {
            worker: None,
            lent: None,
        }
    }

    /// Owner: lends nothing any more to workers that come.
    pub(crate) fn reset(&mut self) {
        self.lent = None;
    }

    /// A worker whose own nice value is `own` becomes the helper. Returns the one to run at.
    pub(crate) fn enter(&mut self, worker: W, own: i32) -> i32 {
        self.worker = Some((worker, own));
        self.lent.unwrap_or(MAX_NICE)
    }

    /// The worker stops being the helper. Returns its own nice value.
    pub(crate) fn leave(&mut self) -> Option<i32> {
        self.worker.take().map(|(_, own)| own)
    }

    /// Owner: lends `nice` to the worker that is the helper now, which is returned, and to those
    /// that will be.
    pub(crate) fn lend(&mut self, nice: i32) -> Option<W> {
        self.lent = Some(nice);
        self.worker.map(|(worker, _)| worker)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The free helpers: a ring.
//!
//! The helper that has been free for longest is taken first. A stack would take the one whose last
//! worker is still on its way out, and the work item that is queued then would go to that worker's
//! pool.

use core::ops::DerefMut;

/// A ring of helpers. `V` is a vector of `u32`, the kernel's or the host's. Belongs under a lock.
pub(crate) struct Ring<V> {
    helpers: V,
    head: usize,
    len: usize,
}

impl<V: DerefMut<Target = [u32]>> Ring<V> {
    /// A ring that holds all of `helpers`, and has room for no more.
    pub(crate) fn full(helpers: V) -> Self {
        let len = helpers.len();
        Self {
            helpers,
            head: 0,
            len,
        }
    }

    /// Removes the helper that has been in the ring for longest.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        let helper = *self.helpers.get(self.head)?;
        self.head = self.wrap(self.head.wrapping_add(1));
        self.len -= 1;
        Some(helper)
    }

    /// Adds a helper that was removed. There is no room for any other.
    pub(crate) fn push(&mut self, helper: u32) {
        if self.len == self.helpers.len() {
            return;
        }
        let tail = self.wrap(self.head.wrapping_add(self.len));
        if let Some(entry) = self.helpers.get_mut(tail) {
            *entry = helper;
            self.len += 1;
        }
    }

    fn wrap(&self, at: usize) -> usize {
        at.checked_rem(self.helpers.len()).unwrap_or(0)
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A pointer to the one live instance of something, for entry points that the kernel or another
//! module calls without telling which instance is meant.

use crate::ktask::sync::{
    Atomic,
    Full,
    Relaxed, //
};
use core::ptr;
use kernel::sync::Arc;

/// A place where one instance of `T` can be found.
pub(crate) struct Published<T: 'static>(Atomic<*mut T>);

impl<T: Sync> Published<T> {
    /// An empty place.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }

    /// Publishes `value` until the returned guard is dropped.
    pub(crate) fn publish(&'static self, value: Arc<T>) -> PublishedGuard<T> {
        let pointer: *const T = &*value;
        self.0.xchg(pointer.cast_mut(), Full);
        PublishedGuard {
            place: self,
            _value: value,
        }
    }

    /// The published instance, if there is one.
    ///
    /// # Safety
    ///
    /// The caller must know that the guard of what is published now outlives `'a`.
    pub(crate) unsafe fn get<'a>(&'static self) -> Option<&'a T> {
        // SAFETY: The pointer is null or that of what the guard owns, which is valid for `'a` by the
        // function's contract. The address dependency orders the accesses
        // through it after the load.
        unsafe { self.0.load(Relaxed).as_ref() }
    }
}

/// Keeps what was published alive; dropping it ends the publication.
pub(crate) struct PublishedGuard<T: 'static> {
    place: &'static Published<T>,
    _value: Arc<T>,
}

impl<T> Drop for PublishedGuard<T> {
    fn drop(&mut self) {
        self.place.0.xchg(ptr::null_mut(), Full);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! A pointer to the one live instance of something, for entry points that the kernel or another
//! module calls without telling which instance is meant.

use crate::ktask::sync::{
    Atomic,
    Full,
    Relaxed, //
};
use core::{
    ops::Deref,
    ptr, //
};
use kernel::sync::Arc;

/// A place where one instance of `T` can be found.
pub(crate) struct Published<T: 'static>(Atomic<*mut T>);

impl<T: Sync> Published<T> {
    /// An empty place.
    pub(crate) const fn new() -> Self {
        Self(Atomic::new(ptr::null_mut()))
    }

    /// Publishes what `owner` dereferences to, until the returned guard is dropped.
    pub(crate) fn publish<O>(&'static self, owner: Arc<O>) -> PublishedGuard<T, O>
    where
        O: Deref<Target = T>,
    {
        let value: *const T = &**owner;
        self.0.xchg(value.cast_mut(), Full);
        PublishedGuard {
            place: self,
            _owner: owner,
        }
    }

    /// The published instance, if there is one.
    ///
    /// # Safety
    ///
    /// The caller must know that the guard of what is published now outlives `'a`.
    pub(crate) unsafe fn get<'a>(&'static self) -> Option<&'a T> {
        // SAFETY: The pointer is null or was made from a reference into what the guard owns, which
        // is valid for `'a` by the function's contract. The address dependency orders the accesses
        // through it after the load.
        unsafe { self.0.load(Relaxed).as_ref() }
    }
}

/// Withdraws what was published when it is dropped, and keeps it alive until then.
pub(crate) struct PublishedGuard<T: 'static, O: 'static> {
    place: &'static Published<T>,
    _owner: Arc<O>,
}

impl<T, O> Drop for PublishedGuard<T, O> {
    fn drop(&mut self) {
        self.place.0.xchg(ptr::null_mut(), Full);
    }
}

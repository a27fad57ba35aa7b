// SPDX-License-Identifier: GPL-2.0

//! The twin of `ktask/sync.rs` for the host: the same names and signatures over the atomics and the
//! cell of `core`, or, with the feature `loom`, over those of a model checker.
//!
//! An ordering that the kernel does not offer for an operation does not compile here either.

#![allow(
    dead_code,
    reason = "mirrors the kernel's interface, of which not everything need be used"
)]

#[cfg(not(feature = "loom"))]
use core::sync::atomic;
#[cfg(feature = "loom")]
use loom::sync::atomic;

use atomic::{
    AtomicI32,
    AtomicU32,
    AtomicU64,
    AtomicUsize,
    Ordering, //
};

#[cfg(feature = "preempt")]
use crate::preempt;

/// Nobody is preempted on purpose.
#[cfg(not(feature = "preempt"))]
mod preempt {
    pub(super) fn point() {}
}

/// Atomic, and no more.
pub(crate) struct Relaxed;
/// Later accesses stay later.
pub(crate) struct Acquire;
/// Earlier accesses stay earlier.
pub(crate) struct Release;
/// Fully ordered. The LKMM's is stronger than `SeqCst`, so what passes here holds there.
pub(crate) struct Full;

/// An ordering of a read-modify-write operation.
pub(crate) trait AnyOrder {
    const RMW: Ordering;
}

impl AnyOrder for Relaxed {
    const RMW: Ordering = Ordering::Relaxed;
}

impl AnyOrder for Acquire {
    const RMW: Ordering = Ordering::Acquire;
}

impl AnyOrder for Release {
    const RMW: Ordering = Ordering::Release;
}

impl AnyOrder for Full {
    const RMW: Ordering = Ordering::SeqCst;
}

/// An ordering of a load.
pub(crate) trait LoadOrder: AnyOrder {}

impl LoadOrder for Relaxed {}
impl LoadOrder for Acquire {}

/// An ordering of a store.
pub(crate) trait StoreOrder: AnyOrder {}

impl StoreOrder for Relaxed {}
impl StoreOrder for Release {}

/// A type with an atomic counterpart.
pub(crate) trait Word: Copy {
    type Cell;

    fn cell(value: Self) -> Self::Cell;
    fn load(cell: &Self::Cell, order: Ordering) -> Self;
    fn store(cell: &Self::Cell, value: Self, order: Ordering);
    fn swap(cell: &Self::Cell, value: Self, order: Ordering) -> Self;
    fn cmpxchg(cell: &Self::Cell, old: Self, new: Self, order: Ordering) -> Result<Self, Self>;
    fn fetch_add(cell: &Self::Cell, value: Self, order: Ordering) -> Self;
    fn fetch_sub(cell: &Self::Cell, value: Self, order: Ordering) -> Self;
}

macro_rules! words {
    ($($word:ty => $cell:ty,)*) => {
        $(impl Word for $word {
            type Cell = $cell;

            fn cell(value: Self) -> $cell {
                <$cell>::new(value)
            }

            fn load(cell: &$cell, order: Ordering) -> Self {
                cell.load(order)
            }

            fn store(cell: &$cell, value: Self, order: Ordering) {
                cell.store(value, order);
            }

            fn swap(cell: &$cell, value: Self, order: Ordering) -> Self {
                cell.swap(value, order)
            }

            fn cmpxchg(
                cell: &$cell,
                old: Self,
                new: Self,
                order: Ordering,
            ) -> Result<Self, Self> {
                // As in the kernel, one that fails orders nothing.
                cell.compare_exchange(old, new, order, Ordering::Relaxed)
            }

            fn fetch_add(cell: &$cell, value: Self, order: Ordering) -> Self {
                cell.fetch_add(value, order)
            }

            fn fetch_sub(cell: &$cell, value: Self, order: Ordering) -> Self {
                cell.fetch_sub(value, order)
            }
        })*
    };
}

words! {
    i32 => AtomicI32,
    u32 => AtomicU32,
    u64 => AtomicU64,
    usize => AtomicUsize,
}

/// An atomic variable, laid out like the plain one.
#[repr(transparent)]
pub(crate) struct Atomic<T: Word>(T::Cell);

impl<T: Word> Atomic<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(T::cell(value))
    }

    pub(crate) fn load<O: LoadOrder>(&self, _: O) -> T {
        preempt::point();
        T::load(&self.0, O::RMW)
    }

    pub(crate) fn store<O: StoreOrder>(&self, value: T, _: O) {
        preempt::point();
        T::store(&self.0, value, O::RMW);
    }

    pub(crate) fn xchg<O: AnyOrder>(&self, value: T, _: O) -> T {
        preempt::point();
        T::swap(&self.0, value, O::RMW)
    }

    pub(crate) fn cmpxchg<O: AnyOrder>(&self, old: T, new: T, _: O) -> Result<T, T> {
        preempt::point();
        T::cmpxchg(&self.0, old, new, O::RMW)
    }

    pub(crate) fn add<O: AnyOrder>(&self, value: T, _: O) {
        preempt::point();
        T::fetch_add(&self.0, value, O::RMW);
    }

    pub(crate) fn fetch_add<O: AnyOrder>(&self, value: T, _: O) -> T {
        preempt::point();
        T::fetch_add(&self.0, value, O::RMW)
    }

    pub(crate) fn fetch_sub<O: AnyOrder>(&self, value: T, _: O) -> T {
        preempt::point();
        T::fetch_sub(&self.0, value, O::RMW)
    }
}

/// Data to which a protocol grants access; the model checker reports accesses that race.
#[cfg(feature = "loom")]
pub(crate) use loom::cell::UnsafeCell;

/// Data to which a protocol grants access.
#[cfg(not(feature = "loom"))]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(feature = "loom"))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(data: T) -> Self {
        Self(core::cell::UnsafeCell::new(data))
    }

    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

// SPDX-License-Identifier: GPL-2.0

//! What the folders without the kernel are written against: atomics, and the cell that a protocol
//! guards.
//!
//! In the kernel the atomics are those of the LKMM. The host has a twin of this file with the same
//! names, so that the very same protocols run there, on a model checker among others.

#[cfg(not(CONFIG_64BIT))]
compile_error!("ktask_rs needs a 64-bit kernel, where one access reads or writes 64 bits");

use core::ops::Deref;
use kernel::sync::atomic;

pub(crate) use atomic::{
    Full,
    Relaxed,
    Release, //
};

/// An atomic variable: the kernel crate's, but for relaxed loads and stores.
///
/// Relaxed loads and stores are volatile accesses, as `READ_ONCE()` and `WRITE_ONCE()` are in C. The
/// kernel crate calls a function for each, and a short task consists of little else.
#[repr(transparent)]
pub(crate) struct Atomic<T: Word>(atomic::Atomic<T>);

impl<T: Word> Atomic<T> {
    /// A variable with the given value.
    pub(crate) const fn new(value: T) -> Self {
        Self(atomic::Atomic::new(value))
    }

    /// Loads the value.
    #[inline(always)]
    pub(crate) fn load(&self, _: Relaxed) -> T {
        // SAFETY: The pointer is valid and aligned. A volatile access of a word is a marked access
        // of the LKMM, and so are all others to this variable.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    /// Stores a value.
    #[inline(always)]
    pub(crate) fn store<O: StoreOrder>(&self, value: T, _: O) {
        if O::RELEASES {
            T::store_release(&self.0, value);
        } else {
            // SAFETY: As in `load`.
            unsafe { self.0.as_ptr().write_volatile(value) };
        }
    }
}

#[cfg(CONFIG_X86_64)]
impl Atomic<usize> {
    /// Stores `new` if the value is `old`. Returns the value that was there, as an error if that was
    /// another one.
    ///
    /// Claiming a chunk is little else, so this is the instruction that `cmpxchg()` is in C, and not
    /// the call of a function.
    #[inline(always)]
    pub(crate) fn cmpxchg(&self, old: usize, new: usize, _: Relaxed) -> Result<usize, usize> {
        let found: usize;
        // SAFETY: The pointer is valid and aligned, and the instruction is one atomic access.
        unsafe {
            core::arch::asm!(
                "lock cmpxchg [{variable}], {new}",
                variable = in(reg) self.0.as_ptr(),
                new = in(reg) new,
                inout("rax") old => found,
                options(nostack),
            );
        }
        if found == old {
            Ok(found)
        } else {
            Err(found)
        }
    }
}

/// Everything else that an atomic variable can do.
impl<T: Word> Deref for Atomic<T> {
    type Target = atomic::Atomic<T>;

    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// An ordering of a store.
pub(crate) trait StoreOrder {
    /// Whether earlier accesses stay earlier.
    const RELEASES: bool;
}

impl StoreOrder for Relaxed {
    const RELEASES: bool = false;
}

impl StoreOrder for Release {
    const RELEASES: bool = true;
}

/// A type that one access of the machine reads or writes.
pub(crate) trait Word: atomic::AtomicType {
    /// Stores a value, after all earlier accesses.
    fn store_release(to: &atomic::Atomic<Self>, value: Self);
}

macro_rules! words {
    ($({ $($generics:tt)* } $word:ty,)*) => {
        $(impl $($generics)* Word for $word {
            #[inline(always)]
            fn store_release(to: &atomic::Atomic<Self>, value: Self) {
                to.store(value, Release);
            }
        })*
    };
}

words! {
    {} bool,
    {} i32,
    {} u32,
    {} i64,
    {} u64,
    {} usize,
    { <T> } *mut T,
}

/// Data to which a protocol grants access.
///
/// Access is a call with a pointer rather than a borrow, so that a model checker sees where each
/// access begins and ends.
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell with `data` in it.
    pub(crate) const fn new(data: T) -> Self {
        Self(core::cell::UnsafeCell::new(data))
    }

    /// Calls `access` with a pointer to the data, for one access that excludes all others.
    #[inline]
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

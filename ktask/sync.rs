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
    Acquire,
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
    pub(crate) fn load<O: LoadOrder>(&self, _: O) -> T {
        if O::ACQUIRES {
            T::load_acquire(&self.0)
        } else {
            // SAFETY: The pointer is valid and aligned. A volatile access of a word is a marked
            // access of the LKMM, and so are all others to this variable.
            unsafe { self.0.as_ptr().read_volatile() }
        }
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

// What the kernel crate calls a function for, as the one instruction that each is in C: a short task
// consists of little else. On x86-64 each is fully ordered, whatever ordering is asked for.

#[cfg(CONFIG_X86_64)]
macro_rules! cmpxchg {
    ($($word:ty: $operand:literal,)*) => {
        $(impl Atomic<$word> {
            /// Stores `new` if the value is `old`. Returns the value that was there, as an error if
            /// that was another one.
            #[inline(always)]
            pub(crate) fn cmpxchg<O>(&self, old: $word, new: $word, _: O) -> Result<$word, $word> {
                let found: $word;
                // SAFETY: The pointer is valid and aligned, and the instruction is one atomic access.
                unsafe {
                    core::arch::asm!(
                        concat!("lock cmpxchg [{variable}], {new", $operand, "}"),
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
        })*
    };
}

#[cfg(CONFIG_X86_64)]
cmpxchg! {
    u32: ":e",
    usize: "",
}

#[cfg(CONFIG_X86_64)]
impl Atomic<u32> {
    /// Adds to the value, which wraps around. Returns the value that was there.
    #[inline(always)]
    pub(crate) fn fetch_add<O>(&self, value: u32, _: O) -> u32 {
        let found: u32;
        // SAFETY: The pointer is valid and aligned, and the instruction is one atomic access.
        unsafe {
            core::arch::asm!(
                "lock xadd [{variable}], {value:e}",
                variable = in(reg) self.0.as_ptr(),
                value = inout(reg) value => found,
                options(nostack),
            );
        }
        found
    }

    /// Subtracts from the value, which wraps around. Returns the value that was there.
    #[inline(always)]
    pub(crate) fn fetch_sub<O>(&self, value: u32, order: O) -> u32 {
        self.fetch_add(value.wrapping_neg(), order)
    }

    /// Adds to the value, which wraps around.
    #[inline(always)]
    pub(crate) fn add<O>(&self, value: u32, order: O) {
        self.fetch_add(value, order);
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

/// An ordering of a load.
pub(crate) trait LoadOrder {
    /// Whether later accesses stay later.
    const ACQUIRES: bool;
}

impl LoadOrder for Relaxed {
    const ACQUIRES: bool = false;
}

impl LoadOrder for Acquire {
    const ACQUIRES: bool = true;
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
    /// Loads the value, before all later accesses.
    fn load_acquire(from: &atomic::Atomic<Self>) -> Self;

    /// Stores a value, after all earlier accesses.
    fn store_release(to: &atomic::Atomic<Self>, value: Self);
}

macro_rules! words {
    ($({ $($generics:tt)* } $word:ty,)*) => {
        $(impl $($generics)* Word for $word {
            #[inline(always)]
            fn load_acquire(from: &atomic::Atomic<Self>) -> Self {
                from.load(Acquire)
            }

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

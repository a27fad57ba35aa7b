// SPDX-License-Identifier: GPL-2.0

//! A sample consumer of ktask that can fail: pins a buffer of a process, as for a device.
//!
//! `/dev/pin_pages` takes a `PIN_PAGES_PIN` (see `pin_pages.h`), pins all pages of the buffer with
//! several threads, and unpins all that it has got if one of them cannot be pinned.

use core::ptr;
use kernel::{
    error::to_result,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use user_pages::{
    Pinned,
    UserPages, //
};

#[path = "../lib/helpers.rs"]
mod helpers;
mod ktask {
    include!(env!("KTASK_RS"));
}
mod user_pages;

module! {
    type: PinPages,
    name: "pin_pages",
    authors: ["ktask_rs contributors"],
    description: "A sample consumer of ktask: pins a buffer of a process",
    license: "GPL",
}

/// The fewest pages of a chunk: a helper has to change over to the process's address space for it.
const MIN_CHUNK: usize = 16384;

/// The loaded module: its device.
struct PinPages;

impl kernel::Module for PinPages {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: Called once; all that files need is there.
        to_result(unsafe { helpers::pin_pages_register() })
            .inspect_err(|error| pr_err!("cannot add the device: {error:?}\n"))?;
        Ok(Self)
    }
}

impl Drop for PinPages {
    fn drop(&mut self) {
        // SAFETY: The device was registered. No file is open, as each keeps the module.
        unsafe { helpers::pin_pages_deregister() };
    }
}

/// An open file.
#[pin_data]
struct File {
    #[pin]
    buffer: Mutex<Option<Pinned>>,
}

impl File {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            buffer <- new_mutex!(None),
        })
    }

    fn pin(&self, addr: usize, size: usize, threads: usize) -> Result {
        let mut buffer = self.buffer.lock();
        if buffer.is_some() {
            return Err(EBUSY);
        }
        let pages = UserPages::new(addr, size)?;
        let all = 0..pages.len();
        ktask::Task::new()
            .min_chunk(MIN_CHUNK)
            .max_threads(threads)
            .killable(true)
            .run_or_undo(
                all.clone(),
                |chunk| pages.pin(chunk.clone()).inspect_err(|_| pages.unpin(chunk)),
                |range| pages.unpin(range),
            )?;
        pages.pin_rest().inspect_err(|_| pages.unpin(all))?;
        *buffer = Some(Pinned(pages));
        Ok(())
    }

    fn unpin(&self) -> Result {
        self.buffer.lock().take().map(drop).ok_or(EINVAL)
    }
}

/// A new file, or null.
#[no_mangle]
extern "C" fn rust_pin_pages_open() -> *mut c_void {
    KBox::pin_init(File::new(), GFP_KERNEL).map_or(ptr::null_mut(), |file| {
        // SAFETY: Nobody moves it out of there before `rust_pin_pages_release()`.
        KBox::into_raw(unsafe { Pin::into_inner_unchecked(file) }).cast()
    })
}

/// # Safety
///
/// `file` must come from `rust_pin_pages_open()` and not be used any more.
#[no_mangle]
unsafe extern "C" fn rust_pin_pages_release(file: *mut c_void) {
    // SAFETY: The function's own contract.
    drop(unsafe { KBox::<File>::from_raw(file.cast()) });
}

/// # Safety
///
/// `file` must come from `rust_pin_pages_open()`.
#[no_mangle]
unsafe extern "C" fn rust_pin_pages_pin(
    file: *mut c_void,
    addr: usize,
    size: usize,
    threads: u32,
) -> c_int {
    // SAFETY: The function's own contract.
    let file = unsafe { &*file.cast::<File>() };
    errno(file.pin(addr, size, threads as usize))
}

/// # Safety
///
/// `file` must come from `rust_pin_pages_open()`.
#[no_mangle]
unsafe extern "C" fn rust_pin_pages_unpin(file: *mut c_void) -> c_int {
    // SAFETY: The function's own contract.
    errno(unsafe { &*file.cast::<File>() }.unpin())
}

fn errno(result: Result) -> c_int {
    result.map_or_else(Error::to_errno, |()| 0)
}

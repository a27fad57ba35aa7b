// SPDX-License-Identifier: GPL-2.0

//! debugfs files that keep their module loaded while they are open; see `debugfs.h`.
//!
//! Included as a module by whoever has the bindings of `debugfs.h` in `super::helpers` and builds
//! `debugfs.c` into the same kernel module.

use super::helpers;
use core::{
    num::IntErrorKind,
    ops::RangeInclusive,
    ptr,
    slice,
    str, //
};
use kernel::{
    bindings,
    prelude::*,
    seq_file::SeqFile,
    sync::Arc, //
};

/// Shows what the file `K` of a `T` contains.
pub(crate) type Show<T, K> = fn(&T, K, &SeqFile);

/// Takes what was written to the file `K` of a `T`, without the ASCII blanks around it.
pub(crate) type Store<T, K> = fn(&T, K, &str) -> Result;

/// Parses a decimal number: `EINVAL` if it is none, `ERANGE` if it is outside `allowed`.
pub(crate) fn number(text: &str, allowed: RangeInclusive<u32>) -> Result<u32> {
    match text.parse() {
        Ok(value) if allowed.contains(&value) => Ok(value),
        Ok(_) => Err(ERANGE),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Err(ERANGE),
        Err(_) => Err(EINVAL),
    }
}

type CShow = unsafe extern "C" fn(*const helpers::ktask_debugfs_file, *mut bindings::seq_file);
type CStore =
    unsafe extern "C" fn(*const helpers::ktask_debugfs_file, *const c_char, usize) -> c_int;

/// A directory in debugfs.
#[derive(Clone, Copy)]
pub(crate) struct Dir(*mut bindings::dentry);

impl Dir {
    fn new(name: &CStr, parent: *mut bindings::dentry) -> Self {
        // SAFETY: The name is a string; the parent is null, a directory or an error that debugfs
        // passed to us, all of which it takes.
        Self(unsafe { bindings::debugfs_create_dir(name.as_char_ptr(), parent) })
    }
}

/// A tree of files that show and change a `T`; `K` tells them apart. The files are removed when the
/// tree is dropped, which waits for whoever uses one.
pub(crate) struct Tree<T: Send + Sync + 'static, K: Copy + Send + Sync + 'static = ()> {
    root: Dir,
    files: KVec<KBox<File<T, K>>>,
    data: Arc<T>,
}

// SAFETY: The directory is only used to create and remove files, which may be done in any thread.
unsafe impl<T: Send + Sync, K: Copy + Send + Sync> Send for Tree<T, K> {}
// SAFETY: As above, and only through `&mut self`.
unsafe impl<T: Send + Sync, K: Copy + Send + Sync> Sync for Tree<T, K> {}

#[repr(C)]
struct File<T: 'static, K: 'static> {
    // First, so that its address is that of the whole.
    raw: helpers::ktask_debugfs_file,
    data: Arc<T>,
    key: K,
    show: Option<Show<T, K>>,
    store: Option<Store<T, K>>,
}

impl<T: Send + Sync + 'static, K: Copy + Send + Sync + 'static> Tree<T, K> {
    /// Creates the directory `name` at the root of debugfs. May sleep.
    pub(crate) fn new(name: &CStr, data: Arc<T>) -> Self {
        Self {
            root: Dir::new(name, ptr::null_mut()),
            files: KVec::new(),
            data,
        }
    }

    /// The directory at the root of the tree.
    pub(crate) fn root(&self) -> Dir {
        self.root
    }

    /// Creates a directory in the root of the tree. May sleep.
    #[allow(dead_code, reason = "not every module needs it")]
    pub(crate) fn subdir(&mut self, name: &CStr) -> Dir {
        Dir::new(name, self.root.0)
    }

    /// Creates a file in `dir`, a directory of this tree, that can be read if there is a `show` and
    /// written if there is a `store`. May sleep.
    pub(crate) fn file(
        &mut self,
        dir: Dir,
        name: &CStr,
        key: K,
        show: Option<Show<T, K>>,
        store: Option<Store<T, K>>,
    ) -> Result {
        let file = File {
            raw: helpers::ktask_debugfs_file {
                show: show.map(|_| File::<T, K>::show as CShow),
                store: store.map(|_| File::<T, K>::store as CStore),
            },
            data: self.data.clone(),
            key,
            show,
            store,
        };
        let file = KBox::new(file, GFP_KERNEL)?;
        let raw: *const File<T, K> = &*file;
        self.files.push(file, GFP_KERNEL)?;
        // SAFETY: The name is a string, the directory comes from debugfs, and the file stays in
        // its box until `drop` has removed it from there.
        unsafe { helpers::ktask_debugfs_create_file(name.as_char_ptr(), dir.0, raw.cast()) };
        Ok(())
    }
}

impl<T: Send + Sync, K: Copy + Send + Sync> Drop for Tree<T, K> {
    fn drop(&mut self) {
        // SAFETY: The directory, or error, comes from debugfs. This waits for running callbacks.
        unsafe { bindings::debugfs_remove(self.root.0) };
    }
}

impl<T, K: Copy> File<T, K> {
    /// # Safety
    ///
    /// `raw` must be the first field of a `File<T, K>`, and `seq` a sequence file that nobody else
    /// uses meanwhile.
    unsafe extern "C" fn show(
        raw: *const helpers::ktask_debugfs_file,
        seq: *mut bindings::seq_file,
    ) {
        // SAFETY: The function's own contract.
        let file = unsafe { &*raw.cast::<Self>() };
        // SAFETY: As above.
        let seq = unsafe { SeqFile::from_raw(seq) };
        if let Some(show) = file.show {
            show(&file.data, file.key, seq);
        }
    }

    /// # Safety
    ///
    /// `raw` must be the first field of a `File<T, K>`, and `text` point to `len` bytes.
    unsafe extern "C" fn store(
        raw: *const helpers::ktask_debugfs_file,
        text: *const c_char,
        len: usize,
    ) -> c_int {
        // SAFETY: The function's own contract.
        let file = unsafe { &*raw.cast::<Self>() };
        // SAFETY: As above.
        let text = unsafe { slice::from_raw_parts(text.cast::<u8>(), len) };
        let (Some(store), Ok(text)) = (file.store, str::from_utf8(text.trim_ascii())) else {
            return EINVAL.to_errno();
        };
        match store(&file.data, file.key, text) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }
}

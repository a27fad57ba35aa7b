// SPDX-License-Identifier: GPL-2.0

//! The C interface. What the functions promise is documented in `include/linux/ktask.h`.

use crate::ktask::{
    engine::{
        Client,
        Options,
        Request,
        ENGINE, //
    },
    kernel::{
        c::{
            ktask_ctl,
            ktask_node, //
        },
        cpus,
        lockdep::Class, //
    },
    protocol::part::Part, //
};
use core::{
    mem::{
        align_of,
        offset_of,
        size_of, //
    },
    ptr,
    slice, //
};
use kernel::{
    bindings::lock_class_key,
    prelude::*, //
};

/// A `struct ktask_node` can be used as a [`Part`], or this does not compile.
const SAME_LAYOUT: () = {
    assert!(size_of::<ktask_node>() == size_of::<Part>());
    assert!(align_of::<ktask_node>() == align_of::<Part>());
    let offsets = Part::offsets();
    assert!(offset_of!(ktask_node, kn_start) == offsets[0]);
    assert!(offset_of!(ktask_node, kn_task_size) == offsets[1]);
    assert!(offset_of!(ktask_node, kn_nid) == offsets[2]);
    assert!(offset_of!(ktask_node, kn_threads) == offsets[3]);
    assert!(offset_of!(ktask_node, kn_claimed) == offsets[4]);
    assert!(offset_of!(ktask_node, kn_position) == offsets[5]);
};

type Func = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> c_int;
type Undo = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void);
type Iter = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;

/// The functions of a `struct ktask_ctl`.
#[derive(Clone, Copy)]
struct CClient {
    func: Func,
    undo: Option<Undo>,
    /// `None` for ranges.
    iter: Option<Iter>,
    arg: *mut c_void,
}

// SAFETY: A C client's functions may be called from any thread, several at once, with the client's
// argument: that is what `ktask_run()` is for.
unsafe impl Sync for CClient {}

impl CClient {
    fn new(ctl: &ktask_ctl) -> Result<Self> {
        Ok(Self {
            func: ctl.kc_thread_func.ok_or(EINVAL)?,
            undo: ctl.kc_undo_func,
            iter: ctl.kc_iter_func.filter(|&iter| {
                let range: Iter = ktask_iter_range;
                iter as usize != range as usize
            }),
            arg: ctl.kc_func_arg,
        })
    }
}

fn position(position: usize) -> *mut c_void {
    // Positions are the client's; they need not be addresses.
    ptr::without_provenance_mut(position)
}

impl Client for CClient {
    fn run(&self, start: usize, end: usize) -> c_int {
        // SAFETY: The client vouches for its function being called with positions of its task.
        unsafe { (self.func)(position(start), position(end), self.arg) }
    }

    fn function(&self) -> usize {
        self.func as usize
    }

    fn walks(&self) -> bool {
        self.iter.is_some()
    }

    fn advance(&self, from: usize, size: usize) -> usize {
        match self.iter {
            // SAFETY: As in `run`.
            Some(iter) => unsafe { iter(position(from), size) as usize },
            None => from.wrapping_add(size),
        }
    }

    fn undoes(&self) -> bool {
        self.undo.is_some()
    }

    fn undo(&self, start: usize, end: usize) {
        if let Some(undo) = self.undo {
            // SAFETY: As in `run`.
            unsafe { undo(position(start), position(end), self.arg) };
        }
    }
}

/// # Safety
///
/// `ctl` must point to a valid control structure, whose functions keep to the header's rules.
unsafe fn run(parts: &[Part], ctl: *const ktask_ctl, class: Class) -> Result<c_int> {
    let (client, options) = {
        // SAFETY: The function's own contract. The reference ends here: thread functions may change
        // the client's control structure while the task runs.
        let ctl = unsafe { &*ctl };
        let options = Options {
            min_chunk: ctl.kc_min_chunk_size,
            max_threads: ctl.kc_max_threads,
            killable: ctl.kc_killable != 0,
            class,
        };
        (CClient::new(ctl)?, options)
    };
    let request = Request::new(client, parts, options)?;
    // SAFETY: The caller is a module that uses our symbols, so we cannot be unloaded before it
    // returns.
    let engine = unsafe { ENGINE.get() }.ok_or(ENODEV)?;
    Ok(engine.run(request))
}

/// Runs a task with helpers on the caller's node; see `include/linux/ktask.h`.
///
/// # Safety
///
/// `ctl` must be null or point to a valid control structure, whose functions keep to the header's
/// rules.
#[no_mangle]
pub(crate) unsafe extern "C" fn ktask_run(
    start: *mut c_void,
    task_size: usize,
    ctl: *mut ktask_ctl,
) -> c_int {
    // SAFETY: The function's own contract.
    unsafe { __ktask_run(start, task_size, ctl, ptr::null_mut()) }
}

/// [`ktask_run`] with a key for lockdep.
///
/// # Safety
///
/// As [`ktask_run`]; and `key` must be null or point to a static lock class key of no other use.
#[no_mangle]
pub(crate) unsafe extern "C" fn __ktask_run(
    start: *mut c_void,
    task_size: usize,
    ctl: *mut ktask_ctl,
    key: *mut lock_class_key,
) -> c_int {
    if ctl.is_null() {
        return EINVAL.to_errno();
    }
    // SAFETY: The function's own contract.
    let class = unsafe { Class::new(key) };
    let part = Part::new(start as usize, task_size, cpus::current_nid());
    // SAFETY: The function's own contract.
    unsafe { run(slice::from_ref(&part), ctl, class) }.unwrap_or_else(|error| error.to_errno())
}

/// Runs a task with helpers on the nodes of its parts; see `include/linux/ktask.h`.
///
/// # Safety
///
/// As [`ktask_run`]; and `nodes` must be null or point to `nr_nodes` node parts that nobody else
/// uses until this returns.
#[no_mangle]
pub(crate) unsafe extern "C" fn ktask_run_numa(
    nodes: *mut ktask_node,
    nr_nodes: usize,
    ctl: *mut ktask_ctl,
) -> c_int {
    // SAFETY: The function's own contract.
    unsafe { __ktask_run_numa(nodes, nr_nodes, ctl, ptr::null_mut()) }
}

/// [`ktask_run_numa`] with a key for lockdep.
///
/// # Safety
///
/// As [`ktask_run_numa`] and [`__ktask_run`].
#[no_mangle]
pub(crate) unsafe extern "C" fn __ktask_run_numa(
    nodes: *mut ktask_node,
    nr_nodes: usize,
    ctl: *mut ktask_ctl,
    key: *mut lock_class_key,
) -> c_int {
    if ctl.is_null() {
        return EINVAL.to_errno();
    }
    // SAFETY: The function's own contract.
    let class = unsafe { Class::new(key) };
    let parts: &[Part] = if nr_nodes == 0 {
        &[]
    } else if nodes.is_null() || nr_nodes > isize::MAX as usize / size_of::<Part>() {
        return EINVAL.to_errno();
    } else {
        let () = SAME_LAYOUT;
        // SAFETY: The array is the caller's, for our use until we return; its elements have the
        // layout of `Part`, and those that change are only accessed atomically.
        unsafe { slice::from_raw_parts(nodes.cast::<Part>(), nr_nodes) }
    };
    // SAFETY: The function's own contract.
    unsafe { run(parts, ctl, class) }.unwrap_or_else(|error| error.to_errno())
}

/// Advances a position of a range; see `include/linux/ktask.h`.
#[no_mangle]
pub(crate) extern "C" fn ktask_iter_range(position: *mut c_void, size: usize) -> *mut c_void {
    position.wrapping_byte_add(size)
}

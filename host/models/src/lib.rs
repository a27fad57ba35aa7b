// SPDX-License-Identifier: GPL-2.0

//! Model checks of the protocols between the threads of tasks.
//!
//! The module's own files run here on the atomics and the cell of loom, which tries every order in
//! which a few threads can come and everything that weak memory lets them see. What is the kernel's
//! is played: locks, completions and threads by those of loom, the rest in `pool.rs`.
//!
//! Each model must find bugs: those of [`Bug`] are in what is played, those of `mutants` (see the
//! file of that name) in the module's files.

#![cfg(test)]
#![deny(unsafe_code)]

// Cargo builds again when this has changed; see `run`.
const _: Option<&str> = option_env!("KTASK_HOST_SOURCES");

#[allow(dead_code, reason = "not everything is played here")]
#[path = "../../ktask.rs"]
mod ktask;

#[path = "../../nodes.rs"]
mod nodes;

mod pool;

mod boost;
mod claim;
mod elastic;
mod failure;
mod handshake;
mod helper;
mod iterator_lock;
mod limits;
mod machine;
mod task;

use loom::{
    cell::UnsafeCell,
    model::Builder,
    sync::mpsc::{
        self,
        Receiver,
        Sender, //
    }, //
};
use std::{
    mem,
    sync::{
        self,
        atomic::{
            AtomicUsize,
            Ordering, //
        },
        Arc, //
    },
    thread, //
};

/// Runs `model` in every possible way, and says how many these are: `least` or more. A smaller
/// number would mean that the threads had nothing to do with each other.
fn explore(least: usize, model: impl Fn() + Send + Sync + 'static) {
    run(None, least, model);
}

/// As [`explore`], but no execution preempts more than `preemptions` threads: for models that would
/// take too long otherwise.
fn explore_preempted(preemptions: usize, least: usize, model: impl Fn() + Send + Sync + 'static) {
    run(Some(preemptions), least, model);
}

fn run(preemptions: Option<usize>, least: usize, model: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(AtomicUsize::new(0));
    let mut builder = Builder::new();
    // All of them, whatever the environment may say. Where a model is too deep loom panics.
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = preemptions;
    builder.checkpoint_file = None;
    let counter = executions.clone();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let executions = executions.load(Ordering::Relaxed);
    match preemptions {
        None => println!("{executions} executions"),
        Some(most) => println!("{executions} executions with at most {most} preemptions"),
    }
    assert!(executions >= least, "{executions} executions are too few");
}

/// A bug in what a model plays, which the model must find.
#[derive(Clone, Copy, PartialEq)]
enum Bug {
    /// None: the model must pass.
    None,
    /// Threads iterate without the iterator lock.
    IteratesUnlocked,
    /// The caller undoes what is complete before the other thread has ended.
    UndoesEarly,
    /// A helper becomes a member only after its offer was made.
    JoinsLate,
    /// The caller does not wait for helpers that run.
    NoWait,
    /// A helper moves on without the lock under which the scope is closed.
    MovesUnlocked,
    /// A worker that stops being a helper may still be given a nice value.
    StaysWorker,
    /// A nice value is set after the lock has been dropped.
    NiceUnlocked,
    /// The caller is woken after the lock has been dropped.
    WakesUnlocked,
    /// Failed helpers are freed before their failures are read.
    FreesFailed,
    /// An offer is made after the lock has been dropped under which its maker found the team open.
    OffersUnlocked,
    /// A task does not expect the helper that is going there.
    ExpectsNobody,
    /// A helper that comes does not wake the caller who waits.
    ComesQuietly,
    /// The caller of a hungry task does not leave the line.
    StaysHungry,
    /// A thread counts changes of the machine after it has placed a helper.
    CountsAfterwards,
}

/// Data that is handed from one thread to another. The protocol under test has to order all
/// accesses; loom reports two that race. The data itself is safe whatever happens.
struct Handed<T> {
    access: UnsafeCell<()>,
    data: sync::Mutex<T>,
}

#[allow(
    unsafe_code,
    reason = "as a plain variable would be shared in the module"
)]
// SAFETY: There is no data in the cell that could be accessed.
unsafe impl<T: Send> Sync for Handed<T> {}

impl<T> Handed<T> {
    fn new(data: T) -> Self {
        Self {
            access: UnsafeCell::new(()),
            data: sync::Mutex::new(data),
        }
    }

    /// Reads; `f` must not use anything of loom's.
    fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        self.access.with(|_| f(&self.data.lock().unwrap()))
    }

    /// Writes; `f` must not use anything of loom's.
    fn write<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        self.access.with_mut(|_| f(&mut self.data.lock().unwrap()))
    }
}

/// A completion of the kernel, played by a channel: what has been completed are messages in it.
struct Completion {
    completed: sync::Mutex<Sender<()>>,
    waited: sync::Mutex<Option<Receiver<()>>>,
}

impl Completion {
    fn new() -> Self {
        let (completed, waited) = mpsc::channel();
        Self {
            completed: sync::Mutex::new(completed),
            waited: sync::Mutex::new(Some(waited)),
        }
    }

    fn complete(&self) {
        // No lock of the host's may be held while loom runs other threads.
        let sender = self.completed.lock().unwrap().clone();
        sender.send(()).unwrap();
    }

    /// Only for one thread at a time.
    fn wait(&self) {
        let waited = self.waited.lock().unwrap();
        waited.as_ref().unwrap().recv().unwrap();
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        // Loom cannot drop a receiver once the model has failed, and would abort all tests.
        if thread::panicking() {
            if let Ok(mut waited) = self.waited.lock() {
                mem::forget(waited.take());
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/ktask/`: the administrator's knobs, the limits and the statistics.

use crate::ktask::{
    engine::{
        Engine,
        Knobs,
        MAX_THREADS_MAX, //
    },
    kernel::{
        cpus,
        debugfs::{
            number,
            Tree, //
        }, //
    },
    protocol::limits::{
        Rlim,
        LIMIT_MAX, //
    }, //
};
use core::ops::RangeInclusive;
use kernel::{
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    str::CString,
    sync::Arc, //
};

/// A number that the administrator can turn.
pub(crate) struct Knob {
    name: &'static CStr,
    allowed: RangeInclusive<u32>,
    get: fn(&Knobs) -> u32,
    set: fn(&Knobs, u32),
}

static KNOBS: [Knob; 3] = [
    Knob {
        name: c"max_threads",
        allowed: 1..=MAX_THREADS_MAX,
        get: Knobs::max_threads,
        set: Knobs::set_max_threads,
    },
    Knob {
        name: c"power_aware",
        allowed: 0..=1,
        get: |knobs| knobs.power_aware().into(),
        set: |knobs, value| knobs.set_power_aware(value == 1),
    },
    Knob {
        name: c"respect_affinity",
        allowed: 0..=1,
        get: |knobs| knobs.respect_affinity().into(),
        set: |knobs, value| knobs.set_respect_affinity(value == 1),
    },
];

/// What a file is about.
#[derive(Clone, Copy)]
pub(crate) enum File {
    /// A knob.
    Knob(&'static Knob),
    /// How many helpers count against the limit of a node, or of the machine.
    Cur(Option<usize>),
    /// The limit of a node, or of the machine.
    Max(Option<usize>),
    /// The statistics.
    Stats,
}

/// The files; they go when this is dropped.
pub(crate) type Files = Tree<Engine, File>;

/// Creates the files. May sleep.
pub(crate) fn new(engine: Arc<Engine>) -> Result<Files> {
    let mut files = Tree::new(c"ktask", engine);
    let root = files.root();
    for knob in &KNOBS {
        files.file(root, knob.name, File::Knob(knob), Some(show), Some(store))?;
    }
    files.file(root, c"stats", File::Stats, Some(show), None)?;
    files.file(root, c"rlim_cur", File::Cur(None), Some(show), None)?;
    files.file(root, c"rlim_max", File::Max(None), Some(show), Some(store))?;
    for nid in 0..cpus::nr_node_ids() {
        if i32::try_from(nid).is_ok_and(cpus::node_possible) {
            let name = CString::try_from_fmt(fmt!("node{nid}"))?;
            let dir = files.subdir(&name);
            let (cur, max) = (File::Cur(Some(nid)), File::Max(Some(nid)));
            files.file(dir, c"rlim_cur", cur, Some(show), None)?;
            files.file(dir, c"rlim_max", max, Some(show), Some(store))?;
        }
    }
    Ok(files)
}

/// The limit of a node, or of the machine. There is one for each file.
fn rlim(engine: &Engine, node: Option<usize>) -> Result<&Rlim> {
    let limits = &engine.machine.limits;
    match node {
        None => Ok(&limits.global),
        Some(node) => limits.nodes.get(node).ok_or(ENODEV),
    }
}

fn show(engine: &Engine, file: File, out: &SeqFile) {
    let value = match file {
        File::Knob(knob) => (knob.get)(&engine.knobs),
        File::Cur(node) => rlim(engine, node).map_or(0, Rlim::cur),
        File::Max(node) => {
            engine.follow_isolation();
            rlim(engine, node).map_or(0, Rlim::max)
        }
        File::Stats => {
            let line = |name: &str, value| seq_print!(out, "{name} {value}\n");
            return engine.stats.for_each(line);
        }
    };
    seq_print!(out, "{value}\n");
}

fn store(engine: &Engine, file: File, text: &str) -> Result {
    match file {
        File::Knob(knob) => {
            let value = number(text, knob.allowed.clone())?;
            (knob.set)(&engine.knobs, value);
            engine.follow_limits();
        }
        File::Max(node) => {
            let limit = match text {
                "auto" => None,
                text => Some(number(text, 0..=LIMIT_MAX)?),
            };
            rlim(engine, node)?.set(limit);
            engine.follow_limits();
        }
        File::Cur(_) | File::Stats => return Err(EACCES),
    }
    Ok(())
}

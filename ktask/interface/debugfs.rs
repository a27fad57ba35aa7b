// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/ktask/`: the administrator's knobs, the limits and the statistics.

use crate::ktask::{
    engine::{
        Engine,
        MAX_THREADS_MAX, //
    },
    kernel::{
        cpus,
        debugfs::{
            Dir,
            Tree, //
        },
    },
    protocol::limits::{
        Rlim,
        LIMIT_MAX, //
    }, //
};
use core::num::IntErrorKind;
use kernel::{
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    str::CString,
    sync::Arc, //
};

/// The number of the files that show the limit of the machine; those of nodes have their id.
const MACHINE: usize = usize::MAX;

/// Creates the files, which go when the result is dropped. May sleep.
pub(crate) fn new(engine: Arc<Engine>) -> Result<Tree<Engine>> {
    let mut tree = Tree::new(c"ktask", engine);
    let root = tree.root();
    tree.file(
        root,
        c"max_threads",
        0,
        Some(show_max_threads),
        Some(store_max_threads),
    )?;
    tree.file(
        root,
        c"power_aware",
        0,
        Some(show_power_aware),
        Some(store_power_aware),
    )?;
    tree.file(
        root,
        c"respect_affinity",
        0,
        Some(show_respect_affinity),
        Some(store_respect_affinity),
    )?;
    tree.file(root, c"stats", 0, Some(show_stats), None)?;
    rlim_files(&mut tree, root, MACHINE)?;
    for nid in 0..cpus::nr_node_ids() {
        if i32::try_from(nid).is_ok_and(cpus::node_possible) {
            let name = CString::try_from_fmt(fmt!("node{nid}"))?;
            let dir = tree.subdir(&name);
            rlim_files(&mut tree, dir, nid)?;
        }
    }
    Ok(tree)
}

fn rlim_files(tree: &mut Tree<Engine>, dir: Dir, number: usize) -> Result {
    tree.file(dir, c"rlim_cur", number, Some(show_rlim_cur), None)?;
    tree.file(
        dir,
        c"rlim_max",
        number,
        Some(show_rlim_max),
        Some(store_rlim_max),
    )
}

fn rlim(engine: &Engine, number: usize) -> Option<&Rlim> {
    if number == MACHINE {
        Some(&engine.machine.limits.global)
    } else {
        engine.machine.limits.nodes.get(number)
    }
}

fn show_max_threads(engine: &Engine, _: usize, out: &SeqFile) {
    seq_print!(out, "{}\n", engine.knobs.max_threads());
}

fn store_max_threads(engine: &Engine, _: usize, text: &str) -> Result {
    engine
        .knobs
        .set_max_threads(parse(text, 1, MAX_THREADS_MAX)?);
    Ok(())
}

fn show_power_aware(engine: &Engine, _: usize, out: &SeqFile) {
    seq_print!(out, "{}\n", u32::from(engine.knobs.power_aware()));
}

fn store_power_aware(engine: &Engine, _: usize, text: &str) -> Result {
    engine.knobs.set_power_aware(parse(text, 0, 1)? == 1);
    Ok(())
}

fn show_respect_affinity(engine: &Engine, _: usize, out: &SeqFile) {
    seq_print!(out, "{}\n", u32::from(engine.knobs.respect_affinity()));
}

fn store_respect_affinity(engine: &Engine, _: usize, text: &str) -> Result {
    engine.knobs.set_respect_affinity(parse(text, 0, 1)? == 1);
    Ok(())
}

fn show_rlim_cur(engine: &Engine, number: usize, out: &SeqFile) {
    if let Some(rlim) = rlim(engine, number) {
        seq_print!(out, "{}\n", rlim.cur());
    }
}

fn show_rlim_max(engine: &Engine, number: usize, out: &SeqFile) {
    engine.follow_isolation();
    if let Some(rlim) = rlim(engine, number) {
        seq_print!(out, "{}\n", rlim.max());
    }
}

fn store_rlim_max(engine: &Engine, number: usize, text: &str) -> Result {
    let limit = match text {
        "auto" => None,
        text => Some(parse(text, 0, LIMIT_MAX)?),
    };
    rlim(engine, number).ok_or(ENODEV)?.set(limit);
    Ok(())
}

fn show_stats(engine: &Engine, _: usize, out: &SeqFile) {
    engine
        .stats
        .for_each(|name, value| seq_print!(out, "{name} {value}\n"));
}

/// Parses a decimal number: `EINVAL` if it is none, `ERANGE` if it is outside `min..=max`.
fn parse(text: &str, min: u32, max: u32) -> Result<u32> {
    match text.parse::<u32>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        Ok(_) => Err(ERANGE),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Err(ERANGE),
        Err(_) => Err(EINVAL),
    }
}

// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/ktask/`: the administrator's knobs, the limits and the statistics.

use crate::ktask::{
    engine::{
        Engine,
        Knobs,
        Stats,
        MAX_THREADS_MAX, //
    },
    policy::rlim::{
        Rlim,
        LIMIT_MAX, //
    },
    services::cpus,
};
use core::num::IntErrorKind;
use kernel::{
    debugfs::{
        Scope,
        ScopedDir, //
    },
    fmt,
    prelude::*,
    str::CString,
    uaccess::UserSliceReader, //
};

/// Longest text that is accepted as a value.
const VALUE_LEN: usize = 32;

/// The directory, and the engine its files show.
pub(crate) type Debugfs = Scope<Engine>;

/// Creates the directory around the engine that `engine` initialises. May sleep.
pub(crate) fn new(engine: impl PinInit<Engine, Error> + 'static) -> impl PinInit<Debugfs, Error> {
    Scope::dir(engine, c"ktask", |engine, dir| {
        dir.read_write_callback_file(
            c"max_threads",
            &engine.knobs,
            &show_max_threads,
            &store_max_threads,
        );
        dir.read_callback_file(c"stats", &engine.stats, &show_stats);
        rlim_files(dir, &engine.global);
        for (nid, rlim) in engine.nodes.iter().enumerate() {
            if !i32::try_from(nid).is_ok_and(cpus::node_possible) {
                continue;
            }
            // As everywhere in debugfs, what cannot be shown for lack of memory is left out.
            if let Ok(name) = CString::try_from_fmt(fmt!("node{nid}")) {
                rlim_files(&dir.dir(&name), rlim);
            }
        }
    })
}

fn rlim_files<'data>(dir: &ScopedDir<'data, '_>, rlim: &'data Rlim) {
    dir.read_callback_file(c"rlim_cur", rlim, &show_rlim_cur);
    dir.read_write_callback_file(c"rlim_max", rlim, &show_rlim_max, &store_rlim_max);
}

fn show_max_threads(knobs: &Knobs, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "{}", knobs.max_threads())
}

fn store_max_threads(knobs: &Knobs, reader: &mut UserSliceReader) -> Result {
    let mut text = [0; VALUE_LEN];
    knobs.set_max_threads(parse(read(reader, &mut text)?, 1, MAX_THREADS_MAX)?);
    Ok(())
}

fn show_rlim_cur(rlim: &Rlim, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "{}", rlim.cur())
}

fn show_rlim_max(rlim: &Rlim, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "{}", rlim.max())
}

fn store_rlim_max(rlim: &Rlim, reader: &mut UserSliceReader) -> Result {
    let mut text = [0; VALUE_LEN];
    let limit = match read(reader, &mut text)? {
        "auto" => None,
        text => Some(parse(text, 0, LIMIT_MAX)?),
    };
    rlim.set(limit);
    Ok(())
}

fn show_stats(stats: &Stats, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    stats.for_each(|name, value| writeln!(f, "{name} {value}"))
}

/// Reads a whole value, without the blanks around it.
fn read<'a>(reader: &mut UserSliceReader, text: &'a mut [u8; VALUE_LEN]) -> Result<&'a str> {
    let text = text.get_mut(..reader.len()).ok_or(EINVAL)?;
    reader.read_slice(text)?;
    core::str::from_utf8(text)
        .map(str::trim)
        .map_err(|_| EINVAL)
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

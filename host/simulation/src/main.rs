// SPDX-License-Identifier: GPL-2.0

//! Prints the tables of the scale model.

use ktask_model::tables::{
    chunks::chunks,
    compare::compare,
    guest::guest,
    rfc::rfc,
    target::target,
    threads::threads, //
};
use std::{
    env,
    fs,
    process::ExitCode, //
};

const USAGE: &str = "usage: ktask-model TABLE...

tables:
  target      100 GiB on 288 CPUs
  compare     ktask and its peers on all machines
  chunks      rules for the length of chunks
  rfc         the RFC's tables, and what the model makes of them
  threads     how many threads a task should have that does not say
  guest FILE  samples of scripts/bench (skew or uniform, CSV), and what the model makes of them";

fn main() -> ExitCode {
    let mut words = env::args().skip(1).peekable();
    if words.peek().is_none() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    while let Some(word) = words.next() {
        let table = match word.as_str() {
            "target" => Ok(target()),
            "compare" => Ok(compare()),
            "chunks" => Ok(chunks()),
            "rfc" => Ok(rfc()),
            "threads" => Ok(threads()),
            "guest" => words.next().ok_or("guest what?".into()).and_then(|path| {
                let csv = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
                guest(&csv)
            }),
            _ => Err(USAGE.into()),
        };
        match table {
            Ok(table) => println!("{table}"),
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

// SPDX-License-Identifier: GPL-2.0

//! What the program prints, in Markdown.

pub mod chunks;
pub mod compare;
pub mod guest;
pub mod rfc;
pub mod target;
pub mod threads;

/// A line that says whether a target was met.
fn verdict(target: &str, found: String, met: bool) -> String {
    let met = if met { "met" } else { "MISSED" };
    format!("- {met}: {target}: {found}\n")
}

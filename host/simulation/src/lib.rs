// SPDX-License-Identifier: GPL-2.0

//! A scale model of ktask and its peers: one task on a machine that need not be there.
//!
//! The policy of ktask is not a copy, but the module's own files.

#![deny(unsafe_code)]

// Cargo builds again when this has changed; see `run`.
const _: Option<&str> = option_env!("KTASK_MODEL_SOURCES");

mod cpus;
mod ideal;
mod machine;
pub mod machines;
mod policy;
mod random;
pub mod rfc;
mod sim;
pub mod stats;
pub mod survey;
mod table;
pub mod tables;
pub mod target;
mod work;
mod workers;

#[allow(
    dead_code,
    reason = "not all that the module's files are about is simulated"
)]
#[path = "../../ktask.rs"]
mod ktask;

#[path = "../../nodes.rs"]
mod nodes;

pub use cpus::Noise;
pub use ideal::least_ns;
pub use machine::Machine;
pub use policy::chunk_rule::ChunkRule;
pub use sim::Outcome;
pub use work::{
    Profile,
    Work, //
};

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// ktask, with the module's chunks or others.
    Ktask(ChunkRule),
    /// ktask with as many threads as are worth it: a proposal.
    Ramp,
    /// padata, told to spread over nodes.
    Padata,
    /// padata, not told of nodes.
    PadataNear,
    /// Version 4 of the RFC.
    V4,
}

impl Peer {
    /// The module as it is.
    pub const KTASK: Self = Self::Ktask(ChunkRule::Module);

    /// The module, and those that it is compared with.
    pub const ALL: [Self; 4] = [Self::KTASK, Self::Padata, Self::PadataNear, Self::V4];

    /// Its name in tables.
    pub fn name(self) -> String {
        match self {
            Self::Ktask(ChunkRule::Module) => "ktask".into(),
            Self::Ktask(rule) => rule.name(),
            Self::Ramp => "ramp".into(),
            Self::Padata => "padata".into(),
            Self::PadataNear => "padata_near".into(),
            Self::V4 => "v4".into(),
        }
    }
}

/// Runs `work` with up to `threads` threads, called on CPU `caller`.
pub fn run(
    peer: Peer,
    machine: &Machine,
    work: &Work,
    threads: usize,
    noise: Noise,
    caller: usize,
) -> Outcome {
    use policy::*;
    let ktask = |rule| ktask::Ktask::new(machine, work, threads, caller, rule);
    let policy: &mut dyn Policy = match peer {
        Peer::Ktask(rule) => &mut ktask(rule),
        Peer::Ramp => &mut ramp::Ramp::new(ktask(ChunkRule::Module)),
        Peer::Padata => &mut padata::Padata::new(machine, work, threads, caller, true),
        Peer::PadataNear => &mut padata::Padata::new(machine, work, threads, caller, false),
        Peer::V4 => &mut v4::V4::new(machine, work, threads),
    };
    sim::run(machine, work, policy, noise, caller)
}

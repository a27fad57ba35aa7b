// SPDX-License-Identifier: GPL-2.0

//! What a task is about: units, what each costs, and where their memory is.

use core::ops::Range;

/// How units differ in cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Not at all.
    Uniform,
    /// The later the dearer.
    Rising,
    /// The earlier the dearer.
    Falling,
    /// Each unit of this eighth (0 to 7) costs 8 times what another does.
    Eighth(usize),
    /// Half of the units cost 1, a quarter 2, an eighth 4, up to 1024.
    Tail,
}

impl Profile {
    /// All that tables have a row for.
    pub const ALL: [Self; 7] = [
        Self::Uniform,
        Self::Rising,
        Self::Falling,
        Self::Eighth(0),
        Self::Eighth(3),
        Self::Eighth(7),
        Self::Tail,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Eighth(0) => "dear eighth: first",
            Self::Eighth(7) => "dear eighth: last",
            Self::Eighth(_) => "dear eighth: middle",
            Self::Tail => "heavy tail",
        }
    }

    fn weight(self, unit: usize, units: usize, random: &mut u32) -> f64 {
        match self {
            Self::Uniform => 1.0,
            Self::Rising => (2 * unit + 1) as f64,
            Self::Falling => (2 * (units - unit) - 1) as f64,
            Self::Eighth(dear) if unit * 8 / units == dear => 8.0,
            Self::Eighth(_) => 1.0,
            Self::Tail => f64::from(1 << (next_random(random) | (1 << 10)).trailing_zeros()),
        }
    }
}

/// The numbers of `next_random()` in bench/modules/work.c.
fn next_random(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

/// A part of a task: units from `start`, whose memory is on `node`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) size: usize,
    pub(crate) node: usize,
    /// The node that the client names, if any.
    pub(crate) nid: Option<usize>,
}

/// A task.
#[derive(Clone, Debug)]
pub struct Work {
    /// What the units before each one cost one thread at full speed, in nanoseconds.
    before: Vec<f64>,
    places: Vec<Place>,
    /// Minimum chunk size.
    pub(crate) min: usize,
}

impl Work {
    /// A task of `units` that costs one thread `total_ns`, in equal parts on the given nodes.
    pub fn new(profile: Profile, units: usize, min: usize, total_ns: f64, nodes: &[usize]) -> Self {
        let mut random = 2_463_534_242;
        let mut before = vec![0.0];
        let mut sum = 0.0;
        for unit in 0..units {
            sum += profile.weight(unit, units, &mut random);
            before.push(sum);
        }
        for cost in &mut before {
            *cost *= total_ns / sum;
        }
        let bound = |index: usize| index * units / nodes.len();
        let places = nodes.iter().enumerate().map(|(index, &node)| Place {
            start: bound(index),
            size: bound(index + 1) - bound(index),
            node,
            nid: Some(node),
        });
        Self {
            before,
            places: places.collect(),
            min,
        }
    }

    /// The same of a client that names no node for these parts. Only ktask's policy heeds that.
    pub fn without_nodes(mut self, parts: Range<usize>) -> Self {
        for place in &mut self.places[parts] {
            place.nid = None;
        }
        self
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.before.len() - 1
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.places.len()
    }

    /// Its parts.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// What the given units cost.
    pub(crate) fn cost(&self, units: Range<usize>) -> f64 {
        self.before[units.end] - self.before[units.start]
    }

    /// What the given units cost on each part that has any of them, with that part's node; the
    /// last one first.
    pub(crate) fn pieces(&self, units: Range<usize>) -> Vec<(usize, f64)> {
        let inside = |place: &Place| {
            let start = units.start.max(place.start);
            let end = units.end.min(place.start + place.size);
            (start < end).then(|| (place.node, self.cost(start..end)))
        };
        self.places.iter().rev().filter_map(inside).collect()
    }
}

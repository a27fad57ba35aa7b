// SPDX-License-Identifier: GPL-2.0

//! Which node part each thread of a task works on.

use super::part::Part;

/// Returns the part that helper `number`, from 1 on, is sent to, and its index, of a task with `total`
/// units that is to have `threads` threads. `None` if everything is claimed.
///
/// With more parts than threads, helpers are spread evenly over all units: parts are often listed node
/// after node, and all helpers would be sent to the nodes of the first ones. Helpers that come after
/// others have left have higher numbers.
pub(crate) fn part_for(
    parts: &[Part],
    total: usize,
    number: usize,
    threads: usize,
) -> Option<(usize, &Part)> {
    if let [only] = parts {
        return (only.remaining() > 0).then_some((0, only));
    }
    if parts.len() <= threads {
        return next_part(parts);
    }
    let share = total.checked_div(threads)?;
    let (index, part) = part_with(parts, share.saturating_mul(number.checked_rem(threads)?))?;
    if part.remaining() > 0 {
        return Some((index, part));
    }
    let index = most_left(parts, index)?;
    Some((index, parts.get(index)?))
}

/// Returns the part with the unit `position` of all parts together, and its index.
fn part_with(parts: &[Part], position: usize) -> Option<(usize, &Part)> {
    let mut left = position;
    parts.iter().enumerate().find(|(_, part)| {
        let before = left;
        left = left.saturating_sub(part.size());
        before < part.size()
    })
}

/// Returns the part that the next thread should be sent to, and its index: the one with the most
/// unclaimed units per thread sent there so far. `None` if everything is claimed.
pub(crate) fn next_part(parts: &[Part]) -> Option<(usize, &Part)> {
    let index = best(parts, |part| {
        let threads = usize::try_from(part.threads()).unwrap_or(usize::MAX);
        part.remaining()
            .checked_div(threads.saturating_add(1))
            .unwrap_or(0)
    })
    // One unit is work for somebody.
    .or_else(|| best(parts, Part::remaining))?;
    Some((index, parts.get(index)?))
}

/// How many parts a thread compares when it looks for more work. More than machines have nodes, and
/// few enough for tasks of very many parts.
const COMPARED: usize = 64;

/// Returns the index of the part where a thread that has drained part `after` goes on: the one with
/// the most unclaimed units among the next few that have any. `None` if everything is claimed.
pub(crate) fn most_left(parts: &[Part], after: usize) -> Option<usize> {
    if let [only] = parts {
        return (only.remaining() > 0).then_some(0);
    }
    let (before, behind) = parts.split_at_checked(after).unwrap_or((parts, &[]));
    let mut most = 0;
    let mut best = None;
    let mut compared = 0;
    let indices = (after..parts.len()).chain(0..before.len());
    for (index, part) in indices.zip(behind.iter().chain(before)) {
        let remaining = part.remaining();
        if remaining > most {
            most = remaining;
            best = Some(index);
        }
        compared += usize::from(best.is_some());
        if compared == COMPARED {
            break;
        }
    }
    best
}

/// How many parts are looked at for one of a certain node: it is done under a lock.
const LOOKED_AT: usize = 1024;

/// Returns the index of a part with unclaimed units where a helper that runs on `node` could work:
/// the one with the most, among the first few, of that node or of none. `None` if all work is
/// elsewhere.
pub(crate) fn most_left_on(parts: &[Part], node: Option<usize>) -> Option<usize> {
    let mut most = 0;
    let mut best = None;
    let here = |part: &&Part| part.nid().is_none() || part.nid() == node;
    for (index, part) in parts
        .iter()
        .enumerate()
        .take(LOOKED_AT)
        .filter(|(_, part)| here(part) && part.remaining() > 0)
        .take(COMPARED)
    {
        let left = part.remaining();
        if left > most {
            most = left;
            best = Some(index);
        }
    }
    best
}

/// Returns the index of the part the caller starts with: the largest on its own node, else the
/// largest of all.
pub(crate) fn callers_part(parts: &[Part], node: Option<usize>) -> Option<usize> {
    if let [only] = parts {
        return (only.size() > 0).then_some(0);
    }
    best(parts, |part| match part.nid() {
        nid if nid.is_some() && nid == node => part.size(),
        _ => 0,
    })
    .or_else(|| best(parts, Part::size))
}

/// Index of the part that `weight` makes the heaviest; the first of equals, `None` if all are 0.
fn best(parts: &[Part], weight: impl Fn(&Part) -> usize) -> Option<usize> {
    let mut best = None;
    let mut most = 0;
    for (index, part) in parts.iter().enumerate() {
        let weight = weight(part);
        if weight > most {
            most = weight;
            best = Some(index);
        }
    }
    best
}

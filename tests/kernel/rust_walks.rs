// SPDX-License-Identifier: GPL-2.0

//! Tests of walks: tasks over a linked list, and over positions that are no addresses.

use crate::{
    check,
    ktask::{
        Part,
        Task,
        NO_NODE, //
    },
    Threads, //
};
use core::{
    iter,
    ptr, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};

const NODES: usize = 5000;
const MIN_CHUNK: usize = 7;

/// The number of the node that the iterator of [`advance_is_in_order`] has to be given next.
static NEXT: Atomic<usize> = Atomic::new(0);

pub(crate) fn run_all() -> Result {
    check("p1_walk_every_node_once", every_node_once)?;
    check("p1_walk_of_references", references)?;
    check("p1_walk_of_numbers", numbers)?;
    check("p1_walk_of_nothing", nothing)?;
    check("p1_walk_advances_in_order", advance_is_in_order)?;
    check("p1_walk_past_the_end", past_the_end)?;
    check("p2_walk_chunks", chunks)?;
    check("p2_walk_parts", parts)?;
    check("p12_walk_threads", threads)?;
    check("p7_walk_first_error", first_error)?;
    check("p8_walk_undo", undo)?;
    check("p8_walk_parts_undo", parts_undo)?;
    check("p9_walk_impossible_node", impossible_node)?;
    check("walk_killable", killable)
}

/// A node of a list, which counts how often it was seen.
struct Node {
    number: usize,
    seen: Atomic<u32>,
    next: Option<KBox<Node>>,
}

/// A list of nodes, numbered from 0.
struct List(Option<KBox<Node>>);

impl List {
    fn new(len: usize) -> Result<Self> {
        let mut list = Self(None);
        for number in (0..len).rev() {
            let node = Node {
                number,
                seen: Atomic::new(0),
                next: list.0.take(),
            };
            list.0 = Some(KBox::new(node, GFP_KERNEL)?);
        }
        Ok(list)
    }

    fn first(&self) -> Option<&Node> {
        self.0.as_deref()
    }

    /// Whether every node was seen so often.
    fn all(&self, expected: u32) -> bool {
        between(self.first(), None).all(|node| node.seen.load(Relaxed) == expected)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // One after the other: a kernel stack is too small for as many calls as there are nodes.
        while let Some(mut node) = self.0.take() {
            self.0 = node.next.take();
        }
    }
}

fn skip(start: Option<&Node>, units: usize) -> Option<&Node> {
    after(start).nth(units)?
}

/// The positions from `start` on, the one after the last node included.
fn after(start: Option<&Node>) -> impl Iterator<Item = Option<&Node>> {
    iter::successors(Some(start), |node| node.map(|node| node.next.as_deref()))
}

/// The nodes from `start` to before `end`.
fn between<'a>(start: Option<&'a Node>, end: Option<&'a Node>) -> impl Iterator<Item = &'a Node> {
    let is_end = move |node: &Node| end.is_some_and(|end| ptr::eq(node, end));
    after(start)
        .map_while(|node| node)
        .take_while(move |&node| !is_end(node))
}

fn see(start: Option<&Node>, end: Option<&Node>) {
    between(start, end).for_each(|node| {
        node.seen.fetch_add(1, Relaxed);
    });
}

fn unsee(start: Option<&Node>, end: Option<&Node>) {
    between(start, end).for_each(|node| {
        node.seen.fetch_sub(1, Relaxed);
    });
}

/// A position in a list of [`NODES`] as a number.
fn number(node: Option<&Node>) -> usize {
    node.map_or(NODES, |node| node.number)
}

fn every_node_once() -> Result<bool> {
    let list = List::new(NODES)?;
    Task::new()
        .min_chunk(MIN_CHUNK)
        .walk(list.first(), NODES, skip, |start, end| {
            see(start, end);
            Ok(())
        })?;
    Ok(list.all(1))
}

/// Where something follows the last unit, positions need no `Option`.
fn references() -> Result<bool> {
    let list = List::new(NODES + 1)?;
    let first = list.first().ok_or(EINVAL)?;
    Task::new().walk(
        first,
        NODES,
        |node, units| skip(Some(node), units).unwrap_or(node),
        |start, end| {
            see(Some(start), Some(end));
            Ok(())
        },
    )?;
    let last = skip(Some(first), NODES).ok_or(EINVAL)?;
    last.seen.fetch_add(1, Relaxed);
    Ok(list.all(1))
}

/// Every third number, and positions that are no addresses: 0, and the largest of all.
fn numbers() -> Result<bool> {
    const UNITS: usize = 1000;
    let top = usize::MAX - 3 * UNITS;
    let sum = Atomic::new(0usize);
    for start in [0, top] {
        Task::new().walk(
            start,
            UNITS,
            |start, units| start + 3 * units,
            |start, end| {
                (start..end).step_by(3).for_each(|n| sum.add(n, Relaxed));
                Ok(())
            },
        )?;
    }
    let all = Iterator::chain(0..3 * UNITS, top..usize::MAX).step_by(3);
    Ok(sum.load(Relaxed) == all.fold(0, usize::wrapping_add))
}

fn nothing() -> Result<bool> {
    let task = Task::new().walk(
        None::<&Node>,
        0,
        |_, _| {
            pr_err!("advanced\n");
            None
        },
        |_, _| Err(EIO),
    );
    Ok(task == Ok(()))
}

fn advance_is_in_order() -> Result<bool> {
    let list = List::new(NODES)?;
    let chunks = Atomic::new(0usize);
    let in_order = Atomic::new(0usize);
    NEXT.store(0, Relaxed);
    Task::new().min_chunk(MIN_CHUNK).walk(
        list.first(),
        NODES,
        |start, units| {
            let next = NEXT.load(Relaxed);
            // Long enough for another thread to come in between, if one could.
            fsleep(Delta::from_micros(100));
            // A gap or a repetition is never made good again.
            if number(start) == next && units > 0 {
                NEXT.add(units, Relaxed);
            }
            skip(start, units)
        },
        |start, end| {
            chunks.add(1, Relaxed);
            if number(start) < number(end) && number(end) <= NEXT.load(Relaxed) {
                in_order.add(1, Relaxed);
            }
            Ok(())
        },
    )?;
    Ok(NEXT.load(Relaxed) == NODES && chunks.load(Relaxed) == in_order.load(Relaxed))
}

/// More units than nodes: the iterator stays at the end.
fn past_the_end() -> Result<bool> {
    let list = List::new(NODES)?;
    Task::new()
        .min_chunk(MIN_CHUNK)
        .walk(list.first(), 2 * NODES, skip, |start, end| {
            see(start, end);
            Ok(())
        })?;
    Task::new()
        .max_threads(1)
        .walk(list.first(), usize::MAX, skip, |start, end| {
            see(start, end);
            Ok(())
        })?;
    Ok(list.all(2))
}

fn chunks() -> Result<bool> {
    let list = List::new(NODES)?;
    Task::new()
        .min_chunk(MIN_CHUNK)
        .walk(list.first(), NODES, skip, |start, end| {
            if end.is_some() && (number(end) - number(start)) % MIN_CHUNK != 0 {
                return Err(EIO);
            }
            Ok(())
        })?;
    Ok(true)
}

/// A third of the list for node 0, the rest for any node, and nothing in between.
fn thirds(list: &List) -> [Part<Option<&Node>>; 3] {
    let second = skip(list.first(), NODES / 3);
    [
        Part::walk(0, list.first(), NODES / 3),
        Part::walk(NO_NODE, second, 0),
        Part::walk(NO_NODE, second, NODES - NODES / 3),
    ]
}

fn parts() -> Result<bool> {
    let list = List::new(NODES)?;
    let mut parts = thirds(&list);
    // Twice, as parts can be used again.
    for _ in 0..2 {
        Task::new()
            .max_threads(3)
            .walk_parts(&mut parts, skip, |start, end| {
                if number(start) < NODES / 3 && number(end) > NODES / 3 {
                    return Err(EIO);
                }
                see(start, end);
                Ok(())
            })?;
    }
    Ok(list.all(2))
}

/// As many threads walk as work on a range.
fn threads() -> Result<bool> {
    let list = List::new(NODES)?;
    let in_range = Threads::new();
    Task::new().min_chunk(100).run(0..NODES, |_| {
        in_range.meet();
        Ok(())
    })?;
    let in_walk = Threads::new();
    Task::new()
        .min_chunk(100)
        .walk(list.first(), NODES, skip, |start, end| {
            in_walk.meet();
            see(start, end);
            Ok(())
        })?;
    Ok(list.all(1) && in_walk.several() == in_range.several())
}

fn first_error() -> Result<bool> {
    let list = List::new(NODES)?;
    let result = Task::default().walk(list.first(), NODES, skip, |start, end| {
        if (number(start)..number(end)).contains(&(NODES / 2)) {
            Err(ENOSPC)
        } else {
            Ok(())
        }
    });
    Ok(result == Err(ENOSPC))
}

/// What completes counts up, what is undone down: in the end all is as if nothing had run.
fn undo() -> Result<bool> {
    let list = List::new(NODES)?;
    let mut undone = 0;
    let result = Task::new().min_chunk(MIN_CHUNK).walk_or_undo(
        list.first(),
        NODES,
        skip,
        |start, end| {
            if (number(start)..number(end)).contains(&(NODES * 9 / 10)) {
                return Err(EAGAIN);
            }
            see(start, end);
            Ok(())
        },
        |start, end| {
            undone += number(end) - number(start);
            unsee(start, end);
        },
    );
    let nothing_completed = Task::new().walk_or_undo(
        list.first(),
        NODES,
        skip,
        |_, _| Err(EBUSY),
        |_, _| undone = NODES,
    );
    Ok(result == Err(EAGAIN) && nothing_completed == Err(EBUSY) && undone < NODES && list.all(0))
}

/// The last part fails; whatever completed of it and the others is undone.
fn parts_undo() -> Result<bool> {
    let list = List::new(NODES)?;
    let mut undone = 0;
    let result = Task::new().max_threads(1).walk_parts_or_undo(
        &mut thirds(&list),
        skip,
        |start, end| {
            if end.is_none() {
                return Err(EAGAIN);
            }
            see(start, end);
            Ok(())
        },
        |start, end| {
            undone += number(end) - number(start);
            unsee(start, end);
        },
    );
    // Alone, the caller takes each part as one chunk, and the part of its node first.
    Ok(result == Err(EAGAIN) && list.all(0) && (undone == NODES / 3 || undone == 0))
}

fn impossible_node() -> Result<bool> {
    let list = List::new(1)?;
    let mut parts = [Part::walk(i32::MAX, list.first(), 1)];
    let result = Task::new().walk_parts(&mut parts, skip, |start, end| {
        see(start, end);
        Ok(())
    });
    Ok(result == Err(EINVAL) && list.all(0))
}

/// A task that can be stopped is never one chunk, not even in one thread.
fn killable() -> Result<bool> {
    let list = List::new(NODES)?;
    for (killable, one_chunk) in [(false, true), (true, false)] {
        let chunks = Atomic::new(0usize);
        Task::new().max_threads(1).killable(killable).walk(
            list.first(),
            NODES,
            skip,
            |start, end| {
                chunks.add(1, Relaxed);
                see(start, end);
                Ok(())
            },
        )?;
        if (chunks.load(Relaxed) == 1) != one_chunk {
            return Ok(false);
        }
    }
    Ok(list.all(2))
}

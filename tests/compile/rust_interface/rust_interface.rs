// SPDX-License-Identifier: GPL-2.0

//! The examples of Documentation/clients.rst.

use core::ops::Range;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

mod ktask {
    include!(env!("KTASK_RS"));
}

module! {
    type: Consumer,
    name: "rust_interface",
    authors: ["ktask_rs contributors"],
    description: "All that ktask's Rust interface can do, in short",
    license: "GPL",
}

struct Consumer;

impl kernel::Module for Consumer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let pages = Pages::new(10_000)?;
        clear(&pages)?;
        clear_on_nodes(&pages)?;
        clear_killable(&pages)?;
        // The last page stays as it is: it is in use.
        let pinned = pin(&pages, 9_999);
        if !pages.all_are(3) || pinned != Err(EBUSY) {
            return Err(EIO);
        }
        let list = List::new(5_000)?;
        count(&list)?;
        if !list.all_are(1) {
            return Err(EIO);
        }
        pr_info!("hello from all of the Rust interface\n");
        Ok(Self)
    }
}

fn clear(pages: &Pages) -> Result {
    ktask::Task::new()
        .min_chunk(1024)
        .run(0..pages.len(), |chunk| pages.clear(chunk))
}

fn pin(pages: &Pages, busy: usize) -> Result {
    ktask::Task::new().min_chunk(1024).run_or_undo(
        0..pages.len(),
        |chunk| pages.pin(chunk, busy),
        |range| pages.unpin(range),
    )
}

fn clear_on_nodes(pages: &Pages) -> Result {
    let mut parts = [
        ktask::Part::new(0, 0..4000),
        ktask::Part::new(ktask::NO_NODE, 4000..pages.len()),
    ];
    ktask::Task::new().run_parts(&mut parts, |chunk| pages.clear(chunk))
}

fn clear_killable(pages: &Pages) -> Result {
    ktask::Task::new()
        .killable(true)
        .run(0..pages.len(), |chunk| pages.clear(chunk))
}

fn count(list: &List) -> Result {
    ktask::Task::new()
        .min_chunk(64)
        .walk(list.first(), list.len(), skip, |start, end| {
            for node in nodes(start, end) {
                node.count.add(1, Relaxed);
            }
            Ok(())
        })
}

fn skip(mut node: Option<&Node>, units: usize) -> Option<&Node> {
    for _ in 0..units {
        node = node?.next.as_deref();
    }
    node
}

/// Pages, each of which is a number: how often it was cleared or pinned.
struct Pages(KVec<Atomic<u32>>);

impl Pages {
    fn new(len: usize) -> Result<Self> {
        let mut pages = KVec::with_capacity(len, GFP_KERNEL)?;
        for _ in 0..len {
            pages.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self(pages))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn clear(&self, chunk: Range<usize>) -> Result {
        for page in self.0.get(chunk).ok_or(EINVAL)? {
            page.add(1, Relaxed);
        }
        Ok(())
    }

    fn pin(&self, chunk: Range<usize>, busy: usize) -> Result {
        if chunk.contains(&busy) {
            return Err(EBUSY);
        }
        self.clear(chunk)
    }

    fn unpin(&self, range: Range<usize>) {
        for page in self.0.get(range).into_iter().flatten() {
            page.fetch_sub(1, Relaxed);
        }
    }

    fn all_are(&self, expected: u32) -> bool {
        self.0.iter().all(|page| page.load(Relaxed) == expected)
    }
}

/// A node that counts how often it was seen.
struct Node {
    count: Atomic<u32>,
    next: Option<KBox<Node>>,
}

struct List {
    first: Option<KBox<Node>>,
    len: usize,
}

impl List {
    fn new(len: usize) -> Result<Self> {
        let mut list = Self { first: None, len };
        for _ in 0..len {
            let node = Node {
                count: Atomic::new(0),
                next: list.first.take(),
            };
            list.first = Some(KBox::new(node, GFP_KERNEL)?);
        }
        Ok(list)
    }

    fn first(&self) -> Option<&Node> {
        self.first.as_deref()
    }

    fn len(&self) -> usize {
        self.len
    }

    fn all_are(&self, expected: u32) -> bool {
        nodes(self.first(), None).all(|node| node.count.load(Relaxed) == expected)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // One after the other: a kernel stack is too small for as many calls as there are nodes.
        while let Some(mut node) = self.first.take() {
            self.first = node.next.take();
        }
    }
}

/// The nodes from `start` to before `end`.
fn nodes<'a>(start: Option<&'a Node>, end: Option<&'a Node>) -> impl Iterator<Item = &'a Node> {
    core::iter::successors(start, |node| node.next.as_deref())
        .take_while(move |&node| !end.is_some_and(|end| core::ptr::eq(node, end)))
}

// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/part.rs`.

use crate::{
    ktask::{
        policy::chunk::{
            Chunk,
            Sizes, //
        },
        protocol::part::Part, //
    },
    preempt,
    util::{
        config,
        fewer_cases,
        number,
        positive, //
    }, //
};
use core::mem::offset_of;
use proptest::{
    collection::vec,
    prelude::*, //
};
use std::{
    sync::{
        Barrier,
        Mutex, //
    },
    thread, //
};

/// Lets `workers` threads claim everything at once; returns all chunks ordered by offset.
fn claim_all(workers: usize, claim: impl Fn() -> Option<Chunk> + Sync) -> Vec<Chunk> {
    let barrier = Barrier::new(workers);
    let (barrier, claim) = (&barrier, &claim);
    let mut chunks = thread::scope(|scope| {
        let handles: Vec<_> = (0u64..)
            .take(workers)
            .map(|seed| {
                scope.spawn(move || {
                    preempt::enable(seed);
                    barrier.wait();
                    std::iter::from_fn(claim).collect::<Vec<_>>()
                })
            })
            .collect();
        handles
            .into_iter()
            .flat_map(|handle| handle.join().unwrap())
            .collect::<Vec<_>>()
    });
    chunks.sort_by_key(|chunk| chunk.offset);
    chunks
}

/// Checks that the chunks, in order, are the whole part (P1) and keep to the minimum (P2).
fn check_partition(chunks: &[Chunk], size: usize, min: usize) -> Result<(), TestCaseError> {
    let mut offset = 0usize;
    for (index, chunk) in chunks.iter().enumerate() {
        prop_assert_eq!(chunk.offset, offset);
        prop_assert!(chunk.len > 0);
        if index + 1 < chunks.len() {
            prop_assert_eq!(chunk.len % min.max(1), 0);
        }
        offset = match offset.checked_add(chunk.len) {
            Some(end) if end <= size => end,
            _ => return Err(TestCaseError::fail(format!("{chunk:?} leaves the part"))),
        };
    }
    prop_assert_eq!(offset, size);
    Ok(())
}

/// A start and a size that fit in the address space, up to its very end.
fn range() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![
        (number(), number()).prop_map(|(start, size)| (start, size.min(usize::MAX - start))),
        number().prop_map(|size| (usize::MAX - size, size)),
    ]
}

/// A position after `position` that has nothing to do with numbers, as in a list or a tree.
fn hop(position: usize, size: usize) -> usize {
    (position ^ size)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize)
        .rotate_left(17)
}

#[test]
fn p1_empty_part_has_no_chunk() {
    let part = Part::new(5, 0, 0);
    assert_eq!(part.claims(Sizes::new(part.size(), 1, 1)).next(0), None);
    assert_eq!(
        part.claim_walk(Sizes::new(part.size(), 1, 1), 0, |_, _| unreachable!()),
        None
    );
    assert_eq!(part.remaining(), 0);
    assert_eq!(part.claimed_end(false), 5);
    assert_eq!(part.claimed_end(true), 5);
}

#[test]
fn new_part_tells_what_it_was_given() {
    let part = Part::new(10, 20, 3);
    assert_eq!((part.start(), part.size()), (10, 20));
    assert_eq!((part.nid(), part.raw_nid()), (Some(3), 3));
    assert_eq!(
        (part.threads(), part.claimed(), part.remaining()),
        (0, 0, 20)
    );
}

#[test]
fn negative_node_is_any_node() {
    for nid in [-1, i32::MIN] {
        assert_eq!(Part::new(0, 1, nid).nid(), None);
        assert_eq!(Part::new(0, 1, nid).raw_nid(), nid);
    }
    assert_eq!(Part::new(0, 1, 0).nid(), Some(0));
    assert_eq!(Part::new(0, 1, i32::MAX).nid(), Some(i32::MAX as usize));
}

#[test]
fn added_threads_are_counted() {
    let part = Part::new(0, 1, 0);
    for threads in 1..=100 {
        part.add_thread();
        assert_eq!(part.threads(), threads);
    }
}

/// The fields lie where those of `struct ktask_node` do.
#[test]
fn part_is_laid_out_like_the_c_structure() {
    #[repr(C)]
    struct KtaskNode {
        start: *const (),
        size: usize,
        nid: core::ffi::c_int,
        threads: u32,
        claimed: usize,
        position: *const (),
    }
    let expected = [
        offset_of!(KtaskNode, start),
        offset_of!(KtaskNode, size),
        offset_of!(KtaskNode, nid),
        offset_of!(KtaskNode, threads),
        offset_of!(KtaskNode, claimed),
        offset_of!(KtaskNode, position),
    ];
    assert_eq!(Part::offsets(), expected);
    assert_eq!(size_of::<Part>(), size_of::<KtaskNode>());
    assert_eq!(align_of::<Part>(), align_of::<KtaskNode>());
}

/// The smallest chunks make the most claims, and so the most races for one.
#[test]
fn p1_single_units_are_claimed_once_each() {
    const UNITS: usize = 200_000;
    let part = Part::new(0, UNITS, 0);
    // So many threads that a share is less than a unit.
    let chunks = claim_all(4, || part.claims(Sizes::new(part.size(), 1, UNITS)).next(0));
    assert_eq!(chunks.len(), UNITS);
    check_partition(&chunks, UNITS, 1).unwrap();
}

#[test]
fn p1_all_of_a_part_is_one_chunk() {
    let part = Part::new(10, 20, 0);
    let chunk = part.claim_all(99);
    assert_eq!(
        (chunk.offset, chunk.len, chunk.start, chunk.end),
        (0, 20, 10, 99)
    );
    assert_eq!((part.claimed(), part.remaining()), (20, 0));
    assert_eq!(part.claimed_end(true), 99);
    assert_eq!(part.claims(Sizes::new(part.size(), 1, 1)).next(0), None);
}

#[test]
fn p1_chunk_is_claimed_once() {
    let part = Part::new(100, 10, 0);
    assert_eq!(part.claim(0, 4), Ok(()));
    assert_eq!(part.claim(0, 4), Err(4));
    assert_eq!(part.claim(4, 6), Ok(()));
    assert_eq!((part.claimed(), part.remaining()), (10, 0));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p1_claims_in_turn_partition_the_part(
        (start, size) in range(), min in number(), threads in 0usize..64,
    ) {
        let part = Part::new(start, size, 0);
        let mut chunks = Vec::new();
        while let Some(chunk) = part.claims(Sizes::new(part.size(), min, threads)).next(0) {
            prop_assert_eq!(chunk.start, start + chunk.offset);
            prop_assert_eq!(chunk.end, chunk.start + chunk.len);
            chunks.push(chunk);
            prop_assert_eq!(part.claimed(), chunk.offset + chunk.len);
            prop_assert_eq!(part.remaining(), size - part.claimed());
            prop_assert_eq!(part.claimed_end(false), chunk.end);
        }
        check_partition(&chunks, size, min)?;
        // Once empty, empty for good.
        prop_assert_eq!(part.claims(Sizes::new(part.size(), min, threads)).next(0), None);
        prop_assert_eq!(part.remaining(), 0);
    }

    /// Whatever the others claim meanwhile.
    #[test]
    fn slow_start_claims_no_more_than_was_done(
        (start, size) in range(), min in number(), threads in 2usize..64,
        others in vec(0usize..4, 1..20),
    ) {
        let part = Part::new(start, size, 0);
        let mut slow = part.claims(Sizes::new(part.size(), min, threads).with_slow_start());
        let mut fast = part.claims(Sizes::new(part.size(), min, threads));
        let mut others = others.into_iter().cycle();
        let mut chunks = Vec::new();
        let mut done = 0;
        while let Some(chunk) = slow.next(done) {
            prop_assert!(chunk.len <= done.saturating_add(min.max(1)));
            done += chunk.len;
            chunks.push(chunk);
            let times = others.next().unwrap_or(0);
            chunks.extend((0..times).map_while(|_| fast.next(0)));
        }
        check_partition(&chunks, size, min)?;
    }

    #[test]
    fn p1_walk_visits_the_iterators_positions_in_order(
        start in number(), size in number(), min in number(), threads in 0usize..64,
    ) {
        let part = Part::new(start, size, 0);
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut expected = start;
        loop {
            let mut asked = None;
            let claimed = part.claim_walk(Sizes::new(part.size(), min, threads), 0, |position, len| {
                asked = Some((position, len));
                Some(hop(position, len))
            });
            let Some(chunk) = claimed else {
                prop_assert_eq!(asked, None);
                break;
            };
            prop_assert_eq!(asked, Some((expected, chunk.len)));
            prop_assert_eq!(chunk.start, expected);
            expected = hop(expected, chunk.len);
            prop_assert_eq!(chunk.end, expected);
            prop_assert_eq!(part.claimed_end(true), expected);
            chunks.push(chunk);
        }
        check_partition(&chunks, size, min)?;
    }

    #[test]
    fn p7_walk_that_is_called_off_claims_nothing(
        start in number(), size in positive(), min in number(), before in 0usize..5,
    ) {
        let part = Part::new(start, size, 0);
        let walk = |position, len| Some(hop(position, len));
        for _ in 0..before {
            part.claim_walk(Sizes::new(part.size(), min, 4), 0, walk);
        }
        let (claimed, position) = (part.claimed(), part.claimed_end(true));
        prop_assert_eq!(part.claim_walk(Sizes::new(part.size(), min, 4), 0, |_, _| None), None);
        prop_assert_eq!((part.claimed(), part.claimed_end(true)), (claimed, position));
        if let Some(chunk) = part.claim_walk(Sizes::new(part.size(), min, 4), 0, walk) {
            prop_assert_eq!((chunk.offset, chunk.start), (claimed, position));
        } else {
            prop_assert_eq!(claimed, size);
        }
    }

    #[test]
    fn reset_part_is_as_new(
        (start, size) in range(), min in positive(), walk: bool, claims in 1usize..20,
    ) {
        let part = Part::new(start, size, 2);
        let fresh = Part::new(start, size, 2);
        let claim = |part: &Part| if walk {
            part.claim_walk(Sizes::new(part.size(), min, 4), 0, |position, len| Some(hop(position, len)))
        } else {
            part.claims(Sizes::new(part.size(), min, 4)).next(0)
        };
        for _ in 0..claims {
            part.add_thread();
            claim(&part);
        }
        part.reset();
        prop_assert_eq!(part.threads(), 0);
        prop_assert_eq!(part.claimed(), 0);
        prop_assert_eq!(part.claimed_end(walk), start);
        prop_assert_eq!((part.start(), part.size(), part.raw_nid()), (start, size, 2));
        loop {
            let chunk = claim(&fresh);
            prop_assert_eq!(claim(&part), chunk);
            if chunk.is_none() {
                break;
            }
        }
    }
}

proptest! {
    #![proptest_config(fewer_cases(4))]

    #[test]
    fn p1_claims_of_threads_partition_the_part(
        (start, size) in range(), min in number(), threads in 2usize..300, workers in 2usize..5,
    ) {
        let part = Part::new(start, size, 0);
        let chunks = claim_all(workers, || part.claims(Sizes::new(part.size(), min, threads)).next(0));
        check_partition(&chunks, size, min)?;
        for chunk in chunks {
            prop_assert_eq!(chunk.start, start + chunk.offset);
            prop_assert_eq!(chunk.end, chunk.start + chunk.len);
        }
    }

    /// The walk lock is what makes a walk of several threads one walk.
    #[test]
    fn p1_locked_walk_of_threads_partitions_the_part(
        start in number(), size in number(), min in number(), threads in 2usize..300,
    ) {
        let part = Part::new(start, size, 0);
        let walk = Mutex::new(Vec::new());
        let chunks = claim_all(3, || {
            let mut walked = walk.lock().unwrap();
            part.claim_walk(Sizes::new(part.size(), min, threads), 0, |position, len| {
                let next = hop(position, len);
                walked.push((position, next));
                Some(next)
            })
        });
        check_partition(&chunks, size, min)?;
        let walked = walk.into_inner().unwrap();
        prop_assert_eq!(walked.len(), chunks.len());
        let mut position = start;
        for (index, chunk) in chunks.iter().enumerate() {
            prop_assert_eq!(chunk.start, position);
            prop_assert_eq!(walked[index], (chunk.start, chunk.end));
            position = chunk.end;
        }
    }
}

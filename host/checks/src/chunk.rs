// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/policy/chunk.rs`.

use crate::{
    ktask::policy::chunk::Sizes,
    util::{
        config,
        number,
        positive, //
    }, //
};
use proptest::prelude::*;

/// The first chunk of a part.
fn first_len(size: usize, min: usize, threads: usize) -> usize {
    Sizes::new(size, min, threads).next(size, 0)
}

/// The chunks of a whole part in order. Gives up after `most`.
fn walk(size: usize, min: usize, threads: usize, most: usize) -> Vec<usize> {
    let sizes = Sizes::new(size, min, threads);
    let mut chunks = Vec::new();
    let mut remaining = size;
    while remaining != 0 && chunks.len() <= most {
        let len = sizes.next(remaining, 0);
        assert!(len > 0 && len <= remaining);
        remaining -= len;
        chunks.push(len);
    }
    chunks
}

/// Any sensible policy needs a few chunks per thread each time that what remains halves.
fn most_chunks(size: usize, min: usize, threads: usize) -> usize {
    let halvings = (size / min.max(1)).max(1).ilog2() as usize + 2;
    4 * threads * halvings
}

/// A size, a minimum and a number of threads for which a walk is short enough to be done.
fn walkable() -> impl Strategy<Value = (usize, usize, usize)> {
    (positive(), number(), 2usize..64)
}

/// The size of a part, and how much of it is left.
fn some_left() -> impl Strategy<Value = (usize, usize)> {
    (positive(), positive()).prop_map(|(a, b)| (a.max(b), a.min(b)))
}

#[test]
fn chunk_of_nothing_is_nothing() {
    for min in [0, 1, 2, usize::MAX] {
        for threads in [0, 1, 2, usize::MAX] {
            assert_eq!(first_len(0, min, threads), 0);
        }
    }
}

#[test]
fn zero_min_and_zero_threads_count_as_one() {
    for remaining in [1, 2, 1000, usize::MAX] {
        for other in [0, 1, 7, usize::MAX] {
            assert_eq!(
                first_len(remaining, 0, other),
                first_len(remaining, 1, other)
            );
            assert_eq!(
                first_len(remaining, other, 0),
                first_len(remaining, other, 1)
            );
        }
    }
}

#[test]
fn p2_less_than_the_minimum_is_one_chunk() {
    for threads in 0..9 {
        assert_eq!(first_len(99, 100, threads), 99);
        assert_eq!(first_len(100, 100, threads), 100);
        assert_eq!(
            first_len(usize::MAX - 1, usize::MAX, threads),
            usize::MAX - 1
        );
    }
}

#[test]
fn large_chunks_come_first() {
    // 10 GiB of 4 KiB pages, 8 threads, 2 MiB at least: far larger than the minimum, yet small
    // enough that everybody gets more than one.
    let first = first_len(2_621_440, 512, 8);
    assert!(first > 50 * 512, "{first}");
    assert!(first < 2_621_440 / 8, "{first}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p1_chunk_is_within_what_remains(
        (size, remaining) in some_left(), min in number(), threads in number(),
    ) {
        let len = Sizes::new(size, min, threads).next(remaining, 0);
        prop_assert!(len >= 1 && len <= remaining);
    }

    #[test]
    fn p2_chunk_is_multiple_of_min_except_last(
        (size, remaining) in some_left(), min in number(), threads in number(),
    ) {
        let len = Sizes::new(size, min, threads).next(remaining, 0);
        prop_assert!(len == remaining || len % min.max(1) == 0);
    }

    #[test]
    fn p2_chunk_is_never_below_min_except_last(
        (size, remaining) in some_left(), min in number(), threads in number(),
    ) {
        let len = Sizes::new(size, min, threads).next(remaining, 0);
        prop_assert!(len == remaining || len >= min);
    }

    #[test]
    fn one_thread_gets_everything(
        (size, remaining) in some_left(), min in number(), threads in 0usize..=1,
    ) {
        prop_assert_eq!(Sizes::new(size, min, threads).next(remaining, 0), remaining);
    }

    /// Nobody takes what another thread could do meanwhile, unless the minimum asks for it.
    #[test]
    fn chunk_is_at_most_an_even_share(
        (size, remaining) in some_left(), min in number(), threads in 2usize..,
    ) {
        let len = Sizes::new(size, min, threads).next(remaining, 0);
        prop_assert!(len <= (remaining / threads).max(min).max(1));
    }

    /// Chunks far below an even share would only cost time.
    #[test]
    fn chunk_is_a_fair_part_of_an_even_share(
        (size, remaining) in some_left(), min in number(), threads in 2usize..=1 << 20,
    ) {
        let len = Sizes::new(size, min, threads).next(remaining, 0);
        prop_assert!(len >= remaining / threads / 16 || len == remaining);
    }

    /// If the units at the start are the dear ones, the threads that do not get the first chunk
    /// have the most of them left to share.
    #[test]
    fn no_chunk_is_half_of_an_even_share_of_the_part(
        (size, remaining) in some_left(), min in number(), threads in 2usize..,
    ) {
        let len = Sizes::new(size, min, threads).next(remaining, 0);
        let eighth = size.div_ceil(threads.saturating_mul(8));
        prop_assert!(len <= eighth.max(min).max(1));
    }

    #[test]
    fn chunks_never_grow((size, min, threads) in walkable()) {
        let chunks = walk(size, min, threads, most_chunks(size, min, threads));
        prop_assert!(chunks.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn whole_part_takes_few_chunks((size, min, threads) in walkable()) {
        let most = most_chunks(size, min, threads);
        let chunks = walk(size, min, threads, most);
        prop_assert!(chunks.len() <= most);
        prop_assert_eq!(chunks.iter().sum::<usize>(), size);
    }

    /// While the last thread does its last chunk, nobody waits for more than a minimum chunk.
    #[test]
    fn last_chunks_are_minimum_chunks((size, min, threads) in walkable()) {
        let chunks = walk(size, min, threads, most_chunks(size, min, threads));
        for &len in chunks.iter().rev().take(threads) {
            prop_assert!(len <= min.max(1), "{len} in {chunks:?}");
        }
    }

    /// Chunks of a run are the ones that would be claimed one by one, and a run ends where they
    /// would not be.
    #[test]
    fn run_has_the_length_of_each_of_its_chunks(
        (size, min, threads) in walkable(), alone in any::<bool>(), slow in any::<bool>(),
    ) {
        let sizes = if alone { Sizes::alone(size, min) } else { Sizes::new(size, min, threads) };
        let sizes = if slow { sizes.with_slow_start() } else { sizes };
        let (mut claimed, mut done) = (0, 0);
        while let Some(run) = sizes.run(size, claimed, done) {
            prop_assert!(run.until > claimed);
            let before = claimed;
            while claimed < run.until {
                // A thread that had to begin small may do more by now; no less.
                prop_assert!(run.len > 0 && run.len <= sizes.next(size - claimed, done));
                prop_assert!(slow || run.len == sizes.next(size - claimed, done));
                claimed += run.len;
                done += run.len;
            }
            prop_assert!(claimed > before && claimed <= size);
        }
        prop_assert_eq!(claimed, size);
    }

    /// A thread that is alone for now pays for few chunks, and leaves most for others.
    #[test]
    fn p19_thread_without_helpers_takes_few_chunks((size, min, _) in walkable()) {
        let sizes = Sizes::alone(size, min);
        let mut left = size;
        let mut chunks = 0;
        while left > 0 {
            let len = sizes.next(left, size - left);
            prop_assert!(len <= (size / 16).max(min).max(1));
            prop_assert!(len % min.max(1) == 0 || len == left);
            left -= len;
            chunks += 1;
        }
        prop_assert!(chunks <= 32);
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Gigantic pages: the only part of the sample that touches memory by its address.

use crate::helpers;
use core::{
    ptr::NonNull,
    slice, //
};
use kernel::{
    prelude::*,
    sizes::{
        SZ_1G,
        SZ_2M, //
    },
};

/// The size of a block, the unit in which a page is cleared, in bytes.
pub(crate) const BLOCK_SIZE: usize = SZ_2M;
/// How many blocks a gigantic page has.
pub(crate) const BLOCKS: usize = SIZE / BLOCK_SIZE;

const SIZE: usize = SZ_1G;
const BLOCK_WORDS: usize = BLOCK_SIZE / size_of::<u64>();

/// A node with memory.
pub(crate) fn first_node() -> i32 {
    // SAFETY: Takes nothing and changes nothing.
    unsafe { helpers::clear_gigantic_first_node() }
}

/// Whether a node has memory; `node` may be any number.
pub(crate) fn node_has_memory(node: i32) -> bool {
    // SAFETY: The helper checks the range of `node`.
    unsafe { helpers::clear_gigantic_node_has_memory(node) }
}

/// The node of the CPU this runs on.
pub(crate) fn this_node() -> i32 {
    // SAFETY: Takes nothing and changes nothing.
    unsafe { helpers::clear_gigantic_this_node() }
}

/// Gives way to other threads. `EINTR` if the thread is to be killed, which helpers never are.
///
/// To be called between blocks, so that long loops hurt nobody.
fn breathe() -> Result {
    // SAFETY: Only called where sleeping is allowed.
    if unsafe { helpers::clear_gigantic_killed() } {
        return Err(EINTR);
    }
    Ok(())
}

/// 1 GiB of contiguous memory of one node.
pub(crate) struct GiganticPage(NonNull<u64>);

// SAFETY: The memory is ours alone and may be used and freed in any thread.
unsafe impl Send for GiganticPage {}

// SAFETY: Through a shared reference the memory is only ever cleared, in C code. That several
// threads may do so at once does no harm, as all store zeroes and nobody reads.
unsafe impl Sync for GiganticPage {}

impl GiganticPage {
    /// Takes the memory from `node`: `EINVAL` if the node has none, `ENOMEM` if not as much.
    pub(crate) fn new(node: i32) -> Result<Self> {
        breathe()?;
        if !node_has_memory(node) {
            return Err(EINVAL);
        }
        // SAFETY: The node has memory, and the size is a power of two of whole pages.
        let memory = unsafe { helpers::clear_gigantic_alloc(node, SIZE) };
        NonNull::new(memory.cast()).map(Self).ok_or(ENOMEM)
    }

    /// Writes `word` to all of the page.
    pub(crate) fn fill(&mut self, word: u64) -> Result {
        self.words().chunks_mut(BLOCK_WORDS).try_for_each(|block| {
            block.fill(word);
            breathe()
        })
    }

    /// Clears one of the [`BLOCKS`].
    pub(crate) fn clear(&self, block: usize) -> Result {
        if block >= BLOCKS {
            return Err(EINVAL);
        }
        // SAFETY: The block is in the memory, which nobody has a reference into: `words()` needs
        // `self` alone.
        unsafe {
            let start = self.0.as_ptr().add(block * BLOCK_WORDS);
            helpers::clear_gigantic_clear(start.cast(), BLOCK_SIZE);
        }
        breathe()
    }

    /// Counts the words that are not zero.
    pub(crate) fn nonzero_words(&mut self) -> Result<usize> {
        let mut sum = 0;
        for block in self.words().chunks(BLOCK_WORDS) {
            sum += nonzero(block);
            breathe()?;
        }
        Ok(sum)
    }

    fn words(&mut self) -> &mut [u64] {
        // SAFETY: The memory is `SIZE` bytes, aligned to that; it holds whatever was in it, which
        // is a valid `u64`. Nobody else uses it while `self` is borrowed for it.
        unsafe { slice::from_raw_parts_mut(self.0.as_ptr(), SIZE / size_of::<u64>()) }
    }
}

impl Drop for GiganticPage {
    fn drop(&mut self) {
        // SAFETY: The memory was allocated with this size and is used no more.
        unsafe { helpers::clear_gigantic_free(self.0.as_ptr().cast(), SIZE) };
        // Even one who is to be killed has to free all.
        let _ = breathe();
    }
}

fn nonzero(words: &[u64]) -> usize {
    // One branch for eight words: nearly always all are zero.
    words
        .chunks(8)
        .filter(|eight| eight.iter().fold(0, |any, word| any | word) != 0)
        .map(|eight| eight.iter().filter(|word| **word != 0).count())
        .sum()
}

// SPDX-License-Identifier: GPL-2.0

//! How tasks share helpers: `ktask/policy/share.rs`.

use crate::ktask::policy::share::gives;
use proptest::{
    collection::vec,
    prelude::*, //
};

#[test]
fn p19_one_helper_more_is_no_reason() {
    assert!(!gives(0, 0) && !gives(1, 0) && !gives(0, 5) && !gives(7, 6));
    assert!(gives(2, 0) && gives(8, 6) && gives(u32::MAX, 0));
}

proptest! {
    /// Whoever gives whenever it may, in whatever order, comes to an end, soon, and equal.
    #[test]
    fn p19_moves_end_and_tasks_are_equal(
        mut helpers in vec(0..40u32, 2..8),
        order in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 2000),
    ) {
        let squares = |helpers: &[u32]| helpers.iter().map(|&count| count * count).sum::<u32>();
        let bound = squares(&helpers) / 2;
        let mut moves = 0;
        for (from, to) in order {
            let (from, to) = (from.index(helpers.len()), to.index(helpers.len()));
            if gives(helpers[from], helpers[to]) {
                let before = squares(&helpers);
                helpers[from] -= 1;
                helpers[to] += 1;
                moves += 1;
                prop_assert!(squares(&helpers) + 2 <= before);
                // Not back at once.
                prop_assert!(!gives(helpers[to], helpers[from]));
            }
        }
        prop_assert!(moves <= bound);
        // Whoever is left may still give; then there is an end.
        while let Some((from, to)) = (0..helpers.len())
            .flat_map(|from| (0..helpers.len()).map(move |to| (from, to)))
            .find(|&(from, to)| gives(helpers[from], helpers[to]))
        {
            helpers[from] -= 1;
            helpers[to] += 1;
            moves += 1;
        }
        prop_assert!(moves <= bound);
        let (least, most) = (helpers.iter().min().unwrap(), helpers.iter().max().unwrap());
        prop_assert!(most - least <= 1);
    }
}

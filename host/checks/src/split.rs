// SPDX-License-Identifier: GPL-2.0

//! How the sample that clears huge pages cuts a folio.

use crate::folio_split::Split;

const FOLIOS: [usize; 8] = [1, 2, 3, 4, 5, 6, 16, 512];

#[test]
fn every_page_is_in_one_range() {
    for pages in FOLIOS {
        for fault in 0..pages {
            let split = Split::new(pages, fault);
            let [behind, before] = split.far;
            assert_eq!(
                (before.start, before.end),
                (0, split.near.start),
                "{pages} {fault}"
            );
            assert_eq!(
                (behind.start, behind.end),
                (split.near.end, pages),
                "{pages} {fault}"
            );
        }
    }
}

#[test]
fn two_pages_on_each_side_are_near() {
    for pages in FOLIOS {
        for fault in 0..pages {
            let near = Split::new(pages, fault).near;
            for page in 0..pages {
                assert_eq!(near.contains(&page), page.abs_diff(fault) <= 2);
            }
        }
    }
}

#[test]
fn a_fault_beyond_the_folio_counts_as_its_end() {
    assert_eq!(Split::new(512, 1 << 40), Split::new(512, 511));
    assert_eq!(Split::new(0, 7).near, 0..0);
    assert_eq!(Split::new(512, usize::MAX).near, 509..512);
}

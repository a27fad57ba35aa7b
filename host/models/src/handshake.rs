// SPDX-License-Identifier: GPL-2.0

//! The handshake alone: no lock helps it to order the accesses to the data.

use super::explore;
use crate::ktask::protocol::handshake::Handshake;
use loom::thread;
use std::sync::Arc;

/// A counter that everybody who has access increments.
type Hand = Arc<Handshake<u32>>;

fn offer(hand: &Hand) -> bool {
    let Some(mut held) = hand.hold() else {
        return false;
    };
    held.with(|count| *count += 1);
    held.offer();
    true
}

/// Returns whether there was an offer to cancel.
fn cancel(hand: &Hand) -> bool {
    let Some(mut held) = hand.cancel() else {
        return false;
    };
    held.with(|count| *count += 1);
    held.release();
    true
}

/// Returns whether a worker of this hand has begun, which moves on or ends.
fn work(hand: &Hand, moves: bool) -> bool {
    let Some(mut running) = hand.begin() else {
        return false;
    };
    running.with(|count| *count += 1);
    if moves {
        running.move_on();
    } else {
        running.end();
    }
    true
}

fn spawn(hand: &Hand, moves: bool) -> thread::JoinHandle<bool> {
    let hand = hand.clone();
    thread::spawn(move || work(&hand, moves))
}

/// A worker against the owner, who cancels the offer and makes another one as soon as it can.
#[test]
fn p3_p4_accesses_are_ordered() {
    explore(20, || {
        let hand = Hand::new(Handshake::new(0));
        assert!(offer(&hand));
        let workers = [spawn(&hand, false), spawn(&hand, false)];
        let cancelled = cancel(&hand);
        let again = offer(&hand);
        assert!(again || !cancelled, "a cancelled helper is idle");
        let begun = workers
            .into_iter()
            .map(|worker| u32::from(worker.join().unwrap()))
            .sum::<u32>();
        let last = cancel(&hand);
        let offers = 1 + u32::from(again);
        let cancels = u32::from(cancelled) + u32::from(last);
        assert_eq!(begun + cancels, offers, "each offer is begun or cancelled");
        let mut held = hand.hold().expect("the helper is idle");
        held.with(|count| assert_eq!(*count, 2 * offers));
    });
}

/// A worker that moves on, one that takes that up, and the owner.
#[test]
fn p3_p4_moves_are_ordered() {
    explore(20, || {
        let hand = Hand::new(Handshake::new(0));
        assert!(offer(&hand));
        let workers = [spawn(&hand, true), spawn(&hand, false)];
        let cancelled = cancel(&hand);
        let begun: u32 = workers
            .into_iter()
            .map(|worker| u32::from(worker.join().unwrap()))
            .sum();
        let cancelled = cancelled || cancel(&hand);
        let mut held = hand.hold().expect("the helper is idle");
        held.with(|count| assert_eq!(*count, 1 + begun + u32::from(cancelled)));
    });
}

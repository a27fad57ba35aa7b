// SPDX-License-Identifier: GPL-2.0

//! Helpers that go from one task to another, and threads of no task that bring helpers, while callers
//! end their tasks.

use super::{
    explore,
    explore_preempted,
    pool::{
        assignment,
        Hungry,
        Job,
        Member,
        Pool,
        Team, //
    },
    Bug,
    Handed, //
};
use crate::ktask::protocol::helper::{
    Assignment,
    Next,
    Origin, //
};
use loom::thread;
use std::sync::{
    self,
    atomic::{
        AtomicUsize,
        Ordering, //
    },
    Arc, //
};

/// A job whose helpers may go to another task once they have begun.
struct Brief {
    /// What helpers read, and the caller writes when they are gone.
    memory: Handed<()>,
    gives: bool,
    /// Grants that were released.
    released: AtomicUsize,
}

impl Brief {
    fn new(gives: bool) -> Arc<Self> {
        Arc::new(Self {
            memory: Handed::new(()),
            gives,
            released: AtomicUsize::new(0),
        })
    }

    fn release(&self) {
        self.released.fetch_add(1, Ordering::Relaxed);
    }
}

impl Job for Brief {
    fn run(&self, _member: &Member, assignment: Assignment) -> Next {
        self.memory.read(|_| ());
        if self.gives && assignment.origin != Origin::Again {
            return Next::Switch(assignment);
        }
        self.release();
        Next::Done
    }

    fn cancelled(&self, _assignment: Assignment) {
        self.release();
    }
}

/// A task with a helper, whose helper goes to a hungry task, while both callers end.
fn switch(bug: Bug) {
    let pool = Pool::new(1);
    let hungry = Hungry::new(2);
    let jobs = [Brief::new(true), Brief::new(false)];
    let teams = [0, 1].map(|index| {
        let job = jobs[index].clone();
        Team::among(&pool, Some(hungry.clone()), index + 1, job, bug)
    });
    let [giver, taker] = teams;
    let callers = thread::spawn({
        let job = jobs[1].clone();
        move || {
            taker.go_hungry();
            assert!(taker.join().is_empty());
            // P3: the caller's memory is the caller's again.
            job.memory.write(|_| ());
        }
    });
    assert!(giver.start(assignment(0)));
    assert!(giver.join().is_empty());
    jobs[0].memory.write(|_| ());
    callers.join().unwrap();
    pool.check_idle();
    // P11: the one grant was released once, by whoever had it last.
    let released: usize = jobs
        .iter()
        .map(|job| job.released.load(Ordering::Relaxed))
        .sum();
    assert_eq!(released, 1);
}

/// A thread of no task brings a helper to a hungry task whose caller ends.
fn feed(bug: Bug) {
    let pool = Pool::new(1);
    let hungry = Hungry::new(2);
    let job = Brief::new(false);
    let task = Team::among(&pool, Some(hungry.clone()), 1, job.clone(), bug);
    task.go_hungry();
    let feeder = thread::spawn({
        let pool = pool.clone();
        move || {
            let nobody = Team::among(&pool, Some(hungry), 2, Brief::new(false), bug);
            nobody.feed();
            nobody.join();
        }
    });
    task.join();
    job.memory.write(|_| ());
    feeder.join().unwrap();
    pool.check_idle();
}

/// The caller ends while another thread of the task, a helper, starts one more.
fn recruit(bug: Bug) {
    struct Recruits(sync::Mutex<Option<Arc<Team>>>, AtomicUsize);

    impl Job for Recruits {
        fn run(&self, _member: &Member, _assignment: Assignment) -> Next {
            let team = self.0.lock().unwrap().take();
            if let Some(team) = team {
                team.start(assignment(0));
            }
            self.1.fetch_add(1, Ordering::Relaxed);
            Next::Done
        }

        fn cancelled(&self, _assignment: Assignment) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    let pool = Pool::new(2);
    let job = Arc::new(Recruits(sync::Mutex::new(None), AtomicUsize::new(0)));
    let team = Team::new(&pool, job.clone(), bug);
    *job.0.lock().unwrap() = Some(team.clone());
    assert!(team.start(assignment(0)));
    team.join();
    // The one that was cancelled has not taken it.
    drop(job.0.lock().unwrap().take());
    let over = job.1.load(Ordering::Relaxed);
    assert!((1..=2).contains(&over));
    pool.check_idle();
}

#[test]
fn p3_p4_p19_helper_switches_while_callers_end() {
    explore_preempted(3, 500, || switch(Bug::None));
}

#[test]
fn p3_p4_p19_task_is_fed_while_its_caller_ends() {
    explore_preempted(4, 100, || feed(Bug::None));
}

#[test]
fn p4_p19_helper_recruits_while_the_caller_ends() {
    explore_preempted(4, 100, || recruit(Bug::None));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn helper_that_is_not_expected_is_found() {
    explore(1, || switch(Bug::ExpectsNobody));
}

#[test]
#[should_panic(expected = "nobody is boosted")]
fn helper_that_comes_quietly_is_found() {
    explore(1, || switch(Bug::ComesQuietly));
}

#[test]
#[should_panic(expected = "the scope is gone")]
fn task_that_stays_hungry_is_found() {
    explore(1, || feed(Bug::StaysHungry));
}

#[test]
#[should_panic(expected = "offered after the scope was closed")]
fn offer_without_the_lock_is_found() {
    explore(1, || recruit(Bug::OffersUnlocked));
}

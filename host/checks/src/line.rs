// SPDX-License-Identifier: GPL-2.0

//! The ring of hungry tasks: `ktask/protocol/line.rs`.

use crate::ktask::protocol::line::{
    Entries,
    Entry,
    Line, //
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index, //
};
use std::collections::VecDeque;

/// Tasks, which are known by their index and one.
struct Tasks(Vec<Entry>);

impl Tasks {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| Entry::new()).collect())
    }
}

impl Entries for Tasks {
    fn entry(&self, task: usize) -> &Entry {
        &self.0[task - 1]
    }
}

#[test]
fn p19_each_task_has_its_turn() {
    let tasks = Tasks::new(3);
    let mut line = Line::new();
    assert_eq!(line.turn(&tasks), None);
    for task in 1..=3 {
        assert!(!tasks.entry(task).is_taken());
        line.join(&tasks, task);
        assert!(tasks.entry(task).is_taken());
    }
    let turns: Vec<_> = (0..7).filter_map(|_| line.turn(&tasks)).collect();
    assert_eq!(turns, [1, 2, 3, 1, 2, 3, 1]);
    // The one whose turn it would be leaves.
    line.leave(&tasks, 2);
    assert!(!tasks.entry(2).is_taken());
    assert_eq!((line.len(), line.turn(&tasks)), (2, Some(3)));
    line.leave(&tasks, 1);
    line.leave(&tasks, 3);
    assert_eq!((line.len(), line.turn(&tasks)), (0, None));
}

proptest! {
    /// As a queue, whose front goes to the back with each turn.
    #[test]
    fn p19_line_is_a_ring(steps in vec((0..3u32, any::<Index>()), 0..80)) {
        const TASKS: usize = 6;
        let tasks = Tasks::new(TASKS);
        let mut line = Line::new();
        let mut queue = VecDeque::new();
        for (step, who) in steps {
            let task = who.index(TASKS) + 1;
            match step {
                0 if !queue.contains(&task) => {
                    line.join(&tasks, task);
                    queue.push_back(task);
                }
                1 if queue.contains(&task) => {
                    line.leave(&tasks, task);
                    queue.retain(|&other| other != task);
                }
                2 => {
                    prop_assert_eq!(line.turn(&tasks), queue.front().copied());
                    if !queue.is_empty() {
                        queue.rotate_left(1);
                    }
                }
                _ => {}
            }
            prop_assert_eq!(line.len(), queue.len());
            for task in 1..=TASKS {
                prop_assert_eq!(tasks.entry(task).is_taken(), queue.contains(&task));
            }
        }
    }
}

// SPDX-License-Identifier: GPL-2.0

//! Tests of `ktask/protocol/outcome.rs`.

use crate::{
    ktask::protocol::outcome::Outcome,
    util::config, //
};
use proptest::{
    collection::vec,
    prelude::*, //
};

#[test]
fn p7_new_task_has_not_failed() {
    let outcome = Outcome::new();
    assert_eq!((outcome.failed(), outcome.error()), (false, 0));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn p7_first_error_counts(errors in vec(any::<i32>().prop_filter("no error", |&e| e != 0), 1..9)) {
        let outcome = Outcome::new();
        for &error in &errors {
            outcome.fail(error);
            prop_assert!(outcome.failed());
            prop_assert_eq!(outcome.error(), errors[0]);
        }
    }
}

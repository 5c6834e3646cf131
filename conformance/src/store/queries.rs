//! The query language through the store: the project's own query cases, which are data.

use crate::case::cases;
use crate::fixture::Stores;
use crate::query_cases::{Case, judge, run_case};

cases![
    filters_find_what_mongodb_finds,
    sorts_order_as_mongodb_does,
    projections_show_what_mongodb_shows,
    updates_change_what_mongodb_changes,
    pipelines_give_what_mongodb_gives,
];

/// Runs the cases of a file, a line each, and tells of all that fail. Those that cannot be judged are left out.
async fn answered(stores: Stores, file: &str) {
    let store = stores.open().await;
    let mut failed = Vec::new();
    for line in file.lines().filter(|line| !line.trim().is_empty()) {
        let case = Case::parse(line).unwrap();
        if !stores.can_judge(&case.id) {
            continue;
        }
        let answer = run_case(&*store, "cases", &case)
            .await
            .unwrap_or_else(|fault| panic!("{}: {fault}", case.id));
        if let Err(mismatch) = judge(&case, &answer) {
            failed.push(format!("{}: {mismatch} ({})", case.id, case.note));
        }
    }
    assert!(
        failed.is_empty(),
        "{} cases failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

async fn filters_find_what_mongodb_finds(stores: Stores) {
    answered(stores, include_str!("../../../seed/tests/cases/filter.jsonl")).await;
}

async fn sorts_order_as_mongodb_does(stores: Stores) {
    answered(stores, include_str!("../../../seed/tests/cases/sort.jsonl")).await;
}

async fn projections_show_what_mongodb_shows(stores: Stores) {
    answered(stores, include_str!("../../../seed/tests/cases/projection.jsonl")).await;
}

async fn updates_change_what_mongodb_changes(stores: Stores) {
    answered(stores, include_str!("../../../seed/tests/cases/update.jsonl")).await;
}

async fn pipelines_give_what_mongodb_gives(stores: Stores) {
    answered(stores, include_str!("../../../seed/tests/cases/aggregate.jsonl")).await;
}

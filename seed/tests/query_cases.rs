//! The query language against its cases: the project's own below `tests/cases`, and the shared ones where they are.

use std::path::{Path, PathBuf};

use conformance::query_cases::{Answer, Case, Op, judge, read_folder};
use seed::{Document, Filter, Result};

#[test]
fn the_projects_own_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    assert!(run(&folder) >= 60, "the cases are there");
}

#[test]
fn the_shared_cases() {
    let folder = shared_folder();
    if folder.is_dir() {
        println!("{} shared cases passed", run(&folder));
    } else {
        println!("no shared cases at {}: skipped", folder.display());
    }
}

/// The shared cases lie beside the workspace, or where `QUERY_CASES` says.
fn shared_folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/query-cases");
    std::env::var_os("QUERY_CASES").map_or_else(beside, PathBuf::from)
}

/// Checks all cases below a folder that can be carried out here, and tells how many.
fn run(folder: &Path) -> usize {
    let cases = read_folder(folder).unwrap_or_else(|error| panic!("{error}"));
    let mut passed = 0;
    let mut failures = Vec::new();
    for case in &cases {
        let Some(answer) = carry_out(case) else { continue };
        match judge(case, &answer) {
            Ok(()) => passed += 1,
            Err(mismatch) => failures.push(format!(
                "{}: {mismatch} ({})\n  {:?}",
                case.id, case.note, case.op
            )),
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
    passed
}

/// Carries out a case, if its kind of operation can be.
fn carry_out(case: &Case) -> Option<Answer> {
    match &case.op {
        Op::Find {
            filter,
            projection: None,
            sort: None,
            skip: None,
            limit: None,
        } => Some(answer(find(filter, &case.documents))),
        Op::Find { .. } | Op::Update { .. } | Op::Aggregate { .. } => None,
    }
}

fn answer(found: Result<Vec<Document>>) -> Answer {
    found.map_or(Answer::Refused { documents: None }, Answer::Found)
}

fn find(filter: &Document, documents: &[Document]) -> Result<Vec<Document>> {
    let filter = Filter::parse(filter)?;
    let mut found = Vec::new();
    for document in documents {
        if filter.matches(document)? {
            found.push(document.clone());
        }
    }
    Ok(found)
}

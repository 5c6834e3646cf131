//! The query language against its cases: the project's own below `tests/cases`, and the shared ones where they are.

use std::path::{Path, PathBuf};

use conformance::query_cases::{Answer, Case, Op, judge, read_folder};
use seed::{Document, Error, Filter, Pipeline, Projection, Result, Sort, Value};

#[test]
fn the_projects_own_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    assert!(run(&folder) >= 240, "the cases are there");
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
    let documents = &case.documents;
    match &case.op {
        Op::Find {
            filter,
            projection,
            sort,
            skip,
            limit,
        } => {
            let options = FindOptions {
                projection: projection.clone().unwrap_or_default(),
                sort: sort.clone().unwrap_or_default(),
                skip: skip.clone(),
                limit: limit.clone(),
            };
            Some(answer(find(filter, &options, documents)))
        }
        Op::Aggregate { pipeline } => Some(answer(aggregate(pipeline, documents))),
        Op::Update { .. } => None,
    }
}

fn answer(found: Result<Vec<Document>>) -> Answer {
    found.map_or(Answer::Refused { documents: None }, Answer::Found)
}

/// What a find may say besides its filter; what is empty asks for nothing.
struct FindOptions {
    projection: Document,
    sort: Document,
    skip: Option<Value>,
    limit: Option<Value>,
}

fn find(filter: &Document, options: &FindOptions, documents: &[Document]) -> Result<Vec<Document>> {
    let filter = Filter::parse(filter)?;
    let projection = Projection::parse(&options.projection)?;
    let sort = Sort::parse(&options.sort)?;
    let skip = count(options.skip.as_ref())?;
    let limit = Some(count(options.limit.as_ref())?).filter(|limit| *limit > 0);
    let mut found = Vec::new();
    for document in documents {
        if filter.matches(document)? {
            found.push(document.clone());
        }
    }
    let found = sort
        .sort(found)?
        .into_iter()
        .skip(skip)
        .take(limit.unwrap_or(usize::MAX));
    found
        .map(|document| projection.apply(&document, &filter))
        .collect()
}

/// Reads a skip or a limit; left out it is 0.
fn count(option: Option<&Value>) -> Result<usize> {
    let Some(option) = option else { return Ok(0) };
    let count = option.as_i64().and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| {
        Error::query(format!(
            "a count is a whole number that is not negative, not {option}"
        ))
    })
}

fn aggregate(pipeline: &[Value], documents: &[Document]) -> Result<Vec<Document>> {
    let stages: Option<Vec<_>> = pipeline
        .iter()
        .map(|stage| stage.as_document().cloned())
        .collect();
    let stages = stages.ok_or_else(|| Error::query("a stage is a document"))?;
    let pipeline = Pipeline::parse(&stages)?;
    let mut run = pipeline.run();
    for document in documents {
        if run.push(document.clone())?.is_break() {
            break;
        }
    }
    run.finish()
}

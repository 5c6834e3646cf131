//! The query language against its cases: the project's own below `tests/cases`, and the shared ones where they are.

use std::path::{Path, PathBuf};

use conformance::query_cases::{Answer, Case, Op, judge, read_folder};
use seed::update::Context;
use seed::value::Array;
use seed::{DateTime, Document, Error, Filter, Result, Update, Value};

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
        Op::Update { .. } => Some(update(case)),
        Op::Find { .. } | Op::Aggregate { .. } => None,
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

fn update(case: &Case) -> Answer {
    let mut updated = Updated {
        documents: case.documents.clone(),
        ..Updated::default()
    };
    let refused = updated.carry_out(&case.op).is_err();
    let documents = updated.documents;
    if refused {
        return Answer::Refused {
            documents: Some(documents),
        };
    }
    Answer::Updated {
        documents,
        matched: updated.matched,
        modified: updated.modified,
        upserted: updated.upserted,
    }
}

/// A collection in the order of insertion, and what an update did to it.
#[derive(Default)]
struct Updated {
    documents: Vec<Document>,
    matched: u64,
    modified: u64,
    upserted: Option<Value>,
}

impl Updated {
    fn carry_out(&mut self, op: &Op) -> Result<()> {
        let Op::Update {
            filter,
            update,
            multi,
            upsert,
            array_filters,
        } = op
        else {
            panic!("{op:?} is no update")
        };
        let filter = Filter::parse(filter)?;
        let update = Update::parse(update, &documents(array_filters.as_ref())?)?;
        if *multi && update.is_replacement() {
            return Err(Error::update("one document replaces one"));
        }
        self.change(&filter, &update, *multi)?;
        if *upsert && self.matched == 0 {
            self.insert(update.upsert(&filter, &context(None))?);
        }
        Ok(())
    }

    fn change(&mut self, filter: &Filter, update: &Update, multi: bool) -> Result<()> {
        for document in &mut self.documents {
            let Some(met) = filter.find_match(document)? else {
                continue;
            };
            self.matched += 1;
            if let Some(changed) = update.apply(document, &context(met.element()))? {
                self.modified += 1;
                *document = changed;
            }
            if !multi {
                break;
            }
        }
        Ok(())
    }

    fn insert(&mut self, document: Document) {
        self.upserted = document.id().cloned();
        self.documents.push(document);
    }
}

fn context(position: Option<usize>) -> Context {
    Context {
        position,
        new_id: Some("made up".into()),
        ..Context::at(DateTime::from_millis(0))
    }
}

fn documents(values: Option<&Array>) -> Result<Vec<Document>> {
    let document = |value: &Value| value.as_document().cloned();
    let documents = values.into_iter().flatten().map(document).collect::<Option<_>>();
    documents.ok_or_else(|| Error::update("an array filter is a document"))
}

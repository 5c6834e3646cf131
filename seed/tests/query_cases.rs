//! The query language against its cases: the project's own below `tests/cases`, and the shared ones where they are.

use std::path::{Path, PathBuf};

use conformance::query_cases::{Answer, Case, Op, judge, read_folder};
use seed::update::Context;
use seed::value::Array;
use seed::{DateTime, Document, Error, Filter, Pipeline, Projection, Result, Sort, Update, Value};

#[test]
fn the_projects_own_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    assert!(run(&folder) >= 300, "the cases are there");
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

/// Checks all cases below a folder and tells how many there are.
fn run(folder: &Path) -> usize {
    let cases = read_folder(folder).unwrap_or_else(|error| panic!("{error}"));
    let failures: Vec<String> = cases.iter().filter_map(failure).collect();
    assert!(
        failures.is_empty(),
        "{} of {} failed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
    cases.len()
}

fn failure(case: &Case) -> Option<String> {
    let mismatch = judge(case, &carry_out(case)).err()?;
    Some(format!(
        "{}: {mismatch} ({})\n  {:?}",
        case.id, case.note, case.op
    ))
}

/// Carries out a case.
fn carry_out(case: &Case) -> Answer {
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
            answer(find(filter, &options, documents))
        }
        Op::Aggregate { pipeline } => answer(aggregate(pipeline, documents)),
        Op::Update { .. } => update(case),
    }
}

fn answer(found: Result<Vec<Document>>) -> Answer {
    let refused = |fault| Answer::Refused {
        because: Some(fault),
        documents: None,
    };
    found.map_or_else(refused, Answer::Found)
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
    let together: Result<Vec<&Document>> = filter.select(documents).map(|found| Ok(found?.1)).collect();
    assert!(together?.into_iter().eq(&found), "one by one and together");
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

fn update(case: &Case) -> Answer {
    let mut updated = Updated {
        documents: case.documents.clone(),
        ..Updated::default()
    };
    let refused = updated.carry_out(&case.op).err();
    let documents = updated.documents;
    if refused.is_some() {
        return Answer::Refused {
            because: refused,
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

//! `cargo xtask cases`: the cases of the query language, carried out on a store.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use conformance::query_cases::{Case, Mismatch, judge, read_file, read_folder, run_case};
use futures::executor::block_on;
use futures::{StreamExt, stream};
use seed::{Document, Store, Value, doc};
use seed_memory::MemoryStore;
use seed_redis::RedisStore;
use seed_sqlite::SqliteStore;

/// How many cases are carried out at the same time, so that a durable store can commit them together.
const AT_ONCE: usize = 32;

/// What to run, and where.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files of cases, or folders with files that end in .jsonl.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The store to run them on: memory:, sqlite:FILE or redis://HOST:PORT.
    #[arg(long, value_name = "URL", default_value = "memory:")]
    store: String,
    /// Writes one JSON object for each case, with its id, whether it passed, what was expected and what came.
    #[arg(long)]
    json: bool,
}

/// Runs the cases, names those that fail, and counts.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let cases = read(&arguments.paths)?;
    let store = open(&arguments.store)?;
    let show = if arguments.json { show_json } else { show_failure };
    let failed = block_on(run_all(&*store, &cases, show));
    let passed = cases.len() - failed;
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in paths {
        cases.extend(if path.is_dir() {
            read_folder(path)?
        } else {
            read_file(path)?
        });
    }
    if cases.is_empty() {
        bail!("no cases found: name files of cases, or folders with files that end in .jsonl");
    }
    Ok(cases)
}

fn open(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryStore::new())),
        Some(("sqlite", _)) => Ok(Arc::new(SqliteStore::open_url(url)?)),
        Some((scheme, _)) if scheme.starts_with("redis") => Ok(Arc::new(RedisStore::open(url)?)),
        _ => bail!("no store has the URL {url:?}: there are memory:, sqlite:FILE and redis://HOST:PORT"),
    }
}

/// Runs all cases, shows what came of each, in their order, and tells how many failed.
async fn run_all(store: &dyn Store, cases: &[Case], show: fn(&Case, Option<&Mismatch>)) -> usize {
    let outcomes = cases
        .iter()
        .enumerate()
        .map(|(at, case)| run_one(store, at, case));
    let mut outcomes = stream::iter(outcomes).buffered(AT_ONCE);
    let mut failed = 0;
    let mut cases = cases.iter();
    while let (Some(outcome), Some(case)) = (outcomes.next().await, cases.next()) {
        show(case, outcome.as_ref().err());
        failed += usize::from(outcome.is_err());
    }
    failed
}

async fn run_one(store: &dyn Store, at: usize, case: &Case) -> Result<(), Mismatch> {
    // The number keeps cases of the same name apart, and the process those that run on the same file at the same time.
    let collection = format!("case-{}-{at}", std::process::id());
    match run_case(store, &collection, case).await {
        Ok(answer) => judge(case, &answer),
        Err(error) => Err(Mismatch {
            expected: "an answer".to_owned(),
            came: format!("an error: {error}"),
        }),
    }
}

fn show_failure(case: &Case, mismatch: Option<&Mismatch>) {
    if let Some(Mismatch { expected, came }) = mismatch {
        println!(
            "{} failed ({})\n  expected {expected}\n  got      {came}",
            case.id, case.note
        );
    }
}

fn show_json(case: &Case, mismatch: Option<&Mismatch>) {
    println!("{}", Value::from(to_json(case, mismatch)));
}

fn to_json(case: &Case, mismatch: Option<&Mismatch>) -> Document {
    let text = |text: Option<&String>| text.map_or(Value::Null, |text| text.as_str().into());
    doc! {
        "id": case.id.as_str(),
        "ok": mismatch.is_none(),
        "expected": text(mismatch.map(|mismatch| &mismatch.expected)),
        "got": text(mismatch.map(|mismatch| &mismatch.came)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(filter: &str, ids: &str) -> Case {
        let line = format!(
            r#"{{"id":"x-1","area":"filter","family":"x","note":"n","docs":[{{"_id":1,"a":1}},{{"_id":2}}],
                "op":{{"filter":{filter}}},"expect":{{"ids":{ids}}}}}"#
        );
        Case::parse(&line).unwrap()
    }

    fn ignore(_: &Case, _: Option<&Mismatch>) {}

    #[test]
    fn failures_are_counted() {
        let cases = [
            case(r#"{"a":1}"#, "[1]"),
            case(r#"{"a":1}"#, "[2]"),
            case(r#"{"$no":1}"#, "[]"),
        ];
        assert_eq!(block_on(run_all(&MemoryStore::new(), &cases, ignore)), 2);
    }

    #[test]
    fn a_case_leaves_nothing_behind() {
        let store = MemoryStore::new();
        let cases = [case("{}", "[1,2]"), case("{}", "[1,2]")];
        assert_eq!(block_on(run_all(&store, &cases, ignore)), 0);
        assert_eq!(block_on(run_all(&store, &cases, ignore)), 0);
    }

    #[test]
    fn a_failure_is_told_as_json() {
        let mismatch = Mismatch {
            expected: "[2]".into(),
            came: "[1]".into(),
        };
        let expected = doc! { "id": "x-1", "ok": false, "expected": "[2]", "got": "[1]" };
        assert_eq!(to_json(&case("{}", "[2]"), Some(&mismatch)), expected);
    }

    #[test]
    fn an_unknown_store_is_refused() {
        assert!(open("memory:").is_ok());
        assert!(
            open("postgres:x")
                .unwrap_err()
                .to_string()
                .contains("memory:, sqlite:FILE and redis://HOST:PORT")
        );
    }
}

//! `cargo xtask cases`: the cases of the query language, carried out on a store.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use conformance::query_cases::{Answer, Case, Expected, Mismatch, judge, read_file, read_folder, run_case};
use futures::executor::block_on;
use futures::{StreamExt, stream};
use seed::{Document, ErrorKind, Store, Value, doc};
use seed_memory::MemoryStore;
use seed_mongo::MongoStore;
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
    /// The store to run them on: memory:, sqlite:FILE, redis://HOST:PORT or mongodb://HOST:PORT/DATABASE.
    #[arg(long, value_name = "URL", default_value = "memory:")]
    store: String,
    /// Writes one JSON object for each case, with its id, whether it passed, what was expected and what came.
    #[arg(long)]
    json: bool,
}

/// What came of a case.
enum Outcome {
    Passed,
    Failed(Mismatch),
    /// It says nothing about the store on what that runs on: a stand-in has no such thing, or another answer.
    Ignored,
}

/// Runs the cases, names those that fail, and counts.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let cases = read(&arguments.paths)?;
    let opened = open(&arguments.store)?;
    let show = if arguments.json { show_json } else { show_failure };
    let counts = block_on(run_all(&opened, &cases, show));
    println!("{counts}");
    Ok(if counts.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How many cases came out how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.ignored > 0 {
            write!(f, ", {} ignored ({STAND_IN})", self.ignored)?;
        }
        Ok(())
    }
}

/// Why a case can say nothing about a store.
const STAND_IN: &str = "the server is a stand-in, which cannot answer them as MongoDB does";

/// The name by which cases call the stand-in.
const STAND_IN_ORACLE: &str = "mjs";

/// A store, and whether it runs on a stand-in for its server.
struct Opened {
    store: Arc<dyn Store>,
    is_on_stand_in: bool,
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

fn open(url: &str) -> anyhow::Result<Opened> {
    let itself = |store| Opened {
        store,
        is_on_stand_in: false,
    };
    match url.split_once(':') {
        Some(("memory", "")) => Ok(itself(Arc::new(MemoryStore::new()))),
        Some(("sqlite", _)) => Ok(itself(Arc::new(SqliteStore::open_url(url)?))),
        Some((scheme, _)) if scheme.starts_with("redis") => Ok(itself(Arc::new(RedisStore::open(url)?))),
        Some((scheme, _)) if scheme.starts_with("mongodb") => {
            let store = MongoStore::open(url)?;
            Ok(Opened {
                is_on_stand_in: !store.is_mongodb(),
                store: Arc::new(store),
            })
        }
        _ => bail!(
            "no store has the URL {url:?}: there are memory:, sqlite:FILE, redis://HOST:PORT and mongodb://HOST:PORT"
        ),
    }
}

/// Runs all cases, shows what came of each, in their order, and counts.
async fn run_all(opened: &Opened, cases: &[Case], show: fn(&Case, &Outcome)) -> Counts {
    let outcomes = cases
        .iter()
        .enumerate()
        .map(|(at, case)| run_one(opened, at, case));
    let mut outcomes = stream::iter(outcomes).buffered(AT_ONCE);
    let mut counts = Counts::default();
    let mut cases = cases.iter();
    while let (Some(outcome), Some(case)) = (outcomes.next().await, cases.next()) {
        show(case, &outcome);
        match outcome {
            Outcome::Passed => counts.passed += 1,
            Outcome::Failed(_) => counts.failed += 1,
            Outcome::Ignored => counts.ignored += 1,
        }
    }
    counts
}

async fn run_one(opened: &Opened, at: usize, case: &Case) -> Outcome {
    if opened.is_on_stand_in && !case.is_answered_by(STAND_IN_ORACLE) {
        return Outcome::Ignored;
    }
    // The number keeps cases of the same name apart, and the process those that run on the same file at the same time.
    let collection = format!("case-{}-{at}", std::process::id());
    let judged = match run_case(&*opened.store, &collection, case).await {
        Ok(Answer::Refused {
            because: Some(fault), ..
        }) if opened.is_on_stand_in
            && fault.kind() == ErrorKind::Unsupported
            && !matches!(case.expected, Expected::Refused) =>
        {
            return Outcome::Ignored;
        }
        Ok(answer) => judge(case, &answer),
        Err(error) => Err(Mismatch {
            expected: "an answer".to_owned(),
            came: format!("an error: {error}"),
        }),
    };
    judged.map_or_else(Outcome::Failed, |()| Outcome::Passed)
}

fn show_failure(case: &Case, outcome: &Outcome) {
    if let Outcome::Failed(Mismatch { expected, came }) = outcome {
        println!(
            "{} failed ({})\n  expected {expected}\n  got      {came}",
            case.id, case.note
        );
    }
}

fn show_json(case: &Case, outcome: &Outcome) {
    println!("{}", Value::from(to_json(case, outcome)));
}

fn to_json(case: &Case, outcome: &Outcome) -> Document {
    let id = case.id.as_str();
    match outcome {
        Outcome::Passed => doc! { "id": id, "ok": true, "expected": null, "got": null },
        Outcome::Failed(Mismatch { expected, came }) => {
            doc! { "id": id, "ok": false, "expected": expected.as_str(), "got": came.as_str() }
        }
        Outcome::Ignored => doc! { "id": id, "ok": null, "ignored": STAND_IN },
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

    fn ignore(_: &Case, _: &Outcome) {}

    fn on_memory() -> Opened {
        open("memory:").unwrap()
    }

    #[test]
    fn failures_are_counted() {
        let cases = [
            case(r#"{"a":1}"#, "[1]"),
            case(r#"{"a":1}"#, "[2]"),
            case(r#"{"$no":1}"#, "[]"),
        ];
        let counts = block_on(run_all(&on_memory(), &cases, ignore));
        assert_eq!(counts.to_string(), "1 passed, 2 failed");
    }

    #[test]
    fn on_a_stand_in_only_what_it_answers_as_mongodb_does_is_judged() {
        let mut answered = case(r#"{"a":1}"#, "[1]");
        answered.oracles = vec!["mjs".to_owned()];
        let cases = [answered, case(r#"{"a":1}"#, "[1]")];
        let opened = Opened {
            is_on_stand_in: true,
            ..on_memory()
        };
        let counts = block_on(run_all(&opened, &cases, ignore));
        assert_eq!((counts.passed, counts.failed, counts.ignored), (1, 0, 1));
    }

    #[test]
    fn a_case_leaves_nothing_behind() {
        let opened = on_memory();
        let cases = [case("{}", "[1,2]"), case("{}", "[1,2]")];
        assert_eq!(block_on(run_all(&opened, &cases, ignore)).failed, 0);
        assert_eq!(block_on(run_all(&opened, &cases, ignore)).failed, 0);
    }

    #[test]
    fn a_failure_is_told_as_json() {
        let mismatch = Outcome::Failed(Mismatch {
            expected: "[2]".into(),
            came: "[1]".into(),
        });
        let expected = doc! { "id": "x-1", "ok": false, "expected": "[2]", "got": "[1]" };
        assert_eq!(to_json(&case("{}", "[2]"), &mismatch), expected);
    }

    #[test]
    fn an_unknown_store_is_refused() {
        assert!(open("memory:").is_ok());
        assert!(
            open("postgres:x")
                .err()
                .unwrap()
                .to_string()
                .contains("memory:, sqlite:FILE, redis://HOST:PORT and mongodb://HOST:PORT")
        );
    }
}

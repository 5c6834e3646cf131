//! `kinetik jobs`: how many jobs stand where, and the newest of them.

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use kinetik_core::Status;
use seed::value::json;
use seed::{DateTime, Document, Projection, Sort, Value, doc};

use super::args::Jobs;
use super::output::{Output, shortened, shown};
use super::unreadable::Unreadable;
use super::{Opened, breakdown, duration};

/// How many letters of a job's data or error are shown where no terminal says how wide it is.
const DETAIL_LETTERS: usize = 80;

pub(super) async fn run(opened: &Opened, command: &Jobs, output: &Output) -> Result<()> {
    let filter = command.selection.filter()?;
    let sort = sort(command.sort.as_deref())?;
    let projection = projection(&command.fields)?;
    if command.counts || !output.is_json() {
        breakdown::show(&opened.queue, &opened.queue.counts(&filter).await?, output).await?;
    }
    if command.counts {
        return Ok(());
    }
    let adjust = |find: seed::store::Find| {
        find.sort(sort)
            .projection(projection)
            .skip(command.skip)
            .limit(command.limit)
    };
    let mut jobs = opened.queue.find(filter, adjust).await?;
    let mut rows = Vec::new();
    let mut unreadable = Unreadable::default();
    while let Some(job) = jobs.next().await {
        let Some(job) = unreadable.pass_over(job)? else {
            continue;
        };
        if output.is_json() {
            output.json(&job)?;
        } else {
            rows.push(row(&job, &command.fields, opened.queue.now()));
        }
    }
    if rows.is_empty() {
        return unreadable.finish();
    }
    output.line("")?;
    let fields: Vec<&str> = command.fields.iter().map(String::as_str).collect();
    output.table(
        if fields.is_empty() {
            &["id", "task", "tag", "status", "age", "details"]
        } else {
            &fields
        },
        rows,
    )?;
    unreadable.finish()
}

/// Reads an order: a document, or names with commas between them and `-` before those that descend.
fn sort(text: Option<&str>) -> Result<Sort> {
    let Some(text) = text else {
        return Ok(Sort::parse(&doc! { "_id": (-1) })?);
    };
    let order = if text.trim_start().starts_with('{') {
        json::parse_extended_document(text).context("--sort cannot be read")?
    } else {
        text.split(',').map(str::trim).map(direction).collect()
    };
    Sort::parse(&order).context("--sort is no order")
}

fn direction(field: &str) -> (seed::value::Text, Value) {
    match field.strip_prefix('-') {
        Some(name) => (name.into(), (-1).into()),
        None => (field.into(), 1.into()),
    }
}

/// Says which parts of the jobs are wanted: the named ones, or all but the log.
fn projection(fields: &[String]) -> Result<Projection> {
    let mut wanted = Document::new();
    for field in fields {
        if field.is_empty() || field.starts_with('$') {
            bail!("--fields takes names of fields with commas between them: --fields task,data.to");
        }
        wanted.set(field.as_str(), 1);
    }
    if fields.is_empty() {
        wanted.set("log", 0);
    } else if !wanted.has("_id") {
        wanted.set("_id", 0);
    }
    Projection::parse(&wanted).context("--fields cannot be read")
}

fn row(job: &Document, fields: &[String], now: DateTime) -> Vec<String> {
    let text = |field: &str| at(job, field).map(shown).unwrap_or_default();
    if fields.is_empty() {
        let details = shortened(&details(job), DETAIL_LETTERS);
        return vec![
            text("_id"),
            text("task"),
            text("tag"),
            text("status"),
            at(job, "created")
                .and_then(Value::as_date)
                .map(|created| duration::age(now.since(created)))
                .unwrap_or_default(),
            details,
        ];
    }
    fields.iter().map(|field| text(field)).collect()
}

/// Says what matters most about a job where it stands.
fn details(job: &Document) -> String {
    let text = |field: &str| at(job, field).map(shown).filter(|text| !text.is_empty());
    let number = |field: &str| at(job, field).and_then(Value::as_f64);
    let status = text("status").and_then(|name| name.parse::<Status>().ok());
    let detail = match status {
        Some(Status::Failed | Status::Timeout) => text("error.message"),
        Some(Status::Delayed) => text("run_at").map(|time| match text("error.message") {
            Some(error) => format!("due {time} after {error}"),
            None => format!("due {time}"),
        }),
        Some(Status::Processing) => number("progress.current")
            .zip(number("progress.total"))
            .map(|(current, total)| format!("{current} of {total}")),
        Some(Status::Completed | Status::Queued | Status::Cancelled) | None => None,
    };
    detail.or_else(|| text("data")).unwrap_or_default()
}

/// Returns the value at a dotted path, as far as it leads through documents.
fn at<'a>(job: &'a Document, path: &str) -> Option<&'a Value> {
    let mut names = path.split('.');
    let first = job.get(names.next()?)?;
    names.try_fold(first, |value, name| value.as_document()?.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_in_both_forms() {
        let by = |text| sort(Some(text)).unwrap().source().clone();
        assert_eq!(by("-priority,_id"), doc! { "priority": (-1), "_id": 1 });
        assert_eq!(by(r#"{"a.b": 1}"#), doc! { "a.b": 1 });
        assert!(sort(Some("{")).is_err());
        assert!(sort(Some("")).is_err());
    }

    #[test]
    fn what_waits_for_its_next_attempt_says_why() {
        let mut job = doc! { "status": "delayed", "run_at": (DateTime::from_millis(0)), "data": 1 };
        assert_eq!(details(&job), "due 1970-01-01T00:00:00.000Z");
        job.set("error", doc! { "message": "no room" });
        assert_eq!(details(&job), "due 1970-01-01T00:00:00.000Z after no room");
    }

    #[test]
    fn named_fields_are_all_that_is_shown() {
        let source = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(ToString::to_string).collect();
            projection(&fields).unwrap().source().clone()
        };
        assert_eq!(
            source(&["task", "data.to"]),
            doc! { "task": 1, "data.to": 1, "_id": 0 }
        );
        assert_eq!(source(&["_id"]), doc! { "_id": 1 });
        assert_eq!(source(&[]), doc! { "log": 0 });
        assert!(projection(&["$where".to_owned()]).is_err());
    }
}

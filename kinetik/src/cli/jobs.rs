//! `kinetik jobs`: how many jobs stand where, and the newest of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use kinetik_core::{JobCount, Status};
use seed::value::json;
use seed::{Document, Filter, Projection, Sort, Value, doc};

use super::Opened;
use super::args::{Jobs, Selection};
use super::output::{Output, shortened, shown};

/// How many letters of a job's data or error are shown where no terminal says how wide it is.
const DETAIL_LETTERS: usize = 80;

pub(super) async fn run(opened: &Opened, command: &Jobs, output: &Output) -> Result<()> {
    let filter = command.selection.filter()?;
    let sort = sort(command.sort.as_deref())?;
    let projection = projection(&command.fields)?;
    if command.counts || !output.is_json() {
        counts(&opened.queue.counts(&filter).await?, output)?;
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
    while let Some(job) = jobs.try_next().await? {
        if output.is_json() {
            output.json(&job)?;
        } else {
            rows.push(row(&job, &command.fields));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let fields: Vec<&str> = command.fields.iter().map(String::as_str).collect();
    output.table(
        if fields.is_empty() {
            &["id", "task", "tag", "status", "created", "details"]
        } else {
            &fields
        },
        rows,
    )
}

impl Selection {
    /// Returns the filter of the jobs that are meant; all of them if nothing was said.
    pub(super) fn filter(&self) -> Result<Filter> {
        let mut clauses: Vec<Document> = Vec::new();
        let names = [("task", &self.task), ("tag", &self.tag)];
        for (field, names) in names.into_iter().filter(|(_, names)| !names.is_empty()) {
            clauses.push(doc! { field: { "$in": (names.clone()) } });
        }
        if !self.status.is_empty() {
            let names: Vec<&str> = self.status.iter().map(|status| status.name()).collect();
            clauses.push(doc! { "status": { "$in": names } });
        }
        if let Some(query) = &self.query {
            let query = json::parse_extended_document(query).context("--query cannot be read")?;
            // Read alone, so that a fault is named as it was typed.
            Filter::parse(&query).context("--query is no filter")?;
            clauses.push(query);
        }
        let all = if clauses.is_empty() {
            Document::new()
        } else {
            doc! { "$and": clauses }
        };
        Ok(Filter::parse(&all)?)
    }
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

fn counts(counts: &[JobCount], output: &Output) -> Result<()> {
    if output.is_json() {
        return counts.iter().try_for_each(|JobCount { task, status, count }| {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            output.json(&doc! { "task": (task.as_str()), "status": (status.name()), "count": count })
        });
    }
    if counts.is_empty() {
        return output.line("no jobs");
    }
    let statuses: Vec<Status> = Status::ALL
        .into_iter()
        .filter(|status| counts.iter().any(|count| count.status == *status))
        .collect();
    let mut tasks: BTreeMap<&str, BTreeMap<Status, u64>> = BTreeMap::new();
    let mut total: BTreeMap<Status, u64> = BTreeMap::new();
    for count in counts {
        tasks
            .entry(&count.task)
            .or_default()
            .insert(count.status, count.count);
        *total.entry(count.status).or_default() += count.count;
    }
    let mut rows: Vec<_> = tasks
        .iter()
        .map(|(task, counted)| counts_row(task, counted, &statuses))
        .collect();
    if rows.len() > 1 {
        rows.push(counts_row("", &total, &statuses));
    }
    let header: Vec<&str> = std::iter::once("task")
        .chain(statuses.iter().map(|status| status.name()))
        .collect();
    output.table(&header, rows)
}

fn counts_row(task: &str, counted: &BTreeMap<Status, u64>, statuses: &[Status]) -> Vec<String> {
    let count = |status: &Status| {
        counted
            .get(status)
            .map(u64::to_string)
            .unwrap_or_else(|| "-".to_owned())
    };
    std::iter::once(task.to_owned())
        .chain(statuses.iter().map(count))
        .collect()
}

fn row(job: &Document, fields: &[String]) -> Vec<String> {
    let text = |field: &str| at(job, field).map(shown).unwrap_or_default();
    if fields.is_empty() {
        let details = shortened(&details(job), DETAIL_LETTERS);
        return vec![
            text("_id"),
            text("task"),
            text("tag"),
            text("status"),
            text("created"),
            details,
        ];
    }
    fields.iter().map(|field| text(field)).collect()
}

/// Says what matters most about a job where it stands.
fn details(job: &Document) -> String {
    let text = |field: &str| at(job, field).map(shown).filter(|text| !text.is_empty());
    let status = text("status").and_then(|name| name.parse::<Status>().ok());
    let detail = match status {
        Some(Status::Failed | Status::Timeout) => text("error.message"),
        Some(Status::Delayed) => text("run_at").map(|time| format!("due {time}")),
        Some(Status::Processing) => text("progress.current")
            .zip(text("progress.total"))
            .map(|(a, b)| format!("{a} of {b}")),
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

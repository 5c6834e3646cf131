//! Writes to a job that only its holder may make, and what they say in its log.

use seed::store::WriteItem;
use seed::value::Array;
use seed::{DateTime, Document, Filter, Update, Value, doc};

use super::Status;
use crate::error::Result;

/// Writes to a job only while it runs under this token.
pub(crate) fn of_token(
    id: Value,
    token: &str,
    known: Document,
    set: Document,
    unset: Document,
) -> Result<WriteItem> {
    held(id, doc! { "token": token }, known, set, unset)
}

/// Writes to a job only while it runs and is held so.
pub(crate) fn held(
    id: Value,
    holder: Document,
    known: Document,
    set: Document,
    unset: Document,
) -> Result<WriteItem> {
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.push("$unset", unset);
    }
    Ok(WriteItem::update_known(
        known,
        filter(id, holder)?,
        Update::parse(&update, &[])?,
    ))
}

/// Matches a job only while it runs and is held so.
pub(crate) fn filter(id: Value, holder: Document) -> Result<Filter> {
    let mut guard = doc! { "_id": { "$eq": id }, "status": (Status::Processing.name()) };
    for (name, value) in holder {
        guard.push(name, value);
    }
    Ok(Filter::parse(&guard)?)
}

/// Tells whether somebody has the job now.
pub(crate) fn is_held(job: &Document) -> bool {
    job.get("status").and_then(Value::as_str) == Some(Status::Processing.name())
}

/// Returns the whole log with new lines behind it: as a constant it costs the store no look at the old one.
pub(crate) fn log_with(known: &Document, lines: Array) -> Array {
    let mut log = known
        .get("log")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    log.extend(lines);
    log
}

/// Returns the line that begins an attempt.
pub(crate) fn started(attempt: i64) -> String {
    format!("attempt {attempt} started")
}

/// Tells whether the log has a line of this time or later that says just this.
pub(crate) fn has_line(job: &Document, since: DateTime, message: &str) -> bool {
    let lines = job.get("log").and_then(Value::as_array);
    lines
        .into_iter()
        .flatten()
        .filter_map(Value::as_document)
        .any(|line| {
            line.get("message").and_then(Value::as_str) == Some(message)
                && line
                    .get("at")
                    .and_then(Value::as_date)
                    .is_some_and(|at| at >= since)
        })
}

//! One line of a file of jobs.

use anyhow::{Context, Result, anyhow, bail};
use kinetik_core::NewJob;
use seed::value::json;
use seed::{DateTime, Document, Value};

use crate::cli::config::suggestion;
use crate::cli::duration;

const KEYS: [&str; 7] = ["task", "data", "tag", "priority", "delay", "at", "attempts"];

/// Makes the job that a line of JSON describes; one that names no tag gets that of its task, if `tag_of` knows it.
pub(super) fn read<'t>(text: &str, tag_of: impl Fn(&str) -> Option<&'t str>) -> Result<NewJob> {
    // Without its end, so that a text that ends too soon ends in this line.
    let line = json::parse_plain_document(text.trim_end()).map_err(|fault| match fault.place().position {
        // Which line it is, whoever reads the file knows.
        Some((1, column)) => anyhow!("{} (at column {column})", fault.message()),
        _ => fault.into(),
    })?;
    if let Some(unknown) = line.keys().find(|key| !KEYS.contains(key)) {
        bail!("unknown key {unknown:?}: {}", suggestion(unknown, &KEYS));
    }
    let task = text_at(&line, "task")?
        .ok_or_else(|| anyhow!("the task is missing: {{\"task\": …, \"data\": …}}"))?;
    let mut job = NewJob::new(task, line.get("data").cloned().unwrap_or_default());
    if let Some(tag) = text_at(&line, "tag")?.or_else(|| tag_of(task)) {
        job = job.tag(tag);
    }
    if let Some(priority) = integer_at(&line, "priority")? {
        job = job.priority(priority);
    }
    if let Some(attempts) = integer_at(&line, "attempts")? {
        let attempts = u32::try_from(attempts).ok().filter(|attempts| *attempts > 0);
        job = job.attempts(attempts.ok_or_else(|| anyhow!("attempts is a number from 1 to {}", u32::MAX))?);
    }
    due(&line, job)
}

fn due(line: &Document, job: NewJob) -> Result<NewJob> {
    match (given(line, "delay"), text_at(line, "at")?) {
        (Some(_), Some(_)) => bail!("a job has either delay or at, not both"),
        (Some(Value::String(delay)), None) => Ok(job.delay(duration::parse(delay).context("delay")?)),
        (Some(Value::Int(millis)), None) => {
            Ok(job.delay(duration::parse(&millis.to_string()).context("delay")?))
        }
        (Some(_), None) => bail!("delay is a duration such as \"1h30m\", or a number of milliseconds"),
        (None, Some(time)) => {
            // Without its cause, as for `--at`: that speaks of digits.
            let time = time.parse::<DateTime>().map_err(|fault| anyhow!("at: {fault}"))?;
            Ok(job.at(time))
        }
        (None, None) => Ok(job),
    }
}

/// Returns the value of a key; null is as good as none.
fn given<'a>(line: &'a Document, key: &str) -> Option<&'a Value> {
    line.get(key).filter(|value| !value.is_null())
}

fn text_at<'a>(line: &'a Document, key: &str) -> Result<Option<&'a str>> {
    let text = |value: &'a Value| {
        value
            .as_str()
            .ok_or_else(|| anyhow!("{key} is a text, not {value}"))
    };
    given(line, key).map(text).transpose()
}

fn integer_at(line: &Document, key: &str) -> Result<Option<i64>> {
    let integer = |value: &Value| match value {
        Value::Int(number) => Ok(*number),
        other => Err(anyhow!("{key} is a whole number, not {other}")),
    };
    given(line, key).map(integer).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_are_read() {
        for text in [
            r#"{"task": "t"}"#,
            r#"{"task": "t", "data": {"$date": 1}, "tag": "x", "priority": -5, "delay": "1h30m", "attempts": 3}"#,
            r#"{"task": "t", "at": "2030-01-01T00:00:00+02:00"}"#,
            r#"{"task": "t", "delay": 250, "at": null}"#,
        ] {
            assert!(read(text, |_| None).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let cases = [
            ("{", "(at column 2)"),
            ("{\"task\": \"t\", \n", "(at column 14)"),
            ("[]", "a document is expected"),
            ("{}", "the task is missing"),
            (r#"{"task": 5}"#, "task is a text"),
            (r#"{"task": "t", "priorty": 1}"#, "did you mean priority?"),
            (r#"{"task": "t", "priority": 1.5}"#, "priority is a whole number"),
            (r#"{"task": "t", "delay": "soon"}"#, "not a duration"),
            (r#"{"task": "t", "delay": -1}"#, "not a duration"),
            (
                r#"{"task": "t", "delay": "1s", "at": "2030-01-01T00:00:00Z"}"#,
                "not both",
            ),
            (r#"{"task": "t", "at": "tomorrow"}"#, "RFC 3339"),
            (r#"{"task": "t", "attempts": 0}"#, "from 1 to"),
            (r#"{"task": "t", "attempts": 4294967296}"#, "from 1 to 4294967295"),
        ];
        for (text, expected) in cases {
            let fault = format!("{:#}", read(text, |_| None).unwrap_err());
            assert!(fault.contains(expected), "{text}: {fault}");
        }
    }
}

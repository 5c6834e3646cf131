//! What a line that a command prints means.
//!
//! | line | means |
//! |---|---|
//! | `::progress CURRENT TOTAL` | how far the job has come |
//! | `::log {"message": …, "data": …}` | a line of the log, with data |
//! | `::result JSON` | what the job gives back |
//! | `::error {"message": …, "code": …}` | why the job fails, if it does |
//!
//! Anything else is a line of the log, a line that only looks like one of these included.

use seed::value::json;
use seed::{Document, Value};

/// A line, understood.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// A line of the log.
    Line,
    /// How far the job has come.
    Progress(f64, f64),
    /// A line of the log with data.
    Log(String, Value),
    /// What the job gives back.
    Result(Value),
    /// Why the job fails.
    Error(ErrorSaid),
}

/// What an `::error` line says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ErrorSaid {
    pub(super) message: String,
    pub(super) code: Option<String>,
}

/// Understands a line.
pub(super) fn read(line: &str) -> Said {
    directive(line).unwrap_or(Said::Line)
}

fn directive(line: &str) -> Option<Said> {
    let (word, rest) = line.strip_prefix("::")?.split_once(char::is_whitespace)?;
    match word {
        "progress" => progress(rest),
        "log" => log(&json::parse_plain_document(rest).ok()?),
        "result" => json::parse_plain(rest).ok().map(Said::Result),
        "error" => error(&json::parse_plain_document(rest).ok()?),
        _ => None,
    }
}

fn progress(rest: &str) -> Option<Said> {
    let mut numbers = rest
        .split_whitespace()
        .map(|word| word.parse().ok().filter(|number: &f64| number.is_finite()));
    let (current, total) = (numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(Said::Progress(current, total))
}

fn log(document: &Document) -> Option<Said> {
    let data = document.get("data").cloned().unwrap_or_default();
    Some(Said::Log(text(document.get("message")?), data))
}

fn error(document: &Document) -> Option<Said> {
    let code = document.get("code").filter(|code| !code.is_null()).map(text);
    Some(Said::Error(ErrorSaid {
        message: text(document.get("message")?),
        code,
    }))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| json::to_plain(value), str::to_owned)
}

#[cfg(test)]
mod tests {
    use seed::doc;

    use super::*;

    #[test]
    fn lines_of_the_protocol_are_understood() {
        let error = |message: &str, code: Option<&str>| {
            Said::Error(ErrorSaid {
                message: message.to_owned(),
                code: code.map(str::to_owned),
            })
        };
        let cases = [
            ("::progress 3 10", Said::Progress(3.0, 10.0)),
            ("::progress 0.5  1 ", Said::Progress(0.5, 1.0)),
            (
                r#"::log {"message":"m","data":{"$n":1}}"#,
                Said::Log("m".into(), doc! { "$n": 1 }.into()),
            ),
            (r#"::log {"message":5}"#, Said::Log("5".into(), Value::Null)),
            ("::result [1,2]", Said::Result([1, 2].into())),
            ("::result null", Said::Result(Value::Null)),
            (r#"::error {"message":"no","code":550}"#, error("no", Some("550"))),
            (r#"::error {"message":"no"}"#, error("no", None)),
        ];
        for (line, said) in cases {
            assert_eq!(read(line), said, "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_a_line_of_the_log() {
        for line in [
            "",
            "::",
            "::progress",
            "::progress 1",
            "::progress a b",
            "::progress 1 2 3",
            "::progress NaN 1",
            "::log {}",
            "::log text",
            "::result",
            "::result {",
            "::error {}",
            "::unknown {}",
            " ::progress 1 2",
        ] {
            assert_eq!(read(line), Said::Line, "{line}");
        }
    }
}

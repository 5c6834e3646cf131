//! The commands of the demo's tasks: small programs as anyone would write them, in any language.
//!
//! Each gets its job's data as JSON on standard input, says how it is going with `::` lines on standard output, and ends
//! with 0 if all went well. They know nothing of the queue.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a command prints is what it says to the queue"
)]

mod orders;
mod report;
mod send_email;

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, bail};
use seed::Document;
use seed::value::json;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        // The last line of standard error is why the job failed.
        Err(fault) => {
            eprintln!("{fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["send-email", to] => send_email::run(to, &data()?),
        ["sum-up-orders"] => orders::run(&data()?),
        _ => bail!("usage: kinetik-demo send-email ADDRESS | kinetik-demo sum-up-orders"),
    }
}

/// Reads the job's data.
fn data() -> anyhow::Result<Document> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("the data cannot be read")?;
    json::parse_plain_document(&text).context("the data is not a JSON document")
}

/// Returns a text of the job's data.
fn text<'a>(data: &'a Document, name: &str) -> anyhow::Result<&'a str> {
    data.get(name)
        .and_then(|value| value.as_str())
        .with_context(|| format!("the data has no text {name:?}"))
}

/// Says what the job gives back.
fn say_result(result: &Document) {
    println!("::result {}", json::document_to_plain(result));
}

//! The only place that prints.
//!
//! What comes from outside (names, data, log lines) may hold control characters and escape sequences that would take
//! over a terminal. Everything is written here, and nothing of that kind goes through: [`visible`] for people, and in
//! JSON the same characters as `\u` escapes.

#![allow(clippy::print_stderr, reason = "this is the place where it is done")]

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Stdout, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapKind};
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seed::value::json;
use seed::{Document, Value};

/// What a command writes, and where. Clones write to the same place.
#[derive(Clone, Debug)]
pub struct Output(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_json: bool,
    out: Mutex<BufWriter<Stdout>>,
    /// What is drawn on the terminal just now and must make way for lines.
    bar: Mutex<Option<ProgressBar>>,
}

/// Standard output was closed by whoever read it.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl std::error::Error for Closed {}

/// Tells whether a command ended because nobody reads its output any more.
pub fn is_closed(fault: &anyhow::Error) -> bool {
    fault.is::<Closed>()
}

impl Output {
    /// Makes the output of a command: JSON for programs, or text for people.
    pub fn new(is_json: bool) -> Self {
        let out = Mutex::new(BufWriter::new(io::stdout()));
        Self(Arc::new(Inner {
            is_json,
            out,
            bar: Mutex::default(),
        }))
    }

    /// Tells whether JSON is wanted.
    pub fn is_json(&self) -> bool {
        self.0.is_json
    }

    /// Writes a line for people.
    ///
    /// # Errors
    /// If standard output is closed or cannot be written to.
    pub fn line(&self, text: &str) -> Result<()> {
        self.write(&visible(text))
    }

    /// Writes a document as a line of plain JSON.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn json(&self, document: &Document) -> Result<()> {
        self.write(&inert(&json::document_to_plain(document)))
    }

    /// Writes a table, as wide as the terminal allows.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn table(&self, header: &[&str], rows: Vec<Vec<String>>) -> Result<()> {
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        if let Some((_, columns)) = Term::stdout().size_checked().filter(|_| Term::stdout().is_term()) {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(columns);
        }
        table.set_header(
            header
                .iter()
                .map(|name| visible(&name.to_uppercase()).into_owned()),
        );
        for row in rows {
            let mut row = comfy_table::Row::from(row.iter().map(|cell| visible(cell)).collect::<Vec<_>>());
            // A row is a line, so that lines can be counted and searched.
            row.max_height(1);
            table.add_row(row);
        }
        if let Some(first) = table.column_mut(0) {
            first.set_padding((0, 1));
        }
        for (at, name) in header.iter().enumerate() {
            // One that is cut is of no use to whoever wants to copy it.
            if let Some(column) = table
                .column_mut(at)
                .filter(|_| matches!(*name, "id" | "_id" | "runs"))
            {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        self.write(&table.trim_fmt())
    }

    fn write(&self, text: &str) -> Result<()> {
        let write = || {
            let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
            writeln!(out, "{text}")
        };
        match &*self.bar() {
            Some(bar) => bar.suspend(write).map_err(closed),
            None => write().map_err(closed),
        }
    }

    /// Writes out what was held back.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn flush(&self) -> Result<()> {
        self.0
            .out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .flush()
            .map_err(closed)
    }

    /// Tells people something on standard error.
    pub fn note(&self, text: &str) {
        let text = visible(text);
        match &*self.bar() {
            Some(bar) => bar.suspend(|| write_error(&text)),
            None => write_error(&text),
        }
    }

    /// Tells why a command failed: one line with the causes behind each other.
    pub fn error(&self, fault: &anyhow::Error) {
        self.hide_bar();
        // What was written before belongs before it.
        let _ = self.flush();
        let mut message = String::new();
        for cause in fault.chain() {
            let text = cause.to_string();
            // Many errors say already what caused them.
            if !message.contains(&text) {
                let separator = if message.is_empty() { "" } else { ": " };
                let _ = write!(message, "{separator}{text}");
            }
            if cause.is::<seed::Error>() {
                // It says what to do, and what lies behind it is for programmers.
                break;
            }
        }
        write_error(&format!(
            "{} {}",
            console::style("error:").for_stderr().red().bold(),
            visible(&message)
        ));
    }

    /// Shows on a terminal how much is done of so many.
    pub(super) fn show_bar(&self, total: u64, template: &str) -> ProgressBar {
        self.show(
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()),
            template,
        )
    }

    /// Shows on a terminal how much is done when nobody knows how much there is.
    pub(super) fn show_spinner(&self, template: &str) -> ProgressBar {
        self.show(
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()),
            template,
        )
    }

    fn show(&self, bar: ProgressBar, template: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style.progress_chars("━━ "));
        *self.bar() = Some(bar.clone());
        bar
    }

    /// Takes what is shown off the terminal.
    pub(super) fn hide_bar(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.0.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Standard error may be closed too, and then there is nobody to tell.
fn write_error(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn closed(fault: io::Error) -> anyhow::Error {
    if fault.kind() == io::ErrorKind::BrokenPipe {
        anyhow::Error::new(Closed)
    } else {
        anyhow::Error::new(fault).context("standard output cannot be written to")
    }
}

/// Answers a command line that could not be read, or that asked for help.
///
/// Unknown commands and flags and missing arguments end with 2, a value that cannot be read with 1.
pub fn usage(fault: &clap::Error) -> ExitCode {
    if !fault.use_stderr() {
        // Help and version are ours; a closed pipe ends them quietly.
        let _ = fault.print();
        return ExitCode::SUCCESS;
    }
    let is_missing = fault.get(ContextKind::InvalidValue).is_none_or(|value| {
        matches!(value, ContextValue::None) || matches!(value, ContextValue::String(text) if text.is_empty())
    });
    let is_value = match fault.kind() {
        ClapKind::ValueValidation | ClapKind::InvalidUtf8 | ClapKind::ArgumentConflict => true,
        ClapKind::InvalidValue => !is_missing,
        _ => false,
    };
    let message = fault.render().to_string();
    let mut lines = message.trim_end().lines().map(visible);
    if is_value {
        // What was typed is known and wrong: that is one line, as with every other error, and no lesson in typing.
        let first: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        write_error(&first.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "));
        return ExitCode::FAILURE;
    }
    let _ = lines.try_for_each(|line| writeln!(io::stderr(), "{line}"));
    ExitCode::from(2)
}

/// Makes what would act on a terminal visible instead.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |letter, out| {
        let _ = match letter {
            '\n' => out.write_str("\\n"),
            '\t' => out.write_str("\\t"),
            '\r' => out.write_str("\\r"),
            _ => write!(out, "\\u{{{:x}}}", u32::from(letter)),
        };
    })
}

/// Does the same for JSON, where such letters stand only within strings.
fn inert(json: &str) -> Cow<'_, str> {
    escaped(json, |letter, out| {
        for unit in letter.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if acts(letter) {
            escape(letter, &mut out)
        } else {
            out.push(letter)
        }
    }
    Cow::Owned(out)
}

/// Tells whether a terminal would do something at this letter, or show nothing: control characters, line ends, those that
/// turn the direction of text around, and those that nobody sees, behind all of which other text can hide. Joiners stay:
/// scripts and emoji are written with them.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Cuts a text to so many letters, with a mark.
pub(super) fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Writes a value of a field for people: text as it is, all else as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_string(),
        Value::Date(time) => time.to_string(),
        other => json::to_plain(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_shown() {
        for text in ["Grüße, 世界 🎉", "👩\u{200d}👩\u{200d}👧", "می\u{200c}خواهم"] {
            assert_eq!(visible(text), text);
        }
        assert_eq!(
            visible("a\u{1b}[31mb\n\u{9b}2J\u{7f}\u{202e}"),
            "a\\u{1b}[31mb\\n\\u{9b}2J\\u{7f}\\u{202e}"
        );
        assert_eq!(
            visible("\u{200f}\u{61c}\u{200b}\u{feff}\u{e0001}"),
            "\\u{200f}\\u{61c}\\u{200b}\\u{feff}\\u{e0001}"
        );
    }

    #[test]
    fn json_stays_json() {
        assert_eq!(inert("{\"a\":\"\u{9b}\u{7f}\"}"), "{\"a\":\"\\u009b\\u007f\"}");
        assert_eq!(
            inert("\"\u{e0001}\""),
            "\"\\udb40\\udc01\"",
            "a pair of surrogates"
        );
    }

    #[test]
    fn a_text_is_cut_between_letters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äö", 2), "äö");
    }
}

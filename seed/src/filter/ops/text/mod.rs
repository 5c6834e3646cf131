//! `$regex`: patterns as MongoDB reads them, matched in linear time.
//!
//! MongoDB's patterns are PCRE's, in UTF mode: `\d \w \s \b` know ASCII only, `i` knows all of Unicode, `$` matches
//! before a final newline too. They are read here (`read.rs`) into the language that they stand for (`piece.rs`) and
//! written anew (`write.rs`) for the `regex` crate, which never backtracks. What cannot be carried over exactly, such as
//! look-around and back-references, is refused by name and never approximated.

mod anchors;
mod class;
mod escape;
mod group;
mod piece;
mod read;
mod residue;
mod set;
mod write;

use std::fmt;
use std::sync::Arc;

use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use crate::error::{Error, ErrorKind, Result};
use crate::value::Value;
use piece::{Look, Piece};
use read::Flags;

/// How many bytes a pattern may have, as in MongoDB.
pub const MAX_PATTERN_BYTES: usize = 32_764;

/// How many bytes the compiled form may take, which also bounds the time for each character of a text.
///
/// A literal of [`MAX_PATTERN_BYTES`] just fits, and so does `.{1000}`; `(a{1000}){1000}` does not.
const MAX_COMPILED_BYTES: usize = 1_100_000;

/// A compiled pattern; clones share it.
#[derive(Clone)]
pub struct Pattern(Arc<Compiled>);

struct Compiled {
    source: String,
    options: String,
    prefix: Option<String>,
    inner: Option<Finder<'static>>,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern with its options: `i` for any case, `m` for anchors at each line, `s` for a dot that takes
    /// newlines, `x` for free spacing, and `u`, which changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Query`] if the pattern or an option is malformed, [`ErrorKind::Unsupported`] if it cannot be carried
    /// over exactly, [`ErrorKind::Limit`] if it is longer than [`MAX_PATTERN_BYTES`] or grows too large.
    ///
    /// # Example
    /// ```
    /// use seed::filter::ops::text::Pattern;
    ///
    /// let pattern = Pattern::parse("^job-\\d+$", "i")?;
    /// assert!(pattern.is_match("JOB-17"));
    /// assert!(Pattern::parse("(?=a)", "").unwrap_err().message().contains("look-ahead"));
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn parse(source: &str, options: &str) -> Result<Self> {
        if source.len() > MAX_PATTERN_BYTES {
            let message = format!(
                "the pattern has {} bytes, the most is {MAX_PATTERN_BYTES}",
                source.len()
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let piece = read::read(source, flags(options)?)?;
        let prefix = prefix(&piece);
        let inner = inner_text(&piece).map(|text| Finder::new(&text).into_owned());
        let text = write::write(&anchors::settle(piece)?)?;
        let regex = compile(&text)?;
        Ok(Self(Arc::new(Compiled {
            source: source.to_owned(),
            options: options.to_owned(),
            prefix,
            inner,
            regex,
        })))
    }

    /// Reads the operands of `$regex` and of the `$options` beside it.
    pub(in crate::filter) fn read(source: &Value, options: Option<&Value>) -> Result<Self> {
        let source = source
            .as_str()
            .ok_or_else(|| Error::query("the pattern is expected as a string"))?;
        let options = options.map_or(Some(""), Value::as_str);
        Self::parse(
            source,
            options.ok_or_else(|| Error::query("the options are expected as a string"))?,
        )
    }

    /// Tells whether the pattern finds something in the text.
    pub fn is_match(&self, text: &str) -> bool {
        let inner = self.0.inner.as_ref();
        inner.is_none_or(|inner| inner.find(text.as_bytes()).is_some()) && self.0.regex.is_match(text)
    }

    /// Returns the pattern as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Returns the options as they were written.
    pub fn options(&self) -> &str {
        &self.0.options
    }

    /// Returns what each text that the pattern is found in begins with; none if nothing is known.
    pub fn prefix(&self) -> Option<&str> {
        self.0.prefix.as_deref()
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}", self.0.source, self.0.options)
    }
}

fn flags(options: &str) -> Result<Flags> {
    let mut flags = Flags::default();
    for option in options.chars() {
        match option {
            'i' => flags.caseless = true,
            'm' => flags.multiline = true,
            's' => flags.dot_all = true,
            'x' => flags.extended = true,
            'u' => {}
            _ => {
                let message = format!("unknown option {option:?}: the options are i, m, s, x and u");
                return Err(Error::query(message).at_operator("$options"));
            }
        }
    }
    Ok(flags)
}

/// Collects the single characters that follow an anchor at the start.
fn prefix(piece: &Piece) -> Option<String> {
    let Piece::Concat(pieces) = piece else { return None };
    let [Piece::Look(Look::Start), rest @ ..] = pieces.as_slice() else {
        return None;
    };
    let prefix: String = rest.iter().map_while(Piece::single).collect();
    (!prefix.is_empty()).then_some(prefix)
}

/// The least bytes that are worth looking for before the pattern is tried.
const MIN_INNER: usize = 3;

/// Collects the longest row of single characters behind the start of an anchored pattern, which each text has that the
/// pattern is found in. Of a pattern that is not anchored, the compiled form knows such a text itself.
fn inner_text(piece: &Piece) -> Option<String> {
    let Piece::Concat(pieces) = piece else { return None };
    let [Piece::Look(Look::Start), rest @ ..] = pieces.as_slice() else {
        return None;
    };
    let rows = rest.split(|piece| piece.single().is_none()).skip(1);
    let longest = rows.max_by_key(|row| row.len())?;
    let text: String = longest.iter().filter_map(Piece::single).collect();
    (text.len() >= MIN_INNER).then_some(text)
}

fn compile(text: &str) -> Result<Regex> {
    let mut builder = RegexBuilder::new(text);
    // Each level of ours takes at most three of theirs: a group, a choice and a repetition.
    builder
        .size_limit(MAX_COMPILED_BYTES)
        .nest_limit(4 * group::MAX_NESTING);
    builder.build().map_err(|cause| {
        let error = match cause {
            regex::Error::CompiledTooBig(_) => too_large(),
            _ => Error::new(ErrorKind::Unsupported, "the pattern cannot be carried over"),
        };
        error.with_source(cause)
    })
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::Limit,
        "the pattern grows too large: take a smaller repetition",
    )
}

fn unsupported(what: &str) -> Error {
    let message =
        format!("patterns with {what} are not supported, since they cannot be matched in linear time");
    Error::new(ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests;

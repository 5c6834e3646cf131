//! A piece written in the syntax of the `regex` crate.
//!
//! All characters are written by their numbers and all sets in full, so nothing depends on a mode of the crate.

use std::fmt::Write as _;

use regex_syntax::hir::ClassUnicode;

use super::piece::{Look, Piece};
use super::too_large;
use crate::error::Result;

/// How many bytes the written pattern may have.
const MAX_WRITTEN: usize = 2 * 1024 * 1024;

pub(super) fn write(piece: &Piece) -> Result<String> {
    let mut out = String::new();
    write_piece(piece, &mut out)?;
    Ok(out)
}

fn write_piece(piece: &Piece, out: &mut String) -> Result<()> {
    match piece {
        Piece::Set(set) => write_set(set, out),
        Piece::Look(look) => out.push_str(written_look(*look)),
        Piece::Concat(pieces) => pieces.iter().try_for_each(|piece| write_piece(piece, out))?,
        Piece::Any(pieces) if pieces.is_empty() => write_set(&ClassUnicode::empty(), out),
        Piece::Any(pieces) => {
            for (at, piece) in pieces.iter().enumerate() {
                out.push_str(if at == 0 { "(?:" } else { "|" });
                write_piece(piece, out)?;
            }
            out.push(')');
        }
        Piece::Repeat { piece, min, max } => {
            out.push_str("(?:");
            write_piece(piece, out)?;
            out.push(')');
            write_times(*min, *max, out);
        }
    }
    if out.len() > MAX_WRITTEN {
        Err(too_large())
    } else {
        Ok(())
    }
}

fn write_set(set: &ClassUnicode, out: &mut String) {
    let code = |character: char| character as u32;
    match set.ranges() {
        [] => out.push_str("[^\\x{0}-\\x{10FFFF}]"),
        [range] if range.start() == range.end() => {
            append(out, format_args!("\\x{{{:X}}}", code(range.start())))
        }
        ranges => {
            out.push('[');
            for range in ranges {
                let (start, end) = (code(range.start()), code(range.end()));
                append(out, format_args!("\\x{{{start:X}}}-\\x{{{end:X}}}"));
            }
            out.push(']');
        }
    }
}

fn write_times(min: u32, max: Option<u32>, out: &mut String) {
    match (min, max) {
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (0, Some(1)) => out.push('?'),
        (min, None) => append(out, format_args!("{{{min},}}")),
        (min, Some(max)) => append(out, format_args!("{{{min},{max}}}")),
    }
}

fn written_look(look: Look) -> &'static str {
    match look {
        Look::Start => r"\A",
        Look::End => r"\z",
        Look::AfterNewline => "(?m:^)",
        Look::LineEnd => "(?m:$)",
        Look::WordEdge => r"(?-u:\b)",
        Look::NotWordEdge => r"(?-u:\B)",
        // The crate knows pairs of carriage return and newline: a line starts after a return that is not in one.
        Look::LoneReturn => "(?Rm:^)",
        Look::FinalEnd | Look::LineStart => unreachable!("the anchors were settled"),
    }
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string can always grow");
}

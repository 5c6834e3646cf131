//! The language that a pattern stands for.
//!
//! A filter only asks whether something is found, so what a group captures, and whether a repetition is greedy, is
//! forgotten while reading.

use regex_syntax::hir::ClassUnicode;

/// A pattern or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// One character out of a set.
    Set(ClassUnicode),
    /// A place between two characters.
    Look(Look),
    /// One after the other; of none, the empty text.
    Concat(Vec<Self>),
    /// One of several; of none, nothing matches.
    Any(Vec<Self>),
    /// So many times.
    Repeat {
        piece: Box<Self>,
        min: u32,
        max: Option<u32>,
    },
}

/// A place between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The start of the text: `\A`, or `^` outside `m`.
    Start,
    /// The very end of the text: `\z`.
    End,
    /// The end, or before a newline that ends the text: `\Z`, or `$` outside `m`. Resolved by `anchors.rs`.
    FinalEnd,
    /// The start, or after a newline that does not end the text: `^` in `m`. Resolved by `anchors.rs`.
    LineStart,
    /// The start, or after any newline.
    AfterNewline,
    /// The end, or before any newline: `$` in `m`.
    LineEnd,
    /// Between a character of words and another, as ASCII has them: `\b`.
    WordEdge,
    /// Elsewhere: `\B`.
    NotWordEdge,
    /// After a carriage return, that no newline follows.
    LoneReturn,
}

impl Piece {
    /// The empty text.
    pub(super) fn empty() -> Self {
        Self::Concat(Vec::new())
    }

    /// What nothing matches.
    pub(super) fn never() -> Self {
        Self::Any(Vec::new())
    }

    pub(super) fn is_never(&self) -> bool {
        matches!(self, Self::Any(pieces) if pieces.is_empty())
    }

    /// Joins pieces, those of an inner row standing beside the others.
    pub(super) fn concat(pieces: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for piece in pieces {
            match piece {
                Self::Concat(inner) => flat.extend(inner),
                piece if piece.is_never() => return Self::never(),
                piece => flat.push(piece),
            }
        }
        single_or(flat, Self::Concat)
    }

    /// Offers pieces as a choice, without those that nothing matches.
    pub(super) fn any(pieces: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for piece in pieces {
            match piece {
                Self::Any(inner) => flat.extend(inner),
                piece => flat.push(piece),
            }
        }
        single_or(flat, Self::Any)
    }

    /// Returns the character, if no other can stand here.
    pub(super) fn single(&self) -> Option<char> {
        match self {
            Self::Set(set) => match set.ranges() {
                [range] if range.start() == range.end() => Some(range.start()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns how many characters are taken at least.
    pub(super) fn min_len(&self) -> usize {
        match self {
            Self::Set(_) => 1,
            Self::Look(_) => 0,
            Self::Concat(pieces) => pieces
                .iter()
                .fold(0, |sum, piece| sum.saturating_add(piece.min_len())),
            Self::Any(pieces) => pieces.iter().map(Self::min_len).min().unwrap_or(usize::MAX),
            Self::Repeat { piece, min, .. } => piece.min_len().saturating_mul(*min as usize),
        }
    }

    /// Tells whether one of these places is asked for anywhere.
    pub(super) fn looks_at(&self, which: &impl Fn(Look) -> bool) -> bool {
        match self {
            Self::Set(_) => false,
            Self::Look(look) => which(*look),
            Self::Concat(pieces) | Self::Any(pieces) => pieces.iter().any(|piece| piece.looks_at(which)),
            Self::Repeat { piece, .. } => piece.looks_at(which),
        }
    }

    /// Returns how much there is to copy.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Set(set) => 1 + set.ranges().len(),
            Self::Look(_) => 1,
            Self::Concat(pieces) | Self::Any(pieces) => 1 + pieces.iter().map(Self::size).sum::<usize>(),
            Self::Repeat { piece, .. } => 1 + piece.size(),
        }
    }
}

fn single_or(mut pieces: Vec<Piece>, join: impl FnOnce(Vec<Piece>) -> Piece) -> Piece {
    if pieces.len() == 1 {
        pieces.remove(0)
    } else {
        join(pieces)
    }
}

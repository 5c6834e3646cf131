//! What is left of a piece if it may take nothing, only a newline, or must take something.
//!
//! With these, a place that depends on what follows it is written without looking ahead.

use super::piece::Piece;
use super::{set, too_large, unsupported};
use crate::error::Result;

/// How much may be copied for one pattern.
const MAX_COPIED: usize = 200_000;

/// Derives pieces, counting what is copied, since copies of copies grow fast.
#[derive(Debug, Default)]
pub(super) struct Residues {
    copied: usize,
}

impl Residues {
    pub(super) fn copy(&mut self, piece: &Piece) -> Result<Piece> {
        self.copied = self.copied.saturating_add(piece.size());
        if self.copied > MAX_COPIED {
            Err(too_large())
        } else {
            Ok(piece.clone())
        }
    }

    /// The ways of the piece that take no character: its places alone.
    pub(super) fn taking_nothing(&mut self, piece: &Piece) -> Result<Piece> {
        Ok(match piece {
            Piece::Set(_) => Piece::never(),
            Piece::Look(look) => Piece::Look(*look),
            Piece::Concat(pieces) => Piece::concat(self.each(pieces, Self::taking_nothing)?),
            Piece::Any(pieces) => Piece::any(self.each(pieces, Self::taking_nothing)?),
            Piece::Repeat { min: 0, .. } => Piece::empty(),
            Piece::Repeat { piece, .. } => self.taking_nothing(piece)?,
        })
    }

    /// The ways of the piece that take one newline and nothing else.
    pub(super) fn taking_newline(&mut self, piece: &Piece) -> Result<Piece> {
        Ok(match piece {
            Piece::Set(set) => {
                let mut newline = set::of_char('\n');
                newline.intersect(set);
                if newline.ranges().is_empty() {
                    Piece::never()
                } else {
                    Piece::Set(newline)
                }
            }
            Piece::Look(_) | Piece::Repeat { max: Some(0), .. } => Piece::never(),
            Piece::Concat(pieces) => {
                let mut ways = Vec::new();
                for at in 0..pieces.len() {
                    let newline = self.taking_newline(&pieces[at])?;
                    if !newline.is_never() {
                        let before = self.each(&pieces[..at], Self::taking_nothing)?;
                        let after = self.each(&pieces[at + 1..], Self::taking_nothing)?;
                        ways.push(Piece::concat(before.into_iter().chain([newline]).chain(after)));
                    }
                }
                Piece::any(ways)
            }
            Piece::Any(pieces) => Piece::any(self.each(pieces, Self::taking_newline)?),
            Piece::Repeat { piece, min, .. } if can_be_once(piece, *min)? => self.taking_newline(piece)?,
            Piece::Repeat { .. } => Piece::never(),
        })
    }

    /// The ways of the piece that take at least one character.
    pub(super) fn taking_some(&mut self, piece: &Piece) -> Result<Piece> {
        Ok(match piece {
            Piece::Set(_) => self.copy(piece)?,
            Piece::Look(_) | Piece::Repeat { max: Some(0), .. } => Piece::never(),
            piece if piece.min_len() > 0 => self.copy(piece)?,
            Piece::Concat(pieces) => {
                let mut ways = Vec::new();
                for at in 0..pieces.len() {
                    let some = self.taking_some(&pieces[at])?;
                    if !some.is_never() {
                        let before = self.each(&pieces[..at], Self::taking_nothing)?;
                        let after = self.each(&pieces[at + 1..], Self::copy)?;
                        ways.push(Piece::concat(before.into_iter().chain([some]).chain(after)));
                    }
                }
                Piece::any(ways)
            }
            Piece::Any(pieces) => Piece::any(self.each(pieces, Self::taking_some)?),
            Piece::Repeat { piece, min, max } => {
                can_be_once(piece, *min)?;
                let more = Box::new(self.copy(piece)?);
                let more = Piece::Repeat {
                    piece: more,
                    min: 0,
                    max: max.map(|max| max.saturating_sub(1)),
                };
                Piece::concat([self.taking_some(piece)?, more])
            }
        })
    }

    fn each(
        &mut self,
        pieces: &[Piece],
        derive: fn(&mut Self, &Piece) -> Result<Piece>,
    ) -> Result<Vec<Piece>> {
        pieces.iter().map(|piece| derive(self, piece)).collect()
    }
}

/// Tells whether a repetition of at least `min` may take characters in one round only.
///
/// The other rounds then take nothing, which must not depend on where they do so.
fn can_be_once(piece: &Piece, min: u32) -> Result<bool> {
    if min <= 1 {
        return Ok(true);
    }
    if piece.min_len() > 0 {
        return Ok(false);
    }
    if piece.looks_at(&|_| true) {
        return Err(unsupported("a repeated anchor before the end of a line"));
    }
    Ok(true)
}

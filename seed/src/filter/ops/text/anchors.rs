//! Places that depend on what follows, written without looking ahead.
//!
//! `$` also matches before a newline that ends the text, and `^` in `m` does not match after such a newline. The `regex`
//! crate has neither. Since a filter only asks whether something is found, both follow from the rest of the pattern:
//! after `$`, the rest takes nothing or just that newline; after `^`, something must be left to take.

use super::piece::{Look, Piece};
use super::residue::Residues;
use super::{set, unsupported};
use crate::error::Result;

/// Rewrites a whole pattern so that it asks for no such place.
pub(super) fn settle(piece: Piece) -> Result<Piece> {
    Settler::default().before(piece, Piece::empty())
}

#[derive(Default)]
struct Settler {
    residues: Residues,
}

impl Settler {
    /// Joins a piece and all that follows it, which is settled already.
    fn before(&mut self, piece: Piece, rest: Piece) -> Result<Piece> {
        if !depends(&piece) {
            return Ok(Piece::concat([piece, rest]));
        }
        match piece {
            Piece::Look(Look::FinalEnd) => self.final_end(&rest),
            Piece::Look(_) => self.line_start(rest),
            Piece::Concat(pieces) => pieces
                .into_iter()
                .rev()
                .try_fold(rest, |rest, piece| self.before(piece, rest)),
            Piece::Any(pieces) => self.choice(pieces, &rest),
            Piece::Repeat { max: Some(0), .. } => Ok(rest),
            Piece::Repeat {
                piece,
                min: 1,
                max: Some(1),
            } => self.before(*piece, rest),
            Piece::Repeat {
                piece,
                min: 0,
                max: Some(1),
            } => {
                let with = self.residues.copy(&rest)?;
                Ok(Piece::any([self.before(*piece, with)?, rest]))
            }
            Piece::Repeat { mut piece, min, max } => {
                if !starts_lines_only(&mut piece, 0) {
                    return Err(unsupported("a repeated anchor that depends on what follows"));
                }
                Ok(Piece::concat([Piece::Repeat { piece, min, max }, rest]))
            }
            Piece::Set(_) => unreachable!("a set asks for no place"),
        }
    }

    fn choice(&mut self, pieces: Vec<Piece>, rest: &Piece) -> Result<Piece> {
        let (dependent, plain): (Vec<_>, Vec<_>) = pieces.into_iter().partition(depends);
        let mut ways = Vec::with_capacity(dependent.len() + 1);
        if !plain.is_empty() {
            ways.push(Piece::concat([Piece::any(plain), self.residues.copy(rest)?]));
        }
        for piece in dependent {
            let rest = self.residues.copy(rest)?;
            ways.push(self.before(piece, rest)?);
        }
        Ok(Piece::any(ways))
    }

    fn final_end(&mut self, rest: &Piece) -> Result<Piece> {
        let end = || Piece::Look(Look::End);
        let nothing = self.residues.taking_nothing(rest)?;
        let newline = Piece::Set(set::of_char('\n'));
        Ok(Piece::any([
            Piece::concat([end(), self.residues.copy(&nothing)?]),
            Piece::concat([nothing, newline, end()]),
            Piece::concat([self.residues.taking_newline(rest)?, end()]),
        ]))
    }

    fn line_start(&mut self, rest: Piece) -> Result<Piece> {
        let line = || Piece::Look(Look::AfterNewline);
        if rest.min_len() > 0 {
            return Ok(Piece::concat([line(), rest]));
        }
        let some = self.residues.taking_some(&rest)?;
        let nothing = self.residues.taking_nothing(&rest)?;
        Ok(Piece::any([
            Piece::concat([Piece::Look(Look::Start), rest]),
            Piece::concat([line(), some]),
            // Nothing more is asked for: any character shows that the text does not end here.
            Piece::concat([line(), nothing, Piece::Set(set::all())]),
        ]))
    }
}

fn depends(piece: &Piece) -> bool {
    piece.looks_at(&|look| matches!(look, Look::FinalEnd | Look::LineStart))
}

/// Rewrites each `^` of a repeated piece if something is taken after it in the same round, and tells whether all were.
///
/// `taken` is how much follows in the round.
fn starts_lines_only(piece: &mut Piece, taken: usize) -> bool {
    match piece {
        Piece::Look(Look::FinalEnd) => false,
        Piece::Look(look) => {
            let starts_line = *look == Look::LineStart;
            if starts_line {
                *look = Look::AfterNewline;
            }
            !starts_line || taken > 0
        }
        Piece::Set(_) => true,
        Piece::Any(pieces) => pieces.iter_mut().all(|piece| starts_lines_only(piece, taken)),
        Piece::Repeat { piece, .. } => starts_lines_only(piece, taken),
        Piece::Concat(pieces) => {
            let mut taken = taken;
            pieces.iter_mut().rev().all(|piece| {
                let settled = starts_lines_only(piece, taken);
                taken = taken.saturating_add(piece.min_len());
                settled
            })
        }
    }
}

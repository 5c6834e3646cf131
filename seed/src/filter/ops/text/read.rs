//! A pattern read as PCRE reads it.
//!
//! This file holds choices, rows and repetitions. `group.rs` reads what stands in parentheses, `class.rs` what stands in
//! brackets, `escape.rs` what follows a backslash. Source: the manual pages `pcre2pattern` and `pcre2syntax`, in UTF mode without
//! Unicode properties for `\d` and its kin, as MongoDB sets it.

use super::piece::{Look, Piece};
use super::set::{self, CaseFolder};
use super::{too_large, unsupported};
use crate::error::{Error, Result};

/// The largest number in a repetition.
const MAX_TIMES: u32 = 65_535;

/// The modes that a pattern is read in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) caseless: bool,
    pub(super) multiline: bool,
    pub(super) dot_all: bool,
    pub(super) extended: bool,
}

pub(super) fn read(pattern: &str, flags: Flags) -> Result<Piece> {
    if pattern.contains('\0') {
        return Err(Error::query(
            "a pattern cannot hold the character U+0000: write \\x00",
        ));
    }
    let mut reader = Reader {
        pattern,
        at: 0,
        flags,
        quoted: false,
        nesting: 0,
        groups: 0,
        names: Vec::new(),
        folder: CaseFolder::default(),
    };
    let piece = reader.choice()?;
    if reader.peek().is_some() {
        return Err(reader.fault("a closing parenthesis has no opening one"));
    }
    Ok(piece)
}

pub(super) struct Reader<'a> {
    pattern: &'a str,
    at: usize,
    pub(super) flags: Flags,
    /// Between `\Q` and `\E`, where each character is itself.
    pub(super) quoted: bool,
    pub(super) nesting: u32,
    /// How many capturing groups were opened, which decides between a back-reference and an octal number.
    pub(super) groups: u32,
    pub(super) names: Vec<&'a str>,
    folder: CaseFolder,
}

/// One item of a row, before its repetition.
pub(super) enum Item {
    /// May be repeated.
    Repeatable(Piece),
    /// Stands for no characters, so PCRE does not repeat it.
    Fixed(Piece),
}

impl<'a> Reader<'a> {
    pub(super) fn choice(&mut self) -> Result<Piece> {
        let mut ways = vec![self.row()?];
        while !self.quoted && self.eat("|") {
            ways.push(self.row()?);
        }
        Ok(Piece::any(ways))
    }

    fn row(&mut self) -> Result<Piece> {
        let mut pieces = Vec::new();
        loop {
            self.skip_ignored()?;
            if self.peek().is_none() || !self.quoted && matches!(self.peek(), Some('|' | ')')) {
                return Ok(Piece::concat(pieces));
            }
            let item = self.item()?;
            pieces.push(self.repeated(item)?);
        }
    }

    fn item(&mut self) -> Result<Item> {
        let start = self.at;
        let character = self.next().expect("the caller saw a character");
        if self.quoted {
            return self.literal(character).map(Item::Repeatable);
        }
        Ok(match character {
            '.' if self.flags.dot_all => Item::Repeatable(Piece::Set(set::all())),
            '.' => Item::Repeatable(Piece::Set(set::not_newline())),
            '^' if self.flags.multiline => Item::Fixed(Piece::Look(Look::LineStart)),
            '^' => Item::Fixed(Piece::Look(Look::Start)),
            '$' if self.flags.multiline => Item::Fixed(Piece::Look(Look::LineEnd)),
            '$' => Item::Fixed(Piece::Look(Look::FinalEnd)),
            '[' => Item::Repeatable(self.class()?),
            '(' => self.group()?,
            '\\' => self.escape()?,
            '*' | '+' | '?' => return Err(self.nothing_to_repeat(start)),
            '{' => {
                self.at = start;
                if self.is_at_times()? {
                    return Err(self.nothing_to_repeat(start));
                }
                self.skip(1);
                Item::Repeatable(self.literal('{')?)
            }
            character => Item::Repeatable(self.literal(character)?),
        })
    }

    /// Makes the piece of a character that stands for itself, and for its other cases in `i`.
    pub(super) fn literal(&mut self, character: char) -> Result<Piece> {
        let mut set = set::of_char(character);
        if self.flags.caseless {
            self.folder.fold(&mut set)?;
        }
        Ok(Piece::Set(set))
    }

    pub(super) fn folder(&mut self) -> &mut CaseFolder {
        &mut self.folder
    }

    fn repeated(&mut self, item: Item) -> Result<Piece> {
        self.skip_ignored()?;
        let start = self.at;
        let times = if self.quoted { None } else { self.times()? };
        let (piece, (min, max)) = match (item, times) {
            (Item::Repeatable(piece) | Item::Fixed(piece), None) => return Ok(piece),
            (Item::Fixed(_), Some(_)) => return Err(self.nothing_to_repeat(start)),
            (Item::Repeatable(piece), Some(times)) => (piece, times),
        };
        self.skip_ignored()?;
        if !self.quoted && self.eat("+") {
            return Err(unsupported("possessive repetitions, such as a++"));
        }
        // A lazy repetition finds the same texts.
        if !self.quoted {
            self.eat("?");
        }
        Ok(Piece::Repeat {
            piece: Box::new(piece),
            min,
            max,
        })
    }

    /// Tells whether a repetition stands here, without passing over it.
    pub(super) fn is_at_times(&mut self) -> Result<bool> {
        let start = self.at;
        let times = self.times()?;
        self.at = start;
        Ok(times.is_some())
    }

    /// Reads `*`, `+`, `?` or numbers in braces; a brace with anything else in it is left for a literal.
    fn times(&mut self) -> Result<Option<(u32, Option<u32>)>> {
        if self.eat("*") {
            return Ok(Some((0, None)));
        }
        if self.eat("+") {
            return Ok(Some((1, None)));
        }
        if self.eat("?") {
            return Ok(Some((0, Some(1))));
        }
        let Some((inside, _)) = self
            .rest()
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
        else {
            return Ok(None);
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (min, max) = inside
            .split_once(',')
            .map_or((inside, None), |(min, max)| (min, Some(max)));
        if !is_number(min) || max.is_some_and(|max| !max.is_empty() && !is_number(max)) {
            return Ok(None);
        }
        let number = |text: &str| {
            text.parse()
                .ok()
                .filter(|&number: &u32| number <= MAX_TIMES)
                .ok_or_else(too_large)
        };
        let min = number(min)?;
        let max = match max {
            None => Some(min),
            Some("") => None,
            Some(max) => Some(number(max)?),
        };
        if max.is_some_and(|max| max < min) {
            return Err(self.fault("the numbers of a repetition are out of order"));
        }
        self.at += inside.len() + 2;
        Ok(Some((min, max)))
    }

    /// Passes over comments, the marks around quoted text, and in `x` over spaces.
    fn skip_ignored(&mut self) -> Result<()> {
        loop {
            if self.eat("\\E") {
                self.quoted = false;
            } else if self.quoted {
                return Ok(());
            } else if self.eat("\\Q") {
                self.quoted = true;
            } else if self.rest().starts_with("(?#") {
                let end = self
                    .rest()
                    .find(')')
                    .ok_or_else(|| self.fault("a comment is not closed"))?;
                self.at += end + 1;
            } else if self.flags.extended && self.peek().is_some_and(is_pattern_space) {
                self.next();
            } else if self.flags.extended && self.eat("#") {
                self.at += self.rest().find('\n').map_or(self.rest().len(), |end| end + 1);
            } else {
                return Ok(());
            }
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    /// Passes over so many bytes, which the caller read.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Passes over a text if it stands here, and tells whether it did.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let stands = self.rest().starts_with(text);
        if stands {
            self.at += text.len();
        }
        stands
    }

    pub(super) fn fault(&self, message: &str) -> Error {
        let characters = self.pattern[..self.at].chars().count();
        Error::query(format!(
            "{message} (after {characters} characters of the pattern)"
        ))
    }

    fn nothing_to_repeat(&mut self, at: usize) -> Error {
        self.at = at;
        self.fault(
            "a repetition follows nothing that can be repeated: write a backslash before a literal one",
        )
    }
}

/// Spaces that `x` passes over: `Pattern_White_Space` of Unicode.
fn is_pattern_space(character: char) -> bool {
    matches!(
        character,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
    )
}

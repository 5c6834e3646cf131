//! What stands in brackets.
//!
//! Brackets do not nest in PCRE and there is no `&&`: both are letters there, while the `regex` crate reads them as sets.

use regex_syntax::hir::ClassUnicode;

use super::piece::Piece;
use super::read::Reader;
use super::{set, unsupported};
use crate::error::Result;

/// One part of a class.
enum Part {
    /// A character, which may begin or end a range.
    Character(char),
    /// A set that has a name, which has no other cases and no place in a range.
    Set(ClassUnicode),
}

impl Reader<'_> {
    /// Reads a class after its opening bracket.
    pub(super) fn class(&mut self) -> Result<Piece> {
        if self.rest().starts_with("[:<:]]") || self.rest().starts_with("[:>:]]") {
            return Err(unsupported("the edges of words [[:<:]] and [[:>:]]"));
        }
        if let Some((mark, name)) = posix_class(self.rest()) {
            let message = format!("a class by name stands in another class: write [[{mark}{name}{mark}]]");
            return Err(self.fault(&message));
        }
        let negated = self.class_start();
        let mut listed = ClassUnicode::empty();
        let mut named = ClassUnicode::empty();
        // A closing bracket that comes first is a letter.
        let mut part = match self.eat("]") {
            true => Some(Part::Character(']')),
            false => self.class_part()?,
        };
        while let Some(here) = part {
            match here {
                Part::Character(start) => {
                    let (range, is_closed) = self.range_from(start)?;
                    listed.union(&range);
                    if is_closed {
                        break;
                    }
                }
                Part::Set(set) => {
                    named.union(&set);
                    if self.begins_range() {
                        return Err(
                            self.fault("a set cannot begin a range: write a backslash before the hyphen")
                        );
                    }
                }
            }
            part = self.class_part()?;
        }
        if self.flags.caseless {
            self.folder().fold(&mut listed)?;
        }
        listed.union(&named);
        Ok(Piece::Set(if negated { set::negated(listed) } else { listed }))
    }

    /// Passes over what may stand before the first letter of a class, and says whether it is negated.
    ///
    /// An empty quotation means nothing there, so that a closing bracket behind it is still the first letter. Source:
    /// `parse_regex` in PCRE2.
    fn class_start(&mut self) -> bool {
        let mut negated = false;
        loop {
            if !negated && self.eat("^") {
                negated = true;
            } else if !self.eat("\\E") && !self.eat("\\Q\\E") {
                return negated;
            }
        }
    }

    /// Reads the end of a range if there is one, else gives the character alone; says whether the class ended by it.
    ///
    /// What begins and ends a quotation may stand on either side of the hyphen. Source: `parse_regex` in PCRE2.
    fn range_from(&mut self, start: char) -> Result<(ClassUnicode, bool)> {
        self.class_quotes();
        if self.quoted || !self.rest().starts_with('-') {
            return Ok((set::of_char(start), false));
        }
        self.next();
        match self.class_part()? {
            Some(Part::Character(end)) if start <= end => Ok((set::of([(start, end)]), false)),
            Some(Part::Character(_)) => Err(self.fault("a range is out of order")),
            Some(Part::Set(_)) => {
                Err(self.fault("a set cannot end a range: write a backslash before the hyphen"))
            }
            // A hyphen that comes last is a letter.
            None => Ok((set::of([(start, start), ('-', '-')]), true)),
        }
    }

    /// Tells whether a hyphen stands here that is not the last letter.
    fn begins_range(&self) -> bool {
        self.rest().starts_with('-') && !self.rest().starts_with("-]")
    }

    /// Reads the next part; none at the closing bracket.
    fn class_part(&mut self) -> Result<Option<Part>> {
        self.class_quotes();
        if !self.quoted
            && self.rest().starts_with('[')
            && let Some(set) = self.posix()?
        {
            return Ok(Some(Part::Set(set)));
        }
        let Some(character) = self.next() else {
            return Err(self.fault("a class is not closed: a bracket is missing"));
        };
        match character {
            character if self.quoted => Ok(Some(Part::Character(character))),
            ']' => Ok(None),
            '\\' => self.class_escape().map(Some),
            character => Ok(Some(Part::Character(character))),
        }
    }

    /// Passes over beginnings and ends of quotations; an end without a beginning means nothing.
    fn class_quotes(&mut self) {
        loop {
            if self.eat("\\E") {
                self.quoted = false;
            } else if !self.quoted && self.eat("\\Q") {
                self.quoted = true;
            } else {
                return;
            }
        }
    }

    fn class_escape(&mut self) -> Result<Part> {
        let Some(letter) = self.next() else {
            return Err(self.fault("a backslash ends the pattern"));
        };
        if let Some(set) = set::by_letter(letter) {
            return Ok(Part::Set(set));
        }
        match letter {
            'b' => Ok(Part::Character('\x08')),
            'p' | 'P' => self.property(letter).map(Part::Set),
            // They are no octal digits, and nothing in a class refers back.
            '8' | '9' => Ok(Part::Character(letter)),
            'N' | 'R' | 'X' | 'B' => Err(self.fault(&format!("\\{letter} has no meaning in a class"))),
            letter => self.escaped_character(letter).map(Part::Character),
        }
    }

    /// Reads `[:name:]`; a bracket that begins no such thing is a letter.
    fn posix(&mut self) -> Result<Option<ClassUnicode>> {
        let Some((mark, name)) = posix_class(&self.rest()[1..]) else {
            return Ok(None);
        };
        let bare = name.strip_prefix('^');
        let set = set::by_posix_name(bare.unwrap_or(name), self.flags.caseless);
        let Some(set) = set.filter(|_| mark == ':') else {
            return Err(self.fault(&format!("unknown class [{mark}{name}{mark}]")));
        };
        self.skip(name.len() + "[::]".len());
        Ok(Some(if bare.is_some() { set::negated(set) } else { set }))
    }
}

/// Splits the mark and the name off what follows the opening bracket of `[:name:]`, `[.name.]` or `[=name=]`.
///
/// Any text can be a name, also one that names nothing. Source: `check_posix_syntax` in PCRE2.
fn posix_class(inside: &str) -> Option<(char, &str)> {
    let mark = inside
        .chars()
        .next()
        .filter(|mark| matches!(mark, ':' | '.' | '='))?;
    let name = &inside[1..];
    let bytes = name.as_bytes();
    let mut at = 0;
    while let Some(&[byte, next]) = bytes.get(at..at + 2) {
        match (char::from(byte), char::from(next)) {
            ('\\', ']' | '\\') => at += 1,
            ('[', next) if next == mark => return None,
            (']', _) => return None,
            (byte, ']') if byte == mark => return Some((mark, &name[..at])),
            _ => {}
        }
        at += 1;
    }
    None
}

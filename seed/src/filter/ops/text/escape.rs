//! What follows a backslash.

use regex_syntax::hir::ClassUnicode;

use super::piece::{Look, Piece};
use super::read::{Item, Reader};
use super::{set, unsupported};
use crate::error::Result;

impl Reader<'_> {
    /// Reads what follows a backslash outside brackets.
    pub(super) fn escape(&mut self) -> Result<Item> {
        let Some(letter) = self.next() else {
            return Err(self.fault("a backslash ends the pattern"));
        };
        let look = match letter {
            'b' => Look::WordEdge,
            'B' => Look::NotWordEdge,
            'A' | 'G' => Look::Start,
            'Z' => Look::FinalEnd,
            'z' => Look::End,
            _ => return self.escaped_piece(letter),
        };
        Ok(Item::Fixed(Piece::Look(look)))
    }

    fn escaped_piece(&mut self, letter: char) -> Result<Item> {
        if let Some(set) = set::by_letter(letter) {
            return Ok(Item::Repeatable(Piece::Set(set)));
        }
        Ok(Item::Repeatable(match letter {
            // Where the find begins is nothing to us.
            'K' => return Ok(Item::Fixed(Piece::empty())),
            'R' => line_break(),
            'N' if self.rest().starts_with("{U+") => {
                let character = self.code_in_braces(16, "{U+")?;
                self.literal(character)?
            }
            'N' if self.rest().starts_with('{') && !self.is_at_times()? => {
                return Err(unsupported("characters by name, such as \\N{DIGIT ONE}"));
            }
            'N' => Piece::Set(set::not_newline()),
            'p' | 'P' => Piece::Set(self.property(letter)?),
            'X' | 'C' => return Err(unsupported(&format!("\\{letter}"))),
            'g' if matches!(self.peek(), Some('<' | '\'')) => return Err(unsupported("recursion")),
            'g' | 'k' => return Err(unsupported("back-references")),
            '1'..='9' => self.back_reference_or_octal(letter)?,
            other => {
                let character = self.escaped_character(other)?;
                self.literal(character)?
            }
        }))
    }

    /// `\1` to `\9` refer back, and so do larger numbers if there are that many groups or they begin with 8 or 9.
    fn back_reference_or_octal(&mut self, first: char) -> Result<Piece> {
        let more = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let number: u32 = format!("{first}{}", &self.rest()[..more])
            .parse()
            .unwrap_or(u32::MAX);
        if number < 10 || first >= '8' || number <= self.groups {
            return Err(unsupported("back-references"));
        }
        let character = self.octal(first)?;
        self.literal(character)
    }

    /// Reads an escape that stands for one character, in brackets or outside.
    pub(super) fn escaped_character(&mut self, letter: char) -> Result<char> {
        Ok(match letter {
            'a' => '\x07',
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'c' => self.control()?,
            'o' => self.code_in_braces(8, "{")?,
            'x' if self.rest().starts_with('{') => self.code_in_braces(16, "{")?,
            'x' => self.two_hex_digits()?,
            '0'..='7' => self.octal(letter)?,
            letter if letter.is_ascii_alphanumeric() => {
                return Err(self.fault(&format!("unknown escape \\{letter}")));
            }
            itself => itself,
        })
    }

    fn control(&mut self) -> Result<char> {
        match self.next() {
            Some(key @ ' '..='~') => Ok(char::from(key.to_ascii_uppercase() as u8 ^ 0x40)),
            _ => Err(self.fault("\\c is followed by a printable character of ASCII")),
        }
    }

    fn two_hex_digits(&mut self) -> Result<char> {
        let digits = self
            .rest()
            .bytes()
            .take(2)
            .take_while(u8::is_ascii_hexdigit)
            .count();
        self.code(16, digits, 0)
    }

    /// Reads up to two more digits of an octal number.
    fn octal(&mut self, first: char) -> Result<char> {
        let digits = self
            .rest()
            .bytes()
            .take(2)
            .take_while(|digit| (b'0'..=b'7').contains(digit))
            .count();
        self.code(8, digits, first as u32 - '0' as u32)
    }

    fn code_in_braces(&mut self, radix: u32, opening: &str) -> Result<char> {
        let opened = self.eat(opening);
        let digits = self
            .rest()
            .bytes()
            .take_while(|&digit| (digit as char).is_digit(radix))
            .count();
        if !opened || digits == 0 || self.rest().as_bytes().get(digits) != Some(&b'}') {
            return Err(self.fault("the number of a character is expected in braces"));
        }
        let character = self.code(radix, digits, 0)?;
        self.eat("}");
        Ok(character)
    }

    /// Reads so many digits, which the caller saw.
    fn code(&mut self, radix: u32, digits: usize, begun: u32) -> Result<char> {
        let mut code = begun;
        for _ in 0..digits {
            let digit = self
                .next()
                .and_then(|digit| digit.to_digit(radix))
                .expect("the caller saw a digit");
            code = code.saturating_mul(radix).saturating_add(digit);
        }
        char::from_u32(code).ok_or_else(|| self.fault(&format!("U+{code:04X} is no character")))
    }

    /// Reads the property after `\p` or `\P`.
    pub(super) fn property(&mut self, letter: char) -> Result<ClassUnicode> {
        let name = if self.eat("{") {
            let end = self
                .rest()
                .find('}')
                .ok_or_else(|| self.fault("the name of a property is not closed"))?;
            let name = &self.rest()[..end];
            self.skip(end + 1);
            name.to_owned()
        } else {
            self.next()
                .map(String::from)
                .ok_or_else(|| self.fault("the name of a property is expected"))?
        };
        let bare = name.strip_prefix('^');
        let set = set::by_property(bare.unwrap_or(&name))?;
        let negated = bare.is_some() != (letter == 'P');
        Ok(if negated { set::negated(set) } else { set })
    }
}

/// `\R`: the pair of carriage return and newline, which is never taken apart, or one other line break.
fn line_break() -> Piece {
    let mut others = set::vertical();
    others.difference(&set::of_char('\r'));
    let carriage_return = || Piece::Set(set::of_char('\r'));
    Piece::any([
        Piece::concat([carriage_return(), Piece::Set(set::of_char('\n'))]),
        Piece::concat([carriage_return(), Piece::Look(Look::LoneReturn)]),
        Piece::Set(others),
    ])
}

//! A pattern read as PCRE reads it.
//!
//! This file holds the structure: choices, rows, groups and repetitions. `escape.rs` reads what follows a backslash,
//! `class.rs` what stands in brackets. Source: the manual pages `pcre2pattern` and `pcre2syntax`, in UTF mode without
//! Unicode properties for `\d` and its kin, as MongoDB sets it.

use super::piece::{Look, Piece};
use super::set::{self, CaseFolder};
use super::{too_large, unsupported};
use crate::error::{Error, Result};

/// How deep groups may nest, as in PCRE.
pub(super) const MAX_NESTING: u32 = 250;

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
    nesting: u32,
    /// How many capturing groups were opened, which decides between a back-reference and an octal number.
    pub(super) groups: u32,
    names: Vec<&'a str>,
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
    fn choice(&mut self) -> Result<Piece> {
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
                if self.times()?.is_some() {
                    return Err(self.nothing_to_repeat(start));
                }
                self.at = start + 1;
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
        if self.eat("+") {
            return Err(unsupported("possessive repetitions, such as a++"));
        }
        // A lazy repetition finds the same texts.
        self.eat("?");
        Ok(Piece::Repeat {
            piece: Box::new(piece),
            min,
            max,
        })
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

    fn group(&mut self) -> Result<Item> {
        let flags = self.flags;
        if self.rest().starts_with('*') {
            return Err(unsupported("verbs, such as (*UCP)"));
        }
        if !self.eat("?") {
            self.groups += 1;
        } else if !self.group_kind()? {
            return Ok(Item::Fixed(Piece::empty()));
        }
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(too_large());
        }
        let piece = self.choice()?;
        self.nesting -= 1;
        if !self.eat(")") {
            return Err(self.fault("a group is not closed"));
        }
        self.flags = flags;
        Ok(Item::Repeatable(piece))
    }

    /// Reads what follows `(?` and tells whether a group follows it; modes may stand alone in their parentheses.
    fn group_kind(&mut self) -> Result<bool> {
        let refused = [
            ("=", "look-ahead"),
            ("!", "look-ahead"),
            ("<=", "look-behind"),
            ("<!", "look-behind"),
            (">", "atomic groups"),
            ("P=", "back-references"),
            ("P>", "recursion"),
            ("R", "recursion"),
            ("&", "recursion"),
            ("+", "recursion"),
            ("(", "conditions"),
            ("C", "callouts"),
        ];
        let rest = self.rest();
        if let Some((_, what)) = refused.iter().find(|(start, _)| rest.starts_with(start)) {
            return Err(unsupported(what));
        }
        if rest
            .trim_start_matches('-')
            .starts_with(|digit: char| digit.is_ascii_digit())
        {
            return Err(unsupported("recursion"));
        }
        // A branch reset only numbers its groups otherwise.
        if self.eat(":") || self.eat("|") {
            return Ok(true);
        }
        if self.eat("P<") || self.eat("<") {
            return self.name('>').map(|()| true);
        }
        if self.eat("'") {
            return self.name('\'').map(|()| true);
        }
        self.modes()
    }

    fn name(&mut self, end: char) -> Result<()> {
        let Some((name, _)) = self.rest().split_once(end) else {
            return Err(self.fault("the name of a group is not closed"));
        };
        let is_word = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_word
            || name.is_empty()
            || name.len() > 32
            || name.starts_with(|first: char| first.is_ascii_digit())
        {
            return Err(
                self.fault("a group is named by 1 to 32 letters, digits and underscores, no digit first")
            );
        }
        if self.names.contains(&name) {
            return Err(self.fault("two groups have the same name"));
        }
        self.names.push(name);
        self.groups += 1;
        self.at += name.len() + 1;
        Ok(())
    }

    /// Reads modes such as `i-s`, and tells whether a group follows that they hold for.
    ///
    /// Alone in parentheses they hold until the group around them ends, in its other branches too.
    fn modes(&mut self) -> Result<bool> {
        if self.eat("^") {
            self.flags = Flags::default();
        }
        let mut on = true;
        loop {
            match self.next() {
                Some(':') => return Ok(true),
                Some(')') => return Ok(false),
                Some('-') if on => on = false,
                Some('i') => self.flags.caseless = on,
                Some('m') => self.flags.multiline = on,
                Some('s') => self.flags.dot_all = on,
                Some('x') if self.rest().starts_with('x') => return Err(unsupported("the mode xx")),
                Some('x') => self.flags.extended = on,
                // Whether repetitions are greedy by default is nothing to us.
                Some('U') => {}
                Some(mode @ ('J' | 'n' | 'a')) => return Err(unsupported(&format!("the mode {mode}"))),
                _ => return Err(self.fault("unknown mode after (?: the modes are i, m, s and x")),
            }
        }
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

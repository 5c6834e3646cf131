//! What stands in parentheses: groups, named or not, and modes.

use super::piece::Piece;
use super::read::{Flags, Item, Reader};
use super::{too_large, unsupported};
use crate::error::Result;

/// How deep groups may nest, as in PCRE.
pub(super) const MAX_NESTING: u32 = 250;

impl Reader<'_> {
    /// Reads a group, or modes that stand alone in parentheses, after the opening one.
    pub(super) fn group(&mut self) -> Result<Item> {
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
        self.skip(name.len() + 1);
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
}

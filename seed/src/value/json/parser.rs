//! The parser below all forms of JSON (RFC 8259, strict; a key twice in an object is refused).

use super::{DATE, extended, scan};
use crate::error::{Error, ErrorKind, Result};
use crate::value::distinct::DistinctFields;
use crate::value::limits::MAX_DEPTH;
use crate::value::{Array, DateTime, Document, Text, Value};

/// Which keys mean a type and not a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Extended,
    Plain,
    Stored,
}

pub(super) fn parse(text: &str, form: Form) -> Result<Value> {
    let mut parser = Parser { text, at: 0, form };
    parser.skip_space();
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.at < text.len() {
        return Err(parser.fault("something follows the end of the value"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    form: Form,
}

impl<'a> Parser<'a> {
    fn value(&mut self, depth: usize) -> Result<Value> {
        match self.peek() {
            Some(b'{') => match self.written_date(depth) {
                Some(date) => Ok(Value::Date(date)),
                None => self.object(depth + 1),
            },
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.fault("a value is expected here")),
            None => Err(self.fault("the text ends where a value is expected")),
        }
    }

    /// Takes a date that is written just as we write it, which is how nearly all come.
    fn written_date(&mut self, depth: usize) -> Option<DateTime> {
        if self.form == Form::Plain || depth >= MAX_DEPTH {
            return None;
        }
        let rest = self.text.as_bytes()[self.at..].strip_prefix(DATE.as_bytes())?;
        let (text, rest) = rest.split_first_chunk()?;
        let date = DateTime::from_text(text).filter(|_| rest.starts_with(b"\"}"))?;
        self.at += DATE.len() + text.len() + 2;
        Some(date)
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        self.open(depth)?;
        let start = self.at;
        self.at += 1;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Value::Document(Document::new()));
        }
        let mut fields = DistinctFields::with_capacity(8);
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("a name in double quotes is expected here"));
            }
            let key_at = self.at;
            let name = self.name()?;
            self.skip_space();
            if !self.eat(b':') {
                return Err(self.fault("a colon is expected after the name"));
            }
            self.skip_space();
            let value = self.value(depth)?;
            fields.push(name, value).map_err(|name| {
                self.fault_at(key_at, format!("the name {name:?} stands twice in one object"))
            })?;
            self.skip_space();
            if self.eat(b'}') {
                break;
            }
            if !self.eat(b',') {
                return Err(self.fault("a comma or the end of the object is expected here"));
            }
            self.skip_space();
        }
        self.typed(fields.into_document())
            .map_err(|cause| self.fault_at(start, cause.message().to_owned()))
    }

    /// Turns an object whose first key names a type into a value of it, where this form has such keys.
    fn typed(&self, document: Document) -> Result<Value> {
        let dollar = document.keys().next().is_some_and(|name| name.starts_with('$'));
        match self.form {
            Form::Plain => Ok(Value::Document(document)),
            Form::Extended if dollar => extended::typed(document),
            // Whatever begins with `$` once was written by us and names a type; the rest was escaped.
            Form::Stored if dollar && !document.keys().next().is_some_and(|name| name.starts_with("$$")) => {
                extended::typed(document)
            }
            Form::Stored if document.keys().any(|name| name.starts_with('$')) => {
                Ok(Value::Document(document.into_iter().map(unescape).collect()))
            }
            _ => Ok(Value::Document(document)),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        self.open(depth)?;
        self.at += 1;
        let mut elements = Array::new();
        self.skip_space();
        if self.eat(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            self.skip_space();
            if self.eat(b']') {
                return Ok(Value::Array(elements));
            }
            if !self.eat(b',') {
                return Err(self.fault("a comma or the end of the array is expected here"));
            }
            self.skip_space();
        }
    }

    fn open(&self, depth: usize) -> Result<()> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        let (line, column) = self.position(self.at);
        let message = format!("the value nests deeper than {MAX_DEPTH} levels");
        Err(Error::new(ErrorKind::Limit, message).at_position(line, column))
    }

    fn name(&mut self) -> Result<Text> {
        let at = self.at;
        let name = self.string()?;
        if name.as_bytes().contains(&0) {
            return Err(self.fault_at(
                at,
                format!("the name {:?} holds the character U+0000", name.as_str()),
            ));
        }
        Ok(name)
    }

    fn string(&mut self) -> Result<Text> {
        self.at += 1;
        let run = self.run();
        if self.eat(b'"') {
            return Ok(run.into());
        }
        let mut text = String::from(run);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into());
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.fault("a control character in a string must be escaped")),
                None => return Err(self.fault("the text ends inside a string")),
            }
            text.push_str(self.run());
        }
    }

    /// Takes what stands for itself, up to a quote, a backslash or a control character.
    fn run(&mut self) -> &'a str {
        let start = self.at;
        self.at += scan::run(&self.text.as_bytes()[start..]);
        &self.text[start..self.at]
    }

    fn escape(&mut self) -> Result<char> {
        let at = self.at;
        self.at += 1;
        let escaped = self.peek();
        self.at += 1;
        Ok(match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(at),
            _ => return Err(self.fault_at(at, "unknown escape in a string")),
        })
    }

    fn unicode_escape(&mut self, at: usize) -> Result<char> {
        let first = self.hex4(at)?;
        let code = match first {
            0xD800..=0xDBFF if self.text.as_bytes()[self.at..].starts_with(b"\\u") => {
                self.at += 2;
                let second = self.hex4(at)?;
                0x10000
                    + ((first - 0xD800) << 10)
                    + second
                        .checked_sub(0xDC00)
                        .filter(|low| *low < 0x400)
                        .ok_or_else(|| {
                            self.fault_at(
                                at,
                                "half of a surrogate pair stands alone: no character has this code",
                            )
                        })?
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| {
            self.fault_at(
                at,
                "half of a surrogate pair stands alone: no character has this code",
            )
        })
    }

    fn hex4(&mut self, at: usize) -> Result<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let code = digits.and_then(|digits| {
            digits
                .iter()
                .try_fold(0, |code, &digit| Some(code << 4 | (digit as char).to_digit(16)?))
        });
        self.at += 4;
        code.ok_or_else(|| self.fault_at(at, "four hexadecimal digits are expected after \\u"))
    }

    fn number(&mut self) -> Result<Value> {
        let start = self.at;
        self.eat(b'-');
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.text.as_bytes()[self.at - whole] == b'0') {
            return Err(self.fault_at(start, "a number has digits and does not begin with 0"));
        }
        let mut is_double = false;
        if self.eat(b'.') {
            is_double = true;
            if self.digits() == 0 {
                return Err(self.fault_at(start, "digits are expected after the point"));
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            is_double = true;
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            if self.digits() == 0 {
                return Err(self.fault_at(start, "digits are expected in the exponent"));
            }
        }
        let literal = &self.text[start..self.at];
        let value = if is_double {
            literal
                .parse()
                .ok()
                .filter(|double: &f64| double.is_finite())
                .map(Value::Double)
        } else {
            literal.parse().ok().map(Value::Int)
        };
        value.ok_or_else(|| {
            let limits = if is_double {
                "is beyond the largest double"
            } else {
                "does not fit in 64 bits with a sign"
            };
            self.fault_at(start, format!("the number {} {limits}", shortened(literal)))
        })
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += count;
        count
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fault("a value is expected here"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn fault(&self, message: &str) -> Error {
        self.fault_at(self.at, message)
    }

    fn fault_at(&self, at: usize, message: impl Into<String>) -> Error {
        let (line, column) = self.position(at);
        Error::new(ErrorKind::Syntax, message).at_position(line, column)
    }

    /// Counts lines and characters up to a byte.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line_start = before
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        // Every byte but those that go on a character begins one.
        let column = before[line_start..]
            .iter()
            .filter(|&&byte| byte & 0xC0 != 0x80)
            .count()
            + 1;
        (line, column)
    }
}

fn unescape((name, value): (Text, Value)) -> (Text, Value) {
    match name.strip_prefix('$') {
        Some(rest) => (rest.into(), value),
        None => (name, value),
    }
}

/// Shortens a literal of hundreds of digits for a message.
fn shortened(literal: &str) -> String {
    if literal.len() <= 40 {
        literal.to_owned()
    } else {
        format!("{}…", &literal[..40])
    }
}

//! Writes values as JSON.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{DATE, Form, scan};
use crate::value::{DateText, DateTime, Document, Value};

/// Writes a value as relaxed Extended JSON: numbers bare where they can be, dates as text from 1970 to 9999.
pub fn to_extended(value: &Value) -> String {
    write(Form::Extended, |writer| writer.value(value))
}

/// Writes a document as relaxed Extended JSON.
pub fn document_to_extended(document: &Document) -> String {
    write(Form::Extended, |writer| writer.document(document))
}

/// Writes a value as plain JSON.
///
/// What JSON has no form for becomes the nearest thing: NaN and infinities null, dates RFC 3339 text, object ids their
/// digits, binary data base64.
pub fn to_plain(value: &Value) -> String {
    write(Form::Plain, |writer| writer.value(value))
}

/// Writes a document as plain JSON, as [`to_plain`] does.
pub fn document_to_plain(document: &Document) -> String {
    write(Form::Plain, |writer| writer.document(document))
}

/// Writes a document for a store of text, so that [`parse_stored`](super::parse_stored) gives back every value as it was.
pub fn document_to_stored(document: &Document) -> String {
    write(Form::Stored, |writer| writer.document(document))
}

fn write(form: Form, write: impl FnOnce(&mut Writer)) -> String {
    let mut writer = Writer {
        // A job's document and most others fit without growing.
        out: Vec::with_capacity(512),
        form,
        last_date: None,
    };
    write(&mut writer);
    String::from_utf8(writer.out).expect("only texts and parts of texts are written")
}

struct Writer {
    /// Bytes, as what is written to a string is checked piece by piece.
    out: Vec<u8>,
    form: Form,
    /// The dates of a document are most often of one day.
    last_date: Option<DateText>,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.extend_from_slice(b"null"),
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::Int(int) => self
                .out
                .extend_from_slice(itoa::Buffer::new().format(*int).as_bytes()),
            Value::Double(double) => self.double(*double),
            Value::String(text) => self.string(text),
            Value::Document(document) => self.document(document),
            Value::Array(elements) => {
                self.out.push(b'[');
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b',');
                    }
                    self.value(element);
                }
                self.out.push(b']');
            }
            Value::Date(date) if self.form == Form::Plain => {
                self.out.push(b'"');
                self.date(*date);
                self.out.push(b'"');
            }
            Value::ObjectId(id) if self.form == Form::Plain => self.quoted(id),
            Value::Binary(binary) if self.form == Form::Plain => {
                self.quoted(&STANDARD.encode(binary.bytes()))
            }
            Value::Date(date) if date.is_writable() && date.as_millis() >= 0 => {
                self.out.extend_from_slice(DATE.as_bytes());
                self.date(*date);
                self.out.extend_from_slice(b"\"}");
            }
            Value::Date(date) => {
                self.out.extend_from_slice(b"{\"$date\":");
                self.typed("$numberLong", &date.as_millis());
                self.out.push(b'}');
            }
            Value::ObjectId(id) => self.typed("$oid", id),
            Value::Binary(binary) => {
                let base64 = STANDARD.encode(binary.bytes());
                let subtype = binary.subtype();
                self.display(&format_args!(
                    "{{\"$binary\":{{\"base64\":\"{base64}\",\"subType\":\"{subtype:02x}\"}}}}"
                ));
            }
        }
    }

    fn document(&mut self, document: &Document) {
        self.out.push(b'{');
        for (at, (name, value)) in document.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            if self.form == Form::Stored && name.starts_with('$') {
                self.out.extend_from_slice(b"\"$");
                self.escaped(name);
                self.out.push(b'"');
            } else {
                self.string(name);
            }
            self.out.push(b':');
            self.value(value);
        }
        self.out.push(b'}');
    }

    fn double(&mut self, double: f64) {
        match double {
            // Rust shows a double with a point or an exponent, and with the digits that read back as the same one.
            finite if finite.is_finite() => self.display(&format_args!("{finite:?}")),
            _ if self.form == Form::Plain => self.out.extend_from_slice(b"null"),
            nan if nan.is_nan() => self.typed("$numberDouble", &"NaN"),
            infinite if infinite > 0.0 => self.typed("$numberDouble", &"Infinity"),
            _ => self.typed("$numberDouble", &"-Infinity"),
        }
    }

    fn date(&mut self, date: DateTime) {
        match date.text_after(self.last_date.as_ref()) {
            Some(text) => {
                self.out.extend_from_slice(text.as_bytes());
                self.last_date = Some(text);
            }
            None => self.display(&date),
        }
    }

    fn typed(&mut self, key: &str, value: &impl std::fmt::Display) {
        self.display(&format_args!("{{\"{key}\":\"{value}\"}}"));
    }

    fn quoted(&mut self, value: &impl std::fmt::Display) {
        self.display(&format_args!("\"{value}\""));
    }

    #[inline]
    fn string(&mut self, text: &str) {
        self.out.push(b'"');
        match scan::run(text.as_bytes()) == text.len() {
            true => self.out.extend_from_slice(text.as_bytes()),
            false => self.escaped(text),
        }
        self.out.push(b'"');
    }

    fn escaped(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        loop {
            let (run, after) = rest.split_at(scan::run(rest));
            self.out.extend_from_slice(run);
            match after.first() {
                None => return,
                Some(b'"') => self.out.extend_from_slice(b"\\\""),
                Some(b'\\') => self.out.extend_from_slice(b"\\\\"),
                Some(b'\n') => self.out.extend_from_slice(b"\\n"),
                Some(b'\r') => self.out.extend_from_slice(b"\\r"),
                Some(b'\t') => self.out.extend_from_slice(b"\\t"),
                Some(control) => self.display(&format_args!("\\u{control:04x}")),
            }
            rest = &after[1..];
        }
    }

    fn display(&mut self, value: &impl std::fmt::Display) {
        write!(self.out, "{value}").expect("a string takes whatever is written to it");
    }
}

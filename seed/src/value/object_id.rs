//! The 12-byte object id.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, ErrorKind};

/// A 12-byte object id, shown as 24 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 12]);

impl ObjectId {
    /// Makes an object id of its bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl FromStr for ObjectId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.as_bytes();
        let mut bytes = [0; 12];
        let hex = |digit: u8| (digit as char).to_digit(16).map(|digit| digit as u8);
        if digits.len() == 24 {
            let pairs = digits.as_chunks::<2>().0;
            let read = bytes.iter_mut().zip(pairs).all(|(byte, &[high, low])| {
                hex(high)
                    .zip(hex(low))
                    .map(|(high, low)| *byte = high << 4 | low)
                    .is_some()
            });
            if read {
                return Ok(Self(bytes));
            }
        }
        Err(Error::new(
            ErrorKind::Syntax,
            format!("an object id is 24 hexadecimal digits, not {text:?}"),
        ))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_in_and_out() {
        let id: ObjectId = "0123456789abcdef01234567".parse().unwrap();
        assert_eq!(id.to_string(), "0123456789abcdef01234567");
        assert!("0123".parse::<ObjectId>().is_err());
        assert!("é123456789abcdef0123456".parse::<ObjectId>().is_err());
    }
}

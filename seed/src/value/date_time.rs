//! A moment in time, in milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// A moment in whole milliseconds since 1970-01-01T00:00:00Z, before or after.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(i64);

impl DateTime {
    /// Makes a moment of its milliseconds since 1970, negative before.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since 1970, negative before.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the moment that much later, held at the end of time.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns the moment that much earlier, held at the beginning of time.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Returns how long after `earlier` this is, zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Tells whether RFC 3339 can write this: years 0 to 9999.
    pub(crate) fn is_writable(self) -> bool {
        (-62_167_219_200_000..=253_402_300_799_999).contains(&self.0)
    }
}

/// Reads a moment as RFC 3339 writes it; digits beyond milliseconds are cut off.
impl FromStr for DateTime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let moment: jiff::Timestamp = text.parse().map_err(|cause| {
            Error::new(
                ErrorKind::Syntax,
                format!("not a time as RFC 3339 writes it: {text:?}"),
            )
            .with_source(cause)
        })?;
        Ok(Self(moment.as_nanosecond().div_euclid(1_000_000) as i64))
    }
}

/// Shows the moment as RFC 3339 with milliseconds, and as a number of milliseconds outside the years 0 to 9999.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) if self.is_writable() => write!(f, "{moment:.3}"),
            _ => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_in_and_out() {
        for text in [
            "2026-01-02T03:04:05.678Z",
            "1969-12-31T23:59:59.999Z",
            "0001-01-01T00:00:00.000Z",
        ] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_string(), text);
        }
        let offset: DateTime = "2026-01-02T03:04:05+02:00".parse().unwrap();
        assert_eq!(offset.to_string(), "2026-01-02T01:04:05.000Z");
        assert!("yesterday".parse::<DateTime>().is_err());
    }

    #[test]
    fn what_has_no_text_is_shown_as_a_number() {
        assert_eq!(DateTime::from_millis(i64::MAX).to_string(), i64::MAX.to_string());
    }
}

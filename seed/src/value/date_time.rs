//! A moment in time, in milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::fmt::temporal::Pieces;

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
    pub fn is_writable(self) -> bool {
        (-62_167_219_200_000..=253_402_300_799_999).contains(&self.0)
    }
}

/// How long a moment is as text: `2026-01-02T03:04:05.678Z`.
const TEXT: usize = 24;

/// The text of a moment, without a string of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DateText {
    day: i64,
    text: [u8; TEXT],
}

impl DateText {
    /// Writes the beginning of a day, counted from 1970, which must be one that RFC 3339 can write.
    fn of_day(day: i64) -> Self {
        let (year, month, date) = date_of_day(day);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let (century, year) = (year as u32 / 100, year as u32 % 100);
        text[..2].copy_from_slice(&two_digits(century));
        text[2..4].copy_from_slice(&two_digits(year));
        text[5..7].copy_from_slice(&two_digits(month as u32));
        text[8..10].copy_from_slice(&two_digits(date as u32));
        Self { day, text }
    }

    /// Writes the time, in milliseconds of the day.
    fn set_time(&mut self, of_day: i64) {
        let of_day = of_day as u32;
        let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let text = &mut self.text;
        text[11..13].copy_from_slice(&two_digits(minutes / 60));
        text[14..16].copy_from_slice(&two_digits(minutes % 60));
        text[17..19].copy_from_slice(&two_digits(second));
        text[20] = b'0' + (millis / 100) as u8;
        text[21..23].copy_from_slice(&two_digits(millis % 100));
    }

    pub(crate) fn as_bytes(&self) -> &[u8; TEXT] {
        &self.text
    }
}

fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

/// Stores write and read many dates for each document, and a general library takes longer for one than for all the rest
/// of the document. So the one form that is written is done here, by the calendar's rule; a test compares with the
/// library.
impl DateTime {
    /// Returns the moment as RFC 3339 with milliseconds, if that can write it.
    pub(crate) fn text(self) -> Option<DateText> {
        self.text_after(None)
    }

    /// Returns the same as [`text`](Self::text), with the date of the last text if it is the same day.
    pub(crate) fn text_after(self, last: Option<&DateText>) -> Option<DateText> {
        if !self.is_writable() {
            return None;
        }
        let day = self.0.div_euclid(DAY);
        let mut text = match last {
            Some(last) if last.day == day => *last,
            _ => DateText::of_day(day),
        };
        text.set_time(self.0.rem_euclid(DAY));
        Some(text)
    }

    /// Reads what [`text`](Self::text) writes; none if it is written in another way or is no time.
    pub(crate) fn from_text(text: &[u8; TEXT]) -> Option<Self> {
        let number = |at: usize, width: usize| {
            text[at..at + width].iter().try_fold(0, |number, digit| {
                digit
                    .is_ascii_digit()
                    .then(|| number * 10 + i64::from(digit - b'0'))
            })
        };
        let marks = [
            (4, b'-'),
            (7, b'-'),
            (10, b'T'),
            (13, b':'),
            (16, b':'),
            (19, b'.'),
            (23, b'Z'),
        ];
        if marks.iter().any(|&(at, mark)| text[at] != mark) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        let day_number = day_of_date(year, month, day);
        let is_time = hour < 24 && minute < 60 && second < 60;
        // A day that its month does not have comes back as another one.
        if !is_time || date_of_day(day_number) != (year, month, day) {
            return None;
        }
        let of_day = ((hour * 60 + minute) * 60 + second) * 1_000 + number(20, 3)?;
        Some(Self(day_number * DAY + of_day))
    }
}

/// Milliseconds in a day.
const DAY: i64 = 86_400_000;

/// Days from 0000-03-01, with which the count below begins, to 1970-01-01.
const TO_1970: i64 = 719_468;

/// Days in 400 years, after which the calendar begins anew.
const ERA: i64 = 146_097;

/// Returns the year, month and day of a day counted from 1970.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`. Years begin with March there, so
/// that the leap day is the last of its year.
fn date_of_day(day: i64) -> (i64, i64, i64) {
    let (era, of_era) = ((day + TO_1970).div_euclid(ERA), (day + TO_1970).rem_euclid(ERA));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Returns the day counted from 1970, as `days_from_civil` of the same source; some day if there is no such date.
fn day_of_date(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - TO_1970
}

/// Reads a moment as RFC 3339 writes it; digits beyond milliseconds are cut off.
impl FromStr for DateTime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(moment) = text.as_bytes().try_into().ok().and_then(Self::from_text) {
            return Ok(moment);
        }
        let refused = || {
            Error::new(
                ErrorKind::Syntax,
                format!("not a time as RFC 3339 writes it: {text:?}"),
            )
        };
        // Not its timestamp, which ends a day before the year 9999 does.
        let pieces = Pieces::parse(text).map_err(|cause| refused().with_source(cause))?;
        let (Some(time), Some(offset)) = (pieces.time(), pieces.to_numeric_offset()) else {
            return Err(refused());
        };
        let date = pieces.date();
        let day = day_of_date(date.year().into(), date.month().into(), date.day().into());
        let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60
            + i64::from(time.second())
            - i64::from(offset.seconds());
        let millis = i64::from(time.subsec_nanosecond()) / 1_000_000;
        let moment = Self(day * DAY + seconds * 1_000 + millis);
        moment.is_writable().then_some(moment).ok_or_else(refused)
    }
}

/// Shows the moment as RFC 3339 with milliseconds, and as a number of milliseconds outside the years 0 to 9999.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(str::from_utf8(text.as_bytes()).unwrap_or_default()),
            None => write!(f, "{}", self.0),
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_is_that_of_the_library(millis in -62_167_219_200_000_i64..=253_402_207_200_999) {
            let moment = jiff::Timestamp::from_millisecond(millis).unwrap();
            let text = DateTime::from_millis(millis).to_string();
            prop_assert_eq!(&text, &format!("{moment:.3}"));
            let read = DateTime::from_text(text.as_bytes().try_into().unwrap());
            prop_assert_eq!(read, Some(DateTime::from_millis(millis)));
        }

        #[test]
        fn what_is_read_is_what_the_library_reads(
            year in 0..=9999, month in 0..=13, day in 0..=32, hour in 0..=24, minute in 0..=60, second in 0..=60,
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.007Z");
            let read = DateTime::from_text(text.as_bytes().try_into().unwrap());
            let expected: Option<jiff::Timestamp> = text.parse().ok().filter(|_| second < 60);
            prop_assert_eq!(read.map(DateTime::as_millis), expected.map(jiff::Timestamp::as_millisecond));
        }
    }

    #[test]
    fn every_day_of_four_hundred_years_is_a_day_of_its_own() {
        for day in -ERA..ERA {
            let (year, month, date) = date_of_day(day);
            assert_eq!(day_of_date(year, month, date), day);
        }
    }

    #[test]
    fn a_time_that_is_not_quite_written_so_is_left_to_the_library() {
        for text in [
            "2026-01-02t03:04:05.678Z",
            "2026-02-29T03:04:05.678Z",
            "2026-01-02T03:04:60.000Z",
            "+026-01-02T03:04:05.678Z",
        ] {
            assert_eq!(
                DateTime::from_text(text.as_bytes().try_into().unwrap()),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn the_years_0_to_9999_are_read_to_their_ends() {
        for (text, millis) in [
            ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
            ("9999-12-31T23:59:59.9999Z", Some(253_402_300_799_999)),
            ("0000-01-01T02:00:00+02:00", Some(-62_167_219_200_000)),
            ("2026-01-02T03:04:05.678901+02:30", Some(1_767_314_045_678)),
            ("9999-12-31T23:59:59-00:01", None),
            ("0000-01-01T01:59:59+02:00", None),
            ("2026-01-02T03:04:05", None),
            ("2026-01-02", None),
            ("2026-02-30T00:00:00Z", None),
        ] {
            let read = text.parse::<DateTime>().ok().map(DateTime::as_millis);
            assert_eq!(read, millis, "{text}");
        }
    }

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

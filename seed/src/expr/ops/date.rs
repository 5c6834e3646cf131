//! Dates: their parts, by the Gregorian calendar.

use crate::error::{Error, ErrorKind, Result};
use crate::value::{DateTime, Value};

use super::{NULL, Operand, Operator, give, is_nullish, text_of, wants};

pub(super) const OPERATORS: &[Operator] = &[
    Operator::of_date("$year", |operands| part(operands, |moment| moment.year)),
    Operator::of_date("$month", |operands| part(operands, |moment| moment.month)),
    Operator::of_date("$dayOfMonth", |operands| part(operands, |moment| moment.day)),
    Operator::of_date("$dayOfWeek", |operands| {
        part(operands, |moment| (moment.days + 4).rem_euclid(7) + 1)
    }),
    Operator::of_date("$dayOfYear", |operands| {
        part(operands, |moment| moment.days - first_of(moment.year) + 1)
    }),
    Operator::of_date("$hour", |operands| {
        part(operands, |moment| moment.millis / 3_600_000)
    }),
    Operator::of_date("$minute", |operands| {
        part(operands, |moment| moment.millis / 60_000 % 60)
    }),
    Operator::of_date("$second", |operands| {
        part(operands, |moment| moment.millis / 1000 % 60)
    }),
    Operator::of_date("$millisecond", |operands| {
        part(operands, |moment| moment.millis % 1000)
    }),
];

const DAY: i64 = 86_400_000;

/// A moment taken apart.
struct Moment {
    /// Since 1970-01-01, a Thursday.
    days: i64,
    /// Since midnight.
    millis: i64,
    year: i64,
    month: i64,
    day: i64,
}

impl Moment {
    /// Source: "chrono-compatible low-level date algorithms", Howard Hinnant; any 64 bits of milliseconds go.
    fn of(millis: i64) -> Self {
        let days = millis.div_euclid(DAY);
        // Years begin in March here, so that the leap day is the last one.
        let from_march_0 = days + 719_468;
        let (era, day_of_era) = (from_march_0.div_euclid(146_097), from_march_0.rem_euclid(146_097));
        let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            days,
            millis: millis.rem_euclid(DAY),
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
        }
    }
}

/// Returns the days from 1970 to the first of January of a year.
fn first_of(year: i64) -> i64 {
    let before = year - 1;
    365 * (year - 1970) + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 477
}

fn part(operands: &[Operand], part: fn(&Moment) -> i64) -> Result<Operand> {
    let (date, zone) = match operands {
        [date] => (date, None),
        [date, zone] => (date, Some(zone)),
        _ => return Err(Error::query("takes a date")),
    };
    if operands.iter().any(is_nullish) {
        return NULL;
    }
    let millis = match date {
        Some(Value::Date(date)) => date.as_millis(),
        Some(Value::ObjectId(id)) => {
            let [a, b, c, d, ..] = *id.bytes();
            i64::from(u32::from_be_bytes([a, b, c, d])) * 1000
        }
        other => return Err(wants("a date", other)),
    };
    let offset = zone.map(|zone| offset(text_of(zone)?)).transpose()?;
    let local = millis.checked_add(offset.unwrap_or(0)).ok_or_else(|| {
        Error::query(format!(
            "the date {} is out of range in this time zone",
            DateTime::from_millis(millis)
        ))
    })?;
    give(part(&Moment::of(local)))
}

/// Reads a time zone as milliseconds: `UTC`, or an offset such as `+05:30`, `-0800`, `+03`.
fn offset(zone: &str) -> Result<i64> {
    if matches!(zone, "UTC" | "GMT" | "Z") {
        return Ok(0);
    }
    let refused = || {
        let message = format!("the time zone {zone:?} is not offered: give UTC or an offset such as +05:30");
        Error::new(ErrorKind::Unsupported, message)
    };
    let (sign, digits) = match zone.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return Err(refused()),
    };
    let (hours, minutes) = match (digits.len(), digits.split_at_checked(2)) {
        (2, Some((hours, _))) => (hours, "00"),
        (4, Some((hours, minutes))) => (hours, minutes),
        (5, Some((hours, minutes))) => (hours, minutes.strip_prefix(':').ok_or_else(refused)?),
        _ => return Err(refused()),
    };
    let number = |text: &str| {
        // A sign is no digit, though it can be read as part of a number.
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits
            .and_then(|digits| digits.parse::<i64>().ok())
            .ok_or_else(refused)
    };
    Ok(sign * (number(hours)? * 60 + number(minutes)?) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{apply, value};
    use super::*;

    fn parts(text: &str) -> Vec<Value> {
        let date: DateTime = text.parse().unwrap();
        let names = [
            "$year",
            "$month",
            "$dayOfMonth",
            "$hour",
            "$minute",
            "$second",
            "$millisecond",
            "$dayOfWeek",
            "$dayOfYear",
        ];
        names.iter().map(|name| value(name, date)).collect()
    }

    fn numbers(numbers: [i64; 9]) -> Vec<Value> {
        numbers.map(Value::Int).to_vec()
    }

    #[test]
    fn dates_are_taken_apart() {
        assert_eq!(
            parts("2026-01-02T03:04:05.678Z"),
            numbers([2026, 1, 2, 3, 4, 5, 678, 6, 2])
        );
        assert_eq!(
            parts("2024-02-29T23:59:59.999Z"),
            numbers([2024, 2, 29, 23, 59, 59, 999, 5, 60])
        );
        assert_eq!(
            parts("1969-12-31T00:00:00Z"),
            numbers([1969, 12, 31, 0, 0, 0, 0, 4, 365])
        );
        assert_eq!(
            parts("2000-12-31T00:00:00Z"),
            numbers([2000, 12, 31, 0, 0, 0, 0, 1, 366])
        );
        assert_eq!(
            value("$year", DateTime::from_millis(i64::MAX)),
            292_278_994.into()
        );
        assert_eq!(
            value("$year", DateTime::from_millis(i64::MIN)),
            (-292_275_055).into()
        );
    }

    #[test]
    fn a_time_zone_is_utc_or_an_offset() {
        let hour = |zone: &str| {
            let date: DateTime = "2026-01-02T03:04:05Z".parse().unwrap();
            apply("$hour", doc! {"date": date, "timezone": zone})
        };
        assert_eq!(hour("UTC").unwrap(), Some(3.into()));
        assert_eq!(hour("+05:30").unwrap(), Some(8.into()));
        assert_eq!(hour("-0800").unwrap(), Some(19.into()));
        assert_eq!(hour("+03").unwrap(), Some(6.into()));
        assert_eq!(hour("Europe/Berlin").unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(hour("+5:30").is_err());
    }

    #[test]
    fn nothing_has_no_parts() {
        assert_eq!(value("$year", Value::Null), Value::Null);
        assert_eq!(value("$year", doc! {"date": "$none"}), Value::Null);
        assert!(apply("$year", "2026").is_err());
    }
}

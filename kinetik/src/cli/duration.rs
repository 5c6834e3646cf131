//! Durations as people write them: `10ms`, `45m`, `1h30m`.

use std::time::Duration;

use anyhow::{Result, anyhow};

/// The units and their milliseconds, the longer name before its own beginning.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a sum of numbers with units; a bare number is milliseconds.
///
/// # Errors
/// If it is anything else, or more than a sum of milliseconds can hold.
pub(super) fn parse(text: &str) -> Result<Duration> {
    let millis = if is_number(text) {
        text.parse().ok()
    } else {
        sum(text)
    };
    millis.map(Duration::from_millis).ok_or_else(|| {
        anyhow!("not a duration: {text:?}; write 10ms, 30s, 45m, 2h, 6d or a sum such as 1h30m")
    })
}

/// As [`parse`], and more than nothing.
///
/// # Errors
/// As [`parse`], or if it is zero.
pub(super) fn parse_positive(text: &str) -> Result<Duration> {
    let duration = parse(text)?;
    if duration.is_zero() {
        Err(anyhow!("a duration above zero is needed here"))
    } else {
        Ok(duration)
    }
}

/// Writes a duration as it is read, as a sum of its units.
pub(super) fn written(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, millis) in UNITS.into_iter().rev() {
        let count = rest / millis;
        rest %= millis;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if text.is_empty() { "0ms".to_owned() } else { text }
}

/// Writes for people how long ago something was, in its largest unit.
pub(super) fn age(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, of_unit) = UNITS[1..]
        .iter()
        .rev()
        .find(|(_, of_unit)| *of_unit <= millis)
        .unwrap_or(&UNITS[1]);
    format!("{}{unit}", millis / of_unit)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn sum(mut rest: &str) -> Option<u64> {
    let mut total: Option<u64> = None;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        let (unit, millis) = UNITS
            .into_iter()
            .find(|(unit, _)| rest[digits..].starts_with(unit))?;
        total = Some(total.unwrap_or(0).checked_add(number.checked_mul(millis)?)?);
        rest = &rest[digits + unit.len()..];
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_bare_numbers_are_read() {
        let cases = [
            ("10ms", 10),
            ("30s", 30_000),
            ("45m", 2_700_000),
            ("2h", 7_200_000),
            ("6d", 518_400_000),
            ("1h30m", 5_400_000),
            ("1m500ms", 60_500),
            ("250", 250),
            ("0", 0),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (millis, text) in [(0, "0ms"), (90_000, "1m30s"), (90_061_001, "1d1h1m1s1ms")] {
            let duration = Duration::from_millis(millis);
            assert_eq!(written(duration), text);
            assert_eq!(parse(text).unwrap(), duration);
        }
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        for (millis, text) in [
            (0, "0s"),
            (999, "0s"),
            (59_999, "59s"),
            (5_400_000, "1h"),
            (864_000_000, "10d"),
        ] {
            assert_eq!(age(Duration::from_millis(millis)), text, "{millis}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "-5s",
            "1.5h",
            "5x",
            "1h 30m",
            "99999999999999999999",
            "9999999999999999d",
            "é",
            "5é",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse_positive("0s").is_err());
    }
}

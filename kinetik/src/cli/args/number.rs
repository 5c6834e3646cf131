//! Numbers as they are typed.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Result, anyhow};

/// Reads a number that is so much at least.
pub(super) fn from(least: u64) -> impl Fn(&str) -> Result<u64> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| *number >= least);
        number.ok_or_else(|| anyhow!("a whole number from {least} on is needed"))
    }
}

/// Reads a number that is so much at least and at most.
pub(super) fn between<T>(least: T, most: T) -> impl Fn(&str) -> Result<T> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Copy + Send + Sync + 'static,
{
    move |text| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| anyhow!("a whole number from {least} to {most} is needed"))
    }
}

/// Reads a priority.
pub(super) fn priority(text: &str) -> Result<i64> {
    text.parse().map_err(|_| anyhow!("a whole number is needed"))
}

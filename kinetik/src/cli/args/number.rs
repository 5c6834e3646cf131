//! Numbers as they are typed.

use anyhow::{Result, anyhow};

/// Reads a number that is so much at least.
pub(super) fn from<T>(least: u64) -> impl Fn(&str) -> Result<T> + Clone + Send + Sync + 'static
where
    T: TryFrom<u64> + Bounded,
{
    between(least, T::MOST)
}

/// Reads a number that is so much at least and at most.
pub(super) fn between<T>(least: u64, most: u64) -> impl Fn(&str) -> Result<T> + Clone + Send + Sync + 'static
where
    T: TryFrom<u64>,
{
    move |text| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| match most {
            u64::MAX => anyhow!("a whole number from {least} on is needed"),
            most => anyhow!("a whole number from {least} to {most} is needed"),
        })
    }
}

/// A type of numbers with an end.
pub(super) trait Bounded {
    const MOST: u64;
}

impl Bounded for u16 {
    const MOST: u64 = Self::MAX as u64;
}

impl Bounded for u32 {
    const MOST: u64 = Self::MAX as u64;
}

impl Bounded for u64 {
    const MOST: Self = Self::MAX;
}

/// Reads a priority.
pub(super) fn priority(text: &str) -> Result<i64> {
    text.parse().map_err(|_| anyhow!("a whole number is needed"))
}

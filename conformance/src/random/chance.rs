//! Random numbers that come again from the same seed.

use std::hash::{BuildHasher, RandomState};

/// The variable that replays a run: the seed that a failed one printed.
pub(super) const SEED_VARIABLE: &str = "CONFORMANCE_SEED";

/// A generator of random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the seed to begin a run with: that of the variable, else one that differs from run to run.
    pub(super) fn first_seed() -> u64 {
        let given = std::env::var(SEED_VARIABLE).ok();
        given.map_or_else(
            || RandomState::new().hash_one(0),
            |seed| seed.parse().expect("the seed is a whole number"),
        )
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 on that is less than `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn number(&mut self, range: std::ops::Range<i64>) -> i64 {
        range.start + self.below((range.end - range.start) as u64) as i64
    }

    /// Says yes once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn one_of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// Makes up to `most` of something, and at least `least`.
    pub(super) fn some<T>(&mut self, least: u64, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| make(self)).collect()
    }
}

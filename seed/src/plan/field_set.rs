//! Sets of names that take a single number.

/// Names of fields, of which it can be told at once that they are not there, and not for certain that they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldSet(u64);

impl FieldSet {
    /// Returns the names of both.
    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Tells whether the two may have a name in common. They have none if not.
    pub(crate) fn may_share_with(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl<'a> FromIterator<&'a str> for FieldSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        Self(names.into_iter().map(bit).fold(0, |set, bit| set | bit))
    }
}

/// Gives a name one of 64 bits. Names of a document seldom agree in their first bytes, in their last ones and in length.
fn bit(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let ends = [
        bytes.first(),
        bytes.get(1),
        bytes.iter().rev().nth(1),
        bytes.last(),
    ];
    let hash = ends.into_iter().fold(bytes.len() as u32, |hash, byte| {
        hash.wrapping_mul(0x0100_0193) ^ u32::from(byte.copied().unwrap_or_default())
    });
    1 << (hash.wrapping_mul(0x9E37_79B9) >> 26)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> FieldSet {
        names.iter().copied().collect()
    }

    #[test]
    fn a_name_that_is_in_both_is_seen() {
        for name in ["", "a", "ab", "é", "status", &"x".repeat(100)] {
            assert!(
                set(&["tag", name]).may_share_with(set(&[name, "priority"])),
                "{name}"
            );
        }
        assert!(!set(&[]).may_share_with(set(&["a"])));
    }

    #[test]
    fn most_names_are_told_apart() {
        let names: Vec<String> = ["a", "run_at", "status", "log", "attempt"]
            .iter()
            .flat_map(|name| (0..10).map(move |n| format!("{name}{n}")))
            .collect();
        let pairs = (1..names.len()).flat_map(|at| (0..at).map(move |earlier| (earlier, at)));
        let taken_for_another = pairs.filter(|(a, b)| set(&[&names[*a]]).may_share_with(set(&[&names[*b]])));
        // By chance it would be one in 64.
        assert!(taken_for_another.count() < names.len() * names.len() / 2 / 16);
    }
}

//! Which known name a mistyped one was meant to be.

/// Returns `": did you mean $gt?"` if one of the known names is close to `name`, else nothing.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!(": did you mean {near}?"))
}

/// Returns the known name that is the fewest changes away, if they are few for its length.
fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No known name is longer, and the work grows with the length.
    if name.len() > 40 {
        return None;
    }
    let allowed = if name.chars().count() <= 5 { 1 } else { 2 };
    known
        .into_iter()
        .map(|candidate| (changes(name, candidate), candidate))
        .filter(|(changes, _)| *changes <= allowed)
        .min_by_key(|(changes, _)| *changes)
        .map(|(_, candidate)| candidate)
}

/// Counts the letters that must be put in, taken out or replaced (Levenshtein); another case is no change.
fn changes(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (done, letter) in from.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], done + 1);
        for (at, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let known = ["$gt", "$gte", "$toUpper", "$concat"];
        assert_eq!(nearest("$gtt", known), Some("$gt"));
        assert_eq!(nearest("$toupper", known), Some("$toUpper"));
        assert_eq!(nearest("$concta", known), Some("$concat"));
        assert_eq!(nearest("$foo", known), None);
        assert_eq!(did_you_mean("$foo", known), "");
    }
}

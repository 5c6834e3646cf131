//! What is left to do is in an issue, and the code names it.

use super::Fault;
use super::source::Source;

/// What marks something left to do.
const MARKS: [&str; 2] = ["TODO", "FIXME"];

/// Finds marks in comments without the number of an issue, as in `(#12)`.
pub(super) fn check(source: &Source) -> Vec<Fault> {
    let unexplained = source.lines().filter_map(|(line, text)| {
        let (_, comment) = text.split_once("//")?;
        let mark = MARKS.iter().find(|mark| comment.contains(*mark))?;
        let told = || {
            source.fault(
                line,
                format!("a {mark} without an issue: write {mark}(#12), or do it"),
            )
        };
        (!names_an_issue(comment)).then(told)
    });
    unexplained.collect()
}

fn names_an_issue(comment: &str) -> bool {
    comment
        .split('#')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(comment: &str) -> usize {
        check(&Source::parse("a/src/b.rs", ["/", "/ ", comment].concat()).unwrap()).len()
    }

    #[test]
    fn what_is_left_to_do_has_an_issue() {
        assert_eq!(count("TODO: later"), 1);
        assert_eq!(count("FIXME # soon"), 1);
        assert_eq!(count("TODO(#12): when the server can"), 0);
        assert_eq!(count("says what to do"), 0);
    }
}

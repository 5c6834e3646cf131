//! The parts of an update's path: names, and the places in arrays that are found when it is applied.

use super::array_filters::ArrayFilter;
use crate::error::{Error, ErrorKind, Result};
use crate::path::Path;
use crate::value::Text;
use crate::value::limits::MAX_DEPTH;

/// One part of an update's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A field of a document, or a position in an array.
    Field(Text),
    /// `$`: the element that met the query.
    Position,
    /// `$[]` or `$[name]`: many elements.
    Elements(Selector),
}

/// Which elements of an array are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    /// All of them.
    Every,
    /// Those that meet the array filter at this place in the list.
    Filter(usize),
}

/// Reads the path of an operator.
pub(crate) fn parse(path: &str, filters: &[ArrayFilter]) -> Result<Vec<Step>> {
    let parts = Path::new(path);
    let parts = parts.parts();
    if parts.len() > MAX_DEPTH {
        let message = format!(
            "the path has {} parts, no document has more levels than {MAX_DEPTH}",
            parts.len()
        );
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let steps: Vec<Step> = parts
        .iter()
        .map(|part| step(part.name(), filters))
        .collect::<Result<_>>()?;
    check_first(&steps[0])?;
    if steps.iter().filter(|step| **step == Step::Position).count() > 1 {
        return Err(Error::update(
            "a path has the positional operator $ once: use $[] or $[name] for the others",
        ));
    }
    Ok(steps)
}

fn step(name: &Text, filters: &[ArrayFilter]) -> Result<Step> {
    if name.is_empty() {
        return Err(Error::update(
            "a path has no empty part: take out the dot too many",
        ));
    }
    if name == "$" {
        return Ok(Step::Position);
    }
    let Some(identifier) = name.strip_prefix("$[").and_then(|rest| rest.strip_suffix(']')) else {
        return Ok(Step::Field(name.clone()));
    };
    if identifier.is_empty() {
        return Ok(Step::Elements(Selector::Every));
    }
    match filters
        .iter()
        .position(|filter| filter.identifier() == identifier)
    {
        Some(at) => Ok(Step::Elements(Selector::Filter(at))),
        None => Err(Error::update(format!(
            "there is no array filter for {identifier}: add one"
        ))),
    }
}

/// A document is no array, and its own fields cannot be named like operators.
fn check_first(step: &Step) -> Result<()> {
    match step {
        Step::Field(name) if name.starts_with('$') => Err(Error::update(format!(
            "the name of a top-level field does not begin with $: {name}"
        ))),
        Step::Field(_) => Ok(()),
        Step::Position | Step::Elements(_) => Err(Error::update(
            "a path begins with the name of a field: put the array before its elements",
        )),
    }
}

/// Reads a name as a position in an array as updates do: any digits, unlike in a filter.
///
/// Source: the server's `parseUnsignedBase10Integer`, which takes 32 bits and leading zeros.
pub(crate) fn array_index(name: &str) -> Option<usize> {
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let index: u32 = digits.then(|| name.parse().ok()).flatten()?;
    usize::try_from(index).ok()
}

/// Tells whether a name is a number as one writes it: digits without a leading zero.
pub(crate) fn is_number(name: &str) -> bool {
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    digits && (name == "0" || !name.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_path_are_told_apart() {
        let filters = [ArrayFilter::parse(&doc! {"e.x": 1}).unwrap()];
        let field = |name: &str| Step::Field(name.into());
        assert_eq!(
            parse("a.0.$.$[].$[e].$b", &filters).unwrap(),
            [
                field("a"),
                field("0"),
                Step::Position,
                Step::Elements(Selector::Every),
                Step::Elements(Selector::Filter(0)),
                field("$b"),
            ]
        );
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        for path in ["", ".a", "a.", "a..b", "$", "$[]", "$a", "a.$.$", "a.$[e]"] {
            assert_eq!(parse(path, &[]).unwrap_err().kind(), ErrorKind::Update, "{path}");
        }
        let deep = vec!["a"; MAX_DEPTH + 1].join(".");
        assert_eq!(parse(&deep, &[]).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn positions_may_have_leading_zeros_and_32_bits() {
        assert_eq!(array_index("007"), Some(7));
        assert_eq!(array_index("4294967296"), None);
        assert_eq!(array_index("-1"), None);
        assert_eq!(array_index("+1"), None);
    }
}

//! Where a path leads: the values that a filter's test is asked about.
//!
//! One path yields several values, since arrays on the way are entered. What is missing is yielded too, as none; a way
//! through an array that has no element to enter yields nothing at all, not even that.

use crate::error::Result;
use crate::path::Part;
use crate::value::{Document, Value};

/// What a path starts from.
///
/// `$elemMatch` with a query asks it of arrays inside an array as if they were documents with the keys `0`, `1`, ….
#[derive(Clone, Copy, Debug)]
pub(super) enum Root<'a> {
    Document(&'a Document),
    Array(&'a [Value]),
}

impl<'a> Root<'a> {
    fn get(self, part: &Part) -> Option<&'a Value> {
        match self {
            Self::Document(document) => part.field(document),
            Self::Array(elements) => part.index().and_then(|at| elements.get(at)),
        }
    }
}

/// What is yielded where a path ends at an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    /// Each element, then the array itself.
    Unwound,
    /// Only the array itself.
    Whole,
}

/// Asks `visit` about each value until it says yes, and tells whether it did.
///
/// Beside the value stands the position of the element that it was found in or under, in the outermost array that was
/// entered without being told so by a number in the path.
pub(super) fn any<'a, V>(root: Root<'a>, path: &[Part], leaf: Leaf, visit: &mut V) -> Result<bool>
where
    V: FnMut(Option<&'a Value>, Option<usize>) -> Result<bool>,
{
    Walk { leaf, visit }.document(root, path, None)
}

struct Walk<'v, V> {
    leaf: Leaf,
    visit: &'v mut V,
}

impl<'a, V> Walk<'_, V>
where
    V: FnMut(Option<&'a Value>, Option<usize>) -> Result<bool>,
{
    fn document(&mut self, root: Root<'a>, path: &[Part], outer: Option<usize>) -> Result<bool> {
        let (part, rest) = path.split_first().expect("a path has at least one part");
        match (root.get(part), rest) {
            (Some(array @ Value::Array(elements)), []) => self.end_at_array(array, elements, outer),
            (Some(Value::Array(elements)), rest) => self.elements(elements, rest, outer),
            (Some(value), []) => (self.visit)(Some(value), outer),
            (Some(Value::Document(inner)), rest) => self.document(Root::Document(inner), rest, outer),
            _ => (self.visit)(None, outer),
        }
    }

    fn end_at_array(
        &mut self,
        array: &'a Value,
        elements: &'a [Value],
        outer: Option<usize>,
    ) -> Result<bool> {
        if self.leaf == Leaf::Unwound {
            for (at, element) in elements.iter().enumerate() {
                if (self.visit)(Some(element), outer.or(Some(at)))? {
                    return Ok(true);
                }
            }
        }
        (self.visit)(Some(array), outer)
    }

    /// Enters the documents of an array and the element that a number names: both readings are tried.
    fn elements(&mut self, elements: &'a [Value], path: &[Part], outer: Option<usize>) -> Result<bool> {
        let (part, rest) = path.split_first().expect("the path did not end at the array");
        for (at, element) in elements.iter().enumerate() {
            if let Value::Document(inner) = element
                && self.document(Root::Document(inner), path, outer.or(Some(at)))?
            {
                return Ok(true);
            }
            if part.index() == Some(at) && self.named_element(element, rest, outer)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An element reached by its number is not unwound again, and a scalar one has nothing below it, not even nothing.
    fn named_element(&mut self, element: &'a Value, rest: &[Part], outer: Option<usize>) -> Result<bool> {
        match (element, rest) {
            (element, []) => (self.visit)(Some(element), outer),
            (Value::Document(inner), rest) => self.document(Root::Document(inner), rest, outer),
            (Value::Array(elements), rest) => self.elements(elements, rest, outer),
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    fn yielded(document: &Document, path: &str, leaf: Leaf) -> Vec<(String, Option<usize>)> {
        let mut seen = Vec::new();
        let path = Path::new(path);
        any(Root::Document(document), path.parts(), leaf, &mut |value, at| {
            seen.push((value.map_or("missing".to_owned(), ToString::to_string), at));
            Ok(false)
        })
        .unwrap();
        seen
    }

    fn values(document: &Document, path: &str) -> Vec<String> {
        yielded(document, path, Leaf::Unwound)
            .into_iter()
            .map(|(value, _)| value)
            .collect()
    }

    #[test]
    fn an_array_at_the_end_yields_its_elements_and_then_itself() {
        let document = doc! {"a": [1, [2]]};
        assert_eq!(values(&document, "a"), ["1", "[2]", "[1,[2]]"]);
        assert_eq!(
            yielded(&document, "a", Leaf::Whole),
            [("[1,[2]]".to_owned(), None)]
        );
    }

    #[test]
    fn only_documents_of_an_array_are_entered_on_the_way() {
        assert_eq!(
            values(&doc! {"a": [{"b": 1}, 2, [{"b": 3}], {}]}, "a.b"),
            ["1", "missing"]
        );
        assert!(values(&doc! {"a": [1, [2]]}, "a.b").is_empty());
        assert!(values(&doc! {"a": []}, "a.b").is_empty());
        assert_eq!(values(&doc! {"a": 5}, "a.b"), ["missing"]);
    }

    #[test]
    fn a_number_is_a_position_and_a_key() {
        assert_eq!(values(&doc! {"a": [{"0": 1}, 2]}, "a.0"), ["1", "{\"0\":1}"]);
        assert_eq!(values(&doc! {"a": [5, {"b": 4}, 3]}, "a.1.b"), ["missing", "4"]);
        assert_eq!(values(&doc! {"a": [[1, 2]]}, "a.0"), ["[1,2]"]);
        assert_eq!(values(&doc! {"a": [[1, 2]]}, "a.0.1"), ["2"]);
        assert!(values(&doc! {"a": [1]}, "a.00").is_empty());
        assert!(values(&doc! {"a": [1]}, "a.0.b").is_empty());
    }

    #[test]
    fn the_outermost_array_that_was_entered_gives_the_position() {
        let document = doc! {"a": [0, {"b": [7, 8]}]};
        let positions = |path| -> Vec<_> {
            yielded(&document, path, Leaf::Unwound)
                .into_iter()
                .map(|(_, at)| at)
                .collect()
        };
        assert_eq!(positions("a.b"), [Some(1), Some(1), Some(1)]);
        assert_eq!(positions("a.1.b"), [Some(1), Some(0), Some(1), None]);
        assert_eq!(positions("a"), [Some(0), Some(1), None]);
    }
}

//! Filters: which documents a query wants.
//!
//! A filter is parsed once, at the edge, into a typed tree (`parse.rs`) and then asked many times (`matches.rs`), or
//! once of many documents (`select/`). The planner reads the same tree to find key ranges. The source document is kept
//! beside it, since a store with a query engine of its own is given the filter as it was written.
//!
//! The tree is in a normal form: a conjunction holds no conjunction, nothing is a conjunction or a choice of one, and
//! the values of `$in` are sorted and several. So planners need not look for the same thing in several shapes.

mod matches;
mod names;
pub mod ops;
mod parse;
mod select;
mod walk;

pub use matches::Matched;
pub(crate) use matches::node_matches;
pub use parse::MAX_CLAUSES;
pub use select::Selection;

use std::sync::Arc;

use crate::error::Result;
use crate::expr::Expression;
use crate::path::Path;
use crate::value::{Document, Value};
use ops::array::Elements;
use ops::bits::BitTest;
use ops::element::TypeSet;
use ops::text::Pattern;

/// A parsed filter and the document that it was parsed from. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct Filter {
    source: Document,
    root: Arc<Node>,
}

/// One node of the tree: a condition on the whole document.
#[derive(Clone, Debug)]
pub enum Node {
    /// All must hold; an empty list always does.
    And(Vec<Self>),
    /// One must hold at least.
    Or(Vec<Self>),
    /// None may hold.
    Nor(Vec<Self>),
    /// The values at a path must pass a test.
    Field(Path, Test),
    /// An aggregation expression must be true.
    Expr(Expression),
    /// Always or never holds (`$alwaysTrue`, `$alwaysFalse`).
    Constant(bool),
}

/// A condition on the values that a path yields.
#[derive(Clone, Debug)]
pub enum Test {
    /// A value that compares so to the operand, within its type.
    Compare(Comparison, Value),
    /// A value equal to one of these, which are sorted by [`order::compare`](crate::value::order::compare) and all
    /// different; equal to none if there are none.
    In(Vec<Value>),
    /// The test must fail. `$ne` and `$nin` are negations too.
    Not(Box<Self>),
    /// All tests must pass, each on its own; only inside a negation or `$elemMatch`, else they are fields of their own.
    All(Vec<Self>),
    /// The path leads to something, or to nothing.
    Exists(bool),
    /// A value of one of these types.
    Type(TypeSet),
    /// An array of exactly this many elements.
    Size(i64),
    /// An array with one element that meets all of it.
    ElemMatch(Elements),
    /// A number that leaves this remainder, both cut to whole 64-bit numbers.
    Mod {
        /// What is divided by; not zero.
        divisor: i64,
        /// What must be left, with the sign of the dividend.
        remainder: i64,
    },
    /// A string that the pattern finds something in.
    Regex(Pattern),
    /// A whole number or binary value whose bits are set or clear.
    Bits(BitTest),
}

/// How a value must compare to the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `$eq`
    Eq,
    /// `$gt`
    Gt,
    /// `$gte`
    Gte,
    /// `$lt`
    Lt,
    /// `$lte`
    Lte,
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) names the operator and the path at fault,
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if there are more than [`MAX_CLAUSES`] clauses or they nest
    /// too deep, [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if a pattern cannot be carried over exactly.
    ///
    /// # Example
    /// ```
    /// use seed::{Filter, doc};
    ///
    /// let filter = Filter::parse(&doc! { "tag": "mail", "priority": { "$gte": 5 } })?;
    /// assert!(filter.matches(&doc! { "tag": ["mail", "urgent"], "priority": 7 })?);
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn parse(source: &Document) -> Result<Self> {
        Ok(Self {
            source: source.clone(),
            root: Arc::new(parse::parse(source)?),
        })
    }

    /// Makes the filter that every document meets.
    pub fn all() -> Self {
        Self {
            source: Document::new(),
            root: Arc::new(Node::And(Vec::new())),
        }
    }

    /// Tells whether a document meets the filter.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if an `$expr` cannot be worked out, such as a division by zero.
    pub fn matches(&self, document: &Document) -> Result<bool> {
        matches::node_matches(&self.root, document)
    }

    /// Finds whether a document meets the filter, and which array element met it, for the positional operator `$`.
    ///
    /// # Errors
    /// As [`matches`](Self::matches).
    pub fn find_match(&self, document: &Document) -> Result<Option<Matched>> {
        matches::find_match(&self.root, document)
    }

    /// Returns the one `_id` that the filter asks for, which needs no plan; other conditions may hold beside it.
    pub fn the_id(&self) -> Option<&Value> {
        fn in_node(node: &Node) -> Option<&Value> {
            match node {
                Node::And(nodes) => nodes.iter().find_map(in_node),
                Node::Field(path, test) if path.as_str() == "_id" => in_test(test),
                _ => None,
            }
        }
        fn in_test(test: &Test) -> Option<&Value> {
            match test {
                Test::All(tests) => tests.iter().find_map(in_test),
                Test::Compare(Comparison::Eq, id) if !matches!(id, Value::Array(_) | Value::Null) => Some(id),
                _ => None,
            }
        }
        in_node(&self.root)
    }

    /// Returns the tree, for planners.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Returns the document that the filter was parsed from.
    pub fn source(&self) -> &Document {
        &self.source
    }
}

//! Expressions: values worked out from a document, for `$expr`, projections and pipelines.
//!
//! An expression is parsed once into a tree of `Node`s (`parse`) and then worked out for many documents
//! (`evaluate`). Most operators are plain functions over values that were worked out before; they stand in the
//! tables of `ops`, one theme a file. The few that decide themselves what is worked out, such as `$cond` and
//! `$map`, are nodes of their own.

mod bound;
mod evaluate;
mod forms;
mod ops;
mod parse;
mod reference;
mod sum;

use crate::error::Result;
use crate::value::{Document, Text, Value};
use ops::Operator;
use reference::Reference;

pub(crate) use bound::{Bound, check};
pub(crate) use ops::is_true;
pub(crate) use ops::merge_into;
pub(crate) use reference::validate_name;
pub(crate) use sum::{Average, Sum};

/// How deep operators, arrays and documents may nest in an expression.
pub const MAX_DEPTH: usize = 100;

/// What an expression gives; none is a missing value, which is not null.
pub(crate) type Operand = Option<Value>;

/// A parsed aggregation expression.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Node,
}

/// One node of the tree.
#[derive(Clone, Debug)]
enum Node {
    Literal(Value),
    Reference(Reference),
    Document(Vec<(Text, Self)>),
    Array(Vec<Self>),
    /// A function over all its operands.
    Call(&'static Operator, Vec<Self>),
    /// `$and`
    All(Vec<Self>),
    /// `$or`
    Any(Vec<Self>),
    /// `$ifNull`
    FirstNonNull(Vec<Self>),
    /// `$cond` and `$switch`: the first branch whose condition is true.
    Branches {
        branches: Vec<Branch>,
        default: Option<Box<Self>>,
    },
    /// `$let`: the values become variables of the body.
    Let {
        values: Vec<Self>,
        body: Box<Self>,
    },
    /// `$map`: the body sees each element as a variable.
    Map {
        input: Box<Self>,
        body: Box<Self>,
    },
    /// `$filter`: the condition sees each element as a variable.
    Filter {
        input: Box<Self>,
        condition: Box<Self>,
        limit: Option<Box<Self>>,
    },
    /// `$reduce`: the body sees two variables, what came out so far and the element.
    Reduce {
        input: Box<Self>,
        initial: Box<Self>,
        body: Box<Self>,
    },
}

impl Node {
    fn as_literal(&self) -> Option<&Value> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Branch {
    condition: Node,
    then: Node,
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) names the operator at fault,
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) one of MongoDB's that is not offered, and
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) says that it nests deeper than [`MAX_DEPTH`].
    ///
    /// # Example
    /// ```
    /// use seed::{doc, expr::Expression};
    ///
    /// let total = Expression::parse(&doc! { "$multiply": ["$price", "$count"] }.into())?;
    /// assert_eq!(total.evaluate(&doc! { "price": 5, "count": 3 })?, Some(15.into()));
    /// # Ok::<(), seed::Error>(())
    /// ```
    pub fn parse(source: &Value) -> Result<Self> {
        Ok(Self {
            root: parse::parse(source)?,
        })
    }

    /// Works the expression out for a document; none is a missing value.
    ///
    /// # Errors
    /// [`ErrorKind::Query`](crate::ErrorKind::Query) if an operator cannot take what it is given,
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if a value grows larger than a document may be.
    pub fn evaluate(&self, document: &Document) -> Result<Option<Value>> {
        evaluate::evaluate(&self.root, document)
    }

    /// Tells whether the expression is true: all but false, null, zero and a missing value is.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn is_true(&self, document: &Document) -> Result<bool> {
        Ok(ops::is_true(&self.evaluate(document)?))
    }
}

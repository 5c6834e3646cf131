//! Works expressions out.

use crate::error::{Error, Result};
use crate::value::{Array, Document, Text, Value};

use super::ops::{is_nullish, is_true, kind, small_integer};
use super::{Bound, Branch, Node, Operand, bound};

/// Works a node out for a document.
pub(super) fn evaluate(node: &Node, document: &Document) -> Result<Operand> {
    Scope {
        root: document,
        variables: Vec::new(),
    }
    .evaluate(node)
}

/// What a node sees: the document and the variables, the innermost last.
struct Scope<'a> {
    root: &'a Document,
    variables: Vec<Operand>,
}

impl Scope<'_> {
    fn evaluate(&mut self, node: &Node) -> Result<Operand> {
        match node {
            Node::Literal(value) => Ok(Some(value.clone())),
            Node::Reference(reference) => Ok(reference.follow(self.root, &self.variables)),
            Node::Document(fields) => self.document(fields),
            Node::Array(elements) => {
                let values = elements.iter().map(|element| self.or_null(element));
                Ok(Some(Value::Array(bound::array(values)?)))
            }
            Node::Call(operator, operands) => {
                let operands: Vec<_> = operands
                    .iter()
                    .map(|node| self.evaluate(node))
                    .collect::<Result<_>>()?;
                (operator.apply)(&operands).map_err(|error| error.at_operator(operator.name))
            }
            Node::All(operands) => Ok(Some(self.all(operands)?.into())),
            Node::Any(operands) => Ok(Some(self.any(operands)?.into())),
            Node::FirstNonNull(operands) => self.first_non_null(operands),
            Node::Branches { branches, default } => self.branches(branches, default.as_deref()),
            Node::Let { values, body } => {
                let values: Vec<_> = values
                    .iter()
                    .map(|node| self.evaluate(node))
                    .collect::<Result<_>>()?;
                self.with_variables(values, body)
            }
            Node::Map { input, body } => at("$map", |name| self.map(name, input, body)),
            Node::Filter {
                input,
                condition,
                limit,
            } => at("$filter", |name| {
                self.filter(name, input, condition, limit.as_deref())
            }),
            Node::Reduce { input, initial, body } => {
                at("$reduce", |name| self.reduce(name, input, initial, body))
            }
        }
    }

    /// Fields whose value is missing are left out.
    fn document(&mut self, fields: &[(Text, Node)]) -> Result<Operand> {
        let mut bound = Bound::new();
        let mut document = Document::with_capacity(fields.len());
        for (name, node) in fields {
            if let Some(value) = self.evaluate(node)? {
                bound.take(name.len())?;
                bound.add(&value)?;
                document.push(name.clone(), value);
            }
        }
        Ok(Some(Value::Document(document)))
    }

    fn or_null(&mut self, node: &Node) -> Result<Value> {
        Ok(self.evaluate(node)?.unwrap_or_default())
    }

    /// Tells whether all operands are true; those after one that is not are not worked out.
    fn all(&mut self, operands: &[Node]) -> Result<bool> {
        for operand in operands {
            if !is_true(&self.evaluate(operand)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells whether an operand is true; those after it are not worked out.
    fn any(&mut self, operands: &[Node]) -> Result<bool> {
        for operand in operands {
            if is_true(&self.evaluate(operand)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn first_non_null(&mut self, operands: &[Node]) -> Result<Operand> {
        let mut last = None;
        for operand in operands {
            last = self.evaluate(operand)?;
            if !is_nullish(&last) {
                break;
            }
        }
        Ok(last)
    }

    fn branches(&mut self, branches: &[Branch], default: Option<&Node>) -> Result<Operand> {
        for branch in branches {
            if is_true(&self.evaluate(&branch.condition)?) {
                return self.evaluate(&branch.then);
            }
        }
        match default {
            Some(default) => self.evaluate(default),
            None => Err(Error::query("no branch matches: give a default").at_operator("$switch")),
        }
    }

    fn with_variables(&mut self, values: impl IntoIterator<Item = Operand>, body: &Node) -> Result<Operand> {
        let outer = self.variables.len();
        self.variables.extend(values);
        let result = self.evaluate(body);
        self.variables.truncate(outer);
        result
    }

    /// Works out the input of an operator over elements; none if it is null or missing.
    fn input(&mut self, operator: &str, input: &Node) -> Result<Option<Array>> {
        match self.evaluate(input)? {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(elements)) => Ok(Some(elements)),
            other => Err(Error::query(format!(
                "{operator} takes an array as input, not {}",
                kind(&other)
            ))),
        }
    }

    fn map(&mut self, name: &str, input: &Node, body: &Node) -> Result<Operand> {
        let Some(elements) = self.input(name, input)? else {
            return Ok(Some(Value::Null));
        };
        let values = elements.into_iter().map(|element| {
            let value = self.with_variables([Some(element)], body)?;
            Ok(value.unwrap_or_default())
        });
        Ok(Some(Value::Array(bound::array(values)?)))
    }

    fn filter(
        &mut self,
        name: &str,
        input: &Node,
        condition: &Node,
        limit: Option<&Node>,
    ) -> Result<Operand> {
        let Some(elements) = self.input(name, input)? else {
            return Ok(Some(Value::Null));
        };
        let limit = limit.map(|node| self.limit(node)).transpose()?.flatten();
        let mut kept = Array::new();
        for element in elements {
            if limit.is_some_and(|limit| kept.len() >= limit) {
                break;
            }
            if is_true(&self.with_variables([Some(element.clone())], condition)?) {
                kept.push(element);
            }
        }
        Ok(Some(Value::Array(kept)))
    }

    fn limit(&mut self, node: &Node) -> Result<Option<usize>> {
        let limit = self.evaluate(node)?;
        if is_nullish(&limit) {
            return Ok(None);
        }
        match small_integer(&limit).and_then(|limit| usize::try_from(limit).ok()) {
            Some(limit) if limit > 0 => Ok(Some(limit)),
            _ => Err(Error::query("limit is a whole number above 0 of 32 bits")),
        }
    }

    fn reduce(&mut self, name: &str, input: &Node, initial: &Node, body: &Node) -> Result<Operand> {
        let Some(elements) = self.input(name, input)? else {
            return Ok(Some(Value::Null));
        };
        let mut value = self.evaluate(initial)?;
        for element in elements {
            value = self.with_variables([value, Some(element)], body)?;
        }
        Ok(value)
    }
}

/// Names the operator in the errors of its work.
fn at(name: &str, work: impl FnOnce(&str) -> Result<Operand>) -> Result<Operand> {
    work(name).map_err(|error| error.at_operator(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Expression;

    fn evaluate(expression: impl Into<Value>, document: &Document) -> Result<Operand> {
        Expression::parse(&expression.into()).unwrap().evaluate(document)
    }

    fn value(expression: impl Into<Value>) -> Value {
        evaluate(expression, &doc! {"a": 5, "v": [1, 2, 3], "n": null})
            .unwrap()
            .expect("a value")
    }

    #[test]
    fn missing_is_left_out_of_documents_and_null_in_arrays() {
        assert_eq!(value(doc! {"x": "$a", "y": "$none"}), doc! {"x": 5}.into());
        assert_eq!(value(vec!["$a", "$none"]), vec![5.into(), Value::Null].into());
    }

    #[test]
    fn only_the_branch_taken_is_worked_out() {
        let bad = || doc! {"$divide": ["$a", 0]};
        assert_eq!(value(doc! {"$cond": [true, 1, (bad())]}), 1.into());
        assert_eq!(
            value(doc! {"$cond": {"if": "$none", "then": (bad()), "else": 2}}),
            2.into()
        );
        assert_eq!(value(doc! {"$and": [0, (bad())]}), false.into());
        assert_eq!(value(doc! {"$or": ["$a", (bad())]}), true.into());
        assert_eq!(value(doc! {"$ifNull": ["$n", "$none", "$a", (bad())]}), 5.into());
        let branches = doc! {"$switch": {"branches": [{"case": false, "then": 1}, {"case": 1, "then": 2}]}};
        assert_eq!(value(branches), 2.into());
        let branches = doc! {"$switch": {"branches": [{"case": false, "then": 1}]}};
        assert!(evaluate(branches, &doc! {}).is_err());
    }

    #[test]
    fn variables_are_seen_inside_only() {
        let expression = doc! {"$let": {"vars": {"x": "$a", "y": 2}, "in": {"$multiply": ["$$x", "$$y"]}}};
        assert_eq!(value(expression), 10.into());
        let expression = doc! {"$let": {"vars": {"x": 1, "y": "$$x"}, "in": 1}};
        assert!(Expression::parse(&expression.into()).is_err());
        let shadowed = doc! {"$map": {"input": "$v", "as": "x", "in": {
            "$let": {"vars": {"x": {"$add": ["$$x", 10]}}, "in": "$$x"}
        }}};
        assert_eq!(value(shadowed), Value::from([11, 12, 13]));
        let current = doc! {"$let": {"vars": {"CURRENT": {"a": 7}}, "in": ["$a", "$$ROOT.a"]}};
        assert_eq!(value(current), Value::from([7, 5]));
    }

    #[test]
    fn elements_are_mapped_filtered_and_reduced() {
        assert_eq!(
            value(doc! {"$map": {"input": "$v", "in": {"$gt": ["$$this", 1]}}}),
            [false, true, true].into()
        );
        assert_eq!(
            value(doc! {"$filter": {"input": "$v", "as": "x", "cond": {"$ne": ["$$x", 2]}, "limit": 1}}),
            Value::from([1])
        );
        let sum = doc! {"$reduce": {"input": "$v", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}};
        assert_eq!(value(sum), 6.into());
        assert_eq!(value(doc! {"$map": {"input": "$none", "in": 1}}), Value::Null);
        assert!(evaluate(doc! {"$map": {"input": 5, "in": 1}}, &doc! {}).is_err());
        assert!(
            evaluate(
                doc! {"$filter": {"input": "$v", "cond": 1, "limit": 0}},
                &doc! {"v": []}
            )
            .is_err()
        );
    }

    #[test]
    fn a_value_cannot_outgrow_a_document() {
        let doubled = (0..40).fold(Value::from("$s"), |inner, _| {
            doc! {"$let": {"vars": {"x": inner}, "in": ["$$x", "$$x"]}}.into()
        });
        let error = evaluate(doubled, &doc! {"s": "x".repeat(100)}).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Limit);
    }
}

//! `$and $or $nor $not`: conditions joined and negated.

use crate::error::{Error, Result};
use crate::filter::parse::{Parser, Scope, all_of};
use crate::filter::{Node, Test};
use crate::value::Value;

/// Joins conditions that must all hold; those of an inner conjunction stand beside the others.
pub(in crate::filter) fn conjunction(nodes: Vec<Node>) -> Node {
    let mut flat = nodes;
    if flat.iter().any(|node| matches!(node, Node::And(_))) {
        flat = flat.into_iter().flat_map(conditions).collect();
    }
    match <[Node; 1]>::try_from(flat) {
        Ok([only]) => only,
        Err(flat) => Node::And(flat),
    }
}

fn conditions(node: Node) -> Vec<Node> {
    match node {
        Node::And(inner) => inner,
        other => vec![other],
    }
}

/// Joins conditions of which one must hold; one alone is itself.
pub(in crate::filter) fn disjunction(nodes: Vec<Node>) -> Node {
    match <[Node; 1]>::try_from(nodes) {
        Ok([only]) => only,
        Err(nodes) => Node::Or(nodes),
    }
}

/// Reads the operand of `$and`, `$or` or `$nor`.
pub(in crate::filter) fn parse_list(parser: &mut Parser, operand: &Value, scope: Scope) -> Result<Vec<Node>> {
    let filters = operand.as_array().filter(|filters| !filters.is_empty());
    let filters = filters.ok_or_else(|| Error::query("an array of at least one filter is expected"))?;
    let read = |filter: &Value| {
        let filter = filter
            .as_document()
            .ok_or_else(|| Error::query("each element must be a filter, a document"))?;
        parser.count_clause()?;
        parser.document(filter, scope)
    };
    filters.iter().map(read).collect()
}

/// Reads the operand of `$not`: operators on the same field.
pub(in crate::filter) fn parse_not(parser: &mut Parser, operand: &Value) -> Result<Test> {
    let operators = operand.as_document().filter(|operators| !operators.is_empty());
    let operators =
        operators.ok_or_else(|| Error::query("a document of operators is expected, such as {\"$gt\": 5}"))?;
    Ok(Test::Not(Box::new(all_of(parser.tests(operators)?))))
}

#[cfg(test)]
mod tests {
    use crate::filter::{Filter, Node, Test};
    use crate::value::Document;

    fn takes(filter: &Document, document: &Document) -> bool {
        Filter::parse(filter).unwrap().matches(document).unwrap()
    }

    #[test]
    fn conditions_are_joined() {
        let document = doc! {"a": 1, "b": 2};
        assert!(takes(&doc! {"$and": [{"a": 1}, {"b": 2}]}, &document));
        assert!(takes(&doc! {"$or": [{"a": 5}, {"b": 2}]}, &document));
        assert!(!takes(&doc! {"$nor": [{"a": 5}, {"b": 2}]}, &document));
        assert!(takes(&doc! {"a": {"$not": {"$not": {"$gt": 0}}}}, &document));
    }

    #[test]
    fn the_tree_is_flat_where_it_can_be() {
        let filter =
            Filter::parse(&doc! {"$and": [{"a": 1}, {"$and": [{"b": 2}, {"$or": [{"c": 3}]}]}]}).unwrap();
        let Node::And(nodes) = filter.root() else {
            panic!("a conjunction")
        };
        assert_eq!(nodes.len(), 3);
        assert!(
            nodes
                .iter()
                .all(|node| matches!(node, Node::Field(_, Test::Compare(..))))
        );
    }

    #[test]
    fn operands_that_join_nothing_are_refused() {
        for filter in [
            doc! {"$and": []},
            doc! {"$or": [1]},
            doc! {"$nor": "x"},
            doc! {"a": {"$not": {}}},
            doc! {"a": {"$not": "x"}},
            doc! {"a": {"$not": {"b": 1}}},
            doc! {"a": {"$and": [{"b": 1}]}},
        ] {
            assert!(Filter::parse(&filter).is_err(), "{filter}");
        }
    }
}

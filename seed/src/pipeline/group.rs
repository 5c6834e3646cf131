//! The stage `$group`: one document for each key, with what its accumulators worked out.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::expr::{self, Expression, validate_name};
use crate::key::{self, KeyBytes};
use crate::value::{Document, Text, Value};

use super::accumulate::{Accumulator, Operator};
use super::memory::{Memory, weight};

const ADVICE: &str = "put a $match before the $group, or group by a key with fewer values";

/// A parsed `$group`.
#[derive(Clone, Debug)]
pub(super) struct Group {
    key: Expression,
    /// The name, if the key is a document with one field: there a missing value becomes null.
    only_field: Option<Text>,
    fields: Vec<Field>,
    /// The top-level fields that make up the key, if nothing else does and the group only counts.
    counted_by: Option<Vec<Text>>,
}

#[derive(Clone, Debug)]
struct Field {
    name: Text,
    operator: Operator,
    operand: Expression,
}

impl Group {
    pub(super) fn parse(source: &Document) -> Result<Self> {
        let key = source
            .id()
            .ok_or_else(|| Error::query("_id is missing: give the key, or null for one group"))?;
        let only_field = match key {
            Value::Document(fields) if fields.len() == 1 => fields
                .fields()
                .first()
                .map(|(name, _)| name.clone())
                .filter(|name| !name.starts_with('$')),
            _ => None,
        };
        let named = source.fields().iter().filter(|(name, _)| name != "_id");
        let counts_only = named.clone().all(|(_, accumulator)| is_count(accumulator));
        let fields =
            named.map(|(name, value)| Field::parse(name, value).map_err(|error| error.at_path(name)));
        Ok(Self {
            key: Expression::parse(key)?,
            only_field,
            fields: fields.collect::<Result<_>>()?,
            counted_by: key_fields(key).filter(|_| counts_only),
        })
    }

    /// Returns the top-level fields that make up the key, if nothing else does and the group only counts.
    pub(super) fn counted_by(&self) -> Option<&[Text]> {
        self.counted_by.as_deref()
    }

    fn key(&self, document: &Document) -> Result<Value> {
        let key = self.key.evaluate(document)?.unwrap_or_default();
        match (&self.only_field, &key) {
            (Some(name), Value::Document(fields)) if fields.is_empty() => {
                Ok(Document::from_iter([(name.clone(), Value::Null)]).into())
            }
            _ => Ok(key),
        }
    }
}

fn is_count(accumulator: &Value) -> bool {
    let fields = accumulator.as_document().map(Document::fields);
    match fields {
        Some([(name, Value::Int(1))]) => name == "$sum",
        Some([(name, Value::Document(operand))]) => name == "$count" && operand.is_empty(),
        _ => false,
    }
}

/// Reads a key such as `"$tag"` or `{tag: "$tag", task: "$task"}`.
fn key_fields(key: &Value) -> Option<Vec<Text>> {
    fn field(value: &Value) -> Option<Text> {
        let name = value.as_str()?.strip_prefix('$')?;
        (!name.is_empty() && !name.contains(['.', '$'])).then(|| name.into())
    }
    match key {
        Value::Document(fields) if !fields.is_empty() => {
            fields.iter().map(|(_, value)| field(value)).collect()
        }
        other => Some(vec![field(other)?]),
    }
}

impl Field {
    fn parse(name: &Text, value: &Value) -> Result<Self> {
        validate_name(name)?;
        if name.contains('.') {
            return Err(Error::query("a field of a group has no dot in its name"));
        }
        let fields = value.as_document().map(Document::fields);
        let Some([(operator, operand)]) = fields else {
            return Err(Error::query(
                "takes a document with one accumulator, such as {\"$sum\": 1}",
            ));
        };
        let (operator, operand) =
            Operator::parse(operator, operand).map_err(|error| error.at_operator(operator))?;
        Ok(Self {
            name: name.clone(),
            operator,
            operand,
        })
    }
}

/// The groups, as the documents come.
#[derive(Debug)]
pub(super) struct Groups<'a> {
    group: &'a Group,
    /// Where the group of a key is.
    places: HashMap<KeyBytes, usize>,
    /// The key as it was first met, and the accumulators.
    groups: Vec<(Value, Vec<Accumulator>)>,
    memory: Memory,
}

impl<'a> Groups<'a> {
    pub(super) fn new(group: &'a Group) -> Self {
        Self {
            group,
            places: HashMap::new(),
            groups: Vec::new(),
            memory: Memory::default(),
        }
    }

    /// Adds so many documents with the key of this one, to a group that only counts.
    pub(super) fn add_counted(&mut self, document: &Document, count: u64) -> Result<()> {
        let at = self.place(document)?;
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        for accumulator in &mut self.groups[at].1 {
            accumulator.add_ones(count);
        }
        Ok(())
    }

    pub(super) fn add(&mut self, document: &Document) -> Result<()> {
        let at = self.place(document)?;
        for (field, accumulator) in self.group.fields.iter().zip(&mut self.groups[at].1) {
            let named = |error: Error| error.at_operator(field.operator.name()).at_path(&field.name);
            let value = field.operand.evaluate(document).map_err(named)?;
            let (before, after) = accumulator.add(value).map_err(named)?;
            self.memory.give_back(before);
            self.memory
                .take(after, ADVICE)
                .map_err(|error| error.at_operator("$group"))?;
        }
        Ok(())
    }

    /// Finds the group of a document, a new one if its key was not met yet.
    fn place(&mut self, document: &Document) -> Result<usize> {
        let key = self.group.key(document)?;
        let bytes = key::encode(&key);
        if let Some(at) = self.places.get(&bytes) {
            return Ok(*at);
        }
        let accumulators: Vec<_> = self
            .group
            .fields
            .iter()
            .map(|field| field.operator.start())
            .collect();
        let size = 64 + bytes.len() + weight(&key) + accumulators.len() * size_of::<Accumulator>();
        self.memory
            .take(size, ADVICE)
            .map_err(|error| error.at_operator("$group"))?;
        let at = self.groups.len();
        self.places.insert(bytes, at);
        self.groups.push((key, accumulators));
        Ok(at)
    }

    /// Returns the groups, in the order in which their keys were met first.
    pub(super) fn give(&mut self) -> Result<Vec<Document>> {
        self.places.clear();
        let groups = std::mem::take(&mut self.groups);
        groups
            .into_iter()
            .map(|(key, accumulators)| self.document(key, accumulators))
            .collect()
    }

    fn document(&self, key: Value, accumulators: Vec<Accumulator>) -> Result<Document> {
        let mut document = Document::with_capacity(1 + accumulators.len());
        document.push("_id", key);
        for (field, accumulator) in self.group.fields.iter().zip(accumulators) {
            document.push(field.name.clone(), accumulator.value());
        }
        expr::check(&document).map_err(|error| error.at_operator("$group"))?;
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn grouped(group: &Document, documents: &[Document]) -> Vec<Document> {
        let group = Group::parse(group).unwrap();
        let mut groups = Groups::new(&group);
        for document in documents {
            groups.add(document).unwrap();
        }
        groups.give().unwrap()
    }

    #[test]
    fn equal_keys_are_one_and_the_first_one_shows() {
        let documents = [
            doc! {"k": 1.0},
            doc! {"k": 1},
            doc! {"k": null},
            doc! {},
            doc! {"k": [1]},
            doc! {"k": true},
        ];
        assert_eq!(
            grouped(&doc! {"_id": "$k", "n": {"$sum": 1}}, &documents),
            [
                doc! {"_id": 1.0, "n": 2},
                doc! {"_id": null, "n": 2},
                doc! {"_id": [1], "n": 1},
                doc! {"_id": true, "n": 1}
            ]
        );
    }

    #[test]
    fn a_missing_part_of_a_key_is_null_only_if_it_is_the_only_one() {
        let documents = [doc! {"a": 1}, doc! {"b": 1}];
        assert_eq!(
            grouped(&doc! {"_id": {"a": "$a"}}, &documents),
            [doc! {"_id": {"a": 1}}, doc! {"_id": {"a": null}}]
        );
        assert_eq!(
            grouped(&doc! {"_id": {"a": "$a", "b": "$b"}}, &documents),
            [doc! {"_id": {"a": 1}}, doc! {"_id": {"b": 1}}]
        );
    }

    #[test]
    fn a_group_that_only_counts_by_top_level_fields_says_so() {
        let by = |group: Document| {
            let group = Group::parse(&group).unwrap();
            group.counted_by().map(|names| names.join(","))
        };
        assert_eq!(
            by(doc! {"_id": "$k", "n": {"$sum": 1}, "m": {"$count": {}}}).as_deref(),
            Some("k")
        );
        assert_eq!(by(doc! {"_id": {"x": "$a", "y": "$b"}}).as_deref(), Some("a,b"));
        for group in [
            doc! {"_id": null, "n": {"$sum": 1}},
            doc! {"_id": "$a.b", "n": {"$sum": 1}},
            doc! {"_id": "$$ROOT", "n": {"$sum": 1}},
            doc! {"_id": {"x": "$a", "y": 1}, "n": {"$sum": 1}},
            doc! {"_id": "$k", "n": {"$sum": 1.0}},
            doc! {"_id": "$k", "n": {"$sum": "$n"}},
            doc! {"_id": "$k", "n": {"$count": {}}, "all": {"$push": "$n"}},
        ] {
            assert_eq!(by(group.clone()), None, "{group}");
        }
    }

    #[test]
    fn documents_counted_elsewhere_are_as_many_added_one_by_one() {
        let group = Group::parse(&doc! {"_id": "$k", "n": {"$sum": 1}, "m": {"$count": {}}}).unwrap();
        let mut groups = Groups::new(&group);
        groups.add_counted(&doc! {"k": "a"}, 40).unwrap();
        groups.add(&doc! {"k": "a"}).unwrap();
        assert_eq!(groups.give().unwrap(), [doc! {"_id": "a", "n": 41, "m": 41}]);
    }

    #[test]
    fn malformed_groups_are_refused() {
        for group in [
            doc! {},
            doc! {"n": {"$sum": 1}},
            doc! {"_id": null, "$x": {"$sum": 1}},
            doc! {"_id": null, "a.b": {"$sum": 1}},
            doc! {"_id": null, "x": 5},
            doc! {"_id": null, "x": {}},
            doc! {"_id": null, "x": {"$sum": 1, "$avg": 1}},
            doc! {"_id": null, "x": {"$foo": 1}},
            doc! {"_id": null, "x": {"$sum": ["$a", "$b"]}},
            doc! {"_id": null, "x": {"$sum": {"$foo": 1}}},
            doc! {"_id": null, "x": {"$count": 1}},
            doc! {"_id": {"$foo": 1}},
        ] {
            assert_eq!(
                Group::parse(&group).unwrap_err().kind(),
                ErrorKind::Query,
                "{group}"
            );
        }
    }

    #[test]
    fn memory_is_bounded() {
        let group = Group::parse(&doc! {"_id": null, "all": {"$push": "$x"}}).unwrap();
        let mut groups = Groups::new(&group);
        let large = doc! {"x": ("x".repeat(1024 * 1024))};
        let error = (0..100).find_map(|_| groups.add(&large).err()).unwrap();
        assert_eq!(
            (error.kind(), error.place().operator.as_deref()),
            (ErrorKind::Limit, Some("$group"))
        );
    }

    #[test]
    fn what_is_replaced_is_not_counted_twice() {
        let group = Group::parse(&doc! {"_id": null, "last": {"$last": "$x"}}).unwrap();
        let mut groups = Groups::new(&group);
        let large = doc! {"x": ("x".repeat(1024 * 1024))};
        assert!((0..100).all(|_| groups.add(&large).is_ok()));
    }
}

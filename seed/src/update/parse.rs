//! From a document to the typed update.

use super::array_filters::{self, ArrayFilter};
use super::ops::{self, Operator, Parse};
use super::step::{self, Selector, Step};
use super::tree::{Branch, Leaf};
use super::{Body, Operators, constant, replacement};
use crate::error::{Error, Result};
use crate::suggest::did_you_mean;
use crate::value::limits::{self, MAX_DEPTH};
use crate::value::{Document, Value};

/// Reads an update and checks all that can be checked without a document.
pub(super) fn parse(source: &Document, array_filters: &[Document]) -> Result<Body> {
    // A value may nest as deep as in a document, and it stands a few levels deeper in the update.
    limits::check_document_depth(source, MAX_DEPTH + 4)?;
    if array_filters.is_empty()
        && let Some(fields) = constant::read(source).filter(|fields| !fields.is_empty())
    {
        return Ok(Body::Constant(fields));
    }
    if source.keys().next().is_some_and(|name| name.starts_with('$')) {
        return Parser::new(array_filters)?.operators(source);
    }
    replacement::check(source, array_filters)?;
    Ok(Body::Replacement)
}

/// The update as far as it was read.
struct Parser {
    root: Branch,
    array_filters: Vec<ArrayFilter>,
    /// Which of the array filters a path has named.
    used: Vec<bool>,
    positional: bool,
}

impl Parser {
    fn new(array_filters: &[Document]) -> Result<Self> {
        let array_filters = array_filters::parse(array_filters)?;
        Ok(Self {
            root: Branch::default(),
            used: vec![false; array_filters.len()],
            array_filters,
            positional: false,
        })
    }

    fn operators(mut self, source: &Document) -> Result<Body> {
        for (name, operands) in source.iter() {
            let (name, parse) = ops::find(name).ok_or_else(|| unknown(name))?;
            let operands = fields(operands).map_err(|error| error.at_operator(name))?;
            for (path, operand) in operands.iter() {
                self.operator(name, parse, path, operand)
                    .map_err(|error| error.at_operator(name).at_path(path))?;
            }
        }
        self.check_all_used()?;
        Ok(match constant::fields(&self.root) {
            Some(fields) => Body::Constant(fields),
            None => Body::Operators(Operators {
                root: self.root,
                array_filters: self.array_filters,
                positional: self.positional,
            }),
        })
    }

    fn operator(&mut self, name: &'static str, parse: Parse, path: &str, operand: &Value) -> Result<()> {
        let steps = self.steps(path)?;
        let operator = parse(path, operand)?;
        let leaf = |path: &str, operator| Leaf {
            name,
            path: path.into(),
            operator,
        };
        if let Operator::Rename(rename) = &operator {
            // The value goes to the other path; this one is only kept free of other operators.
            let target = rename.target().clone();
            let target_steps = self
                .steps(target.as_str())
                .map_err(|error| error.at_path(target.as_str()))?;
            self.root.insert(&target_steps, leaf(target.as_str(), operator))?;
            return self.root.insert(&steps, leaf(path, Operator::RenameSource));
        }
        self.root.insert(&steps, leaf(path, operator))
    }

    fn steps(&mut self, path: &str) -> Result<Vec<Step>> {
        let steps = step::parse(path, &self.array_filters)?;
        for step in &steps {
            match step {
                Step::Elements(Selector::Filter(at)) => self.used[*at] = true,
                Step::Position => self.positional = true,
                Step::Elements(Selector::Every) | Step::Field(_) => {}
            }
        }
        Ok(steps)
    }

    fn check_all_used(&self) -> Result<()> {
        match self
            .array_filters
            .iter()
            .zip(&self.used)
            .find(|(_, used)| !**used)
        {
            Some((filter, _)) => {
                let name = filter.identifier();
                Err(Error::update(format!(
                    "the array filter for {name} is not used: no path has $[{name}]"
                )))
            }
            None => Ok(()),
        }
    }
}

fn unknown(name: &str) -> Error {
    if !name.starts_with('$') {
        return Error::update(format!(
            "the field {name} stands beside operators: put it into $set"
        ));
    }
    let hint = did_you_mean(name, ops::names());
    Error::update(format!("unknown operator {name}{hint}")).at_operator(name)
}

fn fields(operands: &Value) -> Result<&Document> {
    operands.as_document().ok_or_else(|| {
        let found = operands.type_name();
        Error::update(format!(
            "the operator takes a document of paths and operands, not a value of type {found}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use crate::{ErrorKind, Update};

    #[test]
    fn an_error_names_the_operator_and_the_path() {
        let error = Update::parse(&doc! {"$sett": {"a": 1}}, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown operator $sett: did you mean $set? ($sett)"
        );
        let error = Update::parse(&doc! {"$inc": {"a.b": "x"}}, &[]).unwrap_err();
        assert_eq!(error.place().operator.as_deref(), Some("$inc"));
        assert_eq!(error.place().path.as_deref(), Some("a.b"));
        let error = Update::parse(&doc! {"$set": {"a": 1}, "$inc": {"a.b": 1}}, &[]).unwrap_err();
        assert_eq!(error.place().operator.as_deref(), Some("$inc"));
        assert!(error.message().contains("$set"), "{error}");
    }

    #[test]
    fn operators_and_fields_do_not_mix() {
        for source in [doc! {"$set": {"a": 1}, "b": 1}, doc! {"b": 1, "$set": {"a": 1}}] {
            assert_eq!(Update::parse(&source, &[]).unwrap_err().kind(), ErrorKind::Update);
        }
    }

    #[test]
    fn an_operator_without_paths_is_allowed() {
        assert!(Update::parse(&doc! {"$set": {}}, &[]).is_ok());
        assert!(Update::parse(&doc! {"$set": 1}, &[]).is_err());
        assert!(Update::parse(&doc! {"$set": [1]}, &[]).is_err());
    }

    #[test]
    fn each_array_filter_is_used() {
        let set = doc! {"$set": {"v.$[e]": 1}};
        assert!(Update::parse(&set, &[doc! {"e": 1}]).is_ok());
        assert!(Update::parse(&set, &[]).is_err());
        assert!(Update::parse(&set, &[doc! {"e": 1}, doc! {"f": 1}]).is_err());
        assert!(Update::parse(&doc! {"a": 1}, &[doc! {"e": 1}]).is_err());
    }

    #[test]
    fn the_source_of_a_rename_conflicts_too() {
        for source in [
            doc! {"$rename": {"a": "b"}, "$set": {"a": 1}},
            doc! {"$rename": {"a": "b"}, "$set": {"b.c": 1}},
            doc! {"$rename": {"a": "b", "b": "c"}},
        ] {
            assert!(Update::parse(&source, &[]).is_err(), "{source}");
        }
    }

    #[test]
    fn what_nests_deeper_than_a_document_is_refused() {
        let nested = |levels: usize| (1..levels).fold(doc! {}, |inner, _| doc! {"a": inner});
        assert!(Update::parse(&doc! {"$set": {"a": (nested(99))}}, &[]).is_ok());
        let error = Update::parse(&doc! {"$set": {"a": (nested(1_000))}}, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
    }

    #[test]
    fn a_need_for_the_position_is_known() {
        assert!(
            Update::parse(&doc! {"$set": {"a.$.b": 1}}, &[])
                .unwrap()
                .needs_position()
        );
        assert!(
            !Update::parse(&doc! {"$set": {"a.$[].b": 1}}, &[])
                .unwrap()
                .needs_position()
        );
    }
}

//! Reads documents as projections.
//!
//! Source of the rules, above all of what is an inclusion: the projection parser of MongoDB's server.

use crate::error::{Error, ErrorKind, Result};
use crate::expr::{self, Expression};
use crate::filter::Filter;
use crate::path::Path;
use crate::value::limits::MAX_DEPTH;
use crate::value::{Document, Value};

use super::find::{Slice, Step};
use super::tree::{Child, Fields};
use super::{Kind, Projection};

/// Where a projection is written, which decides what it may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// In a find.
    Find,
    /// In the stage `$project`.
    Project,
    /// In the stage `$addFields`: each value is worked out.
    AddFields,
}

/// Reads a projection.
pub(super) fn parse(source: &Document, syntax: Syntax) -> Result<Projection> {
    if source.is_empty() && syntax != Syntax::Find {
        return Err(Error::query("names no field: name one at least"));
    }
    let mut parser = Parser::new(syntax);
    for (name, value) in source.iter() {
        parser.names_id |= name == "_id" || name.starts_with("_id.");
        parser.element(None, name, value)?;
    }
    let (kind, fields, steps) = parser.finish()?;
    Ok(Projection {
        source: source.clone(),
        kind,
        fields,
        steps,
    })
}

/// Checks a path before it is put into the tree, and before what stands below it is read.
fn validate(path: &Path) -> Result<()> {
    if path.parts().len() > MAX_DEPTH {
        let message = format!("a path has at most {MAX_DEPTH} parts");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    path.parts()
        .iter()
        .try_for_each(|part| expr::validate_name(part.name()))
}

struct Parser {
    syntax: Syntax,
    /// None until a field decides it.
    kind: Option<Kind>,
    fields: Fields,
    steps: Vec<Step>,
    /// Whether `_id` or a path in it is named.
    names_id: bool,
    /// What is said of `_id` as a whole, which decides nothing about the others.
    id: Option<Kind>,
    has_element: bool,
}

impl Parser {
    fn new(syntax: Syntax) -> Self {
        Self {
            syntax,
            kind: (syntax == Syntax::AddFields).then_some(Kind::Exclusion),
            fields: Fields::default(),
            steps: Vec::new(),
            names_id: false,
            id: None,
            has_element: false,
        }
    }

    fn element(&mut self, parent: Option<&Path>, name: &str, value: &Value) -> Result<()> {
        let (name, is_positional) = self.strip_positional(name)?;
        let path = match parent {
            Some(parent) => Path::new(format!("{parent}.{name}")),
            None => Path::new(name),
        };
        let fault = |error: Error| error.at_path(path.as_str());
        validate(&path).map_err(fault)?;
        let result = match value {
            Value::Bool(_) | Value::Int(_) | Value::Double(_) if self.syntax != Syntax::AddFields => {
                let is_wanted = expr::is_true(&Some(value.clone()));
                match (is_wanted, is_positional) {
                    (true, true) => self.positional(&path),
                    (true, false) => self.boolean(&path, Kind::Inclusion),
                    (false, true) => {
                        Err(Error::query("the positional $ cannot be excluded").at_operator("$"))
                    }
                    (false, false) => self.boolean(&path, Kind::Exclusion),
                }
            }
            _ if is_positional => Err(Error::query("the positional $ takes 1 or true").at_operator("$")),
            Value::Document(inner) => self.document(&path, inner),
            other => self.computed(&path, other),
        };
        result.map_err(fault)
    }

    /// Returns a name without the positional `$` at its end, and whether it was there.
    fn strip_positional<'a>(&self, name: &'a str) -> Result<(&'a str, bool)> {
        let fault = |message: &str| Err(Error::query(message).at_operator("$").at_path(name));
        if name.contains(".$.") {
            return fault("the positional $ stands at the end of a path only");
        }
        match name.strip_suffix(".$") {
            Some(_) if self.syntax != Syntax::Find => fault("the positional $ has no meaning in a pipeline"),
            Some(array) => Ok((array, true)),
            None => Ok((name, false)),
        }
    }

    fn positional(&mut self, path: &Path) -> Result<()> {
        let fault = |message: &str| Err(Error::query(message).at_operator("$"));
        if self.steps.iter().any(|step| matches!(step, Step::Positional(_))) {
            return fault("the positional $ can be used once only");
        }
        if self.has_element {
            return fault("the positional $ and $elemMatch cannot be used together");
        }
        self.decide(Kind::Inclusion)?;
        self.steps.push(Step::Positional(path.clone()));
        self.fields.insert(path, Child::Named)
    }

    fn boolean(&mut self, path: &Path, kind: Kind) -> Result<()> {
        match path.as_str() {
            "_id" => self.id = Some(kind),
            _ => self.decide(kind)?,
        }
        self.fields.insert(path, Child::Named)
    }

    /// Decides whether this is an inclusion, unless that was decided before; `_id` alone decides nothing.
    fn decide(&mut self, kind: Kind) -> Result<()> {
        if *self.kind.get_or_insert(kind) == kind {
            return Ok(());
        }
        Err(Error::query(match kind {
            Kind::Inclusion => "cannot include or work out a field among excluded ones: only _id may differ",
            Kind::Exclusion => "cannot exclude a field among included ones: only _id may differ",
        }))
    }

    /// Reads a document: an operator, or the fields below.
    fn document(&mut self, path: &Path, document: &Document) -> Result<()> {
        let mut fields = document.iter();
        match (fields.next(), fields.next()) {
            (None, _) if self.syntax == Syntax::AddFields => self.computed(path, &document.clone().into()),
            (None, _) => Err(Error::query(
                "is an empty document: name a field in it, or write $literal",
            )),
            (Some((name, operand)), None)
                if name.starts_with('$') && !matches!(name, "$id" | "$ref" | "$db") =>
            {
                self.operator(path, document, name, operand)
                    .map_err(|error| error.at_operator(name))
            }
            _ => document
                .iter()
                .try_for_each(|(name, value)| self.element(Some(path), name, value)),
        }
    }

    fn operator(&mut self, path: &Path, document: &Document, name: &str, operand: &Value) -> Result<()> {
        match name {
            "$slice" if self.syntax == Syntax::Find => {
                let fault = match Slice::parse(operand) {
                    Ok(slice) => return self.slice(path, slice),
                    Err(fault) => fault,
                };
                // Perhaps it is meant as the expression of this name, whose first operand is an array.
                self.computed(path, &document.clone().into()).map_err(|_| fault)
            }
            "$elemMatch" if self.syntax == Syntax::Find => self.elem_match(path, document, operand),
            "$elemMatch" => Err(Error::query("has no meaning in a pipeline: use $filter")),
            _ => self.computed(path, &document.clone().into()),
        }
    }

    fn slice(&mut self, path: &Path, slice: Slice) -> Result<()> {
        self.steps.push(Step::Slice(path.clone(), slice));
        self.fields.insert(path, Child::Sliced)
    }

    fn elem_match(&mut self, path: &Path, document: &Document, operand: &Value) -> Result<()> {
        if !matches!(operand, Value::Document(_)) {
            return Err(Error::query(format!(
                "takes a document, not {}",
                operand.type_name()
            )));
        }
        if !path.is_top_level() {
            return Err(Error::query("can be used on a top-level field only"));
        }
        if self.steps.iter().any(|step| matches!(step, Step::Positional(_))) {
            return Err(Error::query(
                "the positional $ and $elemMatch cannot be used together",
            ));
        }
        self.has_element = true;
        let filter = Filter::parse(&doc! {(path.as_str()): (document.clone())})?;
        self.fields.insert(path, Child::Element(filter))
    }

    fn computed(&mut self, path: &Path, value: &Value) -> Result<()> {
        let expression = Expression::parse(value)?;
        if self.syntax != Syntax::AddFields {
            self.decide(Kind::Inclusion)?;
        }
        self.fields.insert(path, Child::Computed(expression))
    }

    fn finish(mut self) -> Result<(Kind, Fields, Vec<Step>)> {
        let kind = self.kind.unwrap_or_else(|| self.undecided());
        match (kind, self.id) {
            (Kind::Inclusion, None) if !self.names_id => {
                self.fields.insert(&Path::new("_id"), Child::Named)?
            }
            (Kind::Inclusion, Some(Kind::Exclusion)) | (Kind::Exclusion, Some(Kind::Inclusion)) => {
                self.fields.remove("_id");
            }
            _ => {}
        }
        Ok((kind, self.fields, self.steps))
    }

    /// Tells what a projection is that names nothing but `_id`, `$slice` and `$elemMatch`.
    fn undecided(&self) -> Kind {
        let has_slice = self.steps.iter().any(|step| matches!(step, Step::Slice(..)));
        if self.id == Some(Kind::Inclusion) || self.has_element && !has_slice {
            Kind::Inclusion
        } else {
            Kind::Exclusion
        }
    }
}

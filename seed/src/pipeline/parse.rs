//! Reads documents as stages.

use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expression, validate_name};
use crate::filter::Filter;
use crate::projection::{Projection, Syntax};
use crate::sort::Sort;
use crate::suggest::did_you_mean;
use crate::value::{Document, Text, Value};

use super::group::Group;
use super::unwind::Unwind;
use super::{MAX_STAGES, Stage};

const STAGES: &[&str] = &[
    "$match",
    "$project",
    "$addFields",
    "$set",
    "$unset",
    "$replaceRoot",
    "$replaceWith",
    "$unwind",
    "$group",
    "$sortByCount",
    "$sort",
    "$skip",
    "$limit",
    "$count",
];

/// MongoDB's stages that are refused by name.
const NOT_OFFERED: &[&str] = &[
    "$bucket",
    "$bucketAuto",
    "$changeStream",
    "$collStats",
    "$currentOp",
    "$densify",
    "$documents",
    "$facet",
    "$fill",
    "$geoNear",
    "$graphLookup",
    "$indexStats",
    "$listSessions",
    "$lookup",
    "$merge",
    "$out",
    "$planCacheStats",
    "$redact",
    "$sample",
    "$search",
    "$searchMeta",
    "$setWindowFields",
    "$unionWith",
    "$vectorSearch",
];

/// Reads the stages of a pipeline.
pub(super) fn stages(source: &[Document]) -> Result<Vec<Stage>> {
    if source.len() > MAX_STAGES {
        let message = format!("a pipeline has at most {MAX_STAGES} stages, not {}", source.len());
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let mut stages = Vec::with_capacity(source.len());
    for stage in source {
        let mut fields = stage.iter();
        let (Some((name, operand)), None) = (fields.next(), fields.next()) else {
            return Err(Error::query(format!(
                "a stage is a document with one field, not {stage}"
            )));
        };
        stages.extend(read(name, operand).map_err(|error| error.at_operator(name))?);
    }
    Ok(stages)
}

/// Reads one stage, which may stand for several.
fn read(name: &str, operand: &Value) -> Result<Vec<Stage>> {
    let stage = match name {
        "$match" => Stage::Match(Filter::parse(document(operand)?)?),
        "$project" => Stage::Project(Projection::parse_as(document(operand)?, Syntax::Project)?),
        "$addFields" | "$set" => Stage::Project(Projection::parse_as(document(operand)?, Syntax::AddFields)?),
        "$unset" => Stage::Project(unset(operand)?),
        "$replaceRoot" => Stage::Replace(new_root(document(operand)?)?),
        "$replaceWith" => Stage::Replace(Expression::parse(operand)?),
        "$unwind" => Stage::Unwind(Unwind::parse(operand)?),
        "$group" => Stage::Group(Group::parse(document(operand)?)?),
        "$sortByCount" => {
            let sort = Sort::parse(&doc! {"count": -1})?;
            return Ok(vec![Stage::Group(count_by(operand)?), Stage::Sort(sort)]);
        }
        "$sort" => Stage::Sort(sort(document(operand)?)?),
        "$skip" => Stage::Skip(number(operand)?),
        "$limit" => Stage::Limit(limit(operand)?),
        "$count" => Stage::Count(count(operand)?),
        _ => return Err(unknown(name)),
    };
    Ok(vec![stage])
}

fn unknown(name: &str) -> Error {
    if NOT_OFFERED.contains(&name) {
        return Error::new(ErrorKind::Unsupported, format!("the stage {name} is not offered"));
    }
    let hint = did_you_mean(name, STAGES.iter().copied());
    Error::query(format!("unknown stage {name}{hint}"))
}

fn document(operand: &Value) -> Result<&Document> {
    operand
        .as_document()
        .ok_or_else(|| Error::query(format!("takes a document, not {}", operand.type_name())))
}

fn unset(operand: &Value) -> Result<Projection> {
    let paths = match operand {
        Value::Array(paths) => paths.as_slice(),
        path => std::slice::from_ref(path),
    };
    let mut excluded = Document::new();
    for path in paths {
        let Value::String(path) = path else {
            return Err(Error::query("takes a path or an array of paths"));
        };
        if excluded.set(path, 0).is_some() {
            return Err(Error::query("the path is named twice").at_path(path));
        }
    }
    Projection::parse_as(&excluded, Syntax::Project)
}

fn new_root(operand: &Document) -> Result<Expression> {
    match (operand.get("newRoot"), operand.len()) {
        (Some(root), 1) => Expression::parse(root),
        _ => Err(Error::query("takes a document with newRoot and nothing else")),
    }
}

fn count_by(operand: &Value) -> Result<Group> {
    let is_expression = match operand {
        Value::String(path) => path.starts_with('$'),
        Value::Document(document) => document.keys().next().is_some_and(|name| name.starts_with('$')),
        _ => false,
    };
    if !is_expression {
        return Err(Error::query("takes a path that begins with $, or an operator"));
    }
    Group::parse(&doc! {"_id": operand, "count": {"$sum": 1}})
}

fn sort(operand: &Document) -> Result<Sort> {
    if operand.is_empty() {
        return Err(Error::query("names no field: name one at least"));
    }
    Sort::parse(operand)
}

fn number(operand: &Value) -> Result<u64> {
    operand
        .as_i64()
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| {
            Error::query(format!(
                "takes a whole number that is not negative, not {operand}"
            ))
        })
}

fn limit(operand: &Value) -> Result<u64> {
    match number(operand)? {
        0 => Err(Error::query("takes a number above 0")),
        limit => Ok(limit),
    }
}

fn count(operand: &Value) -> Result<Text> {
    match operand {
        Value::String(name) if name != "_id" && !name.contains('.') => {
            validate_name(name).map_err(|error| error.at_path(name))?;
            Ok(name.clone())
        }
        _ => Err(Error::query(
            "takes the name of a field that is not _id and has no dot in it",
        )),
    }
}

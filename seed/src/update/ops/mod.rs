//! The operators of updates: what each makes of a value, and of a place without one.

mod add_to_set;
mod arithmetic;
mod bit;
mod element_order;
mod field;
mod push;
mod remove;
pub(super) mod rename;

use super::apply::Run;
use crate::error::{Error, Result};
use crate::value::Value;
use add_to_set::AddToSet;
use arithmetic::Arithmetic;
use bit::BitStep;
use field::Extreme;
use push::Push;
use remove::{End, Unwanted};
use rename::Rename;

/// An operator with its operand.
#[derive(Clone, Debug)]
pub(crate) enum Operator {
    /// `$set`
    Set(Value),
    /// `$setOnInsert`
    SetOnInsert(Value),
    /// `$unset`
    Unset,
    /// `$currentDate`
    CurrentDate,
    /// `$min` and `$max`
    Extreme(Extreme, Value),
    /// `$inc` and `$mul`
    Arithmetic(Arithmetic, Value),
    /// `$bit`
    Bit(Vec<BitStep>),
    /// `$rename`, at the path where the value goes.
    Rename(Rename),
    /// `$rename`, at the path where the value is from.
    RenameSource,
    /// `$push`
    Push(Push),
    /// `$addToSet`
    AddToSet(AddToSet),
    /// `$pop`
    Pop(End),
    /// `$pull` and `$pullAll`
    Pull(Unwanted),
}

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// It stays as it is, and the document counts as not modified.
    Keep,
    /// It becomes this one.
    Set(Value),
    /// It goes.
    Remove,
}

impl Change {
    /// Makes a change to a new value.
    pub(crate) fn set(value: impl Into<Value>) -> Self {
        Self::Set(value.into())
    }

    /// Makes a change to a new value, if there is one.
    pub(crate) fn of(value: Option<impl Into<Value>>) -> Self {
        value.map_or(Self::Keep, Self::set)
    }
}

/// Reads the operand of an operator at a path.
pub(crate) type Parse = fn(path: &str, operand: &Value) -> Result<Operator>;

const OPERATORS: &[(&str, Parse)] = &[
    ("$set", |_, value| Ok(Operator::Set(value.clone()))),
    ("$unset", |_, _| Ok(Operator::Unset)),
    ("$setOnInsert", |_, value| {
        Ok(Operator::SetOnInsert(value.clone()))
    }),
    ("$inc", |_, value| arithmetic::parse(Arithmetic::Add, value)),
    ("$mul", |_, value| arithmetic::parse(Arithmetic::Multiply, value)),
    ("$min", |_, value| {
        Ok(Operator::Extreme(Extreme::Least, value.clone()))
    }),
    ("$max", |_, value| {
        Ok(Operator::Extreme(Extreme::Greatest, value.clone()))
    }),
    ("$rename", |path, value| {
        Rename::parse(path, value).map(Operator::Rename)
    }),
    ("$currentDate", |_, value| field::parse_current_date(value)),
    ("$push", |_, value| Push::parse(value).map(Operator::Push)),
    ("$addToSet", |_, value| {
        AddToSet::parse(value).map(Operator::AddToSet)
    }),
    ("$pop", |_, value| End::parse(value).map(Operator::Pop)),
    ("$pull", |path, value| {
        Unwanted::parse_condition(path, value).map(Operator::Pull)
    }),
    ("$pullAll", |_, value| {
        Unwanted::parse_list(value).map(Operator::Pull)
    }),
    ("$bit", |_, value| bit::parse(value).map(Operator::Bit)),
];

/// Finds an operator and how to read its operand.
pub(crate) fn find(name: &str) -> Option<(&'static str, Parse)> {
    OPERATORS.iter().find(|(known, _)| *known == name).copied()
}

/// Returns the names of all operators.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().map(|(name, _)| *name)
}

impl Operator {
    /// Works out what becomes of the value at the path.
    ///
    /// # Errors
    /// [`ErrorKind::Update`](crate::ErrorKind::Update) if the operator is not for such a value.
    pub(crate) fn on_value(&self, value: &Value, run: &mut Run<'_>) -> Result<Change> {
        match self {
            Self::Set(new) => Ok(field::set(value, new)),
            Self::SetOnInsert(new) if run.is_inserting() => Ok(field::set(value, new)),
            Self::SetOnInsert(_) | Self::RenameSource => Ok(Change::Keep),
            Self::Unset => Ok(Change::Remove),
            Self::CurrentDate => Ok(Change::set(run.now())),
            Self::Extreme(extreme, other) => Ok(extreme.choose(value, other)),
            Self::Arithmetic(arithmetic, operand) => arithmetic.on_value(value, operand),
            Self::Bit(steps) => bit::on_value(steps, value),
            Self::Rename(rename) => rename.carry(run).map(Change::of),
            Self::Push(push) => push.on_value(value, run),
            Self::AddToSet(add) => add.on_value(value, run),
            Self::Pop(end) => end.on_value(value),
            Self::Pull(unwanted) => unwanted.on_value(value),
        }
    }

    /// Works out the value that comes to be at the path where there is none, if one does.
    ///
    /// # Errors
    /// As [`on_value`](Self::on_value).
    pub(crate) fn on_missing(&self, run: &mut Run<'_>) -> Result<Option<Value>> {
        match self {
            Self::Set(value) | Self::Extreme(_, value) => Ok(Some(value.clone())),
            Self::SetOnInsert(value) => Ok(run.is_inserting().then(|| value.clone())),
            Self::CurrentDate => Ok(Some(run.now().into())),
            Self::Arithmetic(arithmetic, operand) => Ok(Some(arithmetic.on_missing(operand))),
            Self::Bit(steps) => Ok(Some(bit::on_missing(steps))),
            Self::Rename(rename) => rename.carry(run),
            Self::Push(push) => push.on_missing(run).map(Some),
            Self::AddToSet(add) => add.on_missing(run).map(Some),
            Self::Unset | Self::RenameSource | Self::Pop(_) | Self::Pull(_) => Ok(None),
        }
    }

    /// Tells whether a path that leads through a scalar is an error though nothing would be created there.
    pub(crate) fn needs_viable_path(&self) -> bool {
        matches!(self, Self::Pop(_) | Self::Pull(_))
    }
}

/// Returns the elements, if the value is an array.
fn array(value: &Value) -> Result<&crate::value::Array> {
    value.as_array().ok_or_else(|| {
        Error::update(format!(
            "the operator changes an array, but there is a value of type {}",
            value.type_name()
        ))
    })
}

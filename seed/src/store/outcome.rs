//! What calls give back.

use crate::error::{Error, Result};
use crate::value::{Document, Text, Value};

/// What became of one inserted document.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertOutcome {
    /// It is stored, under this `_id`.
    Inserted(Value),
    /// It would have broken this unique index (`_id` for the id itself), and is not stored.
    Duplicate(Text),
}

/// What became of an update.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateOutcome {
    /// How many documents matched.
    pub matched: u64,
    /// How many of them are different now.
    pub modified: u64,
    /// The `_id` of the document that was inserted because none matched, if that was asked for.
    pub upserted: Option<Value>,
}

/// What became of one item of a batch.
#[derive(Clone, Debug)]
pub enum WriteOutcome {
    /// Of an insert.
    Inserted(InsertOutcome),
    /// Of an update; `matched: 0` if its guard did not hold.
    Updated(UpdateOutcome),
    /// Of a delete: how many are gone.
    Deleted(u64),
    /// Of a find-and-update: the documents as they are now.
    Found(Vec<Document>),
    /// The item failed and changed nothing; those after it went on.
    Failed(Error),
}

impl WriteOutcome {
    /// Returns what a find-and-update found, nothing for all else.
    ///
    /// # Errors
    /// If the item failed.
    pub fn found(self) -> Result<Vec<Document>> {
        match self {
            Self::Found(documents) => Ok(documents),
            Self::Failed(fault) => Err(fault),
            Self::Inserted(_) | Self::Updated(_) | Self::Deleted(_) => Ok(Vec::new()),
        }
    }

    /// Returns what an update did, nothing for all else.
    ///
    /// # Errors
    /// If the item failed.
    pub fn updated(self) -> Result<UpdateOutcome> {
        match self {
            Self::Updated(outcome) => Ok(outcome),
            Self::Failed(fault) => Err(fault),
            Self::Inserted(_) | Self::Deleted(_) | Self::Found(_) => Ok(UpdateOutcome::default()),
        }
    }

    /// Returns how many documents an update matched, zero for all else.
    pub fn matched(&self) -> u64 {
        match self {
            Self::Updated(outcome) => outcome.matched,
            Self::Inserted(_) | Self::Deleted(_) | Self::Found(_) | Self::Failed(_) => 0,
        }
    }
}

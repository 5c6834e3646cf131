//! The conditions of a tree, each asked only about the documents that are still undecided.

use super::ask;
use super::column::Column;
use super::{Mask, places};
use crate::error::Result;
use crate::filter::matches::path_passes;
use crate::filter::walk::Root;
use crate::filter::{Node, Test};
use crate::path::Path;
use crate::value::Document;

/// Documents that are looked at together, and the values of the path that was followed last.
pub(super) struct Batch<'n, 'd> {
    documents: &'n [&'d Document],
    column: Column<'n, 'd>,
}

impl<'n, 'd> Batch<'n, 'd> {
    /// Begins with at most [`WIDTH`](super::WIDTH) documents.
    pub(super) fn new(documents: &'n [&'d Document]) -> Self {
        Self {
            documents,
            column: Column::default(),
        }
    }

    /// Returns which of some documents meet a condition.
    pub(super) fn meets(&mut self, node: &'n Node, among: Mask) -> Result<Mask> {
        match node {
            Node::And(nodes) => nodes.iter().try_fold(among, |left, node| self.meets(node, left)),
            Node::Or(nodes) => self.meets_one(nodes, among),
            Node::Nor(nodes) => Ok(among & !self.meets_one(nodes, among)?),
            Node::Field(path, test) => self.passes(path, test, among),
            Node::Constant(constant) => Ok(if *constant { among } else { 0 }),
            Node::Expr(expression) => places(among).try_fold(0, |met, at| {
                let is_true = expression.is_true(self.documents[at])?;
                Ok(met | Mask::from(is_true) << at)
            }),
        }
    }

    fn meets_one(&mut self, nodes: &'n [Node], among: Mask) -> Result<Mask> {
        nodes
            .iter()
            .try_fold(0, |met, node| Ok(met | self.meets(node, among & !met)?))
    }

    fn passes(&mut self, path: &'n Path, test: &'n Test, among: Mask) -> Result<Mask> {
        match test {
            _ if among == 0 => Ok(0),
            Test::Not(test) => Ok(among & !self.passes(path, test, among)?),
            Test::All(tests) => tests
                .iter()
                .try_fold(among, |left, test| self.passes(path, test, left)),
            Test::Exists(false) => Ok(among & !self.passes(path, &Test::Exists(true), among)?),
            _ => {
                self.column.follow(path, self.documents, among);
                let entered = among & self.column.entered();
                let met = ask::passing(test, &self.column, among & !entered)?;
                places(entered).try_fold(met, |met, at| {
                    let passes = path_passes(path, test, Root::Document(self.documents[at]))?;
                    Ok(met | Mask::from(passes) << at)
                })
            }
        }
    }
}

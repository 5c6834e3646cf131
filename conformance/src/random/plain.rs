//! A store without plans and indexes: a list of documents that is gone through each time.

use seed::store::{Find, FindAndUpdate, UpdateOutcome};
use seed::update::Context;
use seed::value::{limits, order};
use seed::{DateTime, Document, Error, Filter, IndexSpec, Result, Sort, Update, Value, key};

/// All documents, by id, and the indexes only for what they forbid.
#[derive(Clone, Debug, Default)]
pub(super) struct Plain {
    pub(super) documents: Vec<Document>,
    pub(super) indexes: Vec<IndexSpec>,
}

/// Why a change is not made; which message a store gives is its own affair.
#[derive(Debug)]
pub(super) enum Refused {
    Taken,
    Wrong,
}

impl From<Error> for Refused {
    fn from(_: Error) -> Self {
        Self::Wrong
    }
}

fn id(document: &Document) -> &Value {
    document.id().expect("every document of the list has an id")
}

impl Plain {
    fn place(&self, wanted: &Value) -> Result<usize, usize> {
        self.documents
            .binary_search_by(|document| order::compare(id(document), wanted))
    }

    pub(super) fn get(&self, wanted: &Value) -> Option<&Document> {
        self.place(wanted).ok().map(|at| &self.documents[at])
    }

    /// Returns what matches, in order; an error if the sort has none.
    pub(super) fn find(&self, request: &Find) -> Result<Vec<Document>> {
        let sorted = self.matching(&request.filter, &request.sort)?.into_iter();
        let skipped = sorted.skip(usize::try_from(request.skip).unwrap_or(usize::MAX));
        let limit = request.limit.unwrap_or(u64::MAX);
        Ok(skipped
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect())
    }

    /// The list is in the order of the ids, and the sort leaves those that tie as they are.
    fn matching(&self, filter: &Filter, sort: &Sort) -> Result<Vec<Document>> {
        let mut matching = Vec::new();
        for document in &self.documents {
            if filter.matches(document)? {
                matching.push(document.clone());
            }
        }
        sort.sort(matching)
    }

    pub(super) fn insert(&mut self, document: &Document) -> Result<(), Refused> {
        // What cannot be indexed is refused before anything is looked up.
        self.check(document, None)?;
        let Err(at) = self.place(id(document)) else {
            return Err(Refused::Taken);
        };
        self.documents.insert(at, document.clone());
        Ok(())
    }

    /// Changes a document by its id and returns it with whether it is another one now.
    fn change(&mut self, wanted: &Value, update: &Update) -> Result<(Document, bool), Refused> {
        let at = self
            .place(wanted)
            .expect("only documents that were found are changed");
        let context = Context::at(DateTime::from_millis(0));
        let Some(changed) = update.apply(&self.documents[at], &context)? else {
            return Ok((self.documents[at].clone(), false));
        };
        self.check(&changed, Some(at))?;
        self.documents[at] = changed.clone();
        Ok((changed, true))
    }

    pub(super) fn update(
        &mut self,
        filter: &Filter,
        update: &Update,
        limit: u64,
    ) -> Result<UpdateOutcome, Refused> {
        let mut outcome = UpdateOutcome::default();
        for document in self.find(&Find::new("", filter.clone()).limit(limit))? {
            outcome.matched += 1;
            outcome.modified += u64::from(self.change(id(&document), update)?.1);
        }
        Ok(outcome)
    }

    pub(super) fn delete(&mut self, filter: &Filter, limit: u64) -> Result<u64> {
        let gone = self.find(&Find::new("", filter.clone()).limit(limit))?;
        for document in &gone {
            let at = self.place(id(document)).expect("it was found");
            self.documents.remove(at);
        }
        Ok(gone.len() as u64)
    }

    /// Finds first and changes then; if one change is refused, none is made.
    pub(super) fn find_and_update(&mut self, request: &FindAndUpdate) -> Result<Vec<Document>, Refused> {
        let mut found: Vec<Document> = Vec::new();
        for filter in &request.filters {
            for document in self.matching(filter, &request.sort)? {
                if found.len() < request.limit && !found.contains(&document) {
                    found.push(document);
                }
            }
        }
        let before = self.documents.clone();
        let changed: Result<Vec<_>, Refused> = found
            .iter()
            .map(|document| Ok(self.change(id(document), &request.update)?.0))
            .collect();
        if changed.is_err() {
            self.documents = before;
        }
        changed
    }

    /// Declares indexes, unless the documents break them.
    pub(super) fn ensure(&mut self, indexes: Vec<IndexSpec>) -> Result<(), Refused> {
        let before = std::mem::replace(&mut self.indexes, indexes);
        let broken = (0..self.documents.len()).find_map(|at| self.check(&self.documents[at], Some(at)).err());
        match broken {
            Some(refused) => {
                self.indexes = before;
                Err(refused)
            }
            None => Ok(()),
        }
    }

    /// Checks whether a document may stand in the list beside the others but for one.
    fn check(&self, document: &Document, except: Option<usize>) -> Result<(), Refused> {
        limits::check(document)?;
        for index in &self.indexes {
            let keys = keys(index, document)?;
            let others = self
                .documents
                .iter()
                .enumerate()
                .filter(|(at, _)| Some(*at) != except);
            for (_, other) in others.filter(|_| index.is_unique()) {
                if keys.iter().any(|key| keys_of(index, other).contains(key)) {
                    return Err(Refused::Taken);
                }
            }
        }
        Ok(())
    }
}

fn keys(index: &IndexSpec, document: &Document) -> Result<Vec<Vec<u8>>> {
    match index.takes(document)? {
        true => Ok(key::index_keys(document, index.fields())?
            .keys
            .into_iter()
            .map(|key| key.to_vec())
            .collect()),
        false => Ok(Vec::new()),
    }
}

fn keys_of(index: &IndexSpec, document: &Document) -> Vec<Vec<u8>> {
    keys(index, document).unwrap_or_default()
}

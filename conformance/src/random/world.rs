//! One collection of a store and the list that it must agree with.

use seed::store::{
    Count, Delete, Find, FindAndUpdate, InsertOutcome, Update as UpdateRequest, WriteItem, WriteOutcome,
};
use seed::{Document, Error, Filter, StoreExt, Update};

use super::chance::Chance;
use super::documents::document;
use super::plain::{Plain, Refused};
use super::requests::{filter, indexes, sort, update};
use crate::things::{self, THINGS, Things, spec};

/// A store and a list that are told the same.
#[derive(Debug)]
pub(super) struct World {
    things: Things,
    plain: Plain,
    chance: Chance,
    edition: u32,
}

impl World {
    /// Begins with an empty collection.
    pub(super) async fn new(things: Things, chance: Chance) -> Self {
        things.drop_collection(THINGS).await.unwrap();
        Self {
            things,
            plain: Plain::default(),
            chance,
            edition: 0,
        }
    }

    pub(super) async fn fill(&mut self) {
        for _ in 0..30 {
            let document = document(&mut self.chance);
            if self.plain.insert(&document).is_ok() {
                self.things.put([document]).await;
            }
        }
    }

    /// Declares other indexes; where the documents break them both must say so.
    pub(super) async fn declare(&mut self) {
        let wanted = indexes(&mut self.chance);
        self.edition += 1;
        let declared = self.things.ensure(&spec(self.edition, wanted.clone())).await;
        match self.plain.ensure(wanted.clone()) {
            Ok(()) => assert!(declared.is_ok(), "{declared:?} for {wanted:?} in {self:?}"),
            Err(refused) => {
                assert!(
                    declared.is_err(),
                    "not refused, but {refused:?}: {wanted:?} in {self:?}"
                );
                // Which of the old ones are left is not looked at here.
                self.edition += 1;
                self.things.ensure(&spec(self.edition, [])).await.unwrap();
                self.plain.ensure(Vec::new()).unwrap();
            }
        }
    }

    fn filter(&mut self) -> Filter {
        let source = filter(&mut self.chance, 2);
        Filter::parse(&source).unwrap_or_else(|fault| panic!("{source}: {fault}"))
    }

    fn update(&mut self) -> Update {
        things::update(&update(&mut self.chance))
    }

    /// Finds and counts.
    pub(super) async fn ask(&mut self) {
        let mut request = Find::new(THINGS, self.filter()).sort(things::sort(&sort(&mut self.chance)));
        if self.chance.once_in(3) {
            request = request.skip(self.chance.below(6));
        }
        if self.chance.once_in(3) {
            request = request.limit(self.chance.below(8));
        }
        let found = self.things.find_all(request.clone()).await;
        match (self.plain.find(&request), found) {
            (Ok(expected), Ok(found)) => assert_eq!(found, expected, "{request:?} in {self:?}"),
            // A sort by two arrays of one document; whoever need not look at all of them need not see it.
            (Err(_), _) => {}
            (Ok(_), Err(fault)) => panic!("{fault}: {request:?} in {self:?}"),
        }
        let counted = self
            .things
            .count(Count::new(THINGS, request.filter.clone()))
            .await
            .unwrap();
        let expected = self
            .plain
            .find(&Find::new("", request.filter.clone()))
            .unwrap()
            .len() as u64;
        assert_eq!(counted, expected, "{:?} in {self:?}", request.filter);
    }

    /// Writes in one way or another, and looks whether all documents are as they must be.
    pub(super) async fn write(&mut self) {
        let before = self.plain.clone();
        let told = match self.chance.below(6) {
            0 => self.insert().await,
            1 => self.change().await,
            2 => self.delete().await,
            3 => self.find_and_update().await,
            _ => self.write_known().await,
        };
        assert_eq!(
            self.things.all().await,
            self.plain.documents,
            "{told} from {before:?}"
        );
        // An index that was not kept up shows in what is found by it.
        self.ask().await;
    }

    async fn insert(&mut self) -> String {
        let document = document(&mut self.chance);
        let outcome = self.things.insert_one(THINGS, document.clone()).await;
        let told = format!("insert {document}");
        match self.plain.insert(&document) {
            Ok(()) => assert!(
                matches!(outcome, Ok(InsertOutcome::Inserted(_))),
                "{outcome:?}: {told} in {self:?}"
            ),
            Err(Refused::Taken) => {
                assert!(
                    matches!(outcome, Ok(InsertOutcome::Duplicate(_))),
                    "{outcome:?}: {told} in {self:?}"
                );
            }
            Err(Refused::Wrong) => assert!(outcome.is_err(), "{outcome:?}: {told} in {self:?}"),
        }
        told
    }

    async fn change(&mut self) -> String {
        let (filter, update) = (self.filter(), self.update());
        let limit = if self.chance.once_in(2) {
            self.chance.below(4)
        } else {
            u64::MAX
        };
        let request = UpdateRequest::new(THINGS, filter.clone(), update.clone()).limit(limit);
        let outcome = self.things.update(request).await;
        let told = format!("update {limit} {} {}", filter.source(), update.source());
        let expected = self.plain.update(&filter, &update, limit);
        self.agree(expected, outcome, &told);
        told
    }

    async fn delete(&mut self) -> String {
        let (filter, limit) = (self.filter(), self.chance.below(3));
        let deleted = self
            .things
            .delete(Delete::new(THINGS, filter.clone()).limit(limit))
            .await;
        let told = format!("delete {limit} {}", filter.source());
        let expected = self.plain.delete(&filter, limit).map_err(Refused::from);
        self.agree(expected, deleted, &told);
        told
    }

    async fn find_and_update(&mut self) -> String {
        let update = self.update();
        let mut request = FindAndUpdate::new(THINGS, self.filter(), update);
        for _ in 0..self.chance.below(3) {
            request = request.or_else(self.filter());
        }
        let sort = sort(&mut self.chance);
        request = request
            .sort(things::sort(&sort))
            .limit(self.chance.below(6) as usize);
        let found = self.things.find_and_update(request.clone()).await;
        let sources: Vec<_> = request.filters.iter().map(Filter::source).collect();
        let told = format!(
            "find and update {} {sources:?} by {sort}: {}",
            request.limit,
            request.update.source()
        );
        let before = self.plain.clone();
        match self.plain.find_and_update(&request) {
            Err(Refused::Wrong) if found.is_ok() => {
                // A sort by two arrays of one document that the store did not come to: it must have changed what it says.
                self.plain = before;
                self.plain.documents = self.things.all().await;
            }
            expected => self.agree(expected, found, &told),
        }
        told
    }

    /// Changes a document by an item of a batch that carries it, at times as it is and at times otherwise.
    async fn write_known(&mut self) -> String {
        let update = self.update();
        let Some(at) = self
            .chance
            .below(self.plain.documents.len() as u64 + 1)
            .checked_sub(1)
        else {
            return "nothing".to_owned();
        };
        let mut known = self.plain.documents[at as usize].clone();
        let id = known.id().cloned().unwrap();
        if self.chance.once_in(3) {
            known.set("a", super::documents::scalar(&mut self.chance));
        }
        let mut guard = if self.chance.once_in(3) {
            filter(&mut self.chance, 0)
        } else {
            Document::new()
        };
        guard.set("_id", seed::doc! { "$eq": (id.clone()) });
        let guard = things::filter(&guard);
        let told = format!("write {} {} knowing {known}", guard.source(), update.source());
        let item = WriteItem::update_known(known, guard.clone(), update.clone());
        let outcome = match self.things.batch(vec![item]).await.remove(0) {
            WriteOutcome::Updated(outcome) => Ok(outcome),
            WriteOutcome::Failed(fault) => Err(fault),
            other => panic!("{other:?}: {told}"),
        };
        let expected = self.plain.update(&guard, &update, 1);
        self.agree(expected, outcome, &told);
        assert_eq!(
            self.things.get(id.clone()).await,
            self.plain.get(&id).cloned(),
            "{told}"
        );
        told
    }

    fn agree<T: PartialEq + std::fmt::Debug>(
        &self,
        expected: Result<T, Refused>,
        came: Result<T, Error>,
        told: &str,
    ) {
        match (expected, came) {
            (Ok(expected), Ok(came)) => assert_eq!(came, expected, "{told} in {self:?}"),
            (Err(_), Err(fault)) => assert!(!fault.kind().is_of_store(), "{fault}: {told} in {self:?}"),
            (expected, came) => panic!("{came:?}, not {expected:?}: {told} in {self:?}"),
        }
    }
}

//! Connections that are cut, before a command is carried out or after: for each command that the adapter sends.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use futures::executor::block_on;
use seed::store::{
    Aggregate, Count, Delete, Find, FindAndUpdate, Insert, Store, Update as UpdateRequest, WriteBatch,
    WriteItem, WriteOutcome,
};
use seed::{CollectionSpec, Document, ErrorKind, Filter, IndexSpec, Pipeline, Result, Update, doc};
use seed_mongo::MongoStore;

use crate::wire::{Cut, Wire};
use crate::{all, open, started};

type Call = fn(&MongoStore) -> Result<()>;

fn filter(source: &Document) -> Filter {
    Filter::parse(source).unwrap()
}

fn update(source: &Document) -> Update {
    Update::parse(source, &[]).unwrap()
}

fn take() -> Update {
    update(&doc! { "$set": { "free": false } })
}

/// All that can be asked of a store, so that each command is sent by one of them at least.
const CALLS: [(&str, Call); 12] = [
    ("insert", |store| {
        block_on(store.insert(Insert::new("things", vec![doc! { "_id": 9 }]))).map(drop)
    }),
    ("find", |store| all(store).map(drop)),
    ("count", |store| {
        block_on(store.count(Count::new("things", Filter::all()))).map(drop)
    }),
    ("aggregate", |store| {
        let pipeline = Pipeline::parse(&[doc! { "$limit": 1 }]).unwrap();
        block_on(store.aggregate(Aggregate::new("things", pipeline))).map(drop)
    }),
    ("claim of one", |store| {
        let request = FindAndUpdate::new("things", filter(&doc! { "free": true }), take());
        block_on(store.find_and_update(request)).map(drop)
    }),
    ("claim of many", |store| {
        let request = FindAndUpdate::new("things", filter(&doc! { "free": true }), take()).limit(3);
        block_on(store.find_and_update(request)).map(drop)
    }),
    ("update of one", |store| {
        let request = UpdateRequest::new("things", filter(&doc! { "_id": 1 }), take()).limit(1);
        block_on(store.update(request)).map(drop)
    }),
    ("update of many", |store| {
        let request = UpdateRequest::new("things", Filter::all(), take());
        block_on(store.update(request)).map(drop)
    }),
    ("batch", |store| {
        let item = |id: i64| WriteItem::update(filter(&doc! { "_id": id, "free": true }), take());
        // The last one finds nothing, so that the outcomes have to be told apart.
        let items = vec![item(1), item(2), item(7)];
        let outcomes = block_on(store.write(WriteBatch::new("things", items)))?;
        assert!(
            !outcomes
                .iter()
                .any(|outcome| matches!(outcome, WriteOutcome::Failed(_)))
        );
        Ok(())
    }),
    ("delete", |store| {
        block_on(store.delete(Delete::new("things", filter(&doc! { "_id": 2 })))).map(drop)
    }),
    ("ensure", |store| {
        let index = IndexSpec::new("n", &doc! { "n": 1 }).unwrap();
        block_on(store.ensure(&CollectionSpec::new("things").version(2).index(index)))
    }),
    ("drop", |store| block_on(store.drop_collection("things"))),
];

/// What is there before each call.
fn prepare(store: &MongoStore) {
    block_on(store.drop_collection("things")).unwrap();
    let index = IndexSpec::new("free", &doc! { "free": 1 }).unwrap();
    block_on(store.ensure(&CollectionSpec::new("things").index(index))).unwrap();
    let documents = (1..=3).map(|id| doc! { "_id": id, "free": true }).collect();
    block_on(store.insert(Insert::new("things", documents))).unwrap();
}

#[test]
fn a_cut_at_any_command_is_unavailable_and_the_call_can_be_repeated() {
    let Some(server) = started(mongo_standin::Server::start()) else {
        return;
    };
    let Some(port) = server.port() else { return };
    let wire = Wire::to(port);
    let (store, beside) = (open(&wire.url(), "cuts"), open(server.url(), "cuts"));
    let mut cut_at = BTreeSet::new();
    for (name, call) in CALLS {
        prepare(&beside);
        wire.take();
        call(&store).unwrap();
        let commands: BTreeSet<String> = wire
            .take()
            .iter()
            .filter_map(|command| command.keys().next().cloned())
            .collect();
        let done = all(&beside).unwrap();
        for command in commands {
            for cut in [Cut::Before, Cut::After] {
                prepare(&beside);
                wire.arm(&command, cut);
                let fault = call(&store).expect_err("a call whose command was cut off");
                assert_eq!(
                    fault.kind(),
                    ErrorKind::Unavailable,
                    "{name}, {command}, {cut:?}: {fault}"
                );
                assert!(wire.has_cut());
                // Others than the one that was cut off may be lost with its connection.
                crate::until_ok(name, || call(&store));
                // A claim whose answer was lost is made, and the next one takes another document.
                if !(name == "claim of one" && cut == Cut::After) {
                    assert_eq!(all(&beside).unwrap(), done, "{name}, {command}, {cut:?}");
                }
                cut_at.insert(command.clone());
            }
        }
    }
    let expected = [
        "aggregate",
        "create",
        "createIndexes",
        "delete",
        "drop",
        "dropIndexes",
        "find",
        "findAndModify",
        "insert",
        "listIndexes",
        "update",
    ];
    let missed: Vec<&&str> = expected
        .iter()
        .filter(|name| !cut_at.contains(**name) && **name != "create")
        .collect();
    assert!(missed.is_empty(), "no call sends {missed:?}");
}

#[test]
fn a_page_that_is_cut_off_ends_the_find_with_an_error() {
    let Some(server) = started(mongo_standin::Server::start()) else {
        return;
    };
    let Some(port) = server.port() else { return };
    let wire = Wire::to(port);
    let store = open(&wire.url(), "pages");
    let documents = (0..2_500).map(|id| doc! { "_id": id }).collect();
    block_on(store.insert(Insert::new("things", documents))).unwrap();
    for cut in [Cut::Before, Cut::After] {
        wire.arm("getMore", cut);
        let mut found = block_on(store.find(Find::new("things", Filter::all()))).unwrap();
        let mut seen = 0;
        let fault = loop {
            match block_on(found.try_next()) {
                Ok(Some(document)) => {
                    assert_eq!(document, doc! { "_id": seen });
                    seen += 1;
                }
                Ok(None) => panic!("the end of a find that was cut off after {seen}"),
                Err(fault) => break fault,
            }
        };
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
        assert!(seen > 0);
        assert_eq!(crate::until_ok("a find", || all(&store)).len(), 2_500);
    }
}

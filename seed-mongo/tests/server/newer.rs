//! MongoDB 8.0 takes writes of all kinds in one command, and is asked by that.

use std::sync::Arc;

use conformance::{Fixture, Scale, Unavailable, check};
use mongo_standin::{Kind, Server};
use seed::{Clock, Store};
use seed_mongo::{MongoStore, Options};

use crate::started;

/// A server of a version that speaks the protocol of 8.0.
struct Newer<const VERSION: u8>(Server);

fn start(version: u8) -> Result<Server, mongo_standin::Missing> {
    Server::start_with(&["--wire=25", &format!("--version={version}.0.0")])
}

impl<const VERSION: u8> Fixture for Newer<VERSION> {
    const SCALE: Scale = Scale::Reduced;

    async fn start() -> Result<Self, Unavailable> {
        start(VERSION).map(Self).map_err(Into::into)
    }

    async fn open(&self, name: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let options = Options::from_url(self.0.url()).unwrap();
        let name: String = name.chars().take(60).collect();
        Arc::new(MongoStore::open_with(options.database(&name).clock(clock)).unwrap())
    }
}

/// The cases about batches.
const BATCHES: [&str; 17] = [
    "write::outcomes_come_in_the_order_of_the_items",
    "write::an_item_sees_what_those_before_it_did",
    "write::the_last_item_is_carried_out_too",
    "write::an_item_that_fails_stops_none_after_it",
    "write::an_item_that_fails_changes_nothing",
    "write::updates_and_deletes_take_the_first_by_id",
    "write::thousands_of_items_are_carried_out",
    "write::a_finish_and_the_next_claim_are_one_batch",
    "write::guards_at_once_let_one_through",
    "known::a_document_that_is_still_the_same_is_changed",
    "known::an_outdated_document_loses_nothing",
    "known::a_guard_is_asked_of_the_document_that_is_there",
    "known::a_removed_document_stays_removed",
    "known::a_change_of_nothing_is_matched",
    "known::a_taken_unique_key_is_refused",
    "known::counts_at_once_lose_nothing",
    "same::a_workload_leaves_the_documents_that_every_store_has",
];

#[test]
fn batches_are_what_they_are_on_older_servers() {
    check_batches::<8>();
}

/// Until the data are raised to 8.0 too, such a server refuses the command that its protocol has.
#[test]
fn batches_are_what_they_are_while_a_server_is_upgraded() {
    check_batches::<7>();
}

fn check_batches<const VERSION: u8>() {
    let Some(server) = started(start(VERSION)) else {
        return;
    };
    // A real server is what it is, and the suite runs on it.
    if server.kind() == Kind::StandIn {
        assert_eq!(check(Newer::<VERSION>(server), &BATCHES), [] as [String; 0]);
    }
}

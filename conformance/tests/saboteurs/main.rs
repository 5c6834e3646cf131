//! Stores that break one promise each. The suite must catch every one of them: a case that cannot fail proves nothing.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use conformance::{Fixture, Scale, Unavailable, check};
use seed::{Clock, Store};
use seed_memory::MemoryStore;
use store::{Breaks, Meeting, Saboteur};

/// Saboteurs over stores in memory.
struct Saboteurs {
    breaks: Breaks,
    stores: Mutex<HashMap<String, MemoryStore>>,
    meeting: Arc<Meeting>,
}

impl Saboteurs {
    fn that_break(breaks: Breaks) -> Self {
        Self {
            breaks,
            stores: Mutex::default(),
            meeting: Arc::new(Meeting::new()),
        }
    }
}

impl Fixture for Saboteurs {
    const SCALE: Scale = Scale::Small;

    async fn start() -> Result<Self, Unavailable> {
        Ok(Self::that_break(Breaks::Nothing))
    }

    async fn open(&self, name: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let store = stores
            .entry(name.to_owned())
            .or_insert_with(|| MemoryStore::with_clock(clock))
            .clone();
        Arc::new(Saboteur::new(store, self.breaks, Arc::clone(&self.meeting)))
    }
}

/// Names each saboteur, the promise that it breaks, and the case that catches it.
macro_rules! saboteurs {
    ($($name:ident: $breaks:ident, $case:literal;)+) => {
        $(#[test]
        fn $name() {
            let failed = check(Saboteurs::that_break(Breaks::$breaks), &[$case]);
            assert_eq!(failed, [$case], "the suite lets it pass");
        })+

        /// The cases fail for the sabotage and not for the saboteur.
        #[test]
        fn who_breaks_nothing_is_not_caught() {
            let failed = check(Saboteurs::that_break(Breaks::Nothing), &[$($case),+]);
            assert!(failed.is_empty(), "{failed:?}");
        }
    };
}

saboteurs! {
    claims_in_two_steps: ClaimInTwoSteps, "find_and_update::two_callers_never_get_one_document";
    overlooks_a_free_document: FreeDocuments, "find_and_update::a_free_document_is_never_overlooked";
    gives_back_documents_as_they_were: DocumentsAfterwards, "find_and_update::documents_come_back_as_they_are_after_the_update";
    leaves_a_refused_change_behind: RefusedChanges, "find_and_update::a_refused_change_leaves_all_as_they_were";
    tries_the_filters_backwards: OrderOfFilters, "find_and_update::filters_are_tried_in_their_order";
    loses_wake_ups: WakeUps, "watch::a_watch_opened_before_the_look_misses_nothing";
    skips_the_guard: Guards, "write::a_guard_that_no_longer_holds_is_matched_0";
    says_that_a_guard_held: GuardOutcomes, "write::a_guard_that_no_longer_holds_is_matched_0";
    drops_the_last_of_a_batch: LastItem, "write::the_last_item_is_carried_out_too";
    stops_a_batch_at_a_failure: ItemsAfterFailure, "write::an_item_that_fails_stops_none_after_it";
    trusts_what_is_known: KnownDocuments, "known::an_outdated_document_loses_nothing";
    returns_an_array_twice: ArraysOnce, "find::an_array_with_several_matches_comes_once";
    returns_unsorted: Sorting, "find::a_sort_gives_its_order";
    ignores_the_limit: Limits, "find::skip_and_limit_cut_the_answer";
    ignores_the_skip: Skips, "find::skip_and_limit_cut_the_answer";
    counts_everything: Counts, "find::a_count_counts_what_is_found";
    answers_from_an_old_snapshot: Freshness, "update::a_limit_takes_the_first_by_id";
    uses_a_building_index: BuildingIndexes, "rebuild::an_index_that_is_building_hides_nothing";
    swallows_a_duplicate: Duplicates, "insert::an_id_is_given_once";
    forgets_that_an_index_is_unique: Uniqueness, "unique::one_of_many_callers_gets_a_key";
    forgets_that_an_index_is_partial: PartialFilters, "unique::a_partial_index_binds_only_those_that_it_takes";
    lets_an_older_declaration_win: Editions, "catalogue::an_older_declaration_changes_nothing";
    upserts_nothing: Upserts, "update::an_upsert_inserts_only_when_none_matches";
    deletes_beyond_the_limit: DeleteLimits, "delete::a_limit_takes_the_first_by_id";
    loses_messages: Messages, "events::every_subscriber_gets_every_message_in_order";
    shows_a_clock_of_its_own: Clocks, "clock::now_is_what_the_clock_shows";
}

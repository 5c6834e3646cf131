//! The commands that a queue sends: how many, and whether an index serves each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kinetik_core::{NewJob, Queue};
use mongo_standin::Server;
use mongodb::bson::{Bson, Document};
use seed::Store;
use tokio::sync::Barrier;

use crate::wire::Wire;
use crate::{open, started};

const JOBS: usize = 50;

/// Enqueues as many jobs as there are slots, and works them off together; returns the commands for it.
async fn work_off(wire: &Wire, database: &str) -> Vec<Document> {
    let store: Arc<dyn Store> = Arc::new(open(&wire.url(), database));
    let queue = Queue::open(store).await.unwrap();
    let (all, done) = (Arc::new(Barrier::new(JOBS)), Arc::new(AtomicUsize::new(0)));
    let ended = Arc::clone(&done);
    queue
        .define("meet")
        .action(move |_| {
            let (all, done) = (Arc::clone(&all), Arc::clone(&ended));
            async move {
                all.wait().await;
                done.fetch_add(1, Ordering::SeqCst);
                Ok("met".into())
            }
        })
        .unwrap();
    let jobs = (0..JOBS).map(|n| NewJob::new("meet", n as i64)).collect();
    queue.create_many(jobs).await.unwrap();
    wire.take();
    let summary = queue.process(["default"]).slots(JOBS).drain().await.unwrap();
    assert_eq!(summary.completed, JOBS as u64);
    assert_eq!(done.load(Ordering::SeqCst), JOBS);
    wire.take()
}

fn name_of(command: &Document) -> &str {
    command.keys().next().map_or("", String::as_str)
}

/// Returns the collection that a command is for.
fn collection_of(command: &Document) -> &str {
    command.values().next().and_then(Bson::as_str).unwrap_or_default()
}

/// Returns the filters of a command.
fn filters_of(command: &Document) -> Vec<Document> {
    let mut filters: Vec<Document> = ["filter", "query"]
        .iter()
        .filter_map(|field| command.get_document(field).ok().cloned())
        .collect();
    for list in ["updates", "deletes"] {
        for statement in command.get_array(list).into_iter().flatten() {
            let filter = statement
                .as_document()
                .and_then(|statement| statement.get_document("q").ok());
            filters.extend(filter.cloned());
        }
    }
    for stage in command.get_array("pipeline").into_iter().flatten().take(1) {
        let filter = stage
            .as_document()
            .and_then(|stage| stage.get_document("$match").ok());
        filters.extend(filter.cloned());
    }
    filters
}

/// Tells whether a filter has a condition on the first field of an index, and implies the filter of that.
fn is_served(filter: &Document, indexes: &[Document]) -> bool {
    if filter.contains_key("_id") {
        return true;
    }
    indexes.iter().any(|index| {
        let first = index.get_document("key").unwrap().keys().next().unwrap();
        let partial = index.get_document("partialFilterExpression").ok();
        let implies = |(path, value): (&String, &Bson)| match value {
            Bson::Document(_) => filter.contains_key(path),
            value => filter.get(path) == Some(value),
        };
        filter.contains_key(first) && partial.is_none_or(|partial| partial.iter().all(implies))
    })
}

// On one thread, so that all have ended before the first end is written.
#[tokio::test(flavor = "current_thread")]
async fn fifty_jobs_at_fifty_slots_take_eight_commands_at_the_most() {
    let Some(server) = started(Server::start()) else {
        return;
    };
    let Some(port) = server.port() else { return };
    let commands = work_off(&Wire::to(port), "few").await;
    let of_jobs: Vec<&Document> = commands
        .iter()
        .filter(|command| collection_of(command) == "kinetik.jobs")
        .collect();
    let names: Vec<&str> = of_jobs.iter().map(|command| name_of(command)).collect();
    // From the first claim to the last end; what follows is the look for more.
    let last = names.iter().rposition(|name| *name == "update").unwrap();
    let first = of_jobs
        .iter()
        .position(|command| {
            command
                .get_document("projection")
                .is_ok_and(|shown| shown.len() == 1 && shown.contains_key("_id"))
        })
        .unwrap();
    let taken = &names[first..=last];
    assert!(taken.len() <= 8, "{taken:?}");
    // What one guarded write does is not read first: jobs that end are not looked at, only for others that wait.
    let is_look = |command: &&Document| {
        let filter = command.get_document("filter").unwrap();
        filter.get_str("status").is_ok_and(|status| status == "queued")
    };
    let ends = of_jobs[first + 3..=last].iter().copied();
    let finds: Vec<&Document> = ends.filter(|command| name_of(command) == "find").collect();
    assert!(finds.iter().all(is_look), "{finds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_serves_every_filter_that_the_queue_sends() {
    let Some(server) = started(Server::start()) else {
        return;
    };
    let Some(port) = server.port() else { return };
    let wire = Wire::to(port);
    let store: Arc<dyn Store> = Arc::new(open(&wire.url(), "served"));
    drop(Queue::open(store).await.unwrap());
    let declared = wire.take();
    let indexes: Vec<Document> = declared
        .iter()
        .filter(|command| name_of(command) == "createIndexes" && collection_of(command) == "kinetik.jobs")
        .flat_map(|command| command.get_array("indexes").unwrap().clone())
        .filter_map(|index| index.as_document().cloned())
        .collect();
    assert!(!indexes.is_empty());
    let commands = work_off(&wire, "served").await;
    // What names its index needs no other.
    let filters: Vec<Document> = commands
        .iter()
        .filter(|command| collection_of(command) == "kinetik.jobs" && !command.contains_key("hint"))
        .flat_map(filters_of)
        .collect();
    assert!(filters.len() > JOBS, "{}", filters.len());
    for filter in filters {
        assert!(is_served(&filter, &indexes), "no index serves {filter}");
    }
}

//! The store of a test's folder: an SQLite file in it, or a database of its own on a server.
//!
//! The server is the one that `KINETIK_TEST_STORE` names, such as `redis://127.0.0.1:6379/` or
//! `mongodb://127.0.0.1:27017`; the program must be built with its feature, and `redis-cli` be there for Redis.
//! `cargo xtask services test` starts such a server. Of Redis only databases that were found empty are used, and they are
//! emptied again unless their test failed; on MongoDB each test makes a database of its own, `kinetik-test-…`.

use std::env;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Names the server.
const SERVER: &str = "KINETIK_TEST_STORE";

pub(crate) enum Store {
    File,
    Database(String),
}

impl Store {
    /// Takes the next empty database of the server, if there is one.
    pub(crate) fn new() -> Self {
        match env::var(SERVER) {
            Ok(server) if is_mongo(&server) => Self::Database(next_new(&server)),
            Ok(server) if !server.is_empty() => Self::Database(next_empty(&server)),
            _ => Self::File,
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File => "sqlite:jobs.db?synchronous=normal".to_owned(),
            Self::Database(url) => url.clone(),
        }
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }

    pub(crate) fn count_keys(&self) -> u64 {
        match self {
            Self::Database(url) if is_mongo(url) => mongo::count_collections(url),
            Self::Database(url) => count_keys(url),
            Self::File => 0,
        }
    }
}

fn is_mongo(url: &str) -> bool {
    url.starts_with("mongodb")
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Self::Database(url) = self
            && !std::thread::panicking()
        {
            match is_mongo(url) {
                true => mongo::remove(url),
                false => drop(ask(url, "FLUSHDB")),
            }
        }
    }
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Returns the URL of a database that nobody else uses.
fn next_new(server: &str) -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    database(server, &format!("kinetik-test-{}-{number}", std::process::id()))
}

fn next_empty(server: &str) -> String {
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let url = database(server, &number.to_string());
        if count_keys(&url) == 0 {
            return url;
        }
    }
}

fn count_keys(url: &str) -> u64 {
    ask(url, "DBSIZE").parse().unwrap()
}

/// Returns the URL of one of a server's databases.
fn database(server: &str, name: &str) -> String {
    let (server, options) = server.split_once('?').unwrap_or((server, ""));
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{}/{name}{mark}{options}", server.trim_end_matches('/'))
}

/// Has the server's own client send a command.
fn ask(url: &str, command: &str) -> String {
    let (url, _) = url.split_once('?').unwrap_or((url, ""));
    let arguments = ["--no-auth-warning", "-e", "-u", url, command];
    let output = Command::new("redis-cli").args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    // Where there is no database of that number it says so, and goes on with number 0.
    let is_fine = output.status.success() && said.is_empty();
    assert!(is_fine, "{SERVER}: {command} on {url}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What the driver of MongoDB is asked for.
mod mongo {
    use mongodb::{Client, Database};

    /// How many collections there are, those that the store keeps for itself aside.
    pub(super) fn count_collections(url: &str) -> u64 {
        let names = run(url, async |database| database.list_collection_names().await);
        names.iter().filter(|name| !name.starts_with("seed.")).count() as u64
    }

    pub(super) fn remove(url: &str) {
        run(url, async |database| database.drop().await);
    }

    fn run<T>(url: &str, ask: impl AsyncFnOnce(Database) -> mongodb::error::Result<T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = Client::with_uri_str(url).await.unwrap();
            ask(client.default_database().unwrap()).await.unwrap()
        })
    }
}

#[test]
fn each_database_has_a_url() {
    assert_eq!(
        database("redis://127.0.0.1:6379/", "3"),
        "redis://127.0.0.1:6379/3"
    );
    assert_eq!(
        database("redis://127.0.0.1:6379", "3"),
        "redis://127.0.0.1:6379/3"
    );
    assert_eq!(database("redis://h/?a=b/c", "0"), "redis://h/0?a=b/c");
}

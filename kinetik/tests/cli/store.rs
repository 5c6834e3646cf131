//! The store of a test's folder: an SQLite file in it, or a database of its own on a server.
//!
//! The server is the one that `KINETIK_TEST_STORE` names, such as `redis://127.0.0.1:6379/`; the program must be built
//! with its feature, and `redis-cli` be there. `cargo xtask services test` starts such a server. Only databases that
//! were found empty are used, and they are emptied again unless their test failed.

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
            Self::File => 0,
            Self::Database(url) => count_keys(url),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Self::Database(url) = self
            && !std::thread::panicking()
        {
            ask(url, "FLUSHDB");
        }
    }
}

fn next_empty(server: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let url = database(server, NEXT.fetch_add(1, Ordering::Relaxed));
        if count_keys(&url) == 0 {
            return url;
        }
    }
}

fn count_keys(url: &str) -> u64 {
    ask(url, "DBSIZE").parse().unwrap()
}

/// Returns the URL of one of a server's databases.
fn database(server: &str, number: u32) -> String {
    let (server, options) = server.split_once('?').unwrap_or((server, ""));
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{}/{number}{mark}{options}", server.trim_end_matches('/'))
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

#[test]
fn each_database_has_a_url() {
    assert_eq!(database("redis://127.0.0.1:6379/", 3), "redis://127.0.0.1:6379/3");
    assert_eq!(database("redis://127.0.0.1:6379", 3), "redis://127.0.0.1:6379/3");
    assert_eq!(database("redis://h/?a=b/c", 0), "redis://h/0?a=b/c");
}

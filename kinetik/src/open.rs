//! From a URL to the store that it names.

use std::sync::Arc;

use seed::store::url::without_password;
use seed::{Error, ErrorKind, Result, Store};

/// Opens the store that a URL names: `memory:`, `sqlite:PATH`, `redis://HOST:PORT` or `mongodb://HOST:PORT/DATABASE`, with
/// options behind a question mark.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if this build has no such store, and then names the feature that would give it, or if the
/// URL cannot be read; else what the store says.
///
/// # Example
/// ```
/// let store = kinetik::open("memory:")?;
/// assert!(!store.capabilities().durable);
/// # Ok::<(), seed::Error>(())
/// ```
pub fn open(url: &str) -> Result<Arc<dyn Store>> {
    open_with_warnings(url).map(|opened| opened.store)
}

/// As [`open`], for those who await it on a tokio runtime that goes on as long as the store is used: a connection may live
/// there, which makes the calls faster. Today that is so with Redis.
///
/// # Errors
/// As [`open`].
///
/// # Example
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let store = kinetik::connect("memory:").await?;
/// assert!(!store.capabilities().durable);
/// # Ok::<(), seed::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn connect(url: &str) -> Result<Arc<dyn Store>> {
    connect_with_warnings(url).await.map(|opened| opened.store)
}

/// A store that was opened, with what its user should know of the way it is set up.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    #[cfg_attr(
        not(feature = "cli"),
        allow(dead_code, reason = "only the program shows them")
    )]
    pub(crate) warnings: Vec<String>,
}

impl Opened {
    #[cfg(any(feature = "memory", feature = "sqlite"))]
    fn quietly(store: impl Store + 'static) -> Self {
        Self {
            store: Arc::new(store),
            warnings: Vec::new(),
        }
    }

    #[cfg(feature = "redis")]
    fn of_redis(store: seed_redis::RedisStore) -> Self {
        let warnings = store.warnings().to_vec();
        Self {
            store: Arc::new(store),
            warnings,
        }
    }
}

/// As [`open`].
pub(crate) fn open_with_warnings(url: &str) -> Result<Opened> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("memory") => open_memory(url),
        Some("sqlite") => open_sqlite(url),
        Some(_) if is_redis(url) => open_redis(url),
        Some("mongodb" | "mongodb+srv") => open_mongo(url),
        _ => Err(refused(
            url,
            "not the URL of a store: write memory:, sqlite:PATH, redis://HOST:PORT or mongodb://HOST:PORT/DATABASE",
        )),
    }
}

/// As [`connect`].
#[cfg_attr(
    not(feature = "redis"),
    expect(clippy::unused_async, reason = "only Redis has to wait")
)]
pub(crate) async fn connect_with_warnings(url: &str) -> Result<Opened> {
    #[cfg(feature = "redis")]
    if is_redis(url) {
        let options = seed_redis::Options::from_url(url)?;
        return Ok(Opened::of_redis(seed_redis::RedisStore::connect(options).await?));
    }
    open_with_warnings(url)
}

fn is_redis(url: &str) -> bool {
    ["redis:", "rediss:", "redis-cluster:", "rediss-cluster:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

#[cfg(feature = "memory")]
fn open_memory(url: &str) -> Result<Opened> {
    if url != "memory:" {
        return Err(refused(url, "more than the store in memory takes: write memory:"));
    }
    Ok(Opened::quietly(seed_memory::MemoryStore::new()))
}

#[cfg(not(feature = "memory"))]
fn open_memory(url: &str) -> Result<Opened> {
    Err(missing(url, "memory", "build kinetik with it"))
}

#[cfg(feature = "sqlite")]
fn open_sqlite(url: &str) -> Result<Opened> {
    Ok(Opened::quietly(seed_sqlite::SqliteStore::open_url(url)?))
}

#[cfg(not(feature = "sqlite"))]
fn open_sqlite(url: &str) -> Result<Opened> {
    Err(missing(url, "sqlite", "build kinetik with it"))
}

#[cfg(feature = "redis")]
fn open_redis(url: &str) -> Result<Opened> {
    Ok(Opened::of_redis(seed_redis::RedisStore::open(url)?))
}

#[cfg(not(feature = "redis"))]
fn open_redis(url: &str) -> Result<Opened> {
    Err(missing(url, "redis", "build kinetik with it"))
}

#[cfg(feature = "mongo")]
fn open_mongo(url: &str) -> Result<Opened> {
    let store = seed_mongo::MongoStore::open(url)?;
    let warnings = store.warnings().to_vec();
    Ok(Opened {
        store: Arc::new(store),
        warnings,
    })
}

#[cfg(not(feature = "mongo"))]
fn open_mongo(url: &str) -> Result<Opened> {
    Err(missing(url, "mongo", "build kinetik with it"))
}

#[cfg(not(all(feature = "memory", feature = "mongo", feature = "redis", feature = "sqlite")))]
fn missing(url: &str, feature: &str, advice: &str) -> Error {
    // A URL may carry a password, so that only its kind is shown.
    let scheme = url.split(':').next().unwrap_or_default();
    let message =
        format!("a {scheme}: store is not in this build: it needs the feature `{feature}`; {advice}");
    Error::new(ErrorKind::Unsupported, message)
}

fn refused(url: &str, message: &str) -> Error {
    let shown = without_password(url);
    Error::new(ErrorKind::Unsupported, format!("{shown:?} is {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let error = open(url).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        error
    }

    #[test]
    #[cfg(not(feature = "redis"))]
    fn a_build_without_redis_names_its_feature() {
        assert!(refusal("redis://:secret@host").contains("`redis`"));
    }

    #[test]
    #[cfg(not(feature = "mongo"))]
    fn a_build_without_mongodb_names_its_feature() {
        assert!(refusal("mongodb://me:secret@host/db").contains("`mongo`"));
    }

    #[test]
    fn a_refused_url_is_shown_without_its_password() {
        let error = refusal("postgres://me:secret@with@sign@host/db");
        assert!(error.contains("not the URL of a store"), "{error}");
    }

    #[test]
    fn what_is_no_url_of_a_store_is_refused() {
        for url in ["", "jobs.db", "file:jobs.db", "memory:jobs", "sqlite:"] {
            assert_eq!(open(url).unwrap_err().kind(), ErrorKind::Unsupported, "{url}");
        }
    }
}

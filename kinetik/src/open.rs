//! From a URL to the store that it names.

use std::sync::Arc;

use seed::{Error, ErrorKind, Result, Store};

/// Opens the store that a URL names: `memory:`, or `sqlite:PATH` with options behind a question mark.
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
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("memory") => open_memory(url),
        Some("sqlite") => open_sqlite(url),
        Some("redis" | "rediss") => Err(missing(
            url,
            "redis",
            "this version of kinetik has no such feature yet",
        )),
        Some("mongodb" | "mongodb+srv") => Err(missing(
            url,
            "mongo",
            "this version of kinetik has no such feature yet",
        )),
        _ => Err(refused(
            url,
            "not the URL of a store: write memory: or sqlite:PATH",
        )),
    }
}

#[cfg(feature = "memory")]
fn open_memory(url: &str) -> Result<Arc<dyn Store>> {
    if url != "memory:" {
        return Err(refused(url, "more than the store in memory takes: write memory:"));
    }
    Ok(Arc::new(seed_memory::MemoryStore::new()))
}

#[cfg(not(feature = "memory"))]
fn open_memory(url: &str) -> Result<Arc<dyn Store>> {
    Err(missing(url, "memory", "build kinetik with it"))
}

#[cfg(feature = "sqlite")]
fn open_sqlite(url: &str) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(seed_sqlite::SqliteStore::open_url(url)?))
}

#[cfg(not(feature = "sqlite"))]
fn open_sqlite(url: &str) -> Result<Arc<dyn Store>> {
    Err(missing(url, "sqlite", "build kinetik with it"))
}

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

/// Returns a URL as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    match url
        .split_once("//")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1)))
    {
        Some((scheme, host)) => format!("{scheme}//…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_this_build_lacks_is_refused_by_the_name_of_its_feature() {
        for (url, feature) in [
            ("redis://:secret@host", "`redis`"),
            ("mongodb://host/db", "`mongo`"),
            ("postgres://me:secret@with@sign@host/db", "not the URL of a store"),
        ] {
            let error = open(url).unwrap_err().to_string();
            assert!(error.contains(feature), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_store_is_refused() {
        for url in ["", "jobs.db", "file:jobs.db", "memory:jobs", "sqlite:"] {
            assert_eq!(open(url).unwrap_err().kind(), ErrorKind::Unsupported, "{url}");
        }
    }
}

//! Where the server is, and how it is spoken to.

use std::sync::Arc;

use fred::types::config::{Config, ServerConfig};
use seed::clock::Clock;
use seed::store::url::without_password;
use seed::{Error, ErrorKind, Result};

/// Before the names of all keys, so that a server can have other tenants.
const PREFIX: &str = "seed";

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) config: Config,
    /// The URL as it may be shown.
    pub(crate) shown: String,
    pub(crate) prefix: String,
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

impl Options {
    /// Reads a URL: `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `rediss://` with TLS, `redis-cluster://` and
    /// `rediss-cluster://` for a cluster, where `?node=HOST:PORT` names further nodes. `prefix=NAME` is an option too.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it is another URL, or one that cannot be read.
    pub fn from_url(url: &str) -> Result<Self> {
        let shown = without_password(url);
        let refused = |what: &str| Error::new(ErrorKind::Unsupported, format!("{shown:?} {what}"));
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(
            scheme,
            Some("redis" | "rediss" | "redis-cluster" | "rediss-cluster")
        ) {
            return Err(refused(
                "is not the URL of a Redis server: write redis://HOST:PORT",
            ));
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut prefix, mut nodes) = (PREFIX.to_owned(), Vec::new());
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("prefix", value)) if is_prefix(value) => value.clone_into(&mut prefix),
                Some(("node", value)) if !value.is_empty() => nodes.push(format!("node={value}")),
                _ => {
                    return Err(refused(
                        "has an unknown option: there are prefix=NAME (letters, digits, - and _) and node=HOST:PORT",
                    ));
                }
            }
        }
        let url = if nodes.is_empty() {
            address.to_owned()
        } else {
            format!("{address}?{}", nodes.join("&"))
        };
        let config = Config::from_url(&url)
            // The cause may tell the password.
            .map_err(|_| refused("cannot be read: write redis://USER:PASSWORD@HOST:PORT/DATABASE"))?;
        Ok(Self {
            config,
            shown,
            prefix,
            clock: None,
        })
    }

    /// Uses a clock of the caller's in place of the server's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Puts a name of letters, digits, dashes and underscores before all keys; `seed` if none is set.
    ///
    /// Stores with different prefixes know nothing of each other.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = crate::keys::encoded(prefix);
        self
    }

    pub(crate) fn database(&self) -> u8 {
        self.config.database.unwrap_or(0)
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.config.server, ServerConfig::Clustered { .. })
    }
}

fn is_prefix(prefix: &str) -> bool {
    !prefix.is_empty() && crate::keys::encoded(prefix) == prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read() {
        let options = Options::from_url("redis://me:secret@host:7000/3?prefix=app-1").unwrap();
        assert_eq!(options.config.username.as_deref(), Some("me"));
        assert_eq!(options.config.password.as_deref(), Some("secret"));
        assert_eq!((options.database(), options.prefix.as_str()), (3, "app-1"));
        assert_eq!(options.shown, "redis://…@host:7000/3?prefix=app-1");
        assert!(!options.is_cluster());
    }

    #[test]
    fn a_cluster_has_several_nodes() {
        let options = Options::from_url("redis-cluster://a:1?node=b:2&node=c:3").unwrap();
        assert_eq!(options.config.server.hosts().len(), 3);
        assert!(options.is_cluster());
    }

    #[test]
    fn what_is_no_url_is_refused_without_the_password() {
        for url in [
            "redis:host",
            "http://:secret@host",
            "redis://:secret@host/x",
            "redis://:secret@host?a=b",
            "redis://:secret@host?prefix=a:b",
        ] {
            let error = Options::from_url(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

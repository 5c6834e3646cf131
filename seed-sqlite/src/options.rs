//! What a file is opened with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use seed::{Error, ErrorKind, Result};

/// How long a file that another process has locked is waited for, unless [`Options::lock_wait`] says otherwise.
pub const LOCK_WAIT: Duration = Duration::from_secs(15);

/// The file and how it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) path: PathBuf,
    pub(crate) synchronous: Synchronous,
    pub(crate) lock_wait: Duration,
}

/// When a commit is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Before it returns: it outlives a power cut.
    #[default]
    Full,
    /// At the next checkpoint: it outlives the process, a power cut may take the last ones.
    Normal,
}

impl Options {
    /// Opens a file with [`Synchronous::Full`].
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            synchronous: Synchronous::Full,
            lock_wait: LOCK_WAIT,
        }
    }

    /// Sets when a commit is on the disk.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Sets how long the writer waits when another process keeps the file locked; [`LOCK_WAIT`] if not set.
    ///
    /// When it is over, the calls that have waited all that time fail. One that came meanwhile waits once more, so no call
    /// waits longer than twice this. Zero fails at once.
    #[must_use]
    pub fn lock_wait(mut self, longest: Duration) -> Self {
        self.lock_wait = longest;
        self
    }

    /// Reads a URL: `sqlite:PATH?synchronous=full`.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it is of another kind, names no file, or has an unknown option.
    pub fn from_url(url: &str) -> Result<Self> {
        let wrong = |message: String| Error::new(ErrorKind::Unsupported, message);
        let rest = url.strip_prefix("sqlite:").ok_or_else(|| {
            wrong(format!(
                "not the URL of an SQLite file: {url:?}; write sqlite:PATH"
            ))
        })?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(wrong(format!("the URL {url:?} names no file: write sqlite:PATH")));
        }
        let mut options = Self::new(path);
        for option in query.split('&').filter(|option| !option.is_empty()) {
            options.synchronous = match option {
                "synchronous=full" => Synchronous::Full,
                "synchronous=normal" => Synchronous::Normal,
                _ => {
                    return Err(wrong(format!(
                        "unknown option {option:?} in {url:?}: there are synchronous=full and synchronous=normal"
                    )));
                }
            };
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_file_and_options() {
        assert_eq!(
            Options::from_url("sqlite:a/b.db").unwrap(),
            Options::new("a/b.db")
        );
        assert_eq!(
            Options::from_url("sqlite:///b.db").unwrap(),
            Options::new("/b.db")
        );
        let normal = Options::new("b.db").synchronous(Synchronous::Normal);
        assert_eq!(
            Options::from_url("sqlite:b.db?synchronous=normal").unwrap(),
            normal
        );
        for url in [
            "redis:x",
            "sqlite:",
            "sqlite:b.db?synchronous=off",
            "sqlite:b.db?x",
        ] {
            assert_eq!(
                Options::from_url(url).unwrap_err().kind(),
                ErrorKind::Unsupported,
                "{url}"
            );
        }
    }
}

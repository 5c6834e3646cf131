//! Which file was opened, to notice when it is not there any more.
//!
//! A file that was removed or replaced stays open, and takes what is written to it with it when it is closed: nobody else
//! would ever see it.

use std::fs;
use std::path::{Path, PathBuf};

use seed::{Error, ErrorKind, Result};

/// A file, by its place and by what the system knows it by.
#[derive(Debug)]
pub(crate) struct Identity {
    path: PathBuf,
    known: Option<Known>,
}

impl Identity {
    /// Takes note of the file that is in a place now.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let path = fs::canonicalize(path).map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "the file cannot be found")
                .with_source(cause)
                .at_path(&path.display().to_string())
        })?;
        let known = known(&path);
        Ok(Self { path, known })
    }

    /// Returns where the file is, whatever links lead there.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes sure that the file is still in its place.
    pub(crate) fn check(&self) -> Result<()> {
        if known(&self.path) == self.known {
            return Ok(());
        }
        let message = match self.path.exists() {
            true => "another file was put in the place of this one while it was open: open it anew",
            false => "the file was removed while it was open: open it anew",
        };
        Err(Error::new(ErrorKind::Gone, message).at_path(&self.path.display().to_string()))
    }
}

/// The device and the number of a file.
#[cfg(unix)]
type Known = (u64, u64);

#[cfg(unix)]
fn known(path: &Path) -> Option<Known> {
    use std::os::unix::fs::MetadataExt;

    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
type Known = ();

#[cfg(not(unix))]
fn known(_path: &Path) -> Option<Known> {
    None
}

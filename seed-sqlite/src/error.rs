//! Turns SQLite's errors into seed's.

use rusqlite::ErrorCode;
use seed::{Error, ErrorKind};

/// Says what SQLite's error means for a caller, and keeps it as the cause.
pub(crate) fn from_sqlite(cause: rusqlite::Error) -> Error {
    let (kind, message) = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "another process keeps the file locked: find it (fuser or lsof on the file), or try again later",
        ),
        Some(ErrorCode::DiskFull) => (ErrorKind::Full, "the disk is full: make room and try again"),
        Some(ErrorCode::SystemIoFailure) => (
            ErrorKind::Unavailable,
            "the file could not be read or written: look at the disk, its room and its rights, and try again",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            ErrorKind::ReadOnly,
            "the database cannot be written to: check the rights on the file and its folder",
        ),
        Some(ErrorCode::NotADatabase) => (
            ErrorKind::Corrupt,
            "the file is not an SQLite database: name another one",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (ErrorKind::Corrupt, "the database is damaged"),
        Some(ErrorCode::CannotOpen) => (
            ErrorKind::Unavailable,
            "the database cannot be opened: check that its folder exists and can be written to",
        ),
        _ => (ErrorKind::Unavailable, "SQLite failed"),
    };
    let message = match cause.sqlite_error_code() {
        // What SQLite adds to these is the path, which the error gets anyway.
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase) => message.to_owned(),
        _ => format!("{message} ({cause})"),
    };
    Error::new(kind, message).with_source(cause)
}

//! What a server or the way to it says, as errors of ours: what was wrong, where, and what to do.

use mongodb::bson::Document;
use mongodb::error::{Error as DriverError, ErrorKind as DriverKind, WriteFailure};
use seed::{Error, ErrorKind};

use crate::names;

/// The codes by which the server says what it refuses, as far as we tell them apart. Source: `error_codes.yml` of
/// MongoDB 7.0.
pub(crate) mod code {
    pub(crate) const NAMESPACE_NOT_FOUND: i32 = 26;
    pub(crate) const INDEX_NOT_FOUND: i32 = 27;
    pub(crate) const NAMESPACE_EXISTS: i32 = 48;
    pub(crate) const COMMAND_NOT_FOUND: i32 = 59;
    pub(crate) const INDEX_OPTIONS_CONFLICT: i32 = 85;
    pub(crate) const COMMAND_NOT_SUPPORTED: i32 = 115;
    pub(crate) const DUPLICATE_KEY: i32 = 11_000;
    pub(crate) const UNKNOWN_FIELD: i32 = 40_415;
}

/// Why a call came to nothing.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The server understood it and refused it.
    Refused(Refusal),
    /// The server could not be asked, or did not answer.
    Store(Error),
}

/// What the server refused with.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl Refusal {
    /// Reads one of the `writeErrors` of an answer.
    pub(crate) fn of_write_error(error: &Document) -> Self {
        Self {
            code: error.get("code").and_then(as_code).unwrap_or_default(),
            message: error.get_str("errmsg").unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn is_duplicate(&self) -> bool {
        self.code == code::DUPLICATE_KEY
    }

    /// Returns the name of the unique index that would be broken: as it was declared, if it is one of ours.
    pub(crate) fn index(&self) -> String {
        // E11000 duplicate key error collection: db.jobs index: by_key~0123abcd dup key: { … }
        let name = self
            .message
            .split_once(" index: ")
            .map_or("", |(_, rest)| rest.split(" dup key").next().unwrap_or_default());
        match names::declared_by(name) {
            Some(declared) => declared,
            None if name.is_empty() || name == "_id_" => "_id".to_owned(),
            None => name.to_owned(),
        }
    }

    /// Turns it into an error, of this kind unless its code says more.
    pub(crate) fn into_error(self, kind: ErrorKind) -> Error {
        let Self { code, message } = self;
        let (kind, what) = match code {
            code::DUPLICATE_KEY => {
                let refusal = Self { code, message };
                return duplicate(&refusal.index());
            }
            10_334 | 17_419 | 17_420 | 17_421 => (
                ErrorKind::Limit,
                "a document is larger than the server keeps, which is 16 MiB",
            ),
            292 => (
                ErrorKind::Limit,
                "so many documents cannot be sorted without an index: declare one that begins with the fields of the sort, or limit the find",
            ),
            67 | 85 | 86 | 171 => (ErrorKind::Index, "the index cannot be kept up"),
            13 => (
                ErrorKind::Unsupported,
                "the user in the URL lacks a permission on the server: it needs the role `readWrite` on the database",
            ),
            18 => (
                ErrorKind::Unavailable,
                "the server refuses the user or the password: put the right ones into the URL",
            ),
            14_031 => (
                ErrorKind::Full,
                "the server has no room left on its disk and refuses writes: make room, or remove what is old",
            ),
            43 | 175 | 237 => (
                ErrorKind::Stale,
                "the collection changed in a way that the find could not follow: try again",
            ),
            code::COMMAND_NOT_FOUND | 238 => (ErrorKind::Unsupported, "the server has no such command"),
            61 => (
                ErrorKind::Unsupported,
                "the collection is sharded by another key than its ids, which is not supported: leave it unsharded",
            ),
            code if is_transient(code) => (
                ErrorKind::Unavailable,
                "the server cannot serve the call now, and what was under way may have been carried out or not: try again in a moment",
            ),
            _ => return Error::new(kind, format!("the server refused it: {message}")),
        };
        Error::new(kind, format!("{what} (the server said: {message})"))
    }
}

/// Tells whether a code says that the server cannot serve a call now, but may in a moment. Source: `error_codes.yml`
/// of MongoDB 7.0 and 8.0.
fn is_transient(code: i32) -> bool {
    match code {
        // No way to a member, or to a primary.
        6 | 7 | 70 | 89 | 91 | 133 | 134 | 189 | 202 | 9_001 | 10_058 | 10_107 | 13_388 | 13_435 | 13_436 => {
            true
        }
        // Not confirmed by as many members as were asked for, or not in time.
        50 | 64 | 100 | 262 | 358 | 11_600 | 11_601 | 11_602 => true,
        // Others are at the same documents or indexes.
        24 | 46 | 112 | 150 | 211 | 216 | 249 | 276 | 279 | 402 | 406 | 407 | 412 => true,
        // It has too much to do, or refuses writes for a while.
        365 | 371 | 433 | 449 | 462 | 463 | 473 | 8_000 => true,
        _ => false,
    }
}

/// The labels by which a server says that a call may be tried again, whatever its code.
const TRY_AGAIN: [&str; 4] = [
    "RetryableWriteError",
    "RetryableError",
    "SystemOverloadedError",
    "TransientTransactionError",
];

impl Fault {
    /// Turns it into an error; what the server refused is of this kind unless it says more.
    pub(crate) fn into_error(self, kind: ErrorKind) -> Error {
        match self {
            Self::Refused(refusal) => refusal.into_error(kind),
            Self::Store(error) => error,
        }
    }

    pub(crate) fn is_refusal(&self, code: i32) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code)
    }
}

/// Tells whether the server knows no index of the name that it was to use.
pub(crate) fn is_unknown_hint(error: &DriverError) -> bool {
    matches!(&*error.kind, DriverKind::Command(refused) if refused.code == 2 && refused.message.contains("hint"))
}

/// Turns an error of the driver's into ours.
pub(crate) fn of_driver(url: &str, error: &DriverError) -> Fault {
    let refused = |code: i32, message: &str| {
        Fault::Refused(Refusal {
            code,
            message: message.to_owned(),
        })
    };
    match &*error.kind {
        DriverKind::Command(command)
            if !is_transient(command.code) && TRY_AGAIN.iter().any(|label| error.contains_label(*label)) =>
        {
            let what = "the server cannot serve the call now: try again in a moment";
            Fault::Store(unavailable(url, what, &command.message))
        }
        DriverKind::Command(command) => refused(command.code, &command.message),
        DriverKind::Write(WriteFailure::WriteError(error)) => refused(error.code, &error.message),
        DriverKind::Write(WriteFailure::WriteConcernError(error)) => {
            Fault::Store(unsafe_write(&error.message))
        }
        DriverKind::Authentication { message, .. } => refused(18, message),
        DriverKind::Bson(fault) => Fault::Store(Error::new(
            ErrorKind::Unsupported,
            format!("it cannot be written as BSON: {fault}"),
        )),
        DriverKind::InvalidTlsConfig { message, .. } => Fault::Store(unavailable(
            url,
            "TLS with the server failed: check the options `tls` and `tlsCAFile` of the URL",
            message,
        )),
        DriverKind::InvalidArgument { message, .. } => Fault::Store(Error::new(
            ErrorKind::Unsupported,
            format!("the driver refuses it ({url}: {message})"),
        )),
        DriverKind::IncompatibleServer { message, .. } => Fault::Store(Error::new(
            ErrorKind::Unsupported,
            format!("the server is too old: it takes MongoDB 6.0 or later ({url}: {message})"),
        )),
        DriverKind::ServerSelection { message, .. } | DriverKind::DnsResolve { message, .. } => {
            Fault::Store(unavailable(
                url,
                "cannot connect to the server, so that nothing was done: check that it runs and can be reached",
                selection(message),
            ))
        }
        _ => Fault::Store(unavailable(
            url,
            "the connection to the server was lost, and what was under way may have been carried out or not: \
             check that the server runs and can be reached",
            &error.kind.to_string(),
        )),
    }
}

/// Returns what matters of a failed choice of a server: the last cause that it names.
fn selection(message: &str) -> &str {
    match message.rsplit_once("Error: Kind: ") {
        Some((_, cause)) => cause.split(", labels").next().unwrap_or(cause),
        None => message,
    }
}

/// The error of a call that got no answer in time.
pub(crate) fn silent(url: &str) -> Error {
    unavailable(
        url,
        "the server did not answer, and what was asked may have been carried out or not",
        "no answer in time",
    )
}

/// The error of a write that was carried out, but not as safely as was asked for.
pub(crate) fn unsafe_write(message: &str) -> Error {
    let what = "the write was carried out, but not confirmed by as many members as were asked for";
    Error::new(
        ErrorKind::Unavailable,
        format!("{what} (the server said: {message})"),
    )
}

fn unavailable(url: &str, what: &str, cause: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{what} ({url}: {cause})"))
}

/// The error of an answer that is none of those that a call can have.
pub(crate) fn unexpected(what: &str) -> Error {
    let message = format!("the server gave an answer that makes no sense, without {what}: is it MongoDB?");
    Error::new(ErrorKind::Corrupt, message)
}

/// The error of an update that would break a unique index.
pub(crate) fn duplicate(index: &str) -> Error {
    let message = format!("another document has this key in the unique index {index:?}");
    Error::new(ErrorKind::Duplicate, message).at_operator(index)
}

fn as_code(value: &mongodb::bson::Bson) -> Option<i32> {
    value
        .as_i32()
        .or_else(|| value.as_i64().and_then(|code| i32::try_from(code).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: i32, message: &str) -> Refusal {
        Refusal {
            code,
            message: message.to_owned(),
        }
    }

    #[test]
    fn what_a_server_says_has_a_kind() {
        for (code, kind) in [
            (292, ErrorKind::Limit),
            (171, ErrorKind::Index),
            (14_031, ErrorKind::Full),
            (10_107, ErrorKind::Unavailable),
            (133, ErrorKind::Unavailable),
            (61, ErrorKind::Unsupported),
            (18, ErrorKind::Unavailable),
            (13, ErrorKind::Unsupported),
            (43, ErrorKind::Stale),
            (2, ErrorKind::Query),
        ] {
            let error = refusal(code, "why").into_error(ErrorKind::Query);
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.message().contains("why"), "{error}");
        }
    }

    #[test]
    fn a_duplicate_names_its_index_as_it_was_declared() {
        let of = |index: &str| {
            let text =
                format!("E11000 duplicate key error collection: db.jobs index: {index} dup key: {{ a: 1 }}");
            refusal(11_000, &text).index()
        };
        assert_eq!(of("by key~0123abcd"), "by key");
        assert_eq!(of("_id_"), "_id");
        // Somebody else's index is not taken for the ids.
        assert_eq!(of("by_mail"), "by_mail");
        let error = refusal(11_000, "E11000 … index: u~0123abcd dup key").into_error(ErrorKind::Update);
        assert_eq!(error.kind(), ErrorKind::Duplicate);
        assert_eq!(error.place().operator.as_deref(), Some("u"));
    }
}

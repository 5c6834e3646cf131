//! What a server or the way to it says, as errors of ours: what was wrong, where, and what to do.

use fred::error::{Error as DriverError, ErrorKind as DriverKind};
use seed::{Error, ErrorKind};

/// Turns an error that the server answered with into ours.
pub(crate) fn of_answer(url: &str, text: &str) -> Error {
    let code = text.split_whitespace().next().unwrap_or_default();
    let (kind, advice) = match code {
        "READONLY" => (
            ErrorKind::ReadOnly,
            "the server is a read-only replica: name the primary in the URL",
        ),
        "OOM" => (
            ErrorKind::Full,
            "the server has reached its `maxmemory`: remove what is old, or give it more",
        ),
        "MISCONF" => (
            ErrorKind::Full,
            "the server cannot write its data to disk and refuses writes: look at its log and its disk",
        ),
        "NOAUTH" | "WRONGPASS" => (
            ErrorKind::Unavailable,
            "the server refuses the user or the password: put the right ones into the URL",
        ),
        "LOADING" => (
            ErrorKind::Unavailable,
            "the server is still reading its data from disk: try again in a moment",
        ),
        "BUSY" => (
            ErrorKind::Unavailable,
            "the server is held up by a script of somebody else's: try again, or end it with SCRIPT KILL",
        ),
        "CLUSTERDOWN" | "MASTERDOWN" | "TRYAGAIN" | "NOREPLICAS" => (
            ErrorKind::Unavailable,
            "the server cannot serve all its keys now: try again in a moment",
        ),
        _ if text.contains("can't publish") || text.contains("NOPERM") => (
            ErrorKind::Unsupported,
            "the user in the URL lacks a permission on the server: it needs the channels `&seed:*` and the keys `~{seed:*`",
        ),
        _ if text.contains("DB index is out of range") => (
            ErrorKind::Unavailable,
            "the server has no database of that number: put another one into the URL",
        ),
        _ if text.contains("max number of clients") => (
            ErrorKind::Unavailable,
            "the server has too many clients: raise its `maxclients`",
        ),
        _ => (ErrorKind::Unavailable, "the server could not carry the call out"),
    };
    Error::new(kind, format!("{advice} ({url} said: {text})"))
}

/// Turns a failure of the connection into an error of ours. Whether the call was carried out is not known.
pub(crate) fn of_driver(url: &str, error: &DriverError) -> Error {
    let text = error.details();
    match error.kind() {
        DriverKind::Auth => of_answer(url, text),
        DriverKind::Tls => unavailable(
            url,
            "TLS with the server failed: check the URL, and that its certificate is trusted (SSL_CERT_FILE names an authority of your own)",
            text,
        ),
        DriverKind::Config | DriverKind::Url => unavailable(
            url,
            "the server is not what the URL says: check its kind and address",
            text,
        ),
        _ if has_code(text) => of_answer(url, text),
        _ => unavailable(
            url,
            "the connection to the server was lost, and what was under way may have been carried out or not: \
             check that the server runs and can be reached",
            text,
        ),
    }
}

/// Turns a failure to connect into an error of ours. Nothing was sent that could have been carried out.
pub(crate) fn of_connecting(url: &str, error: &DriverError) -> Error {
    match error.kind() {
        DriverKind::IO | DriverKind::Timeout | DriverKind::Canceled if !has_code(error.details()) => {
            unavailable(
                url,
                "cannot connect to the server, so that nothing was done: check that it runs and can be reached",
                error.details(),
            )
        }
        _ => of_driver(url, error),
    }
}

/// Tells whether a text is what a server answers: a code of capital letters, then the rest.
fn has_code(text: &str) -> bool {
    let code = text.split(' ').next().unwrap_or_default();
    code.len() > 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) && text.len() > code.len()
}

fn unavailable(url: &str, what: &str, cause: &str) -> Error {
    // What the system says comes as `Os { code: 111, …, message: "Connection refused" }`.
    let said = cause
        .split_once("message: \"")
        .and_then(|(_, rest)| rest.split_once('"'));
    let cause = said.map_or(cause, |(said, _)| said);
    Error::new(ErrorKind::Unavailable, format!("{what} ({url}: {cause})"))
}

/// The error of an answer that is none of those that a call can have.
pub(crate) fn unexpected(url: &str) -> Error {
    let message = format!("the server gave an answer that makes no sense: is it Redis 7? ({url})");
    Error::new(ErrorKind::Corrupt, message)
}

/// The error of an update that would break a unique index.
pub(crate) fn duplicate(index: &str) -> Error {
    let message = format!("another document has this key in the unique index {index:?}");
    Error::new(ErrorKind::Duplicate, message).at_operator(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_has_a_kind() {
        for (text, kind) in [
            (
                "READONLY You can't write against a read only replica.",
                ErrorKind::ReadOnly,
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                ErrorKind::Full,
            ),
            ("WRONGPASS invalid username-password pair", ErrorKind::Unavailable),
            ("ERR max number of clients reached", ErrorKind::Unavailable),
        ] {
            assert_eq!(of_answer("redis://host", text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_told_from_one_that_was_lost() {
        let refused = r#"Os { code: 111, kind: ConnectionRefused, message: "Connection refused" }"#;
        let error = of_connecting("redis://host", &DriverError::new(DriverKind::IO, refused));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let message = error.message();
        assert!(
            message.starts_with("cannot connect to the server, so that nothing was done"),
            "{message}"
        );
        assert!(
            message.ends_with("(redis://host: Connection refused)"),
            "{message}"
        );
        let refused = DriverError::new(DriverKind::Auth, "WRONGPASS invalid username-password pair");
        assert!(
            of_connecting("redis://host", &refused)
                .message()
                .contains("the password")
        );
    }

    #[test]
    fn a_lost_connection_is_unavailable() {
        let error = DriverError::new(DriverKind::IO, "Connection closed.");
        let error = of_driver("redis://host", &error);
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("redis://host"), "{error}");
    }
}

//! What is looked at when a server is opened.

use mongodb::bson::{Bson, Document, doc};
use seed::{Error, ErrorKind, Result};

use crate::error::unexpected;
use crate::link::{Link, count};
use crate::options::Options;

/// The versions of the protocol that MongoDB 6.0 and 8.0 speak at the most.
const WIRE_6_0: u64 = 17;
const WIRE_8_0: u64 = 25;

/// What the server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// Whether it tells what changes; only members of a replica set do, and the routers of a cluster.
    pub(crate) has_change_streams: bool,
    /// Whether one command takes writes of all kinds and tells what became of each (8.0).
    pub(crate) has_bulk_write: bool,
    /// Whether it is MongoDB, and not something that speaks its language.
    pub(crate) is_genuine: bool,
}

/// Looks whether the server can be worked with; tells what its user should know.
pub(crate) async fn check(link: &Link, options: &Options) -> Result<(Server, Vec<String>)> {
    let hello = link.hello().await;
    let hello = hello.map_err(|fault| fault.into_error(ErrorKind::Unsupported))?;
    let mut server = server(&hello, &options.shown)?;
    let build = link.call_admin(doc! { "buildInfo": 1 }).await;
    server.is_genuine = build.is_ok_and(|build| build.contains_key("gitVersion"));
    let mut warnings = Vec::new();
    if options.concern.get("j") == Some(&Bson::Boolean(false)) {
        warnings.push(
            "writes do not wait for the journal (`journal=false` in the URL): a crash of the server loses the last jobs, \
             up to 100 ms of them"
                .to_owned(),
        );
    }
    if options.concern.get("w") == Some(&Bson::Int64(1)) && server.has_change_streams {
        warnings.push(
            "writes wait for one member alone (`w=1` in the URL): when another one takes over, it may lack the last jobs"
                .to_owned(),
        );
    }
    Ok((server, warnings))
}

fn server(hello: &Document, shown: &str) -> Result<Server> {
    let wire = count(hello, "maxWireVersion")?;
    if wire < WIRE_6_0 {
        let message =
            format!("the server is too old: it takes MongoDB 6.0 or later ({shown} speaks version {wire})");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let is_primary = hello
        .get_bool("isWritablePrimary")
        .or_else(|_| hello.get_bool("ismaster"));
    match is_primary {
        Ok(true) => {}
        Ok(false) => {
            let message = format!(
                "the server is a secondary: name all members of its set, or leave out `directConnection` ({shown})"
            );
            return Err(Error::new(ErrorKind::ReadOnly, message));
        }
        Err(_) => return Err(unexpected("isWritablePrimary")),
    }
    let is_router = matches!(hello.get_str("msg"), Ok("isdbgrid"));
    Ok(Server {
        has_change_streams: is_router || hello.contains_key("setName"),
        has_bulk_write: wire >= WIRE_8_0,
        is_genuine: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_tells_what_it_can_do() {
        let single = doc! { "maxWireVersion": 21, "isWritablePrimary": true };
        let server = server(&single, "").unwrap();
        assert!(!server.has_change_streams && !server.has_bulk_write);
        let member = doc! { "maxWireVersion": 25, "isWritablePrimary": true, "setName": "rs" };
        let server = super::server(&member, "").unwrap();
        assert!(server.has_change_streams && server.has_bulk_write);
        let router = doc! { "maxWireVersion": 21, "isWritablePrimary": true, "msg": "isdbgrid" };
        assert!(super::server(&router, "").unwrap().has_change_streams);
    }

    #[test]
    fn what_cannot_be_worked_with_is_refused() {
        let old = doc! { "maxWireVersion": 13, "isWritablePrimary": true };
        assert_eq!(server(&old, "").unwrap_err().kind(), ErrorKind::Unsupported);
        let secondary = doc! { "maxWireVersion": 21, "isWritablePrimary": false, "setName": "rs" };
        assert_eq!(server(&secondary, "").unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(server(&doc! {}, "").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

//! Servers that are not there, or not what is needed.

use mongo_standin::{Kind, Server};
use seed::ErrorKind;
use seed_mongo::MongoStore;

use crate::{open, started};

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    // Nobody listens on a port that was just given back.
    let port = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let fault = MongoStore::open(&format!("mongodb://me:secret@127.0.0.1:{port}/app")).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
    let message = fault.to_string();
    assert!(message.contains("so that nothing was done"), "{message}");
    assert!(message.contains("Connection refused"), "{message}");
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    let Some(server) = started(Server::start_with(&["--wire=13", "--version=5.0.0"])) else {
        return;
    };
    if server.kind() != Kind::StandIn {
        return;
    }
    let fault = MongoStore::open(server.url()).unwrap_err();
    assert_eq!(fault.kind(), ErrorKind::Unsupported, "{fault}");
    assert!(fault.message().contains("MongoDB 6.0"), "{fault}");
}

#[test]
fn what_is_no_mongodb_is_told() {
    let Some(server) = started(Server::start()) else {
        return;
    };
    let store = open(server.url(), "kind");
    assert_eq!(store.is_mongodb(), server.kind() != Kind::StandIn);
}

//! The suite that every store passes, over the server that `mongo-standin` gives. Each case has a database of its own.
//!
//! On the stand-in for MongoDB the cases that need what it does not have are ignored.

#![allow(clippy::print_stderr, reason = "a run says what it was made on")]

use std::process::ExitCode;
use std::sync::Arc;

use conformance::{Scale, Unavailable};
use mongo_standin::{Kind, Server, cannot_judge};
use seed::{Clock, Store};
use seed_mongo::{MongoStore, Options};

struct OnServer {
    server: Server,
}

impl conformance::Fixture for OnServer {
    const SCALE: Scale = Scale::Reduced;

    fn cannot_judge(&self, case: &str) -> Option<String> {
        match self.server.kind() {
            Kind::StandIn => cannot_judge(case).map(ToOwned::to_owned),
            Kind::Named | Kind::Installed => None,
        }
    }

    async fn start() -> Result<Self, Unavailable> {
        let server = Server::start()?;
        eprintln!("on {}", server.kind());
        Ok(Self { server })
    }

    async fn open(&self, name: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let options = Options::from_url(self.server.url()).expect("a URL of MongoDB");
        // A database has a name of at most 63 bytes.
        let options = options
            .database(&name.chars().take(60).collect::<String>())
            .clock(clock);
        Arc::new(MongoStore::open_with(options).expect("the server can be reached"))
    }
}

fn main() -> ExitCode {
    conformance::run::<OnServer>()
}

//! The suite that every store passes, over a server that is started for it, or the one that `SEED_REDIS_URL` names: a
//! cluster, one with TLS. Each case has a prefix of its own.

mod server;

use std::process::ExitCode;
use std::sync::Arc;

use conformance::Unavailable;
use seed::{Clock, Store};
use seed_redis::{Options, RedisStore};

struct OnServer {
    url: String,
    /// Tells the keys of this run from those of others on the same server.
    run: String,
    _server: Option<server::Server>,
}

impl conformance::Fixture for OnServer {
    async fn start() -> Result<Self, Unavailable> {
        let run = std::process::id().to_string();
        if let Ok(url) = std::env::var("SEED_REDIS_URL") {
            return Ok(Self {
                url,
                run,
                _server: None,
            });
        }
        let server = server::Server::start(&[]).map_err(|missing| Unavailable::because(missing.0))?;
        Ok(Self {
            url: server.url(),
            run,
            _server: Some(server),
        })
    }

    async fn open(&self, name: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let options = Options::from_url(&self.url).expect("a URL of Redis");
        let options = options.prefix(&format!("{}-{name}", self.run)).clock(clock);
        Arc::new(RedisStore::open_with(options).expect("the server can be reached"))
    }
}

fn main() -> ExitCode {
    conformance::run::<OnServer>()
}

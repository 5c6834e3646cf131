//! The suite that every store passes, over a file for each case. Two handles on one are as two processes.

use std::process::ExitCode;
use std::sync::Arc;

use conformance::Unavailable;
use seed::{Clock, Store};
use seed_sqlite::{Options, SqliteStore};

struct Files(tempfile::TempDir);

impl conformance::Fixture for Files {
    async fn start() -> Result<Self, Unavailable> {
        Ok(Self(tempfile::tempdir()?))
    }

    async fn open(&self, name: &str, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let options = Options::new(self.0.path().join(name));
        Arc::new(SqliteStore::open_with(&options, clock).expect("a fresh file opens"))
    }
}

fn main() -> ExitCode {
    conformance::run::<Files>()
}

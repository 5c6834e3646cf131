//! One writing connection, several reading ones, and the engine over them.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use rusqlite::Connection;
use seed::engine::{Engine, Jobs, Look, ReadWork, Watching};
use seed::store::Capabilities;
use seed::value::json;
use seed::{Document, Result};

use crate::checkpoint::Checkpointer;
use crate::connection::{open_reader, open_writer};
use crate::error::from_sqlite;
use crate::identity::Identity;
use crate::lock;
use crate::log::{self, Log};
use crate::options::{Options, Synchronous};
use crate::schema;
use crate::transaction::{KnownTables, Transaction};
use crate::watch::{self, WATCH_BOUND};

/// An SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteEngine {
    options: Options,
    identity: Identity,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    tables: KnownTables,
    checkpointer: Checkpointer,
    /// None if a commit need not outlive a power cut.
    log: Option<Log>,
}

impl SqliteEngine {
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let name_file = |fault: seed::Error| fault.at_path(&display(&options.path));
        let writer = open_writer(options).map_err(name_file)?;
        schema::prepare(&writer).map_err(name_file)?;
        let identity = Identity::of(&options.path)?;
        let log = match options.synchronous {
            Synchronous::Full => Some(Log::open(identity.path()).map_err(name_file)?),
            Synchronous::Normal => None,
        };
        // From here on the writer waits in a way of its own, which lets a caller's thread go.
        writer
            .busy_timeout(Duration::ZERO)
            .map_err(|cause| name_file(from_sqlite(cause)))?;
        Ok(Self {
            options: options.clone(),
            identity,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            tables: KnownTables::default(),
            checkpointer: Checkpointer::default(),
            log,
        })
    }

    pub(crate) fn integrity(&self) -> Result<String> {
        let query = |connection: &Connection| {
            connection
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .map_err(from_sqlite)
        };
        self.with_reader(&mut |connection| query(connection))
    }

    /// Lends a reading connection, opening one if all are in use.
    fn with_reader<T>(&self, work: &mut dyn FnMut(&Connection) -> Result<T>) -> Result<T> {
        self.identity.check()?;
        let idle = self.readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.options)?,
        };
        let result = work(&connection);
        self.readers().push(connection);
        result
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs work in a transaction that writes, when other processes let it.
    fn in_transaction(&self, work: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
        let connection = self.writer();
        self.before_write(&connection)?;
        lock::begin(&connection, self.options.lock_wait)?;
        self.finish(&connection, work(&connection))
    }

    /// Makes sure that a write will be found where it belongs, and mends what the last sync may have left.
    fn before_write(&self, writer: &Connection) -> Result<()> {
        self.identity.check()?;
        self.log.as_ref().map_or(Ok(()), |log| log.mend(writer))
    }

    /// Runs the jobs in the transaction that has begun.
    fn run(&self, connection: &Connection, jobs: &mut dyn Jobs<String>) -> Result<()> {
        let mut transactions: Vec<Transaction<'_>> = Vec::new();
        while let Some(job) = jobs.next() {
            let known = transactions
                .iter()
                .position(|transaction| transaction.collection() == job.collection());
            let at = match known {
                Some(at) => at,
                None => {
                    transactions.push(Transaction::open(connection, &self.tables, job.collection())?);
                    transactions.len() - 1
                }
            };
            job.run(&mut transactions[at])?;
            transactions[at].check()?;
        }
        transactions.iter_mut().try_for_each(Transaction::finish)
    }

    /// Commits what went well and undoes what did not.
    fn finish(&self, connection: &Connection, result: Result<()>) -> Result<()> {
        let result = result.and_then(|()| execute(connection, "COMMIT"));
        if result.is_ok() {
            self.log.iter().for_each(Log::committed);
            self.checkpointer.committed(connection, &self.options);
        } else if !connection.is_autocommit() {
            // The first fault is the one to tell; SQLite undoes what is left when the next transaction begins.
            let _ = execute(connection, "ROLLBACK");
        }
        result
    }
}

fn execute(connection: &Connection, statement: &str) -> Result<()> {
    let mut statement = connection.prepare_cached(statement).map_err(from_sqlite)?;
    statement.execute([]).map(drop).map_err(from_sqlite)
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

impl Engine for SqliteEngine {
    type Stored = String;

    fn encode(&self, document: &Document) -> Result<String> {
        Ok(json::document_to_stored(document))
    }

    fn decode(&self, stored: &String) -> Result<Document> {
        json::parse_stored(stored)
    }

    fn is_worth_keeping(&self, stored: &String) -> bool {
        stored.len() <= 4_096
    }

    fn read(&self, collection: &str, work: &mut ReadWork<'_, String>) -> Result<()> {
        self.with_reader(&mut |connection| {
            execute(connection, "BEGIN")?;
            let result = Transaction::open(connection, &self.tables, collection)
                .and_then(|mut transaction| work(&mut transaction));
            // Nothing was written, so the end of the transaction cannot lose anything.
            execute(connection, "COMMIT").and(result)
        })
    }

    fn write(&self, jobs: &mut dyn Jobs<String>) -> Result<()> {
        self.in_transaction(|connection| self.run(connection, jobs))
    }

    fn write_if_free(&self, jobs: &mut dyn Jobs<String>) -> Result<bool> {
        let connection = match self.writer.try_lock() {
            Ok(connection) => connection,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(false),
        };
        self.before_write(&connection)?;
        if !lock::try_begin(&connection)? {
            return Ok(false);
        }
        self.finish(&connection, self.run(&connection, jobs))
            .map(|()| true)
    }

    fn syncs_apart(&self) -> bool {
        self.log.is_some()
    }

    fn sync(&self) -> Result<()> {
        self.log.as_ref().map_or(Ok(()), Log::sync)
    }

    fn drop_collection(&self, collection: &str) -> Result<()> {
        self.in_transaction(|connection| schema::drop_collection(connection, collection))?;
        self.sync()?;
        self.tables.forget(collection);
        Ok(())
    }

    fn watch_other_processes(&self, tell: Box<dyn Fn(Look) -> bool + Send>) -> Result<Option<Watching>> {
        let log = log::path_of(self.identity.path());
        watch::watch(open_reader(&self.options)?, &log, tell).map(Some)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::IN_PROCESS
            .durable()
            .shared_between_processes(WATCH_BOUND)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt;
    use futures::executor::block_on;
    use seed::clock::SystemClock;
    use seed::engine::{Indexed, WriteMode};
    use seed::store::{Count, WriteBatch, WriteItem};
    use seed::{ErrorKind, Filter, Store, StoreExt, doc};

    use super::*;

    fn open(path: &Path) -> Indexed<SqliteEngine> {
        let engine = SqliteEngine::open(&Options::new(path)).unwrap();
        Indexed::new(engine, WriteMode::Grouped, Arc::new(SystemClock))
    }

    #[test]
    fn a_file_that_may_not_grow_takes_the_next_write_when_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("app.db"));
        let insert =
            |id: i64| block_on(store.insert_one("things", doc! { "_id": id, "text": ("x".repeat(50_000)) }));
        let may_have = |pages: i64| {
            store
                .engine()
                .writer()
                .pragma_update(None, "max_page_count", pages)
                .unwrap()
        };
        insert(1).unwrap();
        may_have(1);
        let fault = insert(2).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Full, "{fault}");
        assert!(fault.is_retryable());
        may_have(10_000);
        insert(2).unwrap();
        assert_eq!(
            block_on(store.count(Count::new("things", Filter::all()))).unwrap(),
            2
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_with_a_name_that_is_no_text_is_found_behind_a_link() {
        use std::os::unix::ffi::OsStrExt;

        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join(std::ffi::OsStr::from_bytes(b"app\xFF.db"));
        let link = folder.path().join("link.db");
        std::fs::write(&named, "").unwrap();
        std::os::unix::fs::symlink(&named, &link).unwrap();
        for path in [&named, &link] {
            let engine = SqliteEngine::open(&Options::new(path)).unwrap();
            let log = format!("{:?}", engine.log.as_ref().unwrap());
            assert!(log.contains("app\\xFF.db-wal"), "{log}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_called_durable_after_a_failed_sync_until_all_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        let store = open(&path);
        let insert = |id: i64| block_on(store.insert_one("things", doc! { "_id": id }));
        let log = store.engine().log.as_ref().unwrap();
        insert(1).unwrap();
        // A device cannot be synced.
        let file = log.exchange(std::fs::File::open("/dev/null").unwrap());
        let fault = insert(2).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
        assert!(fault.to_string().contains("app.db-wal"), "{fault}");
        log.exchange(file);
        let log_bytes = || std::fs::metadata(path.with_extension("db-wal")).unwrap().len();
        let before = log_bytes();
        // The next write brings what was written before into the file, with an empty log, and goes on.
        insert(3).unwrap();
        assert!(log_bytes() < before, "{} of {before} bytes", log_bytes());
        assert_eq!(
            block_on(store.count(Count::new("things", Filter::all()))).unwrap(),
            3
        );
    }

    #[cfg(unix)]
    #[test]
    fn an_eager_write_is_told_before_the_sync_and_synced_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("app.db"));
        let insert = |id: i64| {
            let item = WriteItem::Insert(doc! { "_id": id });
            block_on(store.write(WriteBatch::new("things", vec![item]).eager()))
        };
        let log = store.engine().log.as_ref().unwrap();
        insert(1).unwrap();
        let file = log.exchange(std::fs::File::open("/dev/null").unwrap());
        assert_eq!(insert(2).unwrap().len(), 1, "it is not waited for");
        // What must be durable finds that the sync behind the eager write has failed, or that its own does.
        let fault = block_on(store.insert_one("things", doc! { "_id": 3 })).unwrap_err();
        assert_eq!(fault.kind(), ErrorKind::Unavailable, "{fault}");
        log.exchange(file);
        insert(4).unwrap();
        assert!(block_on(store.get("things", 2.into())).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_watch_wakes_with_the_commit_and_does_not_wait_for_the_sync() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("app.db"));
        block_on(store.insert_one("things", doc! { "_id": 1 })).unwrap();
        let mut watch = block_on(store.watch("things")).unwrap();
        let log = store.engine().log.as_ref().unwrap();
        let file = log.exchange(std::fs::File::open("/dev/null").unwrap());
        block_on(store.insert_one("things", doc! { "_id": 2 })).unwrap_err();
        // It is there for all to see, so that whoever watches must look: at once, and not when the file was looked at.
        assert!(watch.changed().now_or_never().is_some());
        log.exchange(file);
    }
}

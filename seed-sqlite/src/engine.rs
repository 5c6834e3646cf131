//! One writing connection, several reading ones, and the engine over them.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use seed::engine::{Engine, Jobs, Look, ReadWork};
use seed::store::Capabilities;
use seed::value::json;
use seed::{Document, Result};

use crate::connection::{open_reader, open_writer};
use crate::error::from_sqlite;
use crate::options::Options;
use crate::schema;
use crate::transaction::{KnownTables, Transaction};
use crate::watch::{self, WATCH_BOUND};

/// An SQLite file.
#[derive(Debug)]
pub(crate) struct SqliteEngine {
    options: Options,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    tables: KnownTables,
}

impl SqliteEngine {
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let name_file = |fault: seed::Error| fault.at_path(&display(&options.path));
        let writer = open_writer(options).map_err(name_file)?;
        schema::prepare(&writer).map_err(name_file)?;
        Ok(Self {
            options: options.clone(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            tables: KnownTables::default(),
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

    /// Runs work in a transaction that writes, and commits it if all went well.
    fn in_transaction(&self, work: &mut dyn FnMut(&Connection) -> Result<()>) -> Result<()> {
        let connection = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        execute(&connection, "BEGIN IMMEDIATE")?;
        let result = work(&connection).and_then(|()| execute(&connection, "COMMIT"));
        if result.is_err() && !connection.is_autocommit() {
            // The first fault is the one to tell; SQLite undoes what is left when the next transaction begins.
            let _ = execute(&connection, "ROLLBACK");
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
        self.in_transaction(&mut |connection| {
            while let Some(job) = jobs.next() {
                let collection = job.collection().to_owned();
                let mut transaction = Transaction::open(connection, &self.tables, &collection)?;
                job.run(&mut transaction)?;
            }
            Ok(())
        })
    }

    fn drop_collection(&self, collection: &str) -> Result<()> {
        self.in_transaction(&mut |connection| schema::drop_collection(connection, collection))?;
        self.tables.forget(collection);
        Ok(())
    }

    fn watch_other_processes(&self, tell: Box<dyn Fn(Look) -> bool + Send>) -> Result<()> {
        watch::watch(open_reader(&self.options)?, tell)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::IN_PROCESS
            .durable()
            .shared_between_processes(WATCH_BOUND)
    }
}

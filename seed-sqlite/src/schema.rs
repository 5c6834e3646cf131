//! The tables: which there are, and how they are made and dropped.

use rusqlite::{Connection, OptionalExtension, params};
use seed::value::json;
use seed::{Document, Error, ErrorKind, Result};

use crate::error::from_sqlite;

/// The edition of these tables. A file with a later one is refused.
const EDITION: i64 = 1;

/// The table of collections, and the edition as a setting of it.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS seed_settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS seed_collections (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        version INTEGER NOT NULL,
        catalogue TEXT NOT NULL
    );
    INSERT OR IGNORE INTO seed_settings VALUES ('edition', 1);
";

/// Makes the tables of a new file and checks the edition of one that is there.
pub(crate) fn prepare(connection: &Connection) -> Result<()> {
    let is_there: bool = connection
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'seed_settings'",
            [],
            |row| row.get(0),
        )
        .map_err(from_sqlite)?;
    if !is_there {
        let script = format!("BEGIN IMMEDIATE; {TABLES} COMMIT;");
        connection.execute_batch(&script).map_err(from_sqlite)?;
    }
    let edition: Option<i64> = connection
        .query_row(
            "SELECT value FROM seed_settings WHERE name = 'edition'",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(from_sqlite)?;
    match edition {
        Some(EDITION) => Ok(()),
        Some(later) if later > EDITION => Err(Error::new(
            ErrorKind::NewerSchema,
            format!(
                "the file has edition {later} of the tables, this program knows {EDITION}: use a newer program"
            ),
        )),
        _ => Err(Error::new(
            ErrorKind::Corrupt,
            "the table seed_settings does not name the edition of the tables",
        )),
    }
}

/// Names the table of a collection's documents: its number tells it apart, the rest is for people.
pub(crate) fn documents_table(number: i64, collection: &str) -> String {
    let letters = collection
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    format!("doc_{number}_{}", letters.collect::<String>())
}

pub(crate) fn index_table(number: i64, index: u32) -> String {
    format!("idx_{number}_{index}")
}

/// Stores the catalogue of a collection and returns the collection's number.
pub(crate) fn put_catalogue(
    connection: &Connection,
    collection: &str,
    version: u64,
    catalogue: &Document,
) -> Result<i64> {
    let text = json::document_to_stored(catalogue);
    connection
        .prepare_cached(
            "INSERT INTO seed_collections (name, version, catalogue) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET version = ?2, catalogue = ?3 RETURNING number",
        )
        .and_then(|mut statement| {
            statement.query_row(params![collection, version as i64, text], |row| row.get(0))
        })
        .map_err(from_sqlite)
}

pub(crate) fn create_documents(connection: &Connection, number: i64, collection: &str) -> Result<()> {
    let table = documents_table(number, collection);
    // With row numbers the pages above the leaves hold numbers alone. Without them they would hold whole documents, and
    // a look-up by id would go through many of them.
    let script = format!("CREATE TABLE {table} (id BLOB PRIMARY KEY NOT NULL, doc TEXT NOT NULL)");
    connection.execute_batch(&script).map_err(from_sqlite)
}

pub(crate) fn create_index(connection: &Connection, number: i64, index: u32) -> Result<()> {
    let table = index_table(number, index);
    let script =
        format!("CREATE TABLE {table} (entry BLOB PRIMARY KEY, split INTEGER NOT NULL) WITHOUT ROWID");
    connection.execute_batch(&script).map_err(from_sqlite)
}

pub(crate) fn drop_index(connection: &Connection, number: i64, index: u32) -> Result<()> {
    let table = index_table(number, index);
    connection
        .execute_batch(&format!("DROP TABLE IF EXISTS {table}"))
        .map_err(from_sqlite)
}

/// Removes a collection with all its tables, within a transaction of the caller's.
pub(crate) fn drop_collection(connection: &Connection, collection: &str) -> Result<()> {
    let number: Option<i64> = connection
        .query_row(
            "SELECT number FROM seed_collections WHERE name = ?1",
            [collection],
            |row| row.get(0),
        )
        .optional()
        .map_err(from_sqlite)?;
    let Some(number) = number else { return Ok(()) };
    let documents = documents_table(number, collection);
    let tables: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND (name = ?1 OR name GLOB ?2)")
        .and_then(|mut statement| {
            statement
                .query_map(params![documents, format!("idx_{number}_*")], |row| row.get(0))?
                .collect()
        })
        .map_err(from_sqlite)?;
    for table in tables {
        connection
            .execute_batch(&format!("DROP TABLE {table}"))
            .map_err(from_sqlite)?;
    }
    connection
        .execute("DELETE FROM seed_collections WHERE number = ?1", [number])
        .map_err(from_sqlite)?;
    Ok(())
}

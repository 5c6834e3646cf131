//! A transaction on one collection of the file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use seed::engine::{Entry, IndexId, ReadTransaction, Towards, WriteTransaction};
use seed::key::KeyBytes;
use seed::plan::KeyRange;
use seed::value::{Text, json};
use seed::{Document, Error, ErrorKind, Result};

use crate::error::from_sqlite;
use crate::schema::{self, IndexTable, Tables};

/// No key begins with this byte, so it is above all of them.
const ABOVE_ALL: &[u8] = &[0xFF];

/// The statements on the collections and indexes that were used so far.
#[derive(Debug, Default)]
pub(crate) struct KnownTables {
    collections: Mutex<HashMap<Text, Arc<Tables>>>,
    indexes: Mutex<HashMap<(i64, IndexId), Arc<IndexTable>>>,
}

impl KnownTables {
    fn collection(&self, name: &str, number: i64) -> Arc<Tables> {
        let mut known = lock(&self.collections);
        match known.get(name) {
            Some(tables) if tables.number == number => Arc::clone(tables),
            // Unknown, or dropped and made again meanwhile.
            _ => {
                let tables = Arc::new(Tables::new(number, name));
                known.insert(name.into(), Arc::clone(&tables));
                tables
            }
        }
    }

    fn index(&self, number: i64, index: IndexId) -> Arc<IndexTable> {
        let mut known = lock(&self.indexes);
        Arc::clone(
            known
                .entry((number, index))
                .or_insert_with(|| Arc::new(IndexTable::new(number, index))),
        )
    }

    pub(crate) fn forget(&self, name: &str) {
        if let Some(tables) = lock(&self.collections).remove(name) {
            lock(&self.indexes).retain(|(number, _), _| *number != tables.number);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A transaction that the engine has begun, seen from one collection.
pub(crate) struct Transaction<'c> {
    connection: &'c Connection,
    known: &'c KnownTables,
    collection: String,
    /// None while the collection does not exist.
    tables: Option<Arc<Tables>>,
    version: u64,
}

impl<'c> Transaction<'c> {
    pub(crate) fn open(connection: &'c Connection, known: &'c KnownTables, collection: &str) -> Result<Self> {
        let mut statement = connection
            .prepare_cached("SELECT number, version FROM seed_collections WHERE name = ?1")
            .map_err(from_sqlite)?;
        let found: Option<(i64, i64)> = statement
            .query_row([collection], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(from_sqlite)?;
        Ok(Self {
            connection,
            known,
            collection: collection.to_owned(),
            tables: found.map(|(number, _)| known.collection(collection, number)),
            version: found.map_or(0, |(_, version)| version as u64),
        })
    }

    fn prepare(&self, statement: &str) -> Result<CachedStatement<'c>> {
        self.connection.prepare_cached(statement).map_err(from_sqlite)
    }

    fn tables(&self) -> Result<Arc<Tables>> {
        self.tables
            .clone()
            .ok_or_else(|| Error::new(ErrorKind::Stale, "the collection is gone: plan anew"))
    }

    fn index(&self, index: IndexId) -> Result<Arc<IndexTable>> {
        Ok(self.known.index(self.tables()?.number, index))
    }

    /// Prepares a statement on an index, which another process may have dropped.
    fn prepare_on_index(&self, statement: &str) -> Result<CachedStatement<'c>> {
        self.connection
            .prepare_cached(statement)
            .map_err(|cause| match cause.sqlite_error_code() {
                Some(rusqlite::ErrorCode::Unknown) => {
                    Error::new(ErrorKind::Stale, "the index is gone: plan anew").with_source(cause)
                }
                _ => from_sqlite(cause),
            })
    }
}

fn end(range: &KeyRange) -> &[u8] {
    range.end.as_deref().unwrap_or(ABOVE_ALL)
}

fn at(towards: Towards) -> usize {
    match towards {
        Towards::End => 0,
        Towards::Start => 1,
    }
}

fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl ReadTransaction<String> for Transaction<'_> {
    fn version(&mut self) -> Result<u64> {
        Ok(self.version)
    }

    fn catalogue(&mut self) -> Result<Option<Document>> {
        let mut statement = self.prepare("SELECT catalogue FROM seed_collections WHERE name = ?1")?;
        let text: Option<String> = statement
            .query_row([&self.collection], |row| row.get(0))
            .optional()
            .map_err(from_sqlite)?;
        text.map(|text| json::parse_stored(&text)).transpose()
    }

    fn get(&mut self, id: &[u8]) -> Result<Option<String>> {
        let Some(tables) = &self.tables else {
            return Ok(None);
        };
        self.prepare(&tables.get)?
            .query_row([id], |row| row.get(0))
            .optional()
            .map_err(from_sqlite)
    }

    fn page(
        &mut self,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<(KeyBytes, String)>,
    ) -> Result<()> {
        let Some(tables) = &self.tables else { return Ok(()) };
        let mut statement = self.prepare(&tables.page[at(towards)])?;
        let parameters = params![range.start, end(range), self::limit(limit)];
        let mut rows = statement
            .query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(from_sqlite)?;
        rows.try_for_each(|row| row.map(|row| out.push(row)))
            .map_err(from_sqlite)
    }

    fn index_page(
        &mut self,
        index: IndexId,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<Entry>,
    ) -> Result<()> {
        let table = self.index(index)?;
        let mut statement = self.prepare_on_index(&table.page[at(towards)])?;
        let parameters = params![range.start, end(range), self::limit(limit)];
        let entry = |row: &rusqlite::Row<'_>| {
            Ok(Entry {
                bytes: row.get(0)?,
                split: row.get::<_, u32>(1)? as usize,
            })
        };
        let mut rows = statement.query_map(parameters, entry).map_err(from_sqlite)?;
        rows.try_for_each(|row| row.map(|row| out.push(row)))
            .map_err(from_sqlite)
    }

    fn count(&mut self, index: Option<IndexId>, range: &KeyRange) -> Result<u64> {
        let Some(tables) = &self.tables else { return Ok(0) };
        let mut statement = match index {
            Some(index) => self.prepare_on_index(&self.known.index(tables.number, index).count)?,
            None => self.prepare(&tables.count)?,
        };
        let count: i64 = statement
            .query_row(params![range.start, end(range)], |row| row.get(0))
            .map_err(from_sqlite)?;
        Ok(count as u64)
    }
}

impl WriteTransaction<String> for Transaction<'_> {
    fn insert(&mut self, id: &[u8], document: &String) -> Result<bool> {
        let tables = self.tables()?;
        let inserted = self
            .prepare(&tables.insert)?
            .execute(params![id, document])
            .map_err(from_sqlite)?;
        Ok(inserted == 1)
    }

    fn put(&mut self, id: &[u8], document: &String) -> Result<()> {
        let tables = self.tables()?;
        self.prepare(&tables.put)?
            .execute(params![id, document])
            .map(drop)
            .map_err(from_sqlite)
    }

    fn replace(&mut self, id: &[u8], known: &String, document: &String) -> Result<bool> {
        let tables = self.tables()?;
        let replaced = self
            .prepare(&tables.replace)?
            .execute(params![id, known, document])
            .map_err(from_sqlite)?;
        Ok(replaced == 1)
    }

    fn delete(&mut self, id: &[u8]) -> Result<()> {
        let tables = self.tables()?;
        self.prepare(&tables.delete)?
            .execute([id])
            .map(drop)
            .map_err(from_sqlite)
    }

    fn index_insert(&mut self, index: IndexId, entry: &Entry) -> Result<()> {
        let table = self.index(index)?;
        let split = i64::try_from(entry.split).unwrap_or(i64::MAX);
        self.prepare(&table.insert)?
            .execute(params![entry.bytes, split])
            .map(drop)
            .map_err(from_sqlite)
    }

    fn index_remove(&mut self, index: IndexId, entry: &Entry) -> Result<()> {
        let table = self.index(index)?;
        self.prepare(&table.remove)?
            .execute([&entry.bytes])
            .map(drop)
            .map_err(from_sqlite)
    }

    fn create_index(&mut self, index: IndexId, _name: &str) -> Result<()> {
        schema::create_index(self.connection, self.tables()?.number, index)
    }

    fn drop_index(&mut self, index: IndexId) -> Result<()> {
        schema::drop_index(self.connection, self.tables()?.number, index)
    }

    fn put_catalogue(&mut self, version: u64, catalogue: &Document) -> Result<()> {
        let text = json::document_to_stored(catalogue);
        let number: i64 = self
            .prepare(
                "INSERT INTO seed_collections (name, version, catalogue) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET version = ?2, catalogue = ?3 RETURNING number",
            )?
            .query_row(params![self.collection, version as i64, text], |row| row.get(0))
            .map_err(from_sqlite)?;
        if self.tables.is_none() {
            schema::create_documents(self.connection, number, &self.collection)?;
            self.tables = Some(self.known.collection(&self.collection, number));
        }
        self.version = version;
        Ok(())
    }
}

//! A transaction on one collection of the file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension, Row, params};
use seed::engine::{Entry, IndexId, ReadTransaction, Towards, WriteTransaction};
use seed::key::KeyBytes;
use seed::plan::KeyRange;
use seed::value::{Text, json};
use seed::{Document, Error, ErrorKind, Result};

use crate::error::from_sqlite;
use crate::pending::{Change, Pending, Waiting};
use crate::schema;
use crate::statements::{AtHand, DocumentsSql, IndexSql, OnDocuments, OnIndex, SEVERAL};

/// No key begins with this byte, so it is above all of them.
const ABOVE_ALL: &[u8] = &[0xFF];

/// The statements on the collections and indexes that were used so far.
#[derive(Debug, Default)]
pub(crate) struct KnownTables {
    collections: Mutex<HashMap<Text, Arc<DocumentsSql>>>,
    indexes: Mutex<HashMap<(i64, IndexId), Arc<IndexSql>>>,
}

impl KnownTables {
    fn collection(&self, name: &str, number: i64) -> Arc<DocumentsSql> {
        let mut known = lock(&self.collections);
        match known.get(name) {
            Some(sql) if sql.number == number => Arc::clone(sql),
            // Unknown, or dropped and made again meanwhile.
            _ => {
                let sql = Arc::new(DocumentsSql::new(number, name));
                known.insert(name.into(), Arc::clone(&sql));
                sql
            }
        }
    }

    fn index(&self, number: i64, index: IndexId) -> Arc<IndexSql> {
        let mut known = lock(&self.indexes);
        Arc::clone(
            known
                .entry((number, index))
                .or_insert_with(|| Arc::new(IndexSql::new(number, index))),
        )
    }

    pub(crate) fn forget(&self, name: &str) {
        if let Some(sql) = lock(&self.collections).remove(name) {
            lock(&self.indexes).retain(|(number, _), _| *number != sql.number);
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
    collection: Text,
    /// None while the collection does not exist.
    sql: Option<Arc<DocumentsSql>>,
    version: u64,
    at_hand: AtHand<'c>,
    pending: Pending,
    /// The first write that failed. What came before it of the same job is done, so all of it must be undone.
    fault: Option<Error>,
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
            collection: collection.into(),
            sql: found.map(|(number, _)| known.collection(collection, number)),
            version: found.map_or(0, |(_, version)| version as u64),
            at_hand: AtHand::default(),
            pending: Pending::default(),
            fault: None,
        })
    }

    pub(crate) fn collection(&self) -> &str {
        &self.collection
    }

    /// Gives the fault of a write that failed, even if the job went on without it.
    pub(crate) fn check(&mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// Carries out all that waits, before the transaction ends.
    pub(crate) fn finish(&mut self) -> Result<()> {
        for waiting in self.pending.take_all() {
            self.carry_out(&waiting)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, waiting: &Waiting) -> Result<()> {
        let result = self.change_entries(waiting);
        self.written(result)
    }

    fn change_entries(
        &mut self,
        Waiting {
            index,
            change,
            entries,
        }: &Waiting,
    ) -> Result<()> {
        let (several, rest, of_one) = match change {
            Change::Insert => {
                let (several, rest) = entries.as_chunks::<SEVERAL>();
                (several, rest, OnIndex::Insert)
            }
            Change::Remove => (&[][..], entries.as_slice(), OnIndex::Remove),
        };
        for entries in several {
            execute(self.on_index(*index, OnIndex::InsertSeveral)?, *change, entries)?;
        }
        let mut of_one_each = rest.chunks(1);
        of_one_each.try_for_each(|entry| execute(self.on_index(*index, of_one)?, *change, entry))
    }

    fn change_later(&mut self, index: IndexId, change: Change, entry: &Entry) -> Result<()> {
        match self.pending.push(index, change, entry.clone()) {
            Some(due) => self.carry_out(&due),
            None => Ok(()),
        }
    }

    /// Carries out what waits for an index that is about to be read.
    fn settle(&mut self, index: IndexId) -> Result<()> {
        match self.pending.take(index) {
            Some(waiting) => self.carry_out(&waiting),
            None => Ok(()),
        }
    }

    fn sql(&self) -> Result<&Arc<DocumentsSql>> {
        self.sql.as_ref().ok_or_else(gone)
    }

    fn on_documents(&mut self, which: OnDocuments) -> Result<&mut CachedStatement<'c>> {
        let sql = self.sql.as_ref().ok_or_else(gone)?;
        self.at_hand
            .on_documents(self.connection, sql, which)
            .map_err(from_sqlite)
    }

    /// Prepares a statement on an index, which another process may have dropped.
    fn on_index(&mut self, index: IndexId, which: OnIndex) -> Result<&mut CachedStatement<'c>> {
        let number = self.sql()?.number;
        let known = self.known;
        self.at_hand
            .on_index(self.connection, index, || known.index(number, index), which)
            .map_err(|cause| match cause.sqlite_error_code() {
                Some(ErrorCode::Unknown) => {
                    Error::new(ErrorKind::Stale, "the index is gone: plan anew").with_source(cause)
                }
                _ => from_sqlite(cause),
            })
    }

    /// Keeps the fault of a write in mind, for the transaction must not be committed after it.
    fn written<T>(&mut self, result: Result<T>) -> Result<T> {
        if let Err(fault) = &result {
            self.fault.get_or_insert_with(|| fault.clone());
        }
        result
    }

    fn write_document(&mut self, which: OnDocuments, parameters: impl rusqlite::Params) -> Result<usize> {
        let result = self
            .on_documents(which)
            .and_then(|statement| statement.execute(parameters).map_err(from_sqlite));
        self.written(result)
    }
}

/// Inserts or removes entries with a statement that takes so many.
fn execute(statement: &mut CachedStatement<'_>, change: Change, entries: &[Entry]) -> Result<()> {
    let bind = |statement: &mut CachedStatement<'_>| {
        let mut at = 1;
        for entry in entries {
            statement.raw_bind_parameter(at, &entry.bytes)?;
            if change == Change::Insert {
                let split = i64::try_from(entry.split).unwrap_or(i64::MAX);
                statement.raw_bind_parameter(at + 1, split)?;
                at += 1;
            }
            at += 1;
        }
        statement.raw_execute()
    };
    bind(statement).map(drop).map_err(from_sqlite)
}

fn gone() -> Error {
    Error::new(ErrorKind::Stale, "the collection is gone: plan anew")
}

/// Reads all rows of a range.
fn read_page<T>(
    statement: &mut CachedStatement<'_>,
    range: &KeyRange,
    limit: usize,
    out: &mut Vec<T>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<()> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement
        .query(params![range.start, end(range), limit])
        .map_err(from_sqlite)?;
    while let Some(row) = rows.next().map_err(from_sqlite)? {
        out.push(read(row).map_err(from_sqlite)?);
    }
    Ok(())
}

/// Reads a stored document. What somebody put there that is no text is none that can be decoded, and no reason to read no
/// other.
fn document(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    let text = match row.get_ref(at)? {
        // What is text, as nearly all is, is found to be so faster than it is looked through for what to replace.
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        },
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => String::new(),
    };
    Ok(text)
}

fn end(range: &KeyRange) -> &[u8] {
    range.end.as_deref().unwrap_or(ABOVE_ALL)
}

impl ReadTransaction<String> for Transaction<'_> {
    fn version(&mut self) -> Result<u64> {
        Ok(self.version)
    }

    fn catalogue(&mut self) -> Result<Option<Document>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT catalogue FROM seed_collections WHERE name = ?1")
            .map_err(from_sqlite)?;
        let text: Option<String> = statement
            .query_row([self.collection.as_str()], |row| row.get(0))
            .optional()
            .map_err(from_sqlite)?;
        text.map(|text| json::parse_stored(&text)).transpose()
    }

    fn get(&mut self, id: &[u8]) -> Result<Option<String>> {
        if self.sql.is_none() {
            return Ok(None);
        }
        self.on_documents(OnDocuments::Get)?
            .query_row([id], |row| document(row, 0))
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
        if self.sql.is_none() {
            return Ok(());
        }
        let statement = self.on_documents(match towards {
            Towards::End => OnDocuments::Page,
            Towards::Start => OnDocuments::PageBackwards,
        })?;
        read_page(statement, range, limit, out, |row| {
            Ok((row.get(0)?, document(row, 1)?))
        })
    }

    fn index_page(
        &mut self,
        index: IndexId,
        range: &KeyRange,
        towards: Towards,
        limit: usize,
        out: &mut Vec<Entry>,
    ) -> Result<()> {
        self.settle(index)?;
        let which = match towards {
            Towards::End => OnIndex::Page,
            Towards::Start => OnIndex::PageBackwards,
        };
        let statement = self.on_index(index, which)?;
        read_page(statement, range, limit, out, |row| {
            Ok(Entry {
                bytes: row.get(0)?,
                split: row.get::<_, u32>(1)? as usize,
            })
        })
    }

    fn count(&mut self, index: Option<IndexId>, range: &KeyRange) -> Result<u64> {
        if self.sql.is_none() {
            return Ok(0);
        }
        if let Some(index) = index {
            self.settle(index)?;
        }
        let statement = match index {
            Some(index) => self.on_index(index, OnIndex::Count)?,
            None => self.on_documents(OnDocuments::Count)?,
        };
        let count: i64 = statement
            .query_row(params![range.start, end(range)], |row| row.get(0))
            .map_err(from_sqlite)?;
        Ok(count as u64)
    }
}

impl WriteTransaction<String> for Transaction<'_> {
    fn insert(&mut self, id: &[u8], document: &String) -> Result<bool> {
        self.write_document(OnDocuments::Insert, params![id, document])
            .map(|inserted| inserted == 1)
    }

    fn put(&mut self, id: &[u8], document: &String) -> Result<()> {
        self.write_document(OnDocuments::Put, params![id, document])
            .map(drop)
    }

    fn replace(&mut self, id: &[u8], known: &String, document: &String) -> Result<bool> {
        self.write_document(OnDocuments::Replace, params![id, known, document])
            .map(|replaced| replaced == 1)
    }

    fn delete(&mut self, id: &[u8]) -> Result<()> {
        self.write_document(OnDocuments::Delete, [id]).map(drop)
    }

    fn index_insert(&mut self, index: IndexId, entry: &Entry) -> Result<()> {
        self.change_later(index, Change::Insert, entry)
    }

    fn index_remove(&mut self, index: IndexId, entry: &Entry) -> Result<()> {
        self.change_later(index, Change::Remove, entry)
    }

    fn create_index(&mut self, index: IndexId, _name: &str) -> Result<()> {
        let result = self
            .sql()
            .and_then(|sql| schema::create_index(self.connection, sql.number, index));
        self.written(result)
    }

    fn drop_index(&mut self, index: IndexId) -> Result<()> {
        // What waits for it is of no use any more.
        self.pending.take(index);
        let result = self
            .sql()
            .and_then(|sql| schema::drop_index(self.connection, sql.number, index));
        self.written(result)
    }

    fn put_catalogue(&mut self, version: u64, catalogue: &Document) -> Result<()> {
        let result = schema::put_catalogue(self.connection, &self.collection, version, catalogue);
        let number = self.written(result)?;
        if self.sql.is_none() {
            let result = schema::create_documents(self.connection, number, &self.collection);
            self.written(result)?;
            self.sql = Some(self.known.collection(&self.collection, number));
        }
        self.version = version;
        Ok(())
    }
}

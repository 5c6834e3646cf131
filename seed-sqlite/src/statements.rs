//! The statements on collections and indexes, and those that a transaction has at hand.

use rusqlite::{CachedStatement, Connection};

use crate::schema::{documents_table, index_table};

/// A statement on the documents of a collection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnDocuments {
    Get,
    Page,
    PageBackwards,
    Count,
    Insert,
    Put,
    Replace,
    Delete,
}

impl OnDocuments {
    const ALL: [Self; 8] = [
        Self::Get,
        Self::Page,
        Self::PageBackwards,
        Self::Count,
        Self::Insert,
        Self::Put,
        Self::Replace,
        Self::Delete,
    ];

    fn sql(self, table: &str) -> String {
        let page = |order| {
            format!("SELECT id, doc FROM {table} WHERE id >= ?1 AND id < ?2 ORDER BY id {order} LIMIT ?3")
        };
        match self {
            Self::Get => format!("SELECT doc FROM {table} WHERE id = ?1"),
            Self::Page => page("ASC"),
            Self::PageBackwards => page("DESC"),
            Self::Count => format!("SELECT count(*) FROM {table} WHERE id >= ?1 AND id < ?2"),
            Self::Insert => format!("INSERT OR IGNORE INTO {table} (id, doc) VALUES (?1, ?2)"),
            Self::Put => format!("UPDATE {table} SET doc = ?2 WHERE id = ?1"),
            Self::Replace => format!("UPDATE {table} SET doc = ?3 WHERE id = ?1 AND doc = ?2"),
            Self::Delete => format!("DELETE FROM {table} WHERE id = ?1"),
        }
    }
}

/// How many entries a statement on several takes. None removes several: SQLite would make a table of what it looks for.
pub(crate) const SEVERAL: usize = 8;

/// A statement on the entries of an index.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnIndex {
    Page,
    PageBackwards,
    Count,
    Insert,
    InsertSeveral,
    Remove,
}

impl OnIndex {
    const ALL: [Self; 6] = [
        Self::Page,
        Self::PageBackwards,
        Self::Count,
        Self::Insert,
        Self::InsertSeveral,
        Self::Remove,
    ];

    fn sql(self, table: &str) -> String {
        let page = |order| {
            format!(
                "SELECT entry, split FROM {table} WHERE entry >= ?1 AND entry < ?2 ORDER BY entry {order} LIMIT ?3"
            )
        };
        match self {
            Self::Page => page("ASC"),
            Self::PageBackwards => page("DESC"),
            Self::Count => format!("SELECT count(*) FROM {table} WHERE entry >= ?1 AND entry < ?2"),
            Self::Insert => format!("INSERT OR IGNORE INTO {table} VALUES (?1, ?2)"),
            Self::InsertSeveral => {
                let rows = ["(?, ?)"; SEVERAL].join(", ");
                format!("INSERT OR IGNORE INTO {table} VALUES {rows}")
            }
            Self::Remove => format!("DELETE FROM {table} WHERE entry = ?1"),
        }
    }
}

/// The texts of the statements on one collection.
#[derive(Debug)]
pub(crate) struct DocumentsSql {
    /// The number that the collection's tables bear.
    pub(crate) number: i64,
    texts: [String; OnDocuments::ALL.len()],
}

impl DocumentsSql {
    pub(crate) fn new(number: i64, collection: &str) -> Self {
        let table = documents_table(number, collection);
        Self {
            number,
            texts: OnDocuments::ALL.map(|statement| statement.sql(&table)),
        }
    }
}

/// The texts of the statements on one index.
#[derive(Debug)]
pub(crate) struct IndexSql {
    texts: [String; OnIndex::ALL.len()],
}

impl IndexSql {
    pub(crate) fn new(number: i64, index: u32) -> Self {
        let table = index_table(number, index);
        Self {
            texts: OnIndex::ALL.map(|statement| statement.sql(&table)),
        }
    }
}

type Prepared<'c> = Option<CachedStatement<'c>>;

/// The prepared statements that a transaction has used. Each is looked up by its text once, and not for every document.
#[derive(Default)]
pub(crate) struct AtHand<'c> {
    documents: [Prepared<'c>; OnDocuments::ALL.len()],
    indexes: Vec<(u32, [Prepared<'c>; OnIndex::ALL.len()])>,
}

impl<'c> AtHand<'c> {
    pub(crate) fn on_documents(
        &mut self,
        connection: &'c Connection,
        sql: &DocumentsSql,
        which: OnDocuments,
    ) -> rusqlite::Result<&mut CachedStatement<'c>> {
        prepared(connection, &mut self.documents[which as usize], || {
            sql.texts[which as usize].clone()
        })
    }

    /// Returns a statement on an index, whose texts `sql` gives if the index was not met before.
    pub(crate) fn on_index(
        &mut self,
        connection: &'c Connection,
        index: u32,
        sql: impl FnOnce() -> std::sync::Arc<IndexSql>,
        which: OnIndex,
    ) -> rusqlite::Result<&mut CachedStatement<'c>> {
        let at = match self.indexes.iter().position(|(known, _)| *known == index) {
            Some(at) => at,
            None => {
                self.indexes.push((index, Default::default()));
                self.indexes.len() - 1
            }
        };
        let slot = &mut self.indexes[at].1[which as usize];
        prepared(connection, slot, || sql().texts[which as usize].clone())
    }
}

fn prepared<'s, 'c>(
    connection: &'c Connection,
    slot: &'s mut Prepared<'c>,
    sql: impl FnOnce() -> String,
) -> rusqlite::Result<&'s mut CachedStatement<'c>> {
    let statement = match slot.take() {
        Some(statement) => statement,
        None => connection.prepare_cached(&sql())?,
    };
    Ok(slot.insert(statement))
}

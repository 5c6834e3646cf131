//! Updates as the server takes them, and what becomes of one.

use futures::TryStreamExt;
use mongodb::bson::oid::ObjectId as BsonId;
use mongodb::bson::{Bson, Document as BsonDocument, doc};
use mongodb::options::ReturnDocument;
use seed::store::{Find, UpdateOutcome};
use seed::update::Context;
use seed::value::limits::{self, bson_size};
use seed::value::order::compare;
use seed::value::{DateTime, Document, Text, Value};
use seed::{ErrorKind, Filter, Result, Update, doc as document};

use crate::error::{Fault, Refusal};
use crate::find;
use crate::link::{Change, FindAndModify, count, documents};
use crate::names;
use crate::store::Inner;
use crate::values::{id_to_bson, to_bson, value_from_bson};

/// The field by which a write of many documents knows afterwards which of them it changed: an id of the write. It is
/// taken off all that is read.
pub(crate) const MARK: &str = "_seed";

/// How often an upsert is repeated that met a document which another one had just inserted.
const MAX_TRIES: usize = 5;

/// From here on an update is worked out before it is sent, since the server keeps documents that are deeper or larger
/// than those of other stores.
const LARGE: usize = 1024 * 1024;
const DEEP: usize = 40;

/// How many of the documents that an update would meet are looked at to explain why it was refused.
const LOOKED_AT: u64 = 1_000;

/// Returns an update as the server takes it. With a clock of its caller's the store sets that clock's time; with a mark
/// it leaves that in the documents that it changes.
pub(crate) fn to_server(update: &Update, time: Option<DateTime>, mark: Option<BsonId>) -> BsonDocument {
    let mut source = to_bson(update.source());
    if update.is_replacement() {
        return source;
    }
    let mut set = BsonDocument::new();
    if let Some(time) = time
        && let Some(Bson::Document(dates)) = source.remove("$currentDate")
    {
        let time = mongodb::bson::DateTime::from_millis(time.as_millis());
        set.extend(dates.into_iter().map(|(path, _)| (path, Bson::DateTime(time))));
    }
    if let Some(mark) = mark {
        set.insert(MARK, mark);
    }
    if !set.is_empty() {
        match source.get_mut("$set") {
            Some(Bson::Document(fields)) => fields.extend(set),
            _ => drop(source.insert("$set", set)),
        }
    }
    source
}

/// Returns one statement of an `update` command.
pub(crate) fn statement(filter: BsonDocument, update: BsonDocument, of: &Update) -> BsonDocument {
    let mut statement = doc! { "q": filter, "u": update };
    if let Some(filters) = array_filters(of) {
        statement.insert("arrayFilters", filters);
    }
    statement
}

/// The hint for what is about documents of known ids: with many of them the server could take the index of the other
/// conditions for the better one, and read all that it holds.
pub(crate) fn by_id() -> BsonDocument {
    doc! { "_id": 1 }
}

/// Returns the array filters of an update, if it has any.
pub(crate) fn array_filters(update: &Update) -> Option<Vec<BsonDocument>> {
    let filters = update.array_filters();
    (!filters.is_empty()).then(|| filters.iter().map(to_bson).collect())
}

/// Tells whether an update changes every document that the filter takes, so that "matched" means "changed": it sets a
/// field to something else than the filter asks for.
pub(crate) fn always_changes(filter: &Filter, update: &Update) -> bool {
    let differs = |(name, new): &(Text, Option<Value>)| {
        filter.source().get(name).is_some_and(|asked| {
            let old = match asked {
                Value::Document(condition) => condition.get("$eq"),
                value => Some(value),
            };
            // A filter for a value takes arrays that hold it, too, and one for null takes what is missing.
            let is_plain =
                |value: &Value| !matches!(value, Value::Null | Value::Array(_) | Value::Document(_));
            old.is_some_and(|old| {
                is_plain(old)
                    && new
                        .as_ref()
                        .is_none_or(|new| is_plain(new) && compare(old, new).is_ne())
            })
        })
    };
    update.constant().is_some_and(|fields| fields.iter().any(differs))
}

/// Changes the first document that matches, in the order of the ids.
pub(crate) async fn update_one(
    inner: &Inner,
    collection: &str,
    (filter, update): (&Filter, &Update),
    upsert: bool,
) -> Result<UpdateOutcome> {
    check(inner, collection, (filter, update), Some(1), upsert).await?;
    let mut tries = 0;
    loop {
        let outcome = match filter.the_id() {
            Some(_) => update_any(inner, collection, (filter, update), upsert).await,
            None => update_first(inner, collection, (filter, update), upsert).await,
        };
        tries += 1;
        match outcome {
            // The document that it met may match by now.
            Err(Fault::Refused(refusal)) if upsert && refusal.is_duplicate() && tries < MAX_TRIES => {}
            Err(Fault::Refused(refusal)) => {
                return Err(explained(inner, collection, (filter, update), upsert, refusal).await);
            }
            Err(Fault::Store(fault)) => {
                inner.events.wake(collection);
                return Err(fault);
            }
            Ok(outcome) => {
                if outcome.modified > 0 || outcome.upserted.is_some() {
                    inner.events.wake(collection);
                }
                return Ok(outcome);
            }
        }
    }
}

/// Changes the one document that matches, or the one that the server comes upon first.
async fn update_any(
    inner: &Inner,
    collection: &str,
    (filter, update): (&Filter, &Update),
    upsert: bool,
) -> Result<UpdateOutcome, Fault> {
    let change = to_server(update, inner.own_time(), None);
    let mut statement = statement(to_bson(filter.source()), change, update);
    statement.insert("upsert", upsert);
    let command = doc! { "update": names::of_collection(collection), "updates": [statement] };
    let answer = inner.link.write(command).await?;
    if let Some(refused) = documents(&answer, "writeErrors").next() {
        return Err(Fault::Refused(Refusal::of_write_error(refused)));
    }
    outcome(&answer).map_err(Fault::Store)
}

/// Reads what an `update` command did.
pub(crate) fn outcome(answer: &BsonDocument) -> Result<UpdateOutcome> {
    let upserted = documents(answer, "upserted").next();
    let upserted = upserted
        .map(|upserted| value_from_bson(upserted.get("_id").cloned().unwrap_or(Bson::Null)))
        .transpose()?;
    Ok(UpdateOutcome {
        matched: count(answer, "n")? - u64::from(upserted.is_some()),
        modified: count(answer, "nModified")?,
        upserted,
    })
}

async fn update_first(
    inner: &Inner,
    collection: &str,
    (filter, update): (&Filter, &Update),
    upsert: bool,
) -> Result<UpdateOutcome, Fault> {
    let order = doc! { "_id": 1 };
    let before = find_and_modify(inner, collection, (filter, update), order, ReturnDocument::Before);
    if let Some(before) = before.await? {
        let changed = apply(inner, (filter, update), &before).map_err(Fault::Store)?;
        return Ok(UpdateOutcome {
            matched: 1,
            modified: u64::from(changed.is_some()),
            upserted: None,
        });
    }
    match upsert {
        true => update_any(inner, collection, (filter, update), true).await,
        false => Ok(UpdateOutcome::default()),
    }
}

/// Works out what an update makes of a document that meets a filter; none if it stays as it is.
pub(crate) fn apply(
    inner: &Inner,
    (filter, update): (&Filter, &Update),
    before: &Document,
) -> Result<Option<Document>> {
    let context = Context {
        position: filter.find_match(before)?.and_then(|matched| matched.element()),
        ..inner.context()
    };
    update.apply(before, &context)
}

/// Works out what an update makes of all that it would meet now, and checks that every store could keep it.
async fn work_out(
    inner: &Inner,
    collection: &str,
    (filter, update): (&Filter, &Update),
    limit: Option<u64>,
    upsert: bool,
) -> Result<()> {
    let mut request = Find::new(collection, filter.clone());
    request.limit = limit;
    let mut found = find::find(inner, &request)?;
    let mut is_there = false;
    while let Some(before) = found.try_next().await? {
        is_there = true;
        if let Some(after) = apply(inner, (filter, update), &before)? {
            limits::check(&after)?;
        }
    }
    if !is_there && upsert {
        limits::check(&update.upsert(filter, &inner.context())?)?;
    }
    Ok(())
}

/// Changes the first document of an order that matches, and returns it.
pub(crate) async fn find_and_modify(
    inner: &Inner,
    collection: &str,
    (filter, update): (&Filter, &Update),
    order: BsonDocument,
    returns: ReturnDocument,
) -> Result<Option<Document>, Fault> {
    let change = to_server(update, inner.own_time(), None);
    let request = FindAndModify {
        filter: to_bson(filter.source()),
        order,
        change: match update.is_replacement() {
            true => Change::Replace(change),
            false => Change::Update(change),
        },
        array_filters: array_filters(update),
        returns,
    };
    let collection = names::of_collection(collection);
    inner.link.find_and_modify(&collection, request).await
}

/// Works out an update that could make documents larger or deeper than every store keeps, on those that it would meet
/// now, and refuses it as every store does.
pub(crate) async fn check(
    inner: &Inner,
    collection: &str,
    (filter, update): (&Filter, &Update),
    limit: Option<u64>,
    upsert: bool,
) -> Result<()> {
    if update.is_replacement() {
        crate::insert::check_names(update.source())?;
    }
    let is_harmless =
        bson_size(update.source()).is_ok_and(|size| size <= LARGE) && depth(update.source()) <= DEEP;
    if is_harmless {
        return Ok(());
    }
    work_out(inner, collection, (filter, update), limit, upsert).await
}

/// Returns how deep a document made by an update can be: the levels of its values and the parts of its paths.
fn depth(document: &Document) -> usize {
    fn of_value(value: &Value) -> usize {
        match value {
            Value::Array(elements) => 1 + elements.iter().map(of_value).max().unwrap_or(0),
            Value::Document(document) => depth(document),
            _ => 0,
        }
    }
    let fields = document.iter();
    let deepest = fields.map(|(name, value)| name.matches('.').count() + of_value(value));
    1 + deepest.max().unwrap_or(0)
}

/// Returns the error of an update that the server refused, as every store tells it: found by working it out here.
pub(crate) async fn explained(
    inner: &Inner,
    collection: &str,
    (filter, update): (&Filter, &Update),
    upsert: bool,
    refusal: Refusal,
) -> seed::Error {
    let refused = refusal.clone().into_error(ErrorKind::Update);
    if refused.kind() != ErrorKind::Update && refused.kind() != ErrorKind::Limit {
        return refused;
    }
    match work_out(inner, collection, (filter, update), Some(LOOKED_AT), upsert).await {
        Err(fault) if !fault.kind().is_of_store() => fault,
        _ => refused,
    }
}

/// Makes an id for the documents that one write changes.
pub(crate) fn new_mark(inner: &Inner) -> BsonId {
    id_to_bson(&inner.new_id())
}

/// Returns the filter for what has one of these ids and meets a filter still.
pub(crate) fn among(ids: &[Bson], filter: &Filter) -> BsonDocument {
    let mut among = doc! { "_id": { "$in": ids } };
    if !filter.source().is_empty() {
        among.insert("$and", vec![to_bson(filter.source())]);
    }
    among
}

/// Returns the projection that shows nothing but ids and marks.
pub(crate) fn only_marks() -> Document {
    document! { "_id": 1, MARK: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(source: &Document) -> Update {
        Update::parse(source, &[]).unwrap()
    }

    fn filter(source: &Document) -> Filter {
        Filter::parse(source).unwrap()
    }

    #[test]
    fn a_change_of_what_the_filter_asks_for_always_changes() {
        let done = update(&document! { "$set": { "status": "done" }, "$unset": { "token": 1 } });
        for (asked, expected) in [
            (document! { "status": "open" }, true),
            (document! { "status": { "$eq": "open" } }, true),
            (document! { "token": "x" }, true),
            (document! { "status": "done" }, false),
            (document! { "status": { "$ne": "done" } }, false),
            (document! { "status": ["open"] }, false),
            (document! { "token": null }, false),
            (document! {}, false),
        ] {
            assert_eq!(always_changes(&filter(&asked), &done), expected, "{asked}");
        }
        let counted = update(&document! { "$inc": { "n": 1 } });
        assert!(!always_changes(&filter(&document! { "n": 1 }), &counted));
        let same = update(&document! { "$set": { "n": 1.0 } });
        assert!(!always_changes(&filter(&document! { "n": 1 }), &same));
    }

    #[test]
    fn a_mark_and_the_time_of_a_clock_are_set_beside_what_else_is_set() {
        let mark = BsonId::from_bytes([1; 12]);
        let change = update(&document! { "$set": { "a": 1 }, "$currentDate": { "at": true } });
        let time = DateTime::from_millis(5);
        let sent = to_server(&change, Some(time), Some(mark));
        let time = mongodb::bson::DateTime::from_millis(5);
        assert_eq!(sent, doc! { "$set": { "a": 1_i64, "at": time, MARK: mark } });
        let counted = update(&document! { "$inc": { "n": 1 } });
        assert_eq!(
            to_server(&counted, None, Some(mark)),
            doc! { "$inc": { "n": 1_i64 }, "$set": { MARK: mark } }
        );
    }

    #[test]
    fn paths_and_values_count_as_levels() {
        assert_eq!(depth(&document! { "$set": { "a.b.c": 1 } }), 4);
        assert_eq!(depth(&document! { "$set": { "a": [[1]] } }), 4);
    }
}

//! Finding, counting, aggregating and explaining.

use futures::{StreamExt, TryStreamExt};
use mongodb::bson::{Bson, Document as BsonDocument, doc};
use seed::plan::index::check_name;
use seed::store::{Aggregate, Count, Documents, Find};
use seed::value::{Document, Value};
use seed::{ErrorKind, Filter, Result, Sort, doc as document};

use crate::change::MARK;
use crate::error::unexpected;
use crate::link::count as number;
use crate::names;
use crate::store::Inner;
use crate::values::{to_bson, value_from_bson};

/// Starts a find. Its pages are read as they are asked for.
pub(crate) fn find(inner: &Inner, request: &Find) -> Result<Documents> {
    check_name(&request.collection)?;
    // The server counts in signed numbers.
    if request.limit == Some(0) || i64::try_from(request.skip).is_err() {
        return Ok(futures::stream::empty().boxed());
    }
    Ok(inner
        .link
        .find(command(inner, request), ErrorKind::Query, without_mark))
}

fn command(inner: &Inner, request: &Find) -> BsonDocument {
    let mut command = doc! {
        "find": names::of_collection(&request.collection),
        "filter": to_bson(request.filter.source()),
        "sort": sort_by(&request.sort),
        // The order by the id can always be had; one that was asked for is refused if it would need the disk.
        "allowDiskUse": request.sort.is_empty(),
    };
    if let Some(projection) = &request.projection {
        command.insert("projection", projected(projection.source()));
    }
    if let Some(hint) = inner
        .declared
        .hint(&request.collection, &request.filter, &request.sort)
    {
        command.insert("hint", hint);
    }
    if request.skip > 0 {
        command.insert("skip", bounded(request.skip));
    }
    if let Some(limit) = request.limit {
        command.insert("limit", bounded(limit));
    }
    command
}

/// Returns an order as the server takes it: documents that tie come in the order of their ids.
pub(crate) fn sort_by(sort: &Sort) -> BsonDocument {
    let mut order = to_bson(sort.source());
    if !order.contains_key("_id") {
        order.insert("_id", 1);
    }
    order
}

/// Returns a projection as the server takes it: `$slice` counts in 32 bits there.
fn projected(projection: &Document) -> BsonDocument {
    let mut projection = to_bson(projection);
    for slice in projection
        .iter_mut()
        .filter_map(|(_, value)| value.as_document_mut()?.get_mut("$slice"))
    {
        let bounds = match slice {
            Bson::Array(bounds) => bounds.as_mut_slice(),
            bound => std::slice::from_mut(bound),
        };
        for bound in bounds {
            if let Bson::Int64(number) = bound {
                let limits = (i64::from(i32::MIN), i64::from(i32::MAX));
                *bound = Bson::Int32((*number).clamp(limits.0, limits.1) as i32);
            }
        }
    }
    projection
}

fn bounded(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Counts what matches.
pub(crate) async fn count(inner: &Inner, request: &Count) -> Result<u64> {
    check_name(&request.collection)?;
    let stages = vec![
        doc! { "$match": to_bson(request.filter.source()) },
        doc! { "$group": { "_id": null, "n": { "$sum": 1 } } },
    ];
    let mut counted = run(inner, &request.collection, &request.filter, stages);
    let first = counted.try_next().await?;
    let number = first.and_then(|counted| counted.get("n").and_then(Value::as_i64));
    Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
}

/// Runs stages, the first of which may be a filter.
fn run(inner: &Inner, collection: &str, filter: &Filter, stages: Vec<BsonDocument>) -> Documents {
    let mut command = doc! {
        "aggregate": names::of_collection(collection), "pipeline": stages, "cursor": {}, "allowDiskUse": true
    };
    if let Some(hint) = inner.declared.hint(collection, filter, &Sort::default()) {
        command.insert("hint", hint);
    }
    inner.link.find(command, ErrorKind::Query, without_mark)
}

/// Runs a pipeline on the server.
pub(crate) async fn aggregate(inner: &Inner, request: &Aggregate) -> Result<Vec<Document>> {
    check_name(&request.collection)?;
    let source = request.pipeline.source();
    let (first, rest) = source.split_at(usize::from(request.pipeline.leading_match().is_some()));
    let mut stages: Vec<BsonDocument> = first.iter().map(to_bson).collect();
    if rest.first().is_none_or(depends_on_order) {
        stages.push(doc! { "$sort": { "_id": 1 } });
    }
    if source.iter().any(takes_whole_documents) {
        stages.push(doc! { "$project": { MARK: 0 } });
    }
    stages.extend(rest.iter().map(to_bson));
    let filter = request.pipeline.leading_match().cloned();
    let filter = filter.unwrap_or_else(Filter::all);
    run(inner, &request.collection, &filter, stages)
        .try_collect()
        .await
}

/// Tells whether what comes of a stage depends on the order of what goes in, which is that of the ids.
fn depends_on_order(stage: &Document) -> bool {
    let Some((name, value)) = stage.iter().next() else {
        return true;
    };
    let in_order = |value: &Value| {
        let accumulator = value.as_document().and_then(|value| value.keys().next());
        matches!(accumulator, Some("$first" | "$last" | "$push"))
    };
    match (name, value.as_document()) {
        ("$sort" | "$count", _) => false,
        ("$group", Some(group)) => group.values().any(in_order),
        _ => true,
    }
}

/// Tells whether a stage can put a whole document into a field of another, where the mark of our writes would be seen.
fn takes_whole_documents(stage: &Document) -> bool {
    fn is_in(value: &Value) -> bool {
        match value {
            Value::String(text) => text.starts_with("$$ROOT") || text.starts_with("$$CURRENT"),
            Value::Array(elements) => elements.iter().any(is_in),
            Value::Document(document) => document.values().any(is_in),
            _ => false,
        }
    }
    stage.values().any(is_in)
}

/// Takes the mark that a write has left off a document.
pub(crate) fn without_mark(document: &mut Document) {
    document.remove(MARK);
}

/// Shows how the server carries out a find, by doing it: `scanned` entries for `returned` documents.
pub(crate) async fn explain(inner: &Inner, request: &Find) -> Result<Document> {
    check_name(&request.collection)?;
    let explain = doc! { "explain": command(inner, request), "verbosity": "executionStats" };
    let answer = inner.link.call(explain).await;
    let answer = answer.map_err(|fault| fault.into_error(ErrorKind::Query))?;
    let stats = answer
        .get_document("executionStats")
        .map_err(|_| unexpected("executionStats"))?;
    let scanned = number(stats, "totalDocsExamined")?.max(number(stats, "totalKeysExamined")?);
    let plan = answer
        .get_document("queryPlanner")
        .ok()
        .and_then(|planner| planner.get("winningPlan"))
        .cloned()
        .unwrap_or(Bson::Null);
    let returned = number(stats, "nReturned")?;
    Ok(document! {
        "scanned": (bounded(scanned) ), "returned": (bounded(returned)), "plan": (value_from_bson(plan)?)
    })
}

/// Returns the ids of what matches, in an order, at most so many.
pub(crate) async fn ids(
    inner: &Inner,
    collection: &str,
    filter: BsonDocument,
    order: BsonDocument,
    limit: u64,
) -> Result<Vec<Value>> {
    let command = doc! {
        "find": names::of_collection(collection), "filter": filter, "sort": order, "limit": bounded(limit),
        "projection": { "_id": 1 },
    };
    let found = inner.link.find(command, ErrorKind::Query, |_| ());
    found
        .map_ok(|mut document| document.remove("_id").unwrap_or_default())
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_tie_come_by_their_ids() {
        let sort = |source: &Document| sort_by(&Sort::parse(source).unwrap());
        assert_eq!(sort(&document! {}), doc! { "_id": 1 });
        assert_eq!(sort(&document! { "a": -1 }), doc! { "a": -1_i64, "_id": 1 });
        assert_eq!(
            sort(&document! { "_id": -1, "a": 1 }),
            doc! { "_id": -1_i64, "a": 1_i64 }
        );
    }

    #[test]
    fn an_order_is_made_where_it_matters() {
        for (stage, expected) in [
            (document! { "$limit": 1 }, true),
            (
                document! { "$group": { "_id": "$a", "all": { "$push": "$b" } } },
                true,
            ),
            (document! { "$group": { "_id": "$a", "n": { "$sum": 1 } } }, false),
            (document! { "$sort": { "a": 1 } }, false),
            (document! { "$count": "n" }, false),
        ] {
            assert_eq!(depends_on_order(&stage), expected, "{stage}");
        }
    }

    #[test]
    fn a_pipeline_that_shows_whole_documents_is_told() {
        assert!(takes_whole_documents(
            &document! { "$group": { "_id": "$a", "all": { "$push": "$$ROOT" } } }
        ));
        assert!(!takes_whole_documents(
            &document! { "$group": { "_id": "$a", "n": { "$sum": 1 } } }
        ));
    }
}

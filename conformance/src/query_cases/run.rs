//! Carries out cases on a store, through the calls that everyone makes.

use seed::store::{Aggregate, Find, Insert, InsertOutcome, Update as UpdateRequest, UpdateOutcome};
use seed::{
    CollectionSpec, Document, Error, ErrorKind, Filter, Pipeline, Projection, Result, Sort, Store, StoreExt,
    Update, Value,
};

use super::case::{Case, Op};
use super::judge::Answer;

/// Carries out a case in a collection that is made for it and dropped afterwards.
///
/// # Errors
/// If the store itself failed. That it refused what the case asks for is an [`Answer`].
pub async fn run_case(store: &dyn Store, collection: &str, case: &Case) -> Result<Answer> {
    let answer = answer(store, collection, case).await;
    store.drop_collection(collection).await?;
    answer
}

async fn answer(store: &dyn Store, collection: &str, case: &Case) -> Result<Answer> {
    store.ensure(&CollectionSpec::new(collection)).await?;
    insert(store, collection, &case.documents).await?;
    match carry_out(store, collection, &case.op).await {
        Err(error) if is_refusal(error.kind()) => Ok(Answer::Refused {
            documents: Some(all(store, collection).await?),
            because: Some(error),
        }),
        answer => answer,
    }
}

/// Tells whether an error is about what was asked for, and not about the store.
fn is_refusal(kind: ErrorKind) -> bool {
    use ErrorKind::{Duplicate, Limit, Mismatch, Query, Syntax, Unsupported, Update};
    matches!(
        kind,
        Duplicate | Limit | Mismatch | Query | Syntax | Unsupported | Update
    )
}

async fn insert(store: &dyn Store, collection: &str, documents: &[Document]) -> Result<()> {
    let outcomes = store.insert(Insert::new(collection, documents.to_vec())).await?;
    let duplicate = outcomes
        .iter()
        .position(|outcome| matches!(outcome, InsertOutcome::Duplicate(_)));
    match duplicate {
        Some(at) => Err(Error::new(
            ErrorKind::Index,
            format!("document {at} of the case is there already"),
        )),
        None => Ok(()),
    }
}

async fn carry_out(store: &dyn Store, collection: &str, op: &Op) -> Result<Answer> {
    match op {
        Op::Find {
            filter,
            projection,
            sort,
            skip,
            limit,
        } => {
            let mut request = Find::new(collection, Filter::parse(filter)?).skip(count(skip.as_ref())?);
            request.sort = Sort::parse(&sort.clone().unwrap_or_default())?;
            request.projection = projection.as_ref().map(Projection::parse).transpose()?;
            request.limit = Some(count(limit.as_ref())?).filter(|limit| *limit > 0);
            Ok(Answer::Found(store.find_all(request).await?))
        }
        Op::Update {
            filter,
            update,
            multi,
            upsert,
            array_filters,
        } => {
            let array_filters = documents(array_filters.as_deref().unwrap_or_default(), "an array filter")?;
            let update = Update::parse(update, &array_filters)?;
            let mut request = UpdateRequest::new(collection, Filter::parse(filter)?, update);
            request.limit = (!multi).then_some(1);
            request.upsert = *upsert;
            updated(store, collection, request).await
        }
        Op::Aggregate { pipeline } => {
            let pipeline = Pipeline::parse(&documents(pipeline, "a stage")?)?;
            Ok(Answer::Found(
                store.aggregate(Aggregate::new(collection, pipeline)).await?,
            ))
        }
    }
}

async fn updated(store: &dyn Store, collection: &str, request: UpdateRequest) -> Result<Answer> {
    let UpdateOutcome {
        matched,
        modified,
        upserted,
    } = store.update(request).await?;
    Ok(Answer::Updated {
        documents: all(store, collection).await?,
        matched,
        modified,
        upserted,
    })
}

async fn all(store: &dyn Store, collection: &str) -> Result<Vec<Document>> {
    store.find_all(Find::new(collection, Filter::all())).await
}

/// Reads how many documents to pass over or to return; left out it is 0.
fn count(option: Option<&Value>) -> Result<u64> {
    let Some(option) = option else { return Ok(0) };
    let count = option.as_i64().and_then(|count| u64::try_from(count).ok());
    count.ok_or_else(|| {
        Error::query(format!(
            "a count is a whole number that is not negative, not {option}"
        ))
    })
}

/// Reads documents, each of which is `what`.
fn documents(values: &[Value], what: &str) -> Result<Vec<Document>> {
    let read = |value: &Value| value.as_document().cloned();
    values
        .iter()
        .map(read)
        .collect::<Option<_>>()
        .ok_or_else(|| Error::query(format!("{what} is a document")))
}

//! Counting groups in an index: one look at the first entry of each, and the length of its range.

use seed::engine::cursor::{Cursor, Unreadable};
use seed::plan::KeyRange;
use seed::plan::groups::{self, GroupScan};
use seed::store::Aggregate;
use seed::value::{Document, Text, Value};
use seed::{Filter, Result, key};

use crate::collection::Collection;
use crate::search::member_of;
use crate::store::Inner;
use crate::writes::MAX_TRIES;

/// How many groups are looked for. With more of them, reading all documents is no slower.
const MAX_GROUPS: usize = 1_000;

/// Answers a pipeline that first counts by fields that lead an index; none if it does something else, or no index
/// has its groups side by side.
pub(crate) async fn aggregate(inner: &Inner, request: &Aggregate) -> Result<Option<Vec<Document>>> {
    let Some(by) = request.pipeline.counted_by() else {
        return Ok(None);
    };
    let all = Filter::all();
    let filter = request.pipeline.leading_match().unwrap_or(&all);
    for _ in 0..MAX_TRIES {
        let collection = inner.collection(&request.collection).await?;
        let Some(scan) = groups::choose(filter, by, &collection.catalogue.views()) else {
            return Ok(None);
        };
        match count(inner, &collection, &scan, by).await? {
            Counted::Groups(groups) => {
                let mut run = request.pipeline.run_matched();
                for (document, count) in groups {
                    run.push_counted(&document, count)?;
                }
                return run.finish().map(Some);
            }
            Counted::TooMany => return Ok(None),
            Counted::Stale => inner.forget(&request.collection),
        }
    }
    Ok(None)
}

enum Counted {
    /// A document of each group, and how many it has.
    Groups(Vec<(Document, u64)>),
    /// They are many, or null and missing would fall into one.
    TooMany,
    /// The catalogue is another.
    Stale,
}

async fn count(inner: &Inner, collection: &Collection, scan: &GroupScan, by: &[Text]) -> Result<Counted> {
    let index = &collection.catalogue.indexes[scan.index];
    let fields = &index.spec.fields()[..scan.depth];
    let mut rest = scan.range.clone();
    let mut groups = Vec::new();
    for _ in 0..MAX_GROUPS {
        if rest.is_empty() {
            return Ok(Counted::Groups(groups));
        }
        let mut cursor = Cursor::of_range(index.id, rest.clone());
        let mut first = Vec::with_capacity(1);
        let edition = inner
            .next_page(collection, &mut cursor, &Filter::all(), 1, &mut first)
            .await?;
        if edition != collection.edition {
            return Ok(Counted::Stale);
        }
        // The next document tells as well what the group is.
        if let Some(Unreadable {
            entry: Some((_, entry)),
            ..
        }) = cursor.take_unreadable().pop()
        {
            rest.start = key::joined(&member_of(&entry), &[0]);
            continue;
        }
        let Some(first) = first.pop() else {
            return Ok(Counted::Groups(groups));
        };
        let has_value = |name: &Text| {
            first
                .document
                .get(name)
                .is_some_and(|value: &Value| !value.is_null())
        };
        if !by.iter().all(has_value) {
            return Ok(Counted::TooMany);
        }
        let group = KeyRange::of_prefix(&key::sort_key(&first.document, fields)?);
        let Some(count) = inner
            .count(collection, Some(index.id), std::iter::once(&group))
            .await?
        else {
            return Ok(Counted::Stale);
        };
        groups.push((first.document, count));
        match group.end {
            Some(end) => rest.start = end,
            None => return Ok(Counted::Groups(groups)),
        }
    }
    Ok(Counted::TooMany)
}

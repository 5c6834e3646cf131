//! Finding, counting and explaining.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use seed::engine::catalogue::taken_away;
use seed::engine::cursor::Cursor;
use seed::engine::top::Top;
use seed::plan::{Access, KeyRange, Order, Plan};
use seed::store::{Count, Documents, Find};
use seed::value::Document;
use seed::{ErrorKind, Result};

use crate::collection::Collection;
use crate::commit::{array, blob, integer, least_and_greatest};
use crate::scripts;
use crate::search::PAGE;
use crate::store::Inner;
use crate::writes::MAX_TRIES;

/// How many entries the first page looks at, at the least.
const FIRST_PAGE: usize = 16;

/// Starts a find. Nothing is read before the first document is asked for.
pub(crate) fn find(inner: Arc<Inner>, request: Find) -> Result<Documents> {
    seed::plan::index::check_name(&request.collection)?;
    let finding = Finding::new(inner, request);
    Ok(stream::unfold(Some(finding), async |finding| {
        let mut finding = finding?;
        let next = finding.next().await.transpose()?;
        // Behind a document that cannot be read there are others, behind a fault of the store there is nothing.
        let rest = (!finding.has_failed).then_some(finding);
        Some((next, rest))
    })
    .fuse()
    .boxed())
}

/// Counts what matches: in the index alone if its ranges say it all, else document by document.
pub(crate) async fn count(inner: Arc<Inner>, request: Count) -> Result<u64> {
    for _ in 0..MAX_TRIES {
        let collection = inner.collection(&request.collection).await?;
        let plan = Plan::choose(&request.filter, &[], &collection.catalogue.views());
        let [scan] = plan.scans() else { break };
        if !scan.is_exact {
            break;
        }
        let index = match scan.access {
            Access::Primary => None,
            Access::Index(at) => Some(collection.catalogue.indexes[at].id),
        };
        let ranges = scan.ranges.iter().filter(|range| !range.is_empty());
        if let Some(total) = inner.count(&collection, index, ranges).await? {
            return Ok(total);
        }
    }
    find(inner, Find::new(request.collection, request.filter))?
        .try_fold(0, async |total, _| Ok(total + 1))
        .await
}

/// Shows the plan of a find and what carrying it out reads: `scanned` entries for `returned` documents.
pub(crate) async fn explain(inner: Arc<Inner>, request: Find) -> Result<Document> {
    let collection = inner.collection(&request.collection).await?;
    let views = collection.catalogue.views();
    let mut explained = Plan::choose(&request.filter, request.sort.fields(), &views).explain(&views);
    let mut finding = Finding::new(inner, request);
    loop {
        match finding.next().await {
            Ok(None) => break,
            Err(fault) if finding.has_failed => return Err(fault),
            Ok(Some(_)) | Err(_) => {}
        }
    }
    let scanned = finding.reading.map_or(0, |reading| reading.cursor.looked_at());
    explained.set("scanned", scanned as i64);
    explained.set("returned", finding.returned as i64);
    Ok(explained)
}

impl Inner {
    /// Counts the entries of some ranges; none if the catalogue is another by now.
    pub(crate) async fn count(
        &self,
        collection: &Collection,
        index: Option<seed::engine::IndexId>,
        ranges: impl Iterator<Item = &KeyRange>,
    ) -> Result<Option<u64>> {
        let keys = [collection.keys.spec.clone(), collection.key(index)];
        let arguments: Vec<_> = ranges
            .flat_map(|range| {
                let (least, greatest) = least_and_greatest(&range.start, range.end.as_deref());
                [least, greatest]
            })
            .collect();
        let answer = scripts::COUNT
            .run(&self.link, collection.keys.slot, &keys, arguments)
            .await?;
        let read = || -> Option<(Bytes, i64)> {
            let mut parts = array(answer)?.into_iter();
            Some((blob(parts.next()?)?, integer(&parts.next()?)?))
        };
        let (edition, total) = read().ok_or_else(|| self.unexpected())?;
        if edition != collection.edition {
            self.forget(&collection.name);
            return Ok(None);
        }
        Ok(Some(u64::try_from(total).unwrap_or_default()))
    }
}

/// A find on its way.
struct Finding {
    inner: Arc<Inner>,
    request: Find,
    reading: Option<Reading>,
    /// What comes next: documents, and what cannot be read.
    ready: VecDeque<Result<Document>>,
    returned: u64,
    /// Whether it cannot go on.
    has_failed: bool,
}

struct Reading {
    collection: Arc<Collection>,
    /// The edition at the last page, whose indexes were found to be those of the plan.
    edition: Bytes,
    order: Order,
    cursor: Cursor,
    /// How many of the next documents are passed over.
    skip: u64,
    page: usize,
}

impl Finding {
    fn new(inner: Arc<Inner>, request: Find) -> Self {
        Self {
            inner,
            request,
            reading: None,
            ready: VecDeque::new(),
            returned: 0,
            has_failed: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Document>> {
        if self.request.limit.is_some_and(|limit| self.returned >= limit) {
            return Ok(None);
        }
        loop {
            if let Some(document) = self.ready.pop_front().transpose()? {
                self.returned += 1;
                return self.project(document).map(Some);
            }
            let is_done = |reading: &Reading| reading.cursor.is_done();
            if self.reading.as_ref().is_some_and(is_done) {
                return Ok(None);
            }
            if let Err(fault) = self.read().await {
                self.has_failed = true;
                return Err(fault);
            }
        }
    }

    fn project(&self, document: Document) -> Result<Document> {
        match &self.request.projection {
            Some(projection) => projection.apply(&document, &self.request.filter),
            None => Ok(document),
        }
    }

    /// Reads on. As long as nothing was given out, a find whose index is taken away begins anew.
    async fn read(&mut self) -> Result<()> {
        for _ in 0..MAX_TRIES {
            match self.read_on().await {
                Err(fault) if fault.kind() == ErrorKind::Stale && self.returned == 0 => self.reading = None,
                result => return result,
            }
        }
        self.read_on().await
    }

    /// Reads a page, or all that is needed where the order must be made.
    async fn read_on(&mut self) -> Result<()> {
        let id = self.request.filter.the_id();
        if self.reading.is_none() {
            if let Some(id) = id {
                return self.read_one(&seed::key::id_key(id)?).await;
            }
            self.begin(false).await?;
        }
        let is_sorted = |reading: &Reading| reading.order == Order::Sorted;
        if !self.reading.as_ref().is_some_and(is_sorted) {
            return self.read_page().await;
        }
        match self.read_sorted().await {
            // The order by `_id` can always be had by reading everything in it.
            Err(fault) if fault.kind() == ErrorKind::Limit && self.request.sort.fields().is_empty() => {
                self.begin(true).await?;
                self.read_page().await
            }
            result => result,
        }
    }

    /// Reads the one document that the filter asks for.
    async fn read_one(&mut self, id: &[u8]) -> Result<()> {
        self.begin(false).await?;
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let read = self.inner.read(&reading.collection, &[id.to_vec()]).await?;
        let found = read.into_iter().flatten().next().transpose()?;
        reading.cursor.finish(u64::from(found.is_some()));
        if let Some(seen) = found
            && self.request.filter.matches(&seen.document)?
            && self.request.skip == 0
        {
            self.ready.push_back(Ok(seen.document));
        }
        Ok(())
    }

    /// Plans with the catalogue as it was last seen; the first page tells whether it still is.
    async fn begin(&mut self, reads_all: bool) -> Result<()> {
        let collection = self.inner.collection(&self.request.collection).await?;
        let sort = self.request.sort.fields();
        let plan = match reads_all {
            true => Plan::full(sort),
            false => Plan::choose(&self.request.filter, sort, &collection.catalogue.views()),
        };
        self.reading = Some(Reading {
            edition: collection.edition.clone(),
            order: plan.order(),
            cursor: Cursor::new(&plan, &collection.catalogue),
            skip: self.request.skip,
            page: self.request.wanted().clamp(FIRST_PAGE, PAGE),
            collection,
        });
        Ok(())
    }

    async fn read_page(&mut self) -> Result<()> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let found = reading
            .next_page(&self.inner, &self.request.filter, self.returned == 0)
            .await?;
        for document in found {
            if reading.skip > 0 {
                reading.skip -= 1;
            } else {
                self.ready.push_back(Ok(document.document));
            }
        }
        reading.page = PAGE;
        self.tell_unreadable();
        Ok(())
    }

    async fn read_sorted(&mut self) -> Result<()> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let mut top = Top::new(&self.request.sort, self.request.wanted());
        reading.page = PAGE;
        while !reading.cursor.is_done() {
            let found = reading.next_page(&self.inner, &self.request.filter, true).await?;
            found.into_iter().try_for_each(|found| top.push(found))?;
        }
        let skip = usize::try_from(self.request.skip).unwrap_or(usize::MAX);
        let found = top.finish().into_iter().skip(skip);
        self.tell_unreadable();
        self.ready.extend(found.map(|found| Ok(found.document)));
        Ok(())
    }

    fn tell_unreadable(&mut self) {
        if let Some(reading) = &mut self.reading {
            let unreadable = reading.cursor.take_unreadable().into_iter();
            self.ready
                .extend(unreadable.map(|unreadable| Err(unreadable.into_error())));
        }
    }
}

impl Reading {
    async fn next_page(
        &mut self,
        inner: &Inner,
        filter: &seed::Filter,
        is_first: bool,
    ) -> Result<Vec<crate::search::FoundDocument>> {
        let mut found = Vec::new();
        let indexes: Vec<_> = self.cursor.indexes().collect();
        let edition = inner
            .next_page(&self.collection, &mut self.cursor, filter, self.page, &mut found)
            .await?;
        if edition != self.edition {
            inner.forget(&self.collection.name);
            // Planning anew is better than going on with what another catalogue said.
            if is_first {
                return Err(taken_away());
            }
            let now = inner.load(&self.collection.name).await?;
            self.collection.catalogue.check_same(&now.catalogue, indexes)?;
            self.edition = edition;
        }
        Ok(found)
    }
}

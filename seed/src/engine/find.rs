//! Finding, counting and explaining.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream;
use futures::{StreamExt, TryStreamExt};

use super::catalogue::Catalogue;
use super::cursor::{Cursor, Found};
use super::indexed::{Inner, MAX_STALE};
use super::top::Top;
use super::{Engine, ReadTransaction};
use crate::error::{ErrorKind, Result};
use crate::plan::{Access, Order, Plan};
use crate::store::{Count, Documents, Find};
use crate::value::Document;

/// How many entries are looked at in one transaction, at the least and at the most.
const PAGE: std::ops::RangeInclusive<usize> = 16..=512;

/// Starts a find. Nothing is read before the first document is asked for.
pub(super) fn find<E: Engine>(inner: Arc<Inner<E>>, request: Find) -> Result<Documents> {
    crate::plan::index::check_name(&request.collection)?;
    let finding = Finding {
        inner,
        request,
        reading: None,
        ready: VecDeque::new(),
        returned: 0,
        has_failed: false,
    };
    Ok(stream::unfold(Some(finding), async |finding| {
        let mut finding = finding?;
        let next = finding.next().transpose()?;
        // Behind a document that cannot be read there are others, behind a fault of the store there is nothing.
        let rest = (!finding.has_failed).then_some(finding);
        Some((next, rest))
    })
    .fuse()
    .boxed())
}

/// Counts what matches: in the index alone if its ranges say it all, else document by document.
pub(super) async fn count<E: Engine>(inner: Arc<Inner<E>>, request: Count) -> Result<u64> {
    loop {
        let catalogue = inner.catalogue(&request.collection)?;
        let plan = Plan::choose(&request.filter, &[], &catalogue.views());
        let [scan] = plan.scans() else { break };
        if !scan.is_exact {
            break;
        }
        let index = match scan.access {
            Access::Primary => None,
            Access::Index(at) => Some(catalogue.indexes[at].id),
        };
        let mut total = None;
        inner.engine.read(&request.collection, &mut |transaction| {
            if transaction.version()? == catalogue.version {
                let ranges = scan.ranges.iter().filter(|range| !range.is_empty());
                total = Some(
                    ranges
                        .map(|range| transaction.count(index, range))
                        .sum::<Result<u64>>()?,
                );
            }
            Ok(())
        })?;
        match total {
            Some(total) => return Ok(total),
            None => inner.forget(&request.collection),
        }
    }
    find(inner, Find::new(request.collection, request.filter))?
        .try_fold(0, async |total, _| Ok(total + 1))
        .await
}

/// Shows the plan of a find and what carrying it out reads: `scanned` entries for `returned` documents.
pub(super) fn explain<E: Engine>(inner: &Arc<Inner<E>>, request: &Find) -> Result<Document> {
    let catalogue = inner.catalogue(&request.collection)?;
    let plan = Plan::choose(&request.filter, request.sort.fields(), &catalogue.views());
    let mut explained = plan.explain(&catalogue.views());
    let request = request.clone();
    let mut finding = Finding {
        inner: Arc::clone(inner),
        request,
        reading: None,
        ready: VecDeque::new(),
        returned: 0,
        has_failed: false,
    };
    loop {
        match finding.next() {
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

/// A find on its way.
struct Finding<E: Engine> {
    inner: Arc<Inner<E>>,
    request: Find,
    reading: Option<Reading>,
    /// What comes next: documents, and what cannot be read.
    ready: VecDeque<Result<Document>>,
    returned: u64,
    /// Whether it cannot go on.
    has_failed: bool,
}

struct Reading {
    catalogue: Arc<Catalogue>,
    /// The version of the catalogue at the last page, whose indexes were found to be those of the plan.
    version: u64,
    order: Order,
    cursor: Cursor,
    /// How many of the next documents are passed over.
    skip: u64,
    page: usize,
}

impl<E: Engine> Finding<E> {
    fn next(&mut self) -> Result<Option<Document>> {
        if self.request.limit.is_some_and(|limit| self.returned >= limit) {
            return Ok(None);
        }
        loop {
            if let Some(document) = self.ready.pop_front().transpose()? {
                self.returned += 1;
                return self.project(&document).map(Some);
            }
            if self
                .reading
                .as_ref()
                .is_some_and(|reading| reading.cursor.is_done())
            {
                return Ok(None);
            }
            if let Err(fault) = self.read() {
                self.has_failed = true;
                return Err(fault);
            }
        }
    }

    fn project(&self, document: &Document) -> Result<Document> {
        match &self.request.projection {
            Some(projection) => projection.apply(document, &self.request.filter),
            None => Ok(document.clone()),
        }
    }

    /// Reads on. As long as nothing was given out, a find whose index is taken away begins anew.
    fn read(&mut self) -> Result<()> {
        for _ in 0..MAX_STALE {
            match self.read_on() {
                Err(fault) if fault.kind() == ErrorKind::Stale && self.returned == 0 => self.reading = None,
                result => return result,
            }
        }
        self.read_on()
    }

    /// Reads a page, or all that is needed where the order must be made.
    fn read_on(&mut self) -> Result<()> {
        if self.reading.is_none() {
            self.begin(false)?;
        }
        let is_sorted = self
            .reading
            .as_ref()
            .is_some_and(|reading| reading.order == Order::Sorted);
        if !is_sorted {
            return self.read_page();
        }
        match self.read_sorted() {
            // The order by `_id` can always be had by reading everything in it.
            Err(fault) if fault.kind() == ErrorKind::Limit && self.request.sort.fields().is_empty() => {
                self.begin(true)?;
                self.read_page()
            }
            result => result,
        }
    }

    /// Plans, with a catalogue that was true at the time of the plan.
    fn begin(&mut self, reads_all: bool) -> Result<()> {
        let collection = &self.request.collection;
        loop {
            let catalogue = self.inner.catalogue(collection)?;
            let mut version = 0;
            self.inner.engine.read(collection, &mut |transaction| {
                version = transaction.version()?;
                Ok(())
            })?;
            if version != catalogue.version {
                self.inner.forget(collection);
                continue;
            }
            let sort = self.request.sort.fields();
            let plan = match reads_all {
                true => Plan::full(sort),
                false => Plan::choose(&self.request.filter, sort, &catalogue.views()),
            };
            let cursor = Cursor::new(&plan, &catalogue);
            self.reading = Some(Reading {
                version: catalogue.version,
                catalogue,
                order: plan.order(),
                cursor,
                skip: self.request.skip,
                page: self.request.wanted().clamp(*PAGE.start(), *PAGE.end()),
            });
            return Ok(());
        }
    }

    fn read_page(&mut self) -> Result<()> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let (engine, filter) = (&*self.inner.engine, &self.request.filter);
        let mut found = Vec::new();
        engine.read(&self.request.collection, &mut |transaction| {
            reading.next_page(engine, transaction, filter, &mut found)
        })?;
        for found in found {
            if reading.skip > 0 {
                reading.skip -= 1;
            } else {
                self.ready.push_back(Ok(found.document));
            }
        }
        reading.page = *PAGE.end();
        self.tell_unreadable();
        Ok(())
    }

    fn read_sorted(&mut self) -> Result<()> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let mut top = Top::new(&self.request.sort, self.request.wanted());
        let (engine, filter) = (&*self.inner.engine, &self.request.filter);
        reading.page = *PAGE.end();
        while !reading.cursor.is_done() {
            let mut found = Vec::new();
            engine.read(&self.request.collection, &mut |transaction| {
                reading.next_page(engine, transaction, filter, &mut found)
            })?;
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
    fn next_page<E: Engine>(
        &mut self,
        engine: &E,
        transaction: &mut dyn ReadTransaction<E::Stored>,
        filter: &crate::filter::Filter,
        found: &mut Vec<Found<E::Stored>>,
    ) -> Result<()> {
        let version = transaction.version()?;
        if version != self.version {
            self.check_indexes(transaction)?;
            self.version = version;
        }
        self.cursor
            .next_page(engine, transaction, &self.catalogue, filter, self.page, found)
    }

    fn check_indexes<S>(&self, transaction: &mut dyn ReadTransaction<S>) -> Result<()> {
        let now = transaction.catalogue()?;
        let now = now.map_or_else(|| Ok(Catalogue::default()), |now| Catalogue::from_document(&now))?;
        self.catalogue.check_same(&now, self.cursor.indexes())
    }
}

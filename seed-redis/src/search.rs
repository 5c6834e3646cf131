//! Reading documents: by their ids, or page by page along a plan.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use fred::types::{Resp3Frame, Value};
use futures::future::try_join_all;
use seed::engine::cursor::{Ask, Cursor, Found, Unreadable};
use seed::engine::heads::Heads;
use seed::engine::top::Top;
use seed::engine::{Entry, IndexId, Towards};
use seed::filter::Filter;
use seed::key::KeyBytes;
use seed::plan::{Access, Order, Plan};
use seed::sort::Sort;
use seed::{Error, ErrorKind, Result};

use crate::collection::Collection;
use crate::commit::{array, blob, integer, least_and_greatest};
use crate::error;
use crate::layout::key_len;
use crate::packed::{Version, unpack};
use crate::scripts::{self, number};
use crate::seen::Seen;
use crate::store::Inner;

/// How many entries are looked at at once, at the most.
pub(crate) const PAGE: usize = 500;

/// How many entries are looked at without their documents.
const KEYS_PAGE: usize = 2_000;

/// After so many bytes a page is full.
const PAGE_BYTES: usize = 1024 * 1024;

/// What was found, or that the catalogue is another by now.
pub(crate) type Planned<T> = Option<T>;

/// A document that was found, with its version.
pub(crate) type FoundDocument = Found<Version>;

impl Inner {
    /// Reads documents by their ids: none where there is none, and a fault where it cannot be read.
    pub(crate) async fn read(
        &self,
        collection: &Collection,
        ids: &[KeyBytes],
    ) -> Result<Vec<Option<Result<Seen>>>> {
        let mut read = Vec::with_capacity(ids.len());
        let mut rest = ids;
        // Large documents are read a few at a time.
        let mut step = 64;
        while !rest.is_empty() {
            let (these, after) = rest.split_at(step.min(rest.len()));
            rest = after;
            let mut arguments = Vec::with_capacity(1 + these.len());
            arguments.push(Value::Bytes(collection.keys.docs.clone()));
            arguments.extend(these.iter().map(|id| Value::Bytes(Bytes::copy_from_slice(id))));
            let answer = self
                .link
                .call("HMGET", Some(collection.keys.slot), arguments)
                .await?;
            let mut bytes = 0;
            let frames = array(answer).ok_or_else(|| self.unexpected())?;
            for (id, frame) in these.iter().zip(frames) {
                let Some(packed) = blob(frame) else {
                    read.push(None);
                    continue;
                };
                bytes += packed.len();
                let seen = unpack(&packed)
                    .map(|(version, document)| Seen { version, document })
                    .map_err(|fault| Unreadable::of_id(id.clone(), fault).into_error());
                if let Ok(seen) = &seen {
                    self.seen.keep(&collection.name, id, packed.len(), seen.clone());
                }
                read.push(Some(seen));
            }
            step = if bytes / these.len() < 4096 { 1_000 } else { 16 };
        }
        Ok(read)
    }

    /// Looks at the next entries along a cursor and appends the documents among them that match; returns the edition
    /// of the catalogue at that moment.
    pub(crate) async fn next_page(
        &self,
        collection: &Collection,
        cursor: &mut Cursor,
        filter: &Filter,
        limit: usize,
        out: &mut Vec<FoundDocument>,
    ) -> Result<Bytes> {
        if let Some((index, mut heads)) = cursor.heads() {
            let taken = self.take_from(collection, index, &mut heads, limit).await;
            cursor.put_back(heads);
            let (members, edition) = taken?;
            let entries = members.iter().map(|member| entry_of(member));
            let entries: Vec<Entry> = entries.collect::<Result<_>>()?;
            let ids = entries.iter().map(|entry| entry.id().to_vec()).collect();
            let (found, unreadable) = self.matching(collection, filter, ids).await?;
            out.extend(found);
            for (at, fault) in unreadable {
                cursor.leave_out(Unreadable::of_entry(index, entries[at].clone(), fault));
            }
            return Ok(edition);
        }
        let Some(Ask { index, .. }) = cursor.ask() else {
            return Ok(collection.edition.clone());
        };
        let what = if index.is_some() { What::Index } else { What::Ids };
        let page = self.page(collection, cursor, what, limit).await?;
        for (member, packed) in page.members.iter().zip(page.documents) {
            let Some(packed) = packed else { continue };
            let entry = match index {
                Some(_) => Some(entry_of(member)?),
                None => None,
            };
            let (version, document) = match unpack(&packed) {
                Ok(read) => read,
                Err(fault) => {
                    cursor.leave_out(match index.zip(entry) {
                        Some((index, entry)) => Unreadable::of_entry(index, entry, fault),
                        None => Unreadable::of_id(member.to_vec(), fault),
                    });
                    continue;
                }
            };
            if cursor.takes(&collection.catalogue, filter, entry.as_ref(), &document)? {
                let id = entry.map_or_else(|| member.to_vec(), |entry| entry.id().to_vec());
                out.push(Found {
                    id,
                    stored: version,
                    document,
                });
            }
        }
        Ok(page.edition)
    }

    /// Takes the next members of ranges that are read side by side; also returns the edition of the catalogue meanwhile.
    async fn take_from(
        &self,
        collection: &Collection,
        index: IndexId,
        heads: &mut Heads<Bytes>,
        limit: usize,
    ) -> Result<(Vec<Bytes>, Bytes)> {
        let (mut taken, mut edition) = (Vec::new(), collection.edition.clone());
        while taken.len() < limit {
            let each = heads.limit(limit - taken.len()).min(KEYS_PAGE);
            let pages = heads.all_needed().map(async |(at, range, towards)| {
                let ask = Ask {
                    index: Some(index),
                    range,
                    towards,
                };
                Ok((at, self.read_page(collection, ask, What::Keys, each).await?))
            });
            for (at, page) in try_join_all(pages).await? {
                heads.fill(at, page.members, page.is_all);
                if page.edition != collection.edition {
                    edition = page.edition;
                }
            }
            match heads.take() {
                Some(member) => taken.push(member),
                None => break,
            }
        }
        Ok((taken, edition))
    }

    /// Reads documents by their ids, and gives those that match, and the places of those that cannot be read. Some may have
    /// been changed since they were come by, so that even exact ranges prove nothing.
    async fn matching(
        &self,
        collection: &Collection,
        filter: &Filter,
        ids: Vec<KeyBytes>,
    ) -> Result<(Vec<FoundDocument>, Vec<(usize, Error)>)> {
        let read = self.read(collection, &ids).await?;
        let (mut found, mut unreadable) = (Vec::with_capacity(ids.len()), Vec::new());
        for (at, (id, seen)) in ids.into_iter().zip(read).enumerate() {
            match seen {
                Some(Ok(seen)) if filter.matches(&seen.document)? => found.push(seen.found(id)),
                Some(Err(fault)) => unreadable.push((at, fault)),
                Some(Ok(_)) | None => {}
            }
        }
        Ok((found, unreadable))
    }

    /// Reads what the cursor asks for next, and moves it on.
    async fn page(
        &self,
        collection: &Collection,
        cursor: &mut Cursor,
        what: What,
        limit: usize,
    ) -> Result<Page> {
        let Some(ask) = cursor.ask() else {
            return Ok(Page::default());
        };
        let page = self.read_page(collection, ask, what, limit).await?;
        let last = page.members.last().map(|member| &member[..]);
        cursor.advance(page.members.len(), last, page.is_all);
        Ok(page)
    }

    async fn read_page(
        &self,
        collection: &Collection,
        Ask {
            index,
            range,
            towards,
        }: Ask<'_>,
        what: What,
        limit: usize,
    ) -> Result<Page> {
        let keys = [
            collection.keys.spec.clone(),
            collection.keys.docs.clone(),
            collection.key(index),
        ];
        let (least, greatest) = least_and_greatest(&range.start, range.end.as_deref());
        let arguments = [
            Bytes::from_static(match what {
                What::Index => b"index",
                What::Ids => b"ids",
                What::Keys => b"keys",
            }),
            least,
            greatest,
            Bytes::from_static(if towards == Towards::End { b"up" } else { b"down" }),
            number(limit),
            number(PAGE_BYTES),
        ];
        let answer = scripts::PAGE
            .run(&self.link, collection.keys.slot, &keys, arguments)
            .await?;
        Page::read(answer).ok_or_else(|| self.unexpected())
    }

    /// Finds the first documents that match and are none of those that are taken already.
    pub(crate) async fn collect(
        &self,
        collection: &Collection,
        (filter, sort): (&Filter, &Sort),
        wanted: usize,
        taken: &HashSet<KeyBytes>,
    ) -> Result<Planned<Vec<FoundDocument>>> {
        if let Some(id) = filter.the_id() {
            let id = seed::key::id_key(id)?;
            let ids = if taken.contains(&id) { vec![] } else { vec![id] };
            let (found, unreadable) = self.matching(collection, filter, ids).await?;
            return match unreadable.into_iter().next() {
                Some((_, fault)) => Err(fault),
                None => Ok(Some(found)),
            };
        }
        let plan = Plan::choose(filter, sort.fields(), &collection.catalogue.views());
        if plan.order() != Order::Sorted {
            return self
                .collect_in_order(collection, filter, &plan, wanted, taken)
                .await;
        }
        if let [scan] = plan.scans()
            && let Access::Index(at) = scan.access
            && scan.is_exact
            && sort.is_empty()
        {
            let index = collection.catalogue.indexes[at].id;
            return self
                .collect_by_keys(collection, filter, (&plan, index), wanted, taken)
                .await;
        }
        match self
            .collect_sorted(collection, (filter, sort), &plan, wanted, taken)
            .await
        {
            // The order by `_id` can always be had by reading everything in it.
            Err(fault) if fault.kind() == ErrorKind::Limit && sort.fields().is_empty() => {
                self.collect_in_order(collection, filter, &Plan::full(&[]), wanted, taken)
                    .await
            }
            result => result,
        }
    }

    async fn collect_in_order(
        &self,
        collection: &Collection,
        filter: &Filter,
        plan: &Plan,
        wanted: usize,
        taken: &HashSet<KeyBytes>,
    ) -> Result<Planned<Vec<FoundDocument>>> {
        let mut cursor = Cursor::new(plan, &collection.catalogue);
        let mut found = Vec::new();
        // Most often the next entries are just those that are wanted; where they are not, the pages grow.
        let mut least = 1;
        while found.len() < wanted && !cursor.is_done() {
            let page = (wanted - found.len()).max(least).min(PAGE);
            least = (page * 2).min(PAGE);
            let edition = self
                .next_page(collection, &mut cursor, filter, page, &mut found)
                .await?;
            if edition != collection.edition {
                return Ok(None);
            }
            found.retain(|found| !taken.contains(&found.id));
        }
        self.take_out(collection, cursor.take_unreadable()).await?;
        found.truncate(wanted);
        Ok(Some(found))
    }

    /// Finds the documents with the least ids among entries that are all matches, and reads only those.
    async fn collect_by_keys(
        &self,
        collection: &Collection,
        filter: &Filter,
        (plan, index): (&Plan, IndexId),
        wanted: usize,
        taken: &HashSet<KeyBytes>,
    ) -> Result<Planned<Vec<FoundDocument>>> {
        let mut cursor = Cursor::new(plan, &collection.catalogue);
        // The least ids, each with the member that led to it.
        let mut least: BTreeMap<KeyBytes, Bytes> = BTreeMap::new();
        while !cursor.is_done() {
            let page = self.page(collection, &mut cursor, What::Keys, KEYS_PAGE).await?;
            if !page.members.is_empty() && page.edition != collection.edition {
                return Ok(None);
            }
            for member in page.members {
                let id = id_of(&member)?;
                if !taken.contains(id) {
                    least.insert(id.to_vec(), member);
                }
                if least.len() > wanted {
                    least.pop_last();
                }
            }
        }
        let is_any = !least.is_empty();
        let (ids, members): (Vec<_>, Vec<_>) = least.into_iter().unzip();
        let (found, unreadable) = self.matching(collection, filter, ids).await?;
        let left_out = unreadable
            .into_iter()
            .map(|(at, fault)| Ok(Unreadable::of_entry(index, entry_of(&members[at])?, fault)));
        let left_out = left_out.collect::<Result<_>>()?;
        self.take_out(collection, left_out).await?;
        // If all of them were, there may be others.
        Ok((!is_any || !found.is_empty() || wanted == 0).then_some(found))
    }

    async fn collect_sorted(
        &self,
        collection: &Collection,
        (filter, sort): (&Filter, &Sort),
        plan: &Plan,
        wanted: usize,
        taken: &HashSet<KeyBytes>,
    ) -> Result<Planned<Vec<FoundDocument>>> {
        let mut cursor = Cursor::new(plan, &collection.catalogue);
        let mut top = Top::new(sort, wanted);
        while !cursor.is_done() {
            let mut page = Vec::new();
            let edition = self
                .next_page(collection, &mut cursor, filter, PAGE, &mut page)
                .await?;
            if edition != collection.edition {
                return Ok(None);
            }
            let mut new = page.into_iter().filter(|found| !taken.contains(&found.id));
            new.try_for_each(|found| top.push(found))?;
        }
        self.take_out(collection, cursor.take_unreadable()).await?;
        Ok(Some(top.finish()))
    }

    /// Takes entries of documents that cannot be read out of their indexes, so that they stand in nobody's way a second time,
    /// and tells of the first. The documents stay as they are; one that somebody has mended meanwhile keeps its entries.
    async fn take_out(&self, collection: &Collection, unreadable: Vec<Unreadable>) -> Result<()> {
        for Unreadable { id, entry, .. } in &unreadable {
            let Some((index, entry)) = entry else { continue };
            let arguments = vec![
                Value::Bytes(collection.keys.docs.clone()),
                Value::Bytes(Bytes::copy_from_slice(id)),
            ];
            let answer = self
                .link
                .call("HGET", Some(collection.keys.slot), arguments)
                .await?;
            let Some(packed) = blob(answer).filter(|packed| unpack(packed).is_err()) else {
                continue;
            };
            let keys = [collection.keys.docs.clone(), collection.key(Some(*index))];
            let member = member_of(entry);
            scripts::TAKE_OUT
                .run(
                    &self.link,
                    collection.keys.slot,
                    &keys,
                    [Bytes::copy_from_slice(id), packed, member],
                )
                .await?;
        }
        let told = unreadable.into_iter().next();
        told.map_or(Ok(()), |unreadable| Err(unreadable.taken_out()))
    }

    pub(crate) fn unexpected(&self) -> seed::Error {
        error::unexpected(&self.options.shown)
    }
}

/// What is read of a page.
#[derive(Clone, Copy, Debug)]
enum What {
    /// Entries of an index with their documents.
    Index,
    /// Documents by their ids.
    Ids,
    /// Entries of an index alone.
    Keys,
}

/// An answer of the script that reads a page.
#[derive(Default)]
struct Page {
    edition: Bytes,
    is_all: bool,
    members: Vec<Bytes>,
    documents: Vec<Option<Bytes>>,
}

impl Page {
    fn read(answer: Resp3Frame) -> Option<Self> {
        let mut parts = array(answer)?.into_iter();
        Some(Self {
            edition: blob(parts.next()?)?,
            is_all: integer(&parts.next()?)? == 1,
            members: array(parts.next()?)?
                .into_iter()
                .map(blob)
                .collect::<Option<_>>()?,
            documents: array(parts.next()?)?.into_iter().map(blob).collect(),
        })
    }
}

/// Returns the id in a member of an index.
fn id_of(member: &[u8]) -> Result<&[u8]> {
    Ok(&member[key_len(member)?..member.len() - 3])
}

/// Writes a member of an index.
pub(crate) fn member_of(entry: &Entry) -> Bytes {
    let id = entry.id().len() as u32;
    [&entry.bytes[..], &id.to_be_bytes()[1..]].concat().into()
}

/// Reads a member of an index.
fn entry_of(member: &[u8]) -> Result<Entry> {
    let split = key_len(member)?;
    Ok(Entry {
        bytes: member[..member.len() - 3].to_vec(),
        split,
    })
}

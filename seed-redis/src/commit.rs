//! One call of the script that writes: changes that go together or not at all, then claims.

use bytes::{Bytes, BytesMut};
use fred::types::Resp3Frame;
use seed::Result;
use seed::key;

use crate::change::Change;
use crate::collection::Collection;
use crate::error;
use crate::instructions::Instructions;
use crate::scripts::{self, number};
use crate::store::Inner;

/// How many items and bytes are sent in one call.
pub(crate) const MOST_ITEMS: usize = 1_000;
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Committed {
    /// Everything was done; the answers of the claims.
    Done(Vec<Claimed>),
    /// Nothing was: the catalogue is another.
    Stale,
    /// Nothing was, for some of the changes, by their positions, cannot be made so.
    Refused(Refused),
}

/// The answer of a claim.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// The documents as they were, packed.
    Found(Vec<Bytes>),
    /// It is left to the caller.
    Left,
}

/// Which changes stood in the way, by their positions.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// The document is another than the one that was seen.
    pub(crate) changed: Vec<usize>,
    /// There is a document of the new id.
    pub(crate) there: Vec<usize>,
    /// A unique index, by its position, has the key for another document.
    pub(crate) broken: Vec<(usize, usize)>,
}

impl Inner {
    /// Carries changes out, all or none, and then claims. Wakes who watches if `wakes`.
    pub(crate) async fn commit(
        &self,
        collection: &Collection,
        changes: &[&Change],
        claims: &[Instructions],
        wakes: bool,
    ) -> Result<Committed> {
        let (arguments, order) = self.arguments(collection, changes, claims, wakes)?;
        let only_removes =
            !changes.is_empty() && claims.is_empty() && changes.iter().all(|change| change.packed.is_none());
        let script = if only_removes {
            &scripts::REMOVE
        } else {
            &scripts::WRITE
        };
        let answer = script
            .run(&self.link, collection.keys.slot, &collection.all_keys, arguments)
            .await?;
        let committed = read(answer, &order).ok_or_else(|| error::unexpected(&self.options.shown))?;
        match &committed {
            Committed::Stale => self.forget(&collection.name),
            Committed::Done(claimed) if wakes => {
                let took = |claimed: &Claimed| matches!(claimed, Claimed::Found(found) if !found.is_empty());
                if !changes.is_empty() || claimed.iter().any(took) {
                    self.events.watchers.wake(&collection.name);
                }
            }
            Committed::Done(_) | Committed::Refused(_) => {}
        }
        Ok(committed)
    }

    /// Puts the arguments together; also the positions of the changes in the order in which the script counts them.
    fn arguments(
        &self,
        collection: &Collection,
        changes: &[&Change],
        claims: &[Instructions],
        wakes: bool,
    ) -> Result<(Vec<Bytes>, Order)> {
        let positions = |is_seen: bool| -> Vec<usize> {
            let all = changes.iter().enumerate();
            all.filter(|(_, change)| change.seen.is_some() == is_seen)
                .map(|(at, _)| at)
                .collect()
        };
        let order = Order {
            seen: positions(true),
            new: positions(false),
        };
        let mut out = Arguments::with_capacity(changes);
        for at in &order.seen {
            out.bytes(&changes[*at].id);
        }
        for at in &order.seen {
            out.bytes(&changes[*at].seen.unwrap_or_default());
        }
        let (mut written, mut removed) = (0, 0);
        for at in order.new.iter().chain(&order.seen) {
            if let Some(packed) = &changes[*at].packed {
                out.bytes(&changes[*at].id);
                out.bytes(packed);
                written += 1;
            }
        }
        for change in changes.iter().filter(|change| change.packed.is_none()) {
            out.bytes(&change.id);
            removed += 1;
        }
        let lists = push_entries(&mut out, collection, changes);
        let mut instructions = Instructions::default();
        instructions.list(7);
        instructions.number(order.seen.len()).number(order.new.len());
        instructions.number(written).number(removed);
        instructions.list(3 * lists.len());
        for list in lists {
            instructions
                .number(list.index + 1)
                .flag(list.is_added)
                .number(list.count);
        }
        write_unique(&mut instructions, collection, changes, &order)?;
        instructions.list(claims.len());
        for claim in claims {
            instructions.append(claim);
        }
        let (mut channel, mut own_listeners) = (Bytes::new(), Bytes::new());
        if wakes {
            channel = collection.keys.channel.clone();
            // A node of a cluster does not know who listens to the others.
            if !self.options.is_cluster() {
                own_listeners = number(self.events.listeners(&channel));
            }
        }
        let mut done = vec![
            collection.edition.clone(),
            channel,
            self.events.name.clone(),
            own_listeners,
            Bytes::from(instructions.done()),
        ];
        done.append(&mut out.done);
        Ok((done, order))
    }
}

/// Where the script's counts of changes lead.
struct Order {
    seen: Vec<usize>,
    new: Vec<usize>,
}

/// Arguments as parts of one buffer, so that many small ones cost no allocation each.
struct Arguments {
    buffer: BytesMut,
    done: Vec<Bytes>,
}

impl Arguments {
    fn with_capacity(changes: &[&Change]) -> Self {
        let bytes = changes.iter().map(|change| change.bytes() + 16).sum();
        let entries = |change: &&Change| change.taken.len() + change.added.len();
        let count = changes.len() * 4 + changes.iter().map(entries).sum::<usize>();
        Self {
            buffer: BytesMut::with_capacity(bytes),
            done: Vec::with_capacity(count),
        }
    }

    fn bytes(&mut self, argument: &[u8]) {
        self.buffer.extend_from_slice(argument);
        self.done.push(self.buffer.split().freeze());
    }
}

/// Members of an index, in a row.
struct List {
    index: usize,
    is_added: bool,
    count: usize,
}

/// Appends the entries that go and come, index by index, and tells what they are.
fn push_entries(out: &mut Arguments, collection: &Collection, changes: &[&Change]) -> Vec<List> {
    let mut lists = Vec::new();
    for index in 0..collection.layout.indexes.len() {
        for is_added in [false, true] {
            let before = out.done.len();
            let entries = changes
                .iter()
                .flat_map(|change| if is_added { &change.added } else { &change.taken });
            for (at, member) in entries {
                if *at == index {
                    out.bytes(member);
                }
            }
            let count = out.done.len() - before;
            if count > 0 {
                lists.push(List {
                    index,
                    is_added,
                    count,
                });
            }
        }
    }
    lists
}

/// Writes down the keys that unique indexes must not have for other documents.
fn write_unique(
    instructions: &mut Instructions,
    collection: &Collection,
    changes: &[&Change],
    order: &Order,
) -> Result<()> {
    let mut keys = Vec::new();
    for (place, position) in order.seen.iter().chain(&order.new).enumerate() {
        let change = changes[*position];
        for key in change.unique_keys(collection) {
            keys.push((place, change, key?));
        }
    }
    instructions.list(keys.len());
    for (place, change, (index, key)) in keys {
        let (least, greatest) = member_range(key);
        instructions.list(5).number(place + 1).number(index + 1);
        instructions.bytes(&least).bytes(&greatest).bytes(&change.id);
    }
    Ok(())
}

/// Returns the members that begin with a key, as the server takes a range.
fn member_range(key: &[u8]) -> (Bytes, Bytes) {
    least_and_greatest(key, key::after_prefix(key).as_deref())
}

/// Returns a half-open range as the server takes one.
pub(crate) fn least_and_greatest(start: &[u8], end: Option<&[u8]>) -> (Bytes, Bytes) {
    let with = |mark: u8, bytes: &[u8]| {
        let mut out = Vec::with_capacity(bytes.len() + 1);
        out.push(mark);
        out.extend_from_slice(bytes);
        Bytes::from(out)
    };
    let least = if start.is_empty() {
        Bytes::from_static(b"-")
    } else {
        with(b'[', start)
    };
    (least, end.map_or(Bytes::from_static(b"+"), |end| with(b'(', end)))
}

fn read(answer: Resp3Frame, order: &Order) -> Option<Committed> {
    let mut parts = array(answer)?.into_iter();
    match integer(&parts.next()?)? {
        0 => parts.map(claimed).collect::<Option<_>>().map(Committed::Done),
        1 => Some(Committed::Stale),
        2 => {
            let mut places = || -> Option<Vec<usize>> {
                array(parts.next()?)?
                    .iter()
                    .map(|place| usize::try_from(integer(place)?).ok()?.checked_sub(1))
                    .collect()
            };
            let (changed, there, broken) = (places()?, places()?, places()?);
            let of = |places: &[usize], list: &[usize]| -> Option<Vec<usize>> {
                places.iter().map(|place| list.get(*place).copied()).collect()
            };
            let all = [order.seen.as_slice(), &order.new].concat();
            let broken = broken
                .chunks_exact(2)
                .map(|pair| Some((*all.get(pair[0])?, pair[1])));
            Some(Committed::Refused(Refused {
                changed: of(&changed, &order.seen)?,
                there: of(&there, &order.new)?,
                broken: broken.collect::<Option<_>>()?,
            }))
        }
        _ => None,
    }
}

fn claimed(answer: Resp3Frame) -> Option<Claimed> {
    match answer {
        Resp3Frame::Number { .. } => Some(Claimed::Left),
        Resp3Frame::Array { data, .. } => {
            let found = data.into_iter().map(blob).collect::<Option<_>>()?;
            Some(Claimed::Found(found))
        }
        _ => None,
    }
}

pub(crate) fn array(frame: Resp3Frame) -> Option<Vec<Resp3Frame>> {
    match frame {
        Resp3Frame::Array { data, .. } => Some(data),
        _ => None,
    }
}

pub(crate) fn integer(frame: &Resp3Frame) -> Option<i64> {
    match frame {
        Resp3Frame::Number { data, .. } => Some(*data),
        _ => None,
    }
}

pub(crate) fn blob(frame: Resp3Frame) -> Option<Bytes> {
    match frame {
        Resp3Frame::BlobString { data, .. } => Some(data),
        _ => None,
    }
}

//! What a document's packed header says for its indexes: the parts of their keys, and which partial filters it meets.
//!
//! The scripts put keys together from these parts and never read a value. A document in which an indexed path meets an
//! array has several keys and no such header; whatever changes it is worked out by the client.

use seed::engine::IndexId;
use seed::engine::catalogue::Catalogue;
use seed::key::{self, KeyBytes};
use seed::plan::IndexSpec;
use seed::sort::Direction;
use seed::value::{Document, Text};
use seed::{Error, ErrorKind, Path, Result};

/// The mark of a header without parts.
pub(crate) const NO_PARTS: [u8; 4] = [0; 4];

/// The longest part that a header can hold.
const MAX_PART: usize = u16::MAX as usize;

/// What headers hold under one catalogue.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Tells headers of this layout from those of others.
    pub(crate) mark: [u8; 4],
    /// A part of each path and direction that some index has.
    pub(crate) slots: Vec<(Path, Direction)>,
    /// A flag for each index and field that its partial filter has conditions on.
    pub(crate) flags: Vec<(usize, Text)>,
    pub(crate) indexes: Vec<IndexLayout>,
}

/// What one index needs of a header.
#[derive(Debug)]
pub(crate) struct IndexLayout {
    pub(crate) id: IndexId,
    pub(crate) spec: IndexSpec,
    pub(crate) is_multikey: bool,
    /// The slots of its key, in order.
    pub(crate) slots: Vec<usize>,
    /// The flags that must all be set for a document to be in it.
    pub(crate) flags: Vec<usize>,
}

impl Layout {
    pub(crate) fn of(catalogue: &Catalogue) -> Self {
        let mut layout = Self {
            mark: NO_PARTS,
            slots: Vec::new(),
            flags: Vec::new(),
            indexes: Vec::new(),
        };
        for (at, index) in catalogue.indexes.iter().enumerate() {
            let fields = index.spec.fields().iter();
            let slots = fields
                .map(|(path, direction)| layout.slot(path, *direction))
                .collect();
            let mut flags = Vec::new();
            for field in index.spec.conditioned_fields() {
                flags.push(layout.flags.len());
                layout.flags.push((at, field.clone()));
            }
            layout.indexes.push(IndexLayout {
                id: index.id,
                spec: index.spec.clone(),
                is_multikey: index.is_multikey,
                slots,
                flags,
            });
        }
        // A claim can ask for what a partial filter asks for, and more of it.
        for index in &catalogue.indexes {
            for field in index.spec.conditioned_fields() {
                let path = Path::new(field);
                if layout.slots.iter().all(|(slot, _)| *slot != path) {
                    layout.slots.push((path, Direction::Ascending));
                }
            }
        }
        if layout.slots.len() <= 255 && layout.flags.len() < 255 {
            layout.mark = layout.hash();
        }
        layout
    }

    fn slot(&mut self, path: &Path, direction: Direction) -> usize {
        let known = self
            .slots
            .iter()
            .position(|slot| slot.0 == *path && slot.1 == direction);
        known.unwrap_or_else(|| {
            self.slots.push((path.clone(), direction));
            self.slots.len() - 1
        })
    }

    /// Hashes what makes up the layout (FNV-1a), never to zero.
    fn hash(&self) -> [u8; 4] {
        let mut hash = 0x811c_9dc5_u32;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
            }
        };
        for (path, direction) in &self.slots {
            add(path.as_str().as_bytes());
            add(if *direction == Direction::Ascending {
                b"\0+"
            } else {
                b"\0-"
            });
        }
        for (at, field) in &self.flags {
            // Two indexes may ask different things of one field.
            let spec = &self.indexes[*at].spec;
            let filter = spec.partial_filter().map(|filter| filter.source().to_string());
            add(filter.unwrap_or_default().as_bytes());
            add(field.as_bytes());
            add(&[0]);
        }
        hash.max(1).to_be_bytes()
    }

    /// Returns how many bytes the flags have: one at the least, for the scripts' sake.
    pub(crate) fn flag_bytes(&self) -> usize {
        self.flags.len().max(1)
    }

    /// Returns how the scripts unpack a header: version, mark, patches, slots, flags, the flags, the parts.
    pub(crate) fn format(&self) -> String {
        format!(
            ">c8c4BBBc{}{}",
            self.flag_bytes(),
            "I2c0".repeat(self.slots.len())
        )
    }

    /// Returns a document's place in the indexes.
    ///
    /// # Errors
    /// [`ErrorKind::Index`] if two arrays meet in one key.
    pub(crate) fn place(&self, document: &Document) -> Result<Placed> {
        if let Some(parts) = self.parts(document)? {
            return Ok(Placed::Plain(parts));
        }
        let keys = self.indexes.iter().map(|index| {
            if !index.spec.takes(document)? {
                return Ok((Vec::new(), false));
            }
            let keys = key::index_keys(document, index.spec.fields())
                .map_err(|cause| cause.at_operator(index.spec.name()))?;
            Ok((keys.keys.into_vec(), keys.is_multikey))
        });
        Ok(Placed::Several(keys.collect::<Result<_>>()?))
    }

    fn parts(&self, document: &Document) -> Result<Option<Parts>> {
        if self.mark == NO_PARTS {
            return Ok(None);
        }
        let mut parts = Parts {
            bytes: Vec::with_capacity(self.slots.len() * 16),
            ends: Vec::with_capacity(self.slots.len()),
            flags: Vec::with_capacity(self.flag_bytes()),
        };
        for (path, direction) in &self.slots {
            let start = parts.bytes.len();
            if !key::write_plain_part(document, path, *direction, &mut parts.bytes)
                || parts.bytes.len() - start > MAX_PART
            {
                return Ok(None);
            }
            parts.ends.push(parts.bytes.len());
        }
        for (at, field) in &self.flags {
            let is_met = self.indexes[*at].spec.takes_field(field, document.get(field))?;
            parts.flags.push(if is_met { b'1' } else { b'0' });
        }
        if parts.flags.is_empty() {
            parts.flags.push(b'1');
        }
        Ok(Some(parts))
    }
}

/// A document's place in the indexes.
#[derive(Debug)]
pub(crate) enum Placed {
    /// One key at the most in each index, made of these parts.
    Plain(Parts),
    /// Any number of keys in each index, and whether an array was met.
    Several(Vec<(Vec<KeyBytes>, bool)>),
}

/// The parts and flags of a header.
#[derive(Debug)]
pub(crate) struct Parts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    pub(crate) flags: Vec<u8>,
}

impl Parts {
    pub(crate) fn part(&self, slot: usize) -> &[u8] {
        let start = if slot == 0 { 0 } else { self.ends[slot - 1] };
        &self.bytes[start..self.ends[slot]]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|slot| self.part(slot))
    }

    /// Returns how many bytes they take in a header.
    pub(crate) fn packed_len(&self) -> usize {
        self.flags.len() + self.bytes.len() + 2 * self.ends.len()
    }
}

impl Placed {
    /// Returns the members of a document in one index, in order.
    pub(crate) fn members(&self, index: &IndexLayout, at: usize, id: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Plain(parts) => {
                if !index.flags.iter().all(|flag| parts.flags[*flag] == b'1') {
                    return Vec::new();
                }
                let size = index
                    .slots
                    .iter()
                    .map(|slot| parts.part(*slot).len())
                    .sum::<usize>();
                let mut member = Vec::with_capacity(size + id.len() + 3);
                for slot in &index.slots {
                    member.extend_from_slice(parts.part(*slot));
                }
                finish_member(&mut member, id);
                vec![member]
            }
            Self::Several(keys) => {
                let member = |key: &KeyBytes| {
                    let mut member = Vec::with_capacity(key.len() + id.len() + 3);
                    member.extend_from_slice(key);
                    finish_member(&mut member, id);
                    member
                };
                keys[at].0.iter().map(member).collect()
            }
        }
    }

    /// Tells whether the document meets an array in an index.
    pub(crate) fn is_multikey(&self, at: usize) -> bool {
        matches!(self, Self::Several(keys) if keys[at].1)
    }
}

/// Ends a member that so far is a key: with the id and its length.
fn finish_member(member: &mut Vec<u8>, id: &[u8]) {
    member.extend_from_slice(id);
    member.extend_from_slice(&(id.len() as u32).to_be_bytes()[1..]);
}

/// Returns the length of the key in a member.
pub(crate) fn key_len(member: &[u8]) -> Result<usize> {
    let corrupt = || Error::new(ErrorKind::Corrupt, "an entry of an index cannot be read");
    let (rest, length) = member.split_last_chunk::<3>().ok_or_else(corrupt)?;
    let id = u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize;
    rest.len().checked_sub(id).ok_or_else(corrupt)
}

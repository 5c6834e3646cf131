//! How a document is kept: one packed value, which the scripts can read as far as the indexes go.
//!
//! | bytes | |
//! |---|---|
//! | 8 | version, another one after each change |
//! | 4 | mark of the layout; zero if there are no parts |
//! | 1, 1, 1 | number of patches, parts and flags |
//! | one a flag | whether the document meets what an index asks of a field: `0` or `1` |
//! | 2 + n a part | the length of a key's part, and the part |
//! | 4 + n | the length of the document as JSON, and the document |
//! | 4 + n a patch | the same of `{"set":{…},"unset":[…]}`, applied in turn |

use seed::update::apply_fields;
use seed::value::{Document, Text, Value, json};
use seed::{Error, ErrorKind, Result};

use crate::layout::{Layout, NO_PARTS, Placed};

/// What tells a document from what it was and will be.
pub(crate) type Version = [u8; 8];

/// Where the flags begin.
const HEAD: usize = 15;

/// Packs a document with its place in the indexes.
pub(crate) fn pack(version: &Version, layout: &Layout, placed: &Placed, document: &Document) -> Vec<u8> {
    let text = json::document_to_stored(document);
    let header = match placed {
        Placed::Plain(parts) => parts.packed_len(),
        Placed::Several(_) => 1,
    };
    let mut out = Vec::with_capacity(HEAD + header + 4 + text.len());
    out.extend_from_slice(version);
    match placed {
        Placed::Plain(parts) => {
            out.extend_from_slice(&layout.mark);
            // A layout with more of them has no mark, and no document with it is plain.
            out.extend_from_slice(&[0, layout.slots.len() as u8, parts.flags.len() as u8]);
            out.extend_from_slice(&parts.flags);
            for part in parts.all() {
                out.extend_from_slice(&packed_part_len(part));
                out.extend_from_slice(part);
            }
        }
        Placed::Several(_) => {
            out.extend_from_slice(&NO_PARTS);
            out.extend_from_slice(&[0, 0, 1, b'1']);
        }
    }
    push_text(&text, &mut out);
    out
}

/// Writes the length of a part.
pub(crate) fn packed_part_len(part: &[u8]) -> [u8; 2] {
    (part.len() as u16).to_be_bytes()
}

/// Packs a patch that sets and unsets whole fields.
pub(crate) fn pack_patch(fields: &[(Text, Option<Value>)]) -> Vec<u8> {
    let (mut set, mut unset) = (Document::with_capacity(fields.len()), Vec::new());
    for (name, value) in fields {
        match value {
            Some(value) => set.push(name.clone(), value.clone()),
            None => unset.push(Value::String(name.clone())),
        }
    }
    let mut patch = Document::with_capacity(2);
    patch.push("set", set);
    if !unset.is_empty() {
        patch.push("unset", unset);
    }
    let text = json::document_to_stored(&patch);
    let mut out = Vec::with_capacity(4 + text.len());
    push_text(&text, &mut out);
    out
}

fn push_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Reads a packed document.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is none.
pub(crate) fn unpack(packed: &[u8]) -> Result<(Version, Document)> {
    let (head, rest) = packed.split_first_chunk::<HEAD>().ok_or_else(corrupt)?;
    let version = *head.first_chunk().ok_or_else(corrupt)?;
    let (patches, slots, flags) = (head[12], head[13], head[14]);
    let mut rest = rest.get(usize::from(flags)..).ok_or_else(corrupt)?;
    for _ in 0..slots {
        let (length, after) = rest.split_first_chunk::<2>().ok_or_else(corrupt)?;
        rest = after
            .get(usize::from(u16::from_be_bytes(*length))..)
            .ok_or_else(corrupt)?;
    }
    let mut document = json::parse_stored(take_text(&mut rest)?)?;
    for _ in 0..patches {
        let patch = json::parse_stored(take_text(&mut rest)?)?;
        if let Some(changed) = apply_fields(&fields_of(patch)?, &document) {
            document = changed;
        }
    }
    Ok((version, document))
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or_else(corrupt)?;
    let length = u32::from_be_bytes(*length) as usize;
    let text = after.get(..length).ok_or_else(corrupt)?;
    *rest = &after[length..];
    std::str::from_utf8(text).map_err(|cause| corrupt().with_source(cause))
}

fn fields_of(patch: Document) -> Result<Vec<(Text, Option<Value>)>> {
    let mut fields = Vec::with_capacity(8);
    for (name, value) in patch {
        match value {
            Value::Document(set) if name == "set" => {
                fields.extend(set.into_iter().map(|(name, value)| (name, Some(value))));
            }
            Value::Array(unset) if name == "unset" => {
                for name in unset {
                    match name {
                        Value::String(name) => fields.push((name, None)),
                        _ => return Err(corrupt()),
                    }
                }
            }
            _ => return Err(corrupt()),
        }
    }
    // New fields follow in the order of their names.
    fields.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(fields)
}

fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "a stored document cannot be read")
}

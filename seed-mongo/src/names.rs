//! What collections and indexes are called on the server.

use std::fmt::Write;

use seed::plan::IndexSpec;
use seed::value::json;

/// Returns the name of a collection on the server, which takes no `$` and keeps names that begin with `system.`.
pub(crate) fn of_collection(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '$' => encoded.push_str("%24"),
            '%' => encoded.push_str("%25"),
            character => encoded.push(character),
        }
    }
    match encoded.strip_prefix("system.") {
        Some(rest) => format!("%73ystem.{rest}"),
        None => encoded,
    }
}

/// Returns the name of an index on the server: its own, and a mark of what it holds, so that an index that changed under
/// its name is another one and can be built beside the old.
pub(crate) fn of_index(index: &IndexSpec) -> String {
    let declaration = json::document_to_stored(&index.to_document());
    let mut name = of_collection(index.name());
    write!(name, "~{:08x}", fnv(declaration.as_bytes())).expect("text can be written to");
    name
}

/// Returns the name that the index of a name on the server was declared by; none if it is none of ours.
pub(crate) fn declared_by(name: &str) -> Option<String> {
    let (name, mark) = name.rsplit_once('~')?;
    let is_mark = mark.len() == 8 && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_mark.then(|| to_collection(name))
}

/// Returns the name that a collection or an index goes by on the server, as it was before it was encoded.
pub(crate) fn to_collection(encoded: &str) -> String {
    let name = encoded.replace("%73ystem.", "system.");
    name.replace("%24", "$").replace("%25", "%")
}

/// The hash of Fowler, Noll and Vo, 32 bits (FNV-1a): the same in every version of every program.
fn fnv(bytes: &[u8]) -> u32 {
    let mix = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, mix)
}

#[cfg(test)]
mod tests {
    use seed::doc;

    use super::*;

    #[test]
    fn names_that_the_server_refuses_are_encoded() {
        assert_eq!(of_collection("jobs"), "jobs");
        assert_eq!(of_collection("a$b%"), "a%24b%25");
        assert_eq!(of_collection("system.x"), "%73ystem.x");
    }

    #[test]
    fn an_index_is_known_by_the_name_that_it_was_declared_by() {
        for name in ["queued", "a$b%24", "system.x", "a~b"] {
            let index = IndexSpec::new(name, &doc! { "a": 1 }).unwrap();
            assert_eq!(declared_by(&of_index(&index)).as_deref(), Some(name));
        }
        assert_eq!(declared_by("_id_"), None);
        assert_eq!(declared_by("made~by-hand"), None);
    }

    #[test]
    fn an_index_that_changed_has_another_name() {
        let index = IndexSpec::new("it", &doc! { "a": 1 }).unwrap();
        assert_ne!(of_index(&index), of_index(&index.clone().unique()));
    }

    #[test]
    fn the_mark_is_the_hash_that_others_know() {
        assert_eq!(fnv(b""), 0x811c_9dc5);
        assert_eq!(fnv(b"foobar"), 0xbf9c_f968);
    }
}

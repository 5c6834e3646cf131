//! The names of what a collection keeps on the server: one hash tag each, so that a cluster has them in one slot.

use std::fmt::Write;

use bytes::Bytes;
use fred::util::redis_keyslot;
use seed::engine::IndexId;

/// The keys of one collection.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// Edition, catalogue and number of writes.
    pub(crate) spec: Bytes,
    /// Id to document.
    pub(crate) docs: Bytes,
    /// The ids in their order.
    pub(crate) ids: Bytes,
    /// Where wake-ups are published.
    pub(crate) channel: Bytes,
    /// The slot of all of them in a cluster.
    pub(crate) slot: u16,
    tag: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str, database: u8, collection: &str) -> Self {
        let tag = format!("{{{prefix}:{}}}", encoded(collection));
        let key = |kind: &str| Bytes::from(format!("{tag}:{kind}"));
        Self {
            spec: key("spec"),
            docs: key("docs"),
            ids: key("ids"),
            channel: Bytes::from(wake_channel(prefix, database, collection)),
            slot: redis_keyslot(tag.as_bytes()),
            tag,
        }
    }

    pub(crate) fn index(&self, id: IndexId) -> Bytes {
        Bytes::from(format!("{}:index:{id}", self.tag))
    }
}

/// Returns the channel of a collection's wake-ups. Channels are shared by all databases of a server, so it names one.
pub(crate) fn wake_channel(prefix: &str, database: u8, collection: &str) -> String {
    format!("{prefix}:{database}:wake:{}", encoded(collection))
}

/// Returns the channel of a topic's messages.
pub(crate) fn topic_channel(prefix: &str, database: u8, topic: &str) -> String {
    format!("{prefix}:{database}:topic:{}", encoded(topic))
}

/// Writes a name so that nothing in it has a meaning in a key: what is no letter, digit, dot, dash or underscore as `%`
/// and two hexadecimal digits a byte.
pub(crate) fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            out.push(char::from(byte));
        } else {
            // A string takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_slot() {
        let keys = Keys::new("seed", 0, "a}b{c:d%\u{e9}");
        assert_eq!(keys.docs, "{seed:a%7Db%7Bc%3Ad%25%C3%A9}:docs");
        assert_eq!(keys.slot, redis_keyslot(&keys.docs));
        assert_eq!(keys.slot, redis_keyslot(&keys.index(7)));
    }

    #[test]
    fn names_that_differ_have_keys_that_differ() {
        for (a, b) in [("a b", "a_b"), ("%20", " "), ("A", "a")] {
            assert_ne!(encoded(a), encoded(b));
        }
    }
}

//! The scripts: each is run by its hash, and loaded where the server does not know it (any more).

use std::sync::OnceLock;

use bytes::Bytes;
use fred::types::{Resp3Frame, Value};
use seed::Result;

use crate::error;
use crate::link::Link;

/// A script with its flags.
#[derive(Debug)]
pub(crate) struct Script {
    flags: &'static str,
    text: &'static str,
    hash: OnceLock<Bytes>,
}

/// Changes and claims.
pub(crate) static WRITE: Script = Script::new("", include_str!("scripts/write.lua"));
/// The same for changes that only remove, which a full server takes as well.
pub(crate) static REMOVE: Script = Script::new(" flags=allow-oom", include_str!("scripts/write.lua"));
pub(crate) static PAGE: Script = Script::new(" flags=no-writes", include_str!("scripts/page.lua"));
pub(crate) static COUNT: Script = Script::new(" flags=no-writes", include_str!("scripts/count.lua"));
pub(crate) static CATALOGUE: Script = Script::new("", include_str!("scripts/catalogue.lua"));
pub(crate) static TAKE_OUT: Script = Script::new(" flags=allow-oom", include_str!("scripts/take_out.lua"));
pub(crate) static DROP: Script = Script::new(" flags=allow-oom", include_str!("scripts/drop.lua"));

impl Script {
    const fn new(flags: &'static str, text: &'static str) -> Self {
        Self {
            flags,
            text,
            hash: OnceLock::new(),
        }
    }

    /// Runs the script on the node that has a slot.
    pub(crate) async fn run(
        &self,
        link: &Link,
        slot: u16,
        keys: &[Bytes],
        arguments: impl IntoIterator<Item = Bytes>,
    ) -> Result<Resp3Frame> {
        let hash = match self.hash.get() {
            Some(hash) => hash.clone(),
            None => self.load(link, slot).await?,
        };
        let arguments = arguments.into_iter();
        let mut call = Vec::with_capacity(2 + keys.len() + arguments.size_hint().0);
        call.push(Value::Bytes(hash));
        call.push(Value::Bytes(number(keys.len())));
        call.extend(keys.iter().cloned().map(Value::Bytes));
        call.extend(arguments.map(Value::Bytes));
        // Each argument is a counted reference, so that a second try costs little.
        let again = call.clone();
        match link.call("EVALSHA", Some(slot), call).await {
            // Nothing was run, so that it can be run again.
            Err(fault) if fault.message().contains("NOSCRIPT") => {
                self.load(link, slot).await?;
                link.call("EVALSHA", Some(slot), again).await
            }
            answer => answer,
        }
    }

    async fn load(&self, link: &Link, slot: u16) -> Result<Bytes> {
        let text = format!("#!lua{}\n{}", self.flags, self.text);
        let arguments = vec![
            Value::Bytes(Bytes::from_static(b"LOAD")),
            Value::Bytes(text.into()),
        ];
        match link.call("SCRIPT", Some(slot), arguments).await? {
            Resp3Frame::BlobString { data, .. } => {
                let hash = Bytes::copy_from_slice(&data);
                Ok(self.hash.get_or_init(|| hash).clone())
            }
            _ => Err(error::unexpected(link.url())),
        }
    }
}

/// Writes a number as scripts take it.
pub(crate) fn number(number: usize) -> Bytes {
    /// The small numbers, of which calls have many.
    static DIGITS: &[u8; 10] = b"0123456789";
    match DIGITS.get(number..=number) {
        Some(digit) => Bytes::from_static(digit),
        None => Bytes::from(number.to_string()),
    }
}

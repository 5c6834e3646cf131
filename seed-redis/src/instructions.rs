//! What a script is to do, as MessagePack: one argument instead of many small ones, read by the server in one go.

use rmp::encode::{self, ByteBuf};

/// Instructions as far as they are written.
///
/// Lists and maps say first how many they hold; those follow.
#[derive(Debug, Default)]
pub(crate) struct Instructions(ByteBuf);

impl Instructions {
    pub(crate) fn done(self) -> Vec<u8> {
        self.0.into_vec()
    }

    pub(crate) fn map(&mut self, count: usize) -> &mut Self {
        let Ok(_) = encode::write_map_len(&mut self.0, length(count));
        self
    }

    /// Appends others.
    pub(crate) fn append(&mut self, part: &Self) -> &mut Self {
        self.0.as_mut_vec().extend_from_slice(part.0.as_slice());
        self
    }

    pub(crate) fn list(&mut self, count: usize) -> &mut Self {
        let Ok(_) = encode::write_array_len(&mut self.0, length(count));
        self
    }

    /// Writes bytes as text, which is all the same to Lua: the server's reader does not know the newer type for bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let Ok(_) = encode::write_str_len(&mut self.0, length(bytes.len()));
        self.0.as_mut_vec().extend_from_slice(bytes);
        self
    }

    pub(crate) fn number(&mut self, number: usize) -> &mut Self {
        let Ok(_) = encode::write_uint(&mut self.0, number as u64);
        self
    }

    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        let Ok(()) = encode::write_bool(&mut self.0, flag);
        self
    }

    /// Writes positions, which scripts count from 1, as a byte each: a layout with parts has no more.
    pub(crate) fn positions(&mut self, positions: &[usize]) -> &mut Self {
        let bytes: Vec<u8> = positions.iter().map(|position| *position as u8 + 1).collect();
        self.bytes(&bytes)
    }
}

/// A command of the server holds less than this many of anything.
fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Instructions;

    #[test]
    fn instructions_are_message_pack() {
        let (mut all, mut part) = (Instructions::default(), Instructions::default());
        part.map(1).number(7).bytes(&[0xFF; 40]);
        all.list(3).number(200).flag(true).append(&part);
        let mut expected = b"\x93\xCC\xC8\xC3\x81\x07\xD9\x28".to_vec();
        expected.extend([0xFF; 40]);
        assert_eq!(all.done(), expected);
    }

    #[test]
    fn positions_are_counted_from_one() {
        let mut all = Instructions::default();
        all.positions(&[0, 4]);
        assert_eq!(all.done(), [0xA2, 1, 5]);
    }
}

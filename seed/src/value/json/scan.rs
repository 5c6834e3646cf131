//! Which bytes of a string stand for themselves in JSON.

/// Returns how many bytes there are before the first quote, backslash or control character.
#[inline]
pub(super) fn run(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = bytes[at..].first_chunk() {
        let found = escaped(u64::from_le_bytes(*eight));
        if found != 0 {
            return at + first(found);
        }
        at += 8;
    }
    let (word, length) = up_to_seven(&bytes[at..]);
    // The bytes beyond the end are zero, which counts; none of those before is passed over.
    at + first(escaped(word)).min(length)
}

/// Returns the last bytes of a text as a number, which is zero beyond them.
#[inline]
fn up_to_seven(bytes: &[u8]) -> (u64, usize) {
    let length = bytes.len();
    let word = match (bytes.first_chunk(), bytes.last_chunk()) {
        // The two overlap, with the same bytes.
        (Some(first), Some(last)) => {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            u64::from(first) | u64::from(last) << (8 * (length - 4))
        }
        _ => bytes
            .iter()
            .rev()
            .fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    (word, length)
}

/// Looks at eight bytes as one number, and sets the high bit of each that does not stand for itself, at least up to the
/// first.
///
/// Source: "Bit Twiddling Hacks" (S. E. Anderson), "Determine if a word has a byte less than n": taking the bound from
/// each byte borrows into its high bit if it is below. What a borrow does to the bytes after it is of no matter.
#[inline]
fn escaped(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGH;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | is(b'"') | is(b'\\')
}

#[inline]
fn first(found: u64) -> usize {
    found.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_byte_that_must_be_escaped() {
        for length in 0..40 {
            let plain = vec![b'x'; length];
            assert_eq!(run(&plain), length);
            for at in 0..length {
                for escaped in (0..0x20).chain([b'"', b'\\']) {
                    let mut text = plain.clone();
                    text[at] = escaped;
                    assert_eq!(run(&text), at);
                }
            }
        }
        assert_eq!(run("é\u{7F}😀 !#[]~".as_bytes()), "é\u{7F}😀 !#[]~".len());
    }
}

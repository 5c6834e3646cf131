//! Which bytes of a string stand for themselves in JSON.

/// How many bytes are looked at together: as many as the vectors of the processor hold.
const TOGETHER: usize = 16;

/// Returns how many bytes there are before the first quote, backslash or control character.
pub(super) fn run(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<TOGETHER>();
    // Without a way out of the inner loop the compiler makes a few vector instructions of it.
    let plain = |chunk: &&[u8; TOGETHER]| !chunk.iter().fold(false, |any, &byte| any | is_escaped(byte));
    let skipped = chunks.iter().take_while(plain).count() * TOGETHER;
    let rest = &bytes[skipped..];
    let within = rest.iter().position(|&byte| is_escaped(byte));
    skipped + within.unwrap_or(rest.len())
}

fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_byte_that_must_be_escaped() {
        for length in 0..70 {
            let plain = vec![b'x'; length];
            assert_eq!(run(&plain), length);
            for at in 0..length {
                for escaped in [b'"', b'\\', 0, 0x1F] {
                    let mut text = plain.clone();
                    text[at] = escaped;
                    assert_eq!(run(&text), at);
                }
            }
        }
        assert_eq!(run("é\u{7F}😀 !#[]~".as_bytes()), "é\u{7F}😀 !#[]~".len());
    }
}

//! Patterns: the options on the first line, the pattern on the second, the text after it.
//!
//! A pattern that is taken must find something just where PCRE2 does, which MongoDB uses.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seed::filter::ops::text::Pattern;

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(3, '\n');
    let (Some(options), Some(source), Some(text)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    let Ok(pattern) = Pattern::parse(source, options) else {
        return;
    };
    let found = pattern.is_match(text);
    if let Some(prefix) = pattern.prefix() {
        assert!(
            !found || text.starts_with(prefix),
            "{text:?} does not begin with {prefix:?}"
        );
    }

    let theirs = pcre2::bytes::RegexBuilder::new()
        .utf(true)
        .caseless(options.contains('i'))
        .multi_line(options.contains('m'))
        .dotall(options.contains('s'))
        .extended(options.contains('x'))
        .build(source)
        .expect("what we take, PCRE2 takes");
    // It backtracks, and gives up where that takes too long.
    if let Ok(theirs) = theirs.is_match(text.as_bytes()) {
        assert_eq!(found, theirs, "{pattern:?} on {text:?}");
    }
});

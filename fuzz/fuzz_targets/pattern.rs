//! Patterns: the options on the first line, the pattern on the second, the text after it.
//!
//! A pattern that is taken must find something just where PCRE2 does, which MongoDB uses.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seed::filter::ops::text::Pattern;

/// PCRE2's code for a pattern that is larger than 64 KiB when it is compiled.
const TOO_LARGE: i32 = 120;

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

    let built = pcre2::bytes::RegexBuilder::new()
        .utf(true)
        .caseless(options.contains('i'))
        .multi_line(options.contains('m'))
        .dotall(options.contains('s'))
        .extended(options.contains('x'))
        .build(source);
    let theirs = match built {
        Ok(theirs) => theirs,
        // Its programs are limited in another way than ours.
        Err(fault) if fault.code() == TOO_LARGE => return,
        Err(fault) => panic!("what we take, PCRE2 takes: {fault}"),
    };
    // It backtracks, and gives up where that takes too long.
    if let Ok(theirs) = theirs.is_match(text.as_bytes()) {
        assert_eq!(found, theirs, "{pattern:?} on {text:?}");
    }
});

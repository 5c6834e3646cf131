use super::*;

fn finds(pattern: &str, options: &str, text: &str) -> bool {
    Pattern::parse(pattern, options)
        .unwrap_or_else(|error| panic!("{pattern}: {error}"))
        .is_match(text)
}

/// Checks what a pattern without options finds something in, and what not.
fn check(pattern: &str, found: &[&str], not_found: &[&str]) {
    check_with(pattern, "", found, not_found);
}

fn check_with(pattern: &str, options: &str, found: &[&str], not_found: &[&str]) {
    for text in found {
        assert!(
            finds(pattern, options, text),
            "/{pattern}/{options} finds something in {text:?}"
        );
    }
    for text in not_found {
        assert!(
            !finds(pattern, options, text),
            "/{pattern}/{options} finds nothing in {text:?}"
        );
    }
}

fn kind(pattern: &str) -> ErrorKind {
    Pattern::parse(pattern, "").expect_err(pattern).kind()
}

#[test]
fn a_pattern_is_found_anywhere() {
    check("b", &["abc", "b"], &["", "ac"]);
    check("", &["", "x"], &[]);
    check("a|bc", &["xa", "xbc"], &["xb"]);
    check("^(abc|x)$", &["abc", "x", "x\n"], &["abcd", "xx"]);
}

#[test]
fn the_end_is_also_before_a_final_newline() {
    check("c$", &["c", "abc", "c\n"], &["c\n\n", "c\nd", "cd"]);
    check(r"c\Z", &["c\n"], &["c\n\n"]);
    check(r"c\z", &["c"], &["c\n"]);
    check("a$|b", &["a\n", "bx"], &["ax"]);
    check("(a$|b)c?", &["a\n", "b"], &["ac"]);
    check("a$\\n", &["a\n"], &["a", "a\n\n"]);
    check("a$\\s*$", &["a", "a\n"], &["a\n\n", "a b"]);
    check("^$", &["", "\n"], &["\n\n", "a"]);
    check("(?:a$)?b", &["b"], &["a"]);
    check("a$.", &[], &["a", "a\n", "ab"]);
    check_with("a$.", "s", &["a\n"], &["a", "ab"]);
    check_with("c$", "m", &["c\nd", "c\n\n", "c"], &["cd"]);
}

#[test]
fn a_line_does_not_start_after_a_final_newline() {
    check_with("^b", "m", &["a\nb", "b"], &["ab"]);
    check_with("^$", "m", &["", "\n", "a\n\n", "a\n\nb"], &["a\n", "a"]);
    check_with("\\n^", "m", &["a\nb"], &["a\n"]);
    check_with("^\\s*$", "m", &["a\n  \nb"], &["a\n", "a"]);
    check_with("(^a\\n)+b", "m", &["a\na\nb"], &["xa\nb"]);
    check_with("^(a|^b?)$", "m", &["x\na", "x\n\nb"], &["x\n"]);
    check_with("\\A^b", "m", &["b"], &["a\nb"]);
}

#[test]
fn letters_digits_and_spaces_are_those_of_ascii() {
    check(r"\d", &["7"], &["٣"]);
    check(r"\w", &["a", "_"], &["é", "日"]);
    check(r"\s", &[" ", "\u{b}"], &["\u{a0}", "\u{2003}"]);
    check(r"\D", &["٣"], &["7"]);
    check(r"é\b", &[], &["é"]);
    check(r"\bé", &["aé"], &["é"]);
    check(r"\Bé", &["é", " é"], &["aé"]);
    check(r"^a\B", &[], &["aé", "a"]);
    check(r"[[:alpha:]]", &["a"], &["é", "1"]);
    check(r"[[:^alpha:]]", &["é", "1"], &["a"]);
}

#[test]
fn any_case_is_known_beyond_ascii() {
    check_with("É", "i", &["é", "É"], &["e"]);
    check_with("[à-ü]", "i", &["É"], &["E"]);
    check_with("[^é]", "i", &["e"], &["É", "é"]);
    check_with("k", "i", &["\u{212a}", "K"], &[]);
    check_with("[[:upper:]]", "i", &["a", "A"], &["\u{212a}", "é"]);
    check_with(r"[\w]", "i", &["k"], &["\u{212a}"]);
    check_with(r"[\W]", "i", &["\u{212a}"], &["k"]);
    check_with(r"\p{Lu}", "i", &["A"], &["a"]);
}

#[test]
fn classes_do_not_nest_in_pcre() {
    check("^[a&&b]$", &["a", "b", "&"], &["&&"]);
    check("^[[x]]$", &["[]", "x]"], &["x", "]"]);
    check("^[]a]$", &["]", "a"], &["[]"]);
    // What means nothing before the first letter does not make it another (found by comparing with PCRE2).
    check(r"^[\E]a]$", &["]", "a"], &["Ea]"]);
    check(r"^[\Q\E^\E]a]$", &["b"], &["]", "a"]);
    assert!(Pattern::parse(r"[\E]", "").is_err());
    check("^[^]a]$", &["b"], &["]", "a"]);
    check("^[a-]$", &["a", "-"], &["b"]);
    check("^[a-c-e]$", &["b", "-", "e"], &["d"]);
    // Beginnings and ends of quotations may stand around the hyphen.
    check("^[a\\E-c]$", &["b"], &["-"]);
    check("^[a\\Q\\E-\\Qc\\E]$", &["b"], &["-"]);
    check("^[a-\\E]$", &["a", "-"], &["b"]);
    check("^[a\\Q-\\Ec]$", &["a", "-", "c"], &["b"]);
    check("^[\\d\\E-c]$", &["1", "-", "c"], &["b"]);
    check(r"^[\w-]$", &["-", "x"], &["+"]);
    check(r"^[\b\]\x41\101\8]$", &["\u{8}", "]", "A", "8"], &["b"]);
    check(r"^[\Qa-z]\E]$", &["a", "-", "z", "]"], &["b"]);
    check("^[+--x]$", &["+", ",", "-", "x"], &["."]);
    check("^[[:x]$", &["[", ":", "x"], &["a"]);
    check("[^a]", &["\n"], &["a"]);
}

#[test]
fn the_escapes_of_pcre_are_read() {
    check(
        r"^\x41\x{e9}\x{1F600}\101\07\o{12}\e\cA\a\t$",
        &["Aé😀A\u{7}\n\u{1b}\u{1}\u{7}\t"],
        &[],
    );
    check(r"^\h\H\v\V$", &["\u{a0}a\u{2028}b"], &["aa\nb"]);
    check(r"^\R\R$", &["\r\n\n", "\r\r"], &["\r\n"]);
    check(r"\R\n", &["\r\n\n"], &["\r\n"]);
    check(r"^\R{2}$", &["\r\n\r\n", "\r\n\n"], &["\r\n\n\n\n", "\r\n"]);
    check(r"^\N+$", &["abc"], &["a\nb"]);
    check(r"^\N{U+e9}$", &["é"], &["e"]);
    check(r"^\Qa.b*\E+$", &["a.b***", "a.b*"], &["axb"]);
    check(r"^a\Q.$", &["a.$"], &["ab"]);
    check(r"^\.\é\-$", &[".é-"], &["xé-"]);
    check(r"^\p{Lu}\pL\P{L}\p{^L}$", &["Éa11"], &["éa11"]);
    check(r"^\12$", &["\n"], &["1"]);
    check(r"a\Kb", &["ab"], &["b"]);
}

#[test]
fn a_brace_that_repeats_nothing_is_a_letter() {
    check("^a{,3}$", &["a{,3}"], &["aaa"]);
    check("^{a}{2}$", &["{a}}"], &["{a}"]);
    check("^a{2}$", &["aa"], &["a", "aaa"]);
    check("^a{1,}?b{0}$", &["aaa"], &["", "b"]);
    check("x{y", &["x{y"], &["xy"]);
}

#[test]
fn groups_comments_and_modes_are_read() {
    check("^(?:a)(?<n>b)(?P<m>c)(?'o'd)(?|e)$", &["abcde"], &[]);
    check("(?i)abc", &["ABC"], &[]);
    check("^a(?i)b|c$", &["aB", "C"], &["AB"]);
    check("^(a(?i)b)c$", &["aBc"], &["aBC"]);
    check("^(?i:a)b$", &["Ab"], &["AB"]);
    check("^(?s).(?-s).$", &["\na"], &["\n\n"]);
    check("^a(?#comment)+$", &["aaa"], &[]);
    check_with("^ a b # c\n c $", "x", &["abc"], &["a b c"]);
    check_with(r"^a\ b[ ] +$", "x", &["a b  "], &["ab "]);
    check_with("^a+ ?b{1} (?#lazy)?$", "x", &["aab"], &["ab "]);
    check_with("^A(?^)a$", "i", &["aa"], &["aA"]);
}

#[test]
fn what_needs_backtracking_is_refused_by_name() {
    for (pattern, name) in [
        ("(?=a)", "look-ahead"),
        ("^(?!a)", "look-ahead"),
        ("(?<=a)b", "look-behind"),
        ("(?<!a)b", "look-behind"),
        ("(a)\\1", "back-references"),
        ("(?<n>a)\\k<n>", "back-references"),
        ("(?P<n>a)(?P=n)", "back-references"),
        ("a\\g1", "back-references"),
        ("(?>a)", "atomic"),
        ("a++", "possessive"),
        ("a{2}+", "possessive"),
        ("(?x)a+ +", "possessive"),
        ("\\N{DIGIT ONE}", "by name"),
        ("\\N{1-", "by name"),
        ("(a(?1)?)", "recursion"),
        ("(?R)?", "recursion"),
        ("(?(1)a|b)", "conditions"),
        ("(?C1)", "callouts"),
        ("(*UCP)a", "verbs"),
        ("\\X", "\\X"),
        ("\\p{Greek}", "property"),
        ("(a|b$)*c?", "anchor"),
    ] {
        let error = Pattern::parse(pattern, "").expect_err(pattern);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{pattern}");
        assert!(error.message().contains(name), "{pattern}: {error}");
    }
}

#[test]
fn malformed_patterns_are_refused() {
    for pattern in [
        "(",
        ")",
        "[",
        "[a",
        "a**",
        "*a",
        "^*",
        "a{3,2}",
        "\\",
        "[z-a]",
        "[\\d-z]",
        "[a-\\d]",
        "(?<n",
        "(?<1>a)",
        "(?<n>a)(?<n>b)",
        "\\y",
        "\\x{110000}",
        "\\x{d800}",
        "\\x{g}",
        "\\c",
        "[[:foo:]]",
        "[[.a.]]",
        "(?z)",
        "(?#a",
        "a\0",
        "{2}",
        "\\o9",
    ] {
        assert_eq!(kind(pattern), ErrorKind::Query, "{pattern}");
    }
    assert!(Pattern::parse("a", "q").unwrap_err().message().contains("'q'"));
    assert!(Pattern::parse("a", "u").is_ok());
}

#[test]
fn hostile_patterns_end_in_an_error() {
    let deep = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(finds(&deep(250), "", "a"));
    assert_eq!(kind(&deep(251)), ErrorKind::Limit);
    assert_eq!(kind("(a{1000}){1000}"), ErrorKind::Limit);
    assert_eq!(kind("((a{1000}){1000}){60000}"), ErrorKind::Limit);
    assert_eq!(kind("a{65536}"), ErrorKind::Limit);
    assert_eq!(kind(&"a".repeat(MAX_PATTERN_BYTES + 1)), ErrorKind::Limit);
    assert_eq!(kind(&format!("(?m){}", "(^|a)".repeat(5_000))), ErrorKind::Limit);
    assert_eq!(
        kind(&format!("(?i){}", r"[\x00-\x{10FFFF}]".repeat(1_500))),
        ErrorKind::Limit
    );
    assert_eq!(kind(&r"\pL".repeat(10_000)), ErrorKind::Limit);
    assert!(Pattern::parse(&"a".repeat(MAX_PATTERN_BYTES), "").is_ok());
    assert!(finds(".{1000}", "", &"é".repeat(1_000)));
}

#[test]
fn a_pattern_at_the_start_has_a_prefix() {
    let prefix = |pattern: &str, options: &str| {
        Pattern::parse(pattern, options)
            .unwrap()
            .prefix()
            .map(str::to_owned)
    };
    assert_eq!(prefix("^abc", ""), Some("abc".to_owned()));
    assert_eq!(prefix("^(ab)c*", ""), Some("ab".to_owned()));
    assert_eq!(prefix("\\A1-x", "i"), Some("1-".to_owned()));
    assert_eq!(prefix("^a", "m"), None);
    assert_eq!(prefix("^a|b", ""), None);
    assert_eq!(prefix("a", ""), None);
    assert_eq!(prefix("^", ""), None);
    assert_eq!(prefix("^a?", ""), None);
}

#[test]
fn a_text_that_an_anchored_pattern_needs_is_found_in_its_middle() {
    let inner = |pattern: &str| inner_text(&read::read(pattern, flags("").unwrap()).unwrap());
    assert_eq!(
        inner("^[a-f].*7@example\\.(org|net)$").as_deref(),
        Some("7@example.")
    );
    assert_eq!(inner("^abc.def?").as_deref(), None);
    assert_eq!(inner("^abc.defg?").as_deref(), Some("def"));
    for none in ["^abc", "^.ab", "abc.def", "^(a.bcd|e)", "^.(abc)?", "^a|b.cde"] {
        assert_eq!(inner(none), None, "{none}");
    }
    let pattern = Pattern::parse("^[a-f].*7@example\\.(org|net)$", "").unwrap();
    assert!(pattern.is_match("a17@example.org") && pattern.is_match("f7@example.net\n"));
    assert!(!pattern.is_match("a17@example.com") && !pattern.is_match("g7@example.org"));
    assert!(Pattern::parse("^.ABC", "i").unwrap().is_match("-aBc"));
}

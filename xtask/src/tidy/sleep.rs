//! No test sleeps: it waits for an event, or moves a clock.

use super::Fault;
use super::source::Source;

/// The comment that allows a sleep on its line; a reason follows it.
const ALLOWED: &str = "// tidy: a sleep, because ";

/// Finds sleeps in tests.
pub(super) fn check(source: &Source) -> Vec<Fault> {
    let sleeps = source.mentions.iter().filter(|mention| {
        let last = mention.segments.last().map(String::as_str);
        matches!(last, Some("sleep" | "sleep_until")) && source.is_test(mention.line)
    });
    let lines: Vec<&str> = source.text.lines().collect();
    let unexplained = sleeps.filter(|mention| !is_allowed(lines[mention.line - 1]));
    unexplained
        .map(|sleep| {
            source.fault(
                sleep.line,
                "a test sleeps: wait for an event or move the simulated clock",
            )
        })
        .collect()
}

fn is_allowed(line: &str) -> bool {
    line.split_once(ALLOWED)
        .is_some_and(|(_, reason)| !reason.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        check(&Source::parse(path, text).unwrap()).len()
    }

    #[test]
    fn a_sleep_in_a_test_is_found() {
        let code = "async fn f() { tokio::time::sleep(x).await; }";
        assert_eq!(count("a/tests/b.rs", code), 1);
        assert_eq!(count("conformance/src/queue/order.rs", code), 1);
        assert_eq!(count("a/src/b.rs", code), 0);
        assert_eq!(
            count(
                "a/src/b.rs",
                "#[cfg(test)] mod tests { fn f() { std::thread::sleep(x); } }"
            ),
            1
        );
    }

    #[test]
    fn a_simulated_sleep_is_none() {
        assert_eq!(count("a/tests/b.rs", "async fn f(r: R) { r.sleep(x).await; }"), 0);
    }

    #[test]
    fn a_reason_allows_it() {
        let with = |reason: &str| format!("fn f() {{\n    thread::sleep(x); {ALLOWED}{reason}\n}}");
        assert_eq!(count("a/tests/b.rs", &with("the kernel must see it idle")), 0);
        assert_eq!(count("a/tests/b.rs", &with("")), 1);
    }
}

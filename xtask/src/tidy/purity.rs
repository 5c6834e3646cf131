//! Time, chance and threads come from one place in each crate, so that tests can simulate them.

use super::Fault;
use super::source::Source;

/// The crates that keep to it, in everything but their tests.
const PURE: [&str; 2] = ["kinetik-core", "seed"];

/// What asks the machine for time, chance or threads.
const IMPURE: [&str; 12] = [
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
    "getrandom",
    "rand",
    "tokio::spawn",
    "tokio::task",
    "thread::spawn",
    "thread::Builder",
];

/// The files that may ask, and why.
const KEEPERS: &[(&str, &str)] = &[
    (
        "kinetik-core/src/runtime.rs",
        "the Runtime: all of kinetik-core asks it",
    ),
    (
        "kinetik-core/src/simulated.rs",
        "the other Runtime, whose time is tokio's paused one",
    ),
    ("seed/src/clock.rs", "the Clock: all of seed asks it"),
    (
        "seed/src/value/object_id.rs",
        "an object id is made of the time and of chance",
    ),
    (
        "seed/src/engine/object_ids.rs",
        "object ids that a store makes up must differ between processes",
    ),
    (
        "seed/src/engine/writer.rs",
        "the writer is a thread, and ends a group of writes by the time it took",
    ),
    (
        "seed/src/engine/durable.rs",
        "what was written is made durable by a thread, beside the writer",
    ),
    (
        "seed/src/parallel.rs",
        "its threads are gone when the call returns, and change no answer",
    ),
];

/// Finds what asks the machine where it should ask the runtime or the clock.
pub(super) fn check(source: &Source) -> Vec<Fault> {
    let is_pure = PURE
        .iter()
        .any(|folder| source.path.starts_with(&format!("{folder}/src/")));
    if !is_pure || KEEPERS.iter().any(|(path, _)| *path == source.path) {
        return Vec::new();
    }
    let mentions = source
        .mentions
        .iter()
        .filter(|mention| !source.is_test(mention.line));
    let impure = mentions.filter_map(|mention| {
        let name = IMPURE.iter().find(|name| mention.has(name))?;
        Some(source.fault(
            mention.line,
            format!("{name} here: take it from the Runtime or the Clock handed in"),
        ))
    });
    impure.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(&Source::parse(path, text).unwrap())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_clock_is_read_in_one_place() {
        let code = "fn f() { let now = std::time::Instant::now(); }";
        let expected =
            "seed/src/key.rs:1: Instant::now here: take it from the Runtime or the Clock handed in";
        assert_eq!(faults("seed/src/key.rs", code), [expected]);
        assert!(faults("seed/src/clock.rs", code).is_empty());
        assert!(faults("seed-sqlite/src/engine.rs", code).is_empty());
    }

    #[test]
    fn a_runtime_that_was_handed_in_may_spawn() {
        assert!(
            faults(
                "kinetik-core/src/queue.rs",
                "fn f(r: R) { r.runtime().spawn(x); }"
            )
            .is_empty()
        );
        assert_eq!(
            faults("kinetik-core/src/queue.rs", "fn f() { tokio::spawn(x); }").len(),
            1
        );
        assert_eq!(
            faults("kinetik-core/src/queue.rs", "fn f() { getrandom::u64(); }").len(),
            1
        );
    }

    #[test]
    fn tests_are_free() {
        let code = "#[cfg(test)] mod tests { fn f() { std::thread::spawn(g); } }";
        assert!(faults("seed/src/store/mod.rs", code).is_empty());
    }
}

//! Names that say nothing, and names that do not belong where they stand.

use super::Fault;
use super::source::Source;

/// Modules that fill up because nothing else fits.
const VAGUE: [&str; 5] = ["util", "utils", "common", "helpers", "misc"];

/// Stores, of which the queue knows nothing.
const STORES: [&str; 3] = ["sqlite", "redis", "mongo"];

/// Finds modules whose name says nothing.
pub(super) fn check_modules(source: &Source) -> Vec<Fault> {
    let parts = source
        .path
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let of_path = parts.filter(|part| VAGUE.contains(part)).map(|name| (1, name));
    let pairs = source.mentions.windows(2).filter(|pair| pair[0].has("mod"));
    let declared = pairs.filter_map(|pair| {
        let name = VAGUE.iter().find(|name| pair[1].has(name))?;
        Some((pair[1].line, *name))
    });
    let told = |(line, name)| source.fault(line, format!("a module called {name}: name what it is for"));
    of_path.chain(declared).map(told).collect()
}

/// Finds stores named in the queue.
pub(super) fn check_stores(source: &Source) -> Vec<Fault> {
    if source.folder() != "kinetik-core" {
        return Vec::new();
    }
    let named = source.lines().filter_map(|(line, text)| {
        let text = text.to_lowercase();
        let store = STORES.iter().find(|store| text.contains(*store))?;
        Some(source.fault(line, format!("kinetik-core names no store, but here is {store}")))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_says_nothing_is_found() {
        let count = |path: &str, text: &str| check_modules(&Source::parse(path, text).unwrap()).len();
        assert_eq!(count("a/src/utils.rs", ""), 1);
        assert_eq!(count("a/tests/common/mod.rs", ""), 1);
        assert_eq!(
            count("a/src/lib.rs", "mod keys;\npub(crate) mod keys { mod misc { } }"),
            1
        );
        assert_eq!(
            count("a/src/lib.rs", "mod common_prefix; fn f() { let common = 1; }"),
            0
        );
    }

    #[test]
    fn the_queue_names_no_store() {
        let count =
            |path: &str| check_stores(&Source::parse(path, "// As Redis does.\nstruct A;").unwrap()).len();
        assert_eq!(count("kinetik-core/src/queue.rs"), 1);
        assert_eq!(count("seed-redis/src/lib.rs"), 0);
    }
}

//! Arrows between the crates never turn back: which crate may use which.

use cargo_metadata::{DependencyKind, Package};

use super::Fault;

/// What each crate may use of the others.
const ARROWS: &[(&str, &[&str])] = &[
    ("seed", &[]),
    ("seed-memory", &["seed"]),
    ("seed-mongo", &["seed"]),
    ("seed-redis", &["seed"]),
    ("seed-sqlite", &["seed"]),
    ("kinetik-core", &["seed"]),
    (
        "kinetik",
        &[
            "kinetik-core",
            "seed",
            "seed-memory",
            "seed-mongo",
            "seed-redis",
            "seed-sqlite",
        ],
    ),
    ("conformance", &["kinetik-core", "seed"]),
    ("kinetik-demo", &["seed"]),
    ("mongo-standin", &[]),
    (
        "xtask",
        &[
            "conformance",
            "kinetik",
            "kinetik-core",
            "seed",
            "mongo-standin",
            "seed-memory",
            "seed-mongo",
            "seed-redis",
            "seed-sqlite",
        ],
    ),
];

/// What they may use in their tests besides.
const TEST_ARROWS: &[(&str, &[&str])] = &[
    ("seed", &["conformance", "seed-memory"]),
    ("seed-memory", &["conformance"]),
    ("seed-mongo", &["conformance", "kinetik-core", "mongo-standin"]),
    ("seed-redis", &["conformance"]),
    ("seed-sqlite", &["conformance"]),
    ("kinetik-core", &["seed-memory"]),
    ("conformance", &["seed-memory", "seed-sqlite"]),
];

/// A crate of the workspace and those of the others that it uses.
struct Crate {
    name: String,
    uses: Vec<String>,
    uses_in_tests: Vec<String>,
}

/// Finds the arrows that turn back.
pub(super) fn check(packages: &[Package]) -> Vec<Fault> {
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    packages
        .iter()
        .flat_map(|package| check_crate(&Crate::new(package, &names)))
        .collect()
}

impl Crate {
    fn new(package: &Package, names: &[&str]) -> Self {
        let (mut uses, mut uses_in_tests) = (Vec::new(), Vec::new());
        for dependency in &package.dependencies {
            if names.contains(&dependency.name.as_str()) {
                let is_test = dependency.kind == DependencyKind::Development;
                let list = if is_test { &mut uses_in_tests } else { &mut uses };
                list.push(dependency.name.clone());
            }
        }
        Self {
            name: package.name.to_string(),
            uses,
            uses_in_tests,
        }
    }
}

fn check_crate(package: &Crate) -> Vec<Fault> {
    let place = format!("{}/Cargo.toml", package.name);
    let Some(allowed) = targets(ARROWS, &package.name) else {
        return vec![Fault::new(
            place,
            "a crate without arrows: say in tidy/arrows.rs what it may use",
        )];
    };
    let in_tests = targets(TEST_ARROWS, &package.name).unwrap_or_default();
    let turned = package
        .uses
        .iter()
        .filter(|name| !allowed.contains(&name.as_str()));
    let turned_in_tests = package
        .uses_in_tests
        .iter()
        .filter(|name| !allowed.contains(&name.as_str()) && !in_tests.contains(&name.as_str()));
    turned
        .map(|to| (to, ""))
        .chain(turned_in_tests.map(|to| (to, " in its tests")))
        .map(|(to, when)| {
            Fault::new(
                &place,
                format!("an arrow turns back: {} uses {to}{when}", package.name),
            )
        })
        .collect()
}

fn targets(arrows: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    arrows.iter().find(|(from, _)| *from == name).map(|(_, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, uses: &[&str], uses_in_tests: &[&str]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let package = Crate {
            name: name.to_owned(),
            uses: owned(uses),
            uses_in_tests: owned(uses_in_tests),
        };
        check_crate(&package).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_that_turns_back_is_named() {
        let expected = "seed/Cargo.toml: an arrow turns back: seed uses kinetik-core";
        assert_eq!(faults("seed", &["kinetik-core"], &[]), [expected]);
        assert_eq!(faults("kinetik-core", &["seed-memory"], &[]).len(), 1);
    }

    #[test]
    fn tests_have_arrows_of_their_own() {
        assert!(faults("kinetik-core", &["seed"], &["seed", "seed-memory"]).is_empty());
        assert_eq!(faults("kinetik-core", &[], &["seed-sqlite"]).len(), 1);
    }

    #[test]
    fn an_unknown_crate_has_no_arrows_yet() {
        assert_eq!(faults("seed-new", &["seed"], &[]).len(), 1);
    }

    #[test]
    fn the_table_has_no_circle() {
        fn reaches(from: &str, to: &str) -> bool {
            let next = targets(ARROWS, from).unwrap_or_default();
            next.iter().any(|next| *next == to || reaches(next, to))
        }
        assert!(ARROWS.iter().all(|(name, _)| !reaches(name, name)));
    }
}

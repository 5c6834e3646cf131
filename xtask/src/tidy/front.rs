//! Each crate takes the shared lints, and each crate and folder has a front page.

use std::fs;

use anyhow::Context;
use cargo_metadata::Package;
use syn::{AttrStyle, Attribute};

use super::Fault;
use super::source::Source;
use crate::cargo;

/// The files that begin a crate or a folder of modules.
const FRONTS: [&str; 3] = ["lib.rs", "main.rs", "mod.rs"];

/// Finds the crates that do not take the shared lints.
pub(super) fn check_manifests(packages: &[Package]) -> anyhow::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for package in packages {
        let path = package.manifest_path.as_std_path();
        let manifest = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        if !takes_shared_lints(&manifest) {
            let place = path
                .strip_prefix(cargo::root())
                .unwrap_or(path)
                .display()
                .to_string();
            faults.push(Fault::new(
                place,
                "write `[lints]` and `workspace = true` to take the shared lints",
            ));
        }
    }
    Ok(faults)
}

fn takes_shared_lints(manifest: &str) -> bool {
    let lines: Vec<&str> = manifest
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.contains(&"lints.workspace = true")
        || lines
            .windows(2)
            .any(|pair| pair == ["[lints]", "workspace = true"])
}

/// Finds a front page that is missing.
pub(super) fn check_source(source: &Source) -> Vec<Fault> {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    let is_front = FRONTS.contains(&name) && source.path.contains("/src/");
    if !is_front || source.syntax.attrs.iter().any(is_front_page) {
        return Vec::new();
    }
    vec![source.fault(
        1,
        "begin with `//!`: what this is for, what it leaves to others, where to start reading",
    )]
}

fn is_front_page(attribute: &Attribute) -> bool {
    matches!(attribute.style, AttrStyle::Inner(_)) && attribute.path().is_ident("doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_take_the_lints_count() {
        assert!(takes_shared_lints(
            "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"
        ));
        assert!(takes_shared_lints("lints.workspace = true\n[package]\n"));
        assert!(!takes_shared_lints(
            "[lints.rust]\nworkspace = true\n[dependencies]\n"
        ));
    }

    #[test]
    fn a_crate_begins_with_its_front_page() {
        let count = |path: &str, text: &str| check_source(&Source::parse(path, text).unwrap()).len();
        assert_eq!(count("a/src/lib.rs", "/// Not this.\npub struct A;"), 1);
        assert_eq!(count("a/src/lib.rs", "//! Does a thing.\n"), 0);
        assert_eq!(count("a/src/b.rs", "struct B;"), 0);
    }
}

//! The project's Rust files, read and parsed once for all rules.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use anyhow::Context;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemFn, ItemMod, Meta};

use super::Fault;

/// A Rust file.
pub(super) struct Source {
    /// Where it lies in the project, with slashes.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) syntax: syn::File,
    /// Every path that the code names, those inside macros too.
    pub(super) mentions: Vec<Mention>,
    test_lines: Vec<RangeInclusive<usize>>,
}

/// A path as it stands in the code: `tokio::spawn`, or a single name.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

impl Mention {
    /// Tells whether these names follow each other in the path.
    pub(super) fn has(&self, names: &str) -> bool {
        let names: Vec<&str> = names.split("::").collect();
        self.segments.windows(names.len()).any(|part| part == names)
    }
}

impl Source {
    pub(super) fn parse(path: impl Into<String>, text: impl Into<String>) -> anyhow::Result<Self> {
        let (path, text) = (path.into(), text.into());
        let tokens: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{path}: {error}"))?;
        let syntax: syn::File = syn::parse2(tokens.clone()).with_context(|| path.clone())?;
        let mut mentions = Vec::new();
        collect(tokens, &mut mentions);
        let mut tests = Tests::default();
        tests.visit_file(&syntax);
        Ok(Self {
            path,
            text,
            syntax,
            mentions,
            test_lines: tests.0,
        })
    }

    /// Returns the folder of the crate that the file belongs to.
    pub(super) fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Tells whether a line, counted from 1, is there for tests only.
    pub(super) fn is_test(&self, line: usize) -> bool {
        let is_test_file = self
            .path
            .split('/')
            .any(|part| matches!(part, "tests" | "tests.rs" | "conformance"));
        is_test_file || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// Returns the lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line))
    }

    pub(super) fn fault(&self, line: usize, message: impl Into<String>) -> Fault {
        Fault::new(format!("{}:{line}", self.path), message)
    }
}

/// Reads every Rust file below a folder, but for what was built or downloaded, in the order of their paths.
pub(super) fn read_all(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    read_folder(root, "", &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn read_folder(folder: &Path, prefix: &str, into: &mut Vec<Source>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !matches!(name.as_str(), "target" | "node_modules") {
                read_folder(&entry.path(), &format!("{path}/"), into)?;
            }
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).with_context(|| path.clone())?;
            into.push(Source::parse(path, text)?);
        }
    }
    Ok(())
}

/// Collects the paths in tokens. What follows a point or `fn` is a method or a definition, and no path.
fn collect(tokens: TokenStream, into: &mut Vec<Mention>) {
    let mut before = Before::Nothing;
    for token in tokens {
        before = match token {
            TokenTree::Ident(name) => after_name(&name, before, into),
            TokenTree::Punct(mark) => match (mark.as_char(), before) {
                (':', Before::Path) => Before::Colon,
                (':', Before::Colon) => Before::PathSeparator,
                ('.', _) => Before::Point,
                _ => Before::Nothing,
            },
            TokenTree::Group(group) => {
                collect(group.stream(), into);
                Before::Nothing
            }
            TokenTree::Literal(_) => Before::Nothing,
        };
    }
}

/// What stands before a token, as far as it matters to paths.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Path,
    Colon,
    PathSeparator,
    Point,
}

fn after_name(name: &Ident, before: Before, into: &mut Vec<Mention>) -> Before {
    let segment = name.to_string();
    match before {
        Before::Point => return Before::Nothing,
        Before::PathSeparator => into
            .last_mut()
            .expect("a path came before")
            .segments
            .push(segment),
        Before::Nothing | Before::Path | Before::Colon if segment == "fn" => return Before::Point,
        Before::Nothing | Before::Path | Before::Colon => {
            into.push(Mention {
                segments: vec![segment],
                line: name.span().start().line,
            });
        }
    }
    Before::Path
}

/// Finds the lines of what is compiled for tests only.
#[derive(Default)]
struct Tests(Vec<RangeInclusive<usize>>);

impl Tests {
    fn note(&mut self, attributes: &[Attribute], item: &impl Spanned) {
        if attributes.iter().any(is_for_tests) {
            let span = item.span();
            self.0.push(span.start().line..=span.end().line);
        }
    }
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.note(&item.attrs, item);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.note(&item.attrs, item);
        visit::visit_item_fn(self, item);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        Meta::Path(path) => path.is_ident("test"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        let source = Source::parse("a/src/b.rs", code).unwrap();
        source
            .mentions
            .iter()
            .map(|mention| mention.segments.join("::"))
            .collect()
    }

    #[test]
    fn paths_are_found_inside_macros_too() {
        assert!(
            paths("fn f() { select! { x = tokio::time::sleep(y) => z } }")
                .contains(&"tokio::time::sleep".into())
        );
    }

    #[test]
    fn methods_and_definitions_are_no_paths() {
        let paths = paths("trait T { fn sleep(&self); } fn f(t: u8) { t.sleep() }");
        assert!(!paths.contains(&"sleep".into()), "{paths:?}");
    }

    #[test]
    fn code_for_tests_is_known() {
        let source = Source::parse(
            "a/src/b.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests {\n fn g() {}\n}\n",
        )
        .unwrap();
        assert!(!source.is_test(1) && source.is_test(4) && source.is_test(5));
        assert!(Source::parse("a/tests/b.rs", "").unwrap().is_test(1));
        assert!(Source::parse("a/src/b/tests.rs", "").unwrap().is_test(1));
    }
}

//! The longest files and functions: nothing is forbidden, but they should shrink over time.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use super::source::Source;

const SHOWN: usize = 10;

/// A function and where it stands.
#[derive(Debug, PartialEq, Eq)]
struct Function {
    lines: usize,
    place: String,
}

/// Prints the longest files and functions.
pub(super) fn print(sources: &[Source]) {
    let files = sources
        .iter()
        .map(|source| (source.text.lines().count(), source.path.clone()));
    let functions = sources
        .iter()
        .flat_map(functions)
        .map(|function| (function.lines, function.place));
    print_longest("files", files.collect());
    print_longest("functions", functions.collect());
}

fn print_longest(what: &str, mut all: Vec<(usize, String)>) {
    all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    println!("longest {what}:");
    for (lines, place) in all.iter().take(SHOWN) {
        println!("{lines:6}  {place}");
    }
}

/// Finds the functions of a file with their lengths, from the signature to the closing brace.
fn functions(source: &Source) -> Vec<Function> {
    let mut found = Functions {
        path: &source.path,
        functions: Vec::new(),
    };
    found.visit_file(&source.syntax);
    found.functions
}

struct Functions<'a> {
    path: &'a str,
    functions: Vec<Function>,
}

impl Functions<'_> {
    fn note(&mut self, signature: &Signature, block: &Block) {
        let start = signature.span().start().line;
        let lines = block.span().end().line + 1 - start;
        self.functions.push(Function {
            lines,
            place: format!("{}:{start} {}", self.path, signature.ident),
        });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.note(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_the_signature_to_the_brace() {
        let code = "/// Doc.\nfn a() {\n    b()\n}\nimpl B {\n    fn c(&self) {}\n}\ntrait D { fn e(); }\n";
        let functions = functions(&Source::parse("a/src/b.rs", code).unwrap());
        let function = |lines, place: &str| Function {
            lines,
            place: place.to_owned(),
        };
        assert_eq!(
            functions,
            [function(3, "a/src/b.rs:2 a"), function(1, "a/src/b.rs:6 c")]
        );
    }
}

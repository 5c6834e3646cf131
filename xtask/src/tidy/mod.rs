//! `cargo xtask tidy`: the habits of this house that no other tool checks.
//!
//! A rule is a function from a [`Source`] to what is wrong in it, in a file of its own; [`arrows`] and [`front`] look at
//! whole crates. At the end come the [longest] files and functions, which should shrink over time.

mod arrows;
mod front;
mod longest;
mod names;
mod purity;
mod sleep;
mod source;
mod todo;

use std::fmt;
use std::process::ExitCode;

use cargo_metadata::{MetadataCommand, Package};

use crate::cargo;
use source::Source;

/// What every file must keep to.
const RULES: [fn(&Source) -> Vec<Fault>; 6] = [
    front::check_source,
    names::check_modules,
    names::check_stores,
    purity::check,
    sleep::check,
    todo::check,
];

/// Something that is not as it should be.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    /// The file, and the line if there is one.
    place: String,
    message: String,
}

impl Fault {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Checks the whole project, and prints what is wrong and what is long.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let packages = packages()?;
    let sources = source::read_all(cargo::root())?;
    let mut faults = arrows::check(&packages);
    faults.extend(front::check_manifests(&packages)?);
    faults.extend(
        sources
            .iter()
            .flat_map(|source| RULES.iter().flat_map(|rule| rule(source))),
    );
    longest::print(&sources);
    for fault in &faults {
        println!("{fault}");
    }
    println!("{} files, {} faults", sources.len(), faults.len());
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn packages() -> anyhow::Result<Vec<Package>> {
    let mut command = MetadataCommand::new();
    command.no_deps().current_dir(cargo::root());
    Ok(command.exec()?.packages)
}

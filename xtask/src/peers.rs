//! `cargo xtask peers FOLDER PLAN`: measures ours beside other queues, with the drivers that lie in a folder of theirs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use cargo_metadata::MetadataCommand;
use clap::Args;

use crate::cargo;

/// What is measured, and with which drivers.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The folder with the other queues' drivers and with `run` and `measure`
    folder: PathBuf,
    /// A plan in benches/peers/plans, by its name, or any other by its path
    plan: PathBuf,
    /// How often each line is measured
    #[arg(long, default_value_t = 3)]
    reps: u32,
}

/// Builds the program, puts our drivers beside the others in a folder of their own, and runs the plan.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let ours = cargo::root().join("benches/peers");
    let plan = plan(&ours, &arguments.plan)?;
    for needed in ["run", "measure", "lib"] {
        if !arguments.folder.join(needed).exists() {
            bail!(
                "{} has no {needed}: name the folder of the drivers",
                arguments.folder.display()
            );
        }
    }
    cargo::run(cargo::command().args(["build", "--release", "--package", "kinetik", "--all-features"]))?;
    let target: PathBuf = MetadataCommand::new()
        .current_dir(cargo::root())
        .no_deps()
        .exec()?
        .target_directory
        .into();
    let both = target.join("peers");
    put_together(&arguments.folder, &ours, &both)?;
    let results = target.join("peers.jsonl");
    let mut measure = Command::new(both.join("measure"));
    measure
        .arg(&plan)
        .args(["--reps", &arguments.reps.to_string(), "--out"])
        .arg(&results);
    measure.env("KINETIK", target.join("release/kinetik"));
    cargo::run(&mut measure)?;
    println!("\nevery line is in {}", results.display());
    Ok(ExitCode::SUCCESS)
}

/// Finds a plan by its name or its path.
fn plan(ours: &Path, name: &Path) -> anyhow::Result<PathBuf> {
    let by_name = ours.join("plans").join(name);
    match [by_name, name.to_owned()].into_iter().find(|path| path.is_file()) {
        Some(path) => path.canonicalize().with_context(|| path.display().to_string()),
        None => bail!(
            "there is no plan {}: benches/peers/plans has ours",
            name.display()
        ),
    }
}

/// Makes the folder anew with the drivers of both. They are copied, for whoever runs them looks for changed files and
/// does not follow links.
fn put_together(theirs: &Path, ours: &Path, both: &Path) -> anyhow::Result<()> {
    if both.exists() {
        fs::remove_dir_all(both).with_context(|| format!("cannot empty {}", both.display()))?;
    }
    fs::create_dir_all(both).with_context(|| format!("cannot make {}", both.display()))?;
    cargo::run(Command::new("cp").arg("-R").arg(theirs.join(".")).arg(both))?;
    for entry in fs::read_dir(ours)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or(OsStr::new(""));
        // What drivers share lies in a folder that both have.
        if path.join("peer.conf").is_file() || name == "lib" {
            let into = both.join(name);
            fs::create_dir_all(&into)?;
            cargo::run(Command::new("cp").arg("-R").arg(path.join(".")).arg(into))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_found_by_its_name() {
        let ours = cargo::root().join("benches/peers");
        assert!(
            plan(&ours, Path::new("sqlite"))
                .unwrap()
                .ends_with("benches/peers/plans/sqlite")
        );
        assert!(
            plan(&ours, Path::new("no-such-plan"))
                .unwrap_err()
                .to_string()
                .contains("benches/peers/plans")
        );
    }

    #[test]
    fn every_line_of_a_plan_of_ours_begins_with_a_peer_and_a_workload() {
        let plans = fs::read_dir(cargo::root().join("benches/peers/plans")).unwrap();
        for path in plans.map(|entry| entry.unwrap().path()) {
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(
                lines.iter().any(|line| line.starts_with("kinetik-")),
                "{}",
                path.display()
            );
            for line in lines {
                let workload = line.split(' ').nth(1).unwrap();
                assert!(
                    ["w1", "w2", "w3", "w4", "w5"].contains(&workload),
                    "{}: {line}",
                    path.display()
                );
            }
        }
    }
}

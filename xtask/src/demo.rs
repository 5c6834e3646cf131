//! `cargo xtask demo`: works off a shipped file of jobs on an SQLite file, with real commands, and shows what happened.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;
use cargo_metadata::MetadataCommand;

use crate::cargo;

/// What is copied into the demo's folder.
const FILES: [&str; 3] = ["kinetik.toml", "jobs.jsonl", "orders.jsonl"];

/// Builds the program, makes a fresh folder, and runs the demo in it.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    cargo::run(cargo::command().args([
        "build",
        "--release",
        "--package",
        "kinetik",
        "--package",
        "kinetik-demo",
    ]))?;
    let target = MetadataCommand::new()
        .current_dir(cargo::root())
        .no_deps()
        .exec()?
        .target_directory;
    let demo = Demo {
        folder: target.join("demo").into(),
        program: target.join("release/kinetik").into(),
    };
    demo.prepare(target.join("release/kinetik-demo").as_std_path())?;
    demo.step(&["enqueue", "--from", "jobs.jsonl"])?;
    demo.step(&["work", "--drain"])?;
    demo.step(&["jobs", "--status", "failed", "--status", "timeout"])?;
    demo.step(&["jobs", "--counts"])?;
    demo.tell()?;
    Ok(ExitCode::SUCCESS)
}

struct Demo {
    folder: PathBuf,
    program: PathBuf,
}

impl Demo {
    /// Makes the folder anew, with everything in it that the demo needs.
    fn prepare(&self, commands: &Path) -> anyhow::Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("cannot empty {}", self.folder.display()))?;
        }
        fs::create_dir_all(&self.folder)?;
        for file in FILES {
            fs::copy(cargo::root().join("demo").join(file), self.folder.join(file))
                .with_context(|| format!("cannot copy demo/{file}"))?;
        }
        fs::copy(commands, self.folder.join("kinetik-demo"))
            .context("cannot copy the commands of the demo")?;
        Ok(())
    }

    /// Runs a step as one would type it in the demo's folder.
    fn step(&self, arguments: &[&str]) -> anyhow::Result<()> {
        println!("\n$ kinetik {}", arguments.join(" "));
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder);
        // The demo is the same for everyone, whatever they have set up.
        command.env_remove("KINETIK_STORE").env_remove("QUEUE");
        cargo::run(&mut command)
    }

    fn tell(&self) -> anyhow::Result<()> {
        let mails = fs::read_dir(self.folder.join("outbox"))?
            .filter(|entry| {
                entry
                    .as_ref()
                    .is_ok_and(|entry| entry.path().extension() == Some(OsStr::new("eml")))
            })
            .count();
        println!("\n{mails} mails are in {}", self.folder.join("outbox").display());
        println!("the reports are in {}", self.folder.join("reports").display());
        println!("look further from {}, such as:\n", self.folder.display());
        let program = self.program.display();
        println!("  {program} show ID");
        println!("  {program} jobs --query '{{\"data.to\": {{\"$regex\": \"@example\"}}}}'");
        println!("  {program} jobs --sort -priority --fields task,priority,data.subject");
        Ok(())
    }
}

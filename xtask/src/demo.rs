//! `cargo xtask demo`: two workers work off a shipped file of jobs on an SQLite file, with real commands, and it is shown
//! what happened.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, bail};
use cargo_metadata::MetadataCommand;

use crate::cargo;

/// What is copied into the demo's folder.
const FILES: [&str; 3] = ["kinetik.toml", "jobs.jsonl", "orders.jsonl"];

/// A job that is due long after the demo, so that something is left to look at.
const REMINDER: &str =
    r#"{"to": "ada@example.org", "name": "Ada", "lang": "en", "subject": "Tomorrow", "text": "See you!"}"#;

/// Where the worker in the background writes what it has to say.
const BACKGROUND: &str = "worker.log";

/// Builds the program, makes a fresh folder, and runs the demo in it.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    cargo::run(cargo::command().args([
        "build",
        "--profile=quick",
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
        program: target.join("quick/kinetik").into(),
    };
    demo.prepare(target.join("quick/kinetik-demo").as_std_path())?;
    demo.step(&["enqueue", "--from", "jobs.jsonl"])?;
    demo.step(&[
        "enqueue",
        "send email",
        REMINDER,
        "--delay",
        "1d",
        "--priority",
        "9",
    ])?;
    demo.step(&["jobs", "--sort", "-priority,_id", "--limit", "5"])?;
    demo.work_by_two()?;
    demo.step(&["jobs", "--status", "failed", "--status", "timeout"])?;
    demo.step(&["tasks"])?;
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

    /// Begins a call of the program as one would type it in the demo's folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.folder);
        // The demo is the same for everyone, whatever they have set up.
        command.env_remove("KINETIK_STORE").env_remove("QUEUE");
        command
    }

    fn step(&self, arguments: &[&str]) -> anyhow::Result<()> {
        println!("\n$ {}", typed(arguments));
        cargo::run(&mut self.command(arguments))
    }

    /// Lets two workers share the jobs: one in the background, one whose progress can be watched.
    fn work_by_two(&self) -> anyhow::Result<()> {
        println!("\n$ kinetik work --drain > {BACKGROUND} 2>&1 &");
        let mut background = self.begin_work()?;
        let watched = self.step(&["work", "--drain"]);
        let status = background.wait()?;
        watched?;
        if !status.success() {
            bail!("the worker in the background failed: {status}");
        }
        println!("\n$ cat {BACKGROUND}");
        print!("{}", fs::read_to_string(self.folder.join(BACKGROUND))?);
        Ok(())
    }

    fn begin_work(&self) -> anyhow::Result<Child> {
        let log = File::create(self.folder.join(BACKGROUND))?;
        let mut command = self.command(&["work", "--drain"]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command
            .spawn()
            .context("cannot start the worker in the background")
    }

    /// Returns the id of a job that failed.
    fn failed(&self) -> anyhow::Result<String> {
        let arguments = [
            "jobs", "--status", "failed", "--limit", "1", "--fields", "_id", "--json",
        ];
        let output = self.command(&arguments).output()?;
        let line = seed::value::json::parse_plain_document(String::from_utf8(output.stdout)?.trim())?;
        let id = line.id().and_then(seed::Value::as_str);
        Ok(id
            .context("no job of the demo failed, and two should have")?
            .to_owned())
    }

    fn tell(&self) -> anyhow::Result<()> {
        let is_mail = |entry: &std::io::Result<fs::DirEntry>| {
            entry
                .as_ref()
                .is_ok_and(|entry| entry.path().extension() == Some(OsStr::new("eml")))
        };
        let mails = fs::read_dir(self.folder.join("outbox"))?.filter(is_mail).count();
        println!("\n{mails} mails are in {}", self.folder.join("outbox").display());
        println!("the reports are in {}", self.folder.join("reports").display());
        println!("\nGo on from here:\n");
        println!("  cd {}", self.folder.display());
        println!("  alias kinetik={}", self.program.display());
        let failed = self.failed()?;
        for arguments in [
            &["jobs", "--query", r#"{"data.to": {"$regex": "@example"}}"#][..],
            &[
                "jobs",
                "--sort",
                "-priority",
                "--fields",
                "task,priority,data.subject",
            ],
            &["show", &failed],
            &["retry", &failed],
            &["cancel", "--status", "delayed"],
            &["work"],
            &["clean", "--older", "1h"],
        ] {
            println!("  {}", typed(arguments));
        }
        Ok(())
    }
}

/// Writes a call of the program as it is typed into a shell.
fn typed(arguments: &[&str]) -> String {
    let word = |argument: &&str| {
        if argument.contains(|letter: char| letter.is_whitespace() || "\"{}$".contains(letter)) {
            format!("'{argument}'")
        } else {
            (*argument).to_owned()
        }
    };
    let words: Vec<String> = arguments.iter().map(word).collect();
    format!("kinetik {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        assert_eq!(
            typed(&["enqueue", "send email", r#"{"a": 1}"#]),
            r#"kinetik enqueue 'send email' '{"a": 1}'"#
        );
        assert_eq!(
            typed(&["jobs", "--sort", "-priority"]),
            "kinetik jobs --sort -priority"
        );
    }
}

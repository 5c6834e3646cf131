//! `kinetik.toml`: which store, which queue, and the tasks that are commands.
//!
//! Each fault is told with file, line and column. What the file says about paths (a relative `sqlite:` file, a command
//! such as `./send.sh`) is meant from the folder that the file lies in, so that it means the same from everywhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use kinetik_core::task::DEFAULT_TAG;
use kinetik_core::{Queue, check_name};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};
use tokio_util::task::TaskTracker;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::exec::{self, Command};
use super::{duration, file_name};

/// The file that is read if it is there and no other is named.
const FILE: &str = "kinetik.toml";

const KEYS: [&str; 3] = ["store", "queue", "task"];
const TASK_KEYS: [&str; 6] = ["name", "tag", "desc", "timeout", "attempts", "run"];

/// What the config file says; nothing if there is none.
#[derive(Debug, Default)]
pub struct Config {
    /// The store's URL, and its file, line and column.
    pub store: Option<(String, String)>,
    /// The queue's name.
    pub queue: Option<String>,
    tasks: Vec<CommandTask>,
}

/// A task whose action is a command.
#[derive(Debug)]
struct CommandTask {
    name: String,
    tag: String,
    description: String,
    timeout: Option<Duration>,
    attempts: u32,
    command: Arc<Command>,
    /// File, line and column, for messages.
    place: String,
}

impl Config {
    /// Reads the file that is named, or the usual one if there is one.
    ///
    /// # Errors
    /// If it cannot be read, or says something that has no meaning.
    pub fn find(named: Option<&Path>) -> Result<Self> {
        match named {
            Some(path) => Self::read(path),
            None if Path::new(FILE).exists() => Self::read(Path::new(FILE)),
            None => Ok(Self::default()),
        }
    }

    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the config file {}", file_name(path)))?;
        let folder = std::path::absolute(path)?
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default();
        Source {
            name: file_name(path),
            text: &text,
            folder,
        }
        .read()
    }

    /// Returns the tags of the tasks, each once, in the order of the file.
    pub fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for task in &self.tasks {
            if !tags.contains(&task.tag) {
                tags.push(task.tag.clone());
            }
        }
        tags
    }

    /// Defines the tasks on a queue; `commands` is told of each command while it runs.
    pub(super) fn define(&self, queue: &Queue, commands: &TaskTracker) -> Result<()> {
        for task in &self.tasks {
            let mut builder = queue
                .define(&task.name)
                .tag(&task.tag)
                .desc(&task.description)
                .attempts(task.attempts)
                // What is ended holds its slot until it is gone, and the next attempt does not begin beside it.
                .wind_down(exec::END_TIME);
            if let Some(timeout) = task.timeout {
                builder = builder.timeout(timeout);
            }
            let (command, commands) = (Arc::clone(&task.command), commands.clone());
            let action = move |context| commands.track_future(exec::run(Arc::clone(&command), context));
            builder
                .action(action)
                .map_err(|fault| anyhow!("{}: {fault}", task.place))?;
        }
        Ok(())
    }
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
struct Written {
    store: Option<Spanned<String>>,
    queue: Option<Spanned<String>>,
    #[serde(default)]
    task: Vec<WrittenTask>,
}

#[derive(Debug, Deserialize)]
struct WrittenTask {
    name: Spanned<String>,
    tag: Option<Spanned<String>>,
    #[serde(default)]
    desc: String,
    #[serde(default, deserialize_with = "timeout")]
    timeout: Option<Duration>,
    attempts: Option<Spanned<i64>>,
    run: Spanned<Vec<String>>,
}

/// A config file's text, and what is needed to name a place in it.
struct Source<'a> {
    name: String,
    text: &'a str,
    folder: PathBuf,
}

impl Source<'_> {
    fn read(&self) -> Result<Config> {
        let table = DeTable::parse(self.text).map_err(|fault| self.fault(&fault))?;
        self.check_keys(table.get_ref())?;
        let written: Written = toml::from_str(self.text).map_err(|fault| self.fault(&fault))?;
        let mut tasks: Vec<CommandTask> = Vec::new();
        for task in written.task {
            let task = self.task(task)?;
            if let Some(first) = tasks.iter().find(|first| first.name == task.name) {
                return Err(anyhow!(
                    "{}: the task {:?} is defined already at {}",
                    task.place,
                    task.name,
                    first.place
                ));
            }
            tasks.push(task);
        }
        let store = written.store.map(|url| {
            let place = self.place(url.span().start);
            (self.relative_to_folder(url.into_inner()), place)
        });
        let queue = written.queue.map(|name| self.name("queue", name)).transpose()?;
        Ok(Config { store, queue, tasks })
    }

    fn task(&self, written: WrittenTask) -> Result<CommandTask> {
        let place = self.place(written.name.span().start);
        let at = self.place(written.run.span().start);
        let command = Command::new(&written.run.into_inner(), &self.folder)
            .map_err(|fault| anyhow!("{at}: {fault}"))?;
        let tag = written.tag.map(|tag| self.name("tag", tag)).transpose()?;
        let attempts = written.attempts.map(|attempts| self.attempts(&attempts));
        Ok(CommandTask {
            name: self.name("task", written.name)?,
            tag: tag.unwrap_or_else(|| DEFAULT_TAG.to_owned()),
            description: written.desc,
            timeout: written.timeout,
            attempts: attempts.transpose()?.unwrap_or(1),
            command: Arc::new(command),
            place,
        })
    }

    fn name(&self, what: &str, name: Spanned<String>) -> Result<String> {
        let at = self.place(name.span().start);
        let name = name.into_inner();
        check_name(what, &name).map_err(|fault| anyhow!("{at}: {fault}"))?;
        Ok(name)
    }

    fn attempts(&self, attempts: &Spanned<i64>) -> Result<u32> {
        let number = u32::try_from(*attempts.get_ref())
            .ok()
            .filter(|number| *number > 0);
        number.ok_or_else(|| {
            let at = self.place(attempts.span().start);
            anyhow!(
                "{at}: attempts is a number from 1 to {}, not {}",
                u32::MAX,
                attempts.get_ref()
            )
        })
    }

    /// Refuses keys that nobody knows, which are mostly misspelt.
    fn check_keys(&self, table: &DeTable<'_>) -> Result<()> {
        self.check_table(table, &KEYS)?;
        let Some(written) = table.get("task") else {
            return Ok(());
        };
        let DeValue::Array(tasks) = written.get_ref() else {
            let at = self.place(written.span().start);
            return Err(anyhow!(
                "{at}: each task is a table [[task]], in two pairs of brackets"
            ));
        };
        for task in tasks.iter() {
            if let DeValue::Table(task) = task.get_ref() {
                self.check_table(task, &TASK_KEYS)?;
            }
        }
        Ok(())
    }

    fn check_table(&self, table: &DeTable<'_>, known: &[&str]) -> Result<()> {
        let unknown = table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()));
        // The table is sorted by its keys; the first fault in the file is the one to tell.
        match unknown.min_by_key(|key| key.span().start) {
            Some(key) => {
                let advice = suggestion(key.get_ref(), known);
                Err(anyhow!(
                    "{}: unknown key {:?}: {advice}",
                    self.place(key.span().start),
                    key.get_ref()
                ))
            }
            None => Ok(()),
        }
    }

    fn fault(&self, fault: &toml::de::Error) -> anyhow::Error {
        let mut message = fault.message().trim_end().replace('\n', ", ");
        // The parser knows nothing of what its values are for.
        if message.contains("expected a sequence") {
            message.push_str(r#": a command is a list of words, as in run = ["./send.sh", "{to}"]"#);
        } else if message.starts_with("missing field") {
            message
                .push_str(r#": each [[task]] needs a name and a command, as in run = ["./send.sh", "{to}"]"#);
        }
        match fault.span() {
            Some(span) => anyhow!("{}: {message}", self.place(span.start)),
            None => anyhow!("{}: {message}", self.name),
        }
    }

    /// Writes file, line and column of a byte.
    fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    /// Makes the relative path of an SQLite file one from the file's folder.
    fn relative_to_folder(&self, url: String) -> String {
        match url.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() && !path.starts_with('/') => {
                format!("sqlite:{}", self.folder.join(path).display())
            }
            _ => url,
        }
    }
}

/// Says which known name was meant, or which there are.
pub(super) fn suggestion(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known));
    match near
        .min_by_key(|(changes, _)| *changes)
        .filter(|(changes, _)| *changes <= 2)
    {
        Some((_, known)) => format!("did you mean {known}?"),
        None => format!("there are {}", known.join(", ")),
    }
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    struct Timeout;
    impl Visitor<'_> for Timeout {
        type Value = Duration;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a duration such as \"1m30s\"")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
            duration::parse_positive(text).map_err(E::custom)
        }

        fn visit_i64<E: serde::de::Error>(self, millis: i64) -> Result<Duration, E> {
            duration::parse_positive(&millis.to_string()).map_err(E::custom)
        }
    }
    deserializer
        .deserialize_any(Timeout)
        .map(Some)
        .map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        Source {
            name: "kinetik.toml".to_owned(),
            text,
            folder: "/etc/app".into(),
        }
        .read()
    }

    #[test]
    fn tasks_are_read_in_their_order() {
        let config = read(
            "store = 'sqlite:jobs.db'\n\
             [[task]]\nname = 'b'\ntag = 'x'\nrun = ['true']\ntimeout = '1m30s'\n\
             [[task]]\nname = 'a'\nrun = ['true']\ntimeout = 250\n\
             [[task]]\nname = 'c'\ntag = 'x'\nrun = ['true']\n",
        )
        .unwrap();
        let (url, place) = config.store.clone().unwrap();
        assert_eq!(url, "sqlite:/etc/app/jobs.db");
        assert!(place.contains("kinetik.toml:"), "{place}");
        assert_eq!(config.tags(), ["x", "default"]);
        let timeouts: Vec<_> = config
            .tasks
            .iter()
            .map(|task| task.timeout.map(|time| time.as_millis()))
            .collect();
        assert_eq!(timeouts, [Some(90_000), Some(250), None]);
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        let cases = [
            ("store = \n", "kinetik.toml:1:9: "),
            (
                "sotre = 'x'\n",
                "kinetik.toml:1:1: unknown key \"sotre\": did you mean store?",
            ),
            (
                "[[task]]\nname = 'a'\nrum = ['x']\n",
                "kinetik.toml:3:1: unknown key \"rum\": did you mean run?",
            ),
            (
                "[[task]]\nname = 'a'\nrun = ['x']\ntimeout = '5x'\n",
                "kinetik.toml:4:11: not a duration: \"5x\"",
            ),
            (
                "[[task]]\nname = 'a'\nrun = 'x'\n",
                "kinetik.toml:3:7: invalid type: string \"x\", expected a sequence: a command is a list of words",
            ),
            ("[[task]]\nname = 'a'\nrun = []\n", "kinetik.toml:3:7: "),
            ("[[task]]\nname = 'a'\n", "kinetik.toml:1:1: missing field `run`"),
            (
                "[[task]]\nname = 'a'\nrun = ['x']\ntimeout = 0\n",
                "kinetik.toml:4:11: a duration above zero is needed here",
            ),
            (
                "[[task]]\nname = 'a'\nrun = ['x']\nattempts = 0\n",
                "kinetik.toml:4:12: attempts is a number from 1 to 4294967295, not 0",
            ),
            (
                "[task]\nname = 'a'\n",
                "kinetik.toml:1:1: each task is a table [[task]]",
            ),
            ("queue = 'a:b'\n", "kinetik.toml:1:9: a queue's name"),
            (
                "[[task]]\nname = 'a'\nrun = ['x']\ntag = 'a:b'\n",
                "kinetik.toml:4:7: a tag's name",
            ),
            (
                "[[task]]\nname = 'a'\nrun = ['x']\n\n[[task]]\nname = 'b'\n",
                "kinetik.toml:5:1: missing field `run`",
            ),
            (
                "[[task]]\nname = 'a'\nrun = ['x']\n[[task]]\nname = 'a'\nrun = ['x']\n",
                "kinetik.toml:5:8: the task \"a\" is defined already at kinetik.toml:2:8",
            ),
        ];
        for (text, expected) in cases {
            let fault = read(text).unwrap_err().to_string();
            assert!(fault.starts_with(expected), "{text}\n{fault}");
            assert!(!fault.contains('\n') && !fault.ends_with(", "), "{fault:?}");
        }
    }
}

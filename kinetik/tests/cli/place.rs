//! A folder of its own for each test, with a config file in it, and the program run there.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::store::Store;

/// A command that says that it runs, and goes on until its gate is opened. It has the gate in its hand before it says so.
pub(crate) const HOLD: &str = "exec 3< gate; echo $KINETIK_JOB_ID > up; exec cat <&3";

/// A folder in which the program is run.
pub(crate) struct Place {
    folder: TempDir,
    store: Store,
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// Makes a folder with tasks given as the lines of `[[task]]` tables.
    pub(crate) fn new(tasks: &[&str]) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            store: Store::new(),
        };
        let tables: String = tasks.iter().map(|task| format!("[[task]]\n{task}\n")).collect();
        place.write(
            "kinetik.toml",
            &format!("store = \"{}\"\n{tables}", place.store()),
        );
        place
    }

    /// Returns the URL of the place's store.
    pub(crate) fn store(&self) -> String {
        self.store.url()
    }

    /// Tells whether the store is the SQLite file jobs.db.
    pub(crate) fn is_on_file(&self) -> bool {
        self.store.is_file()
    }

    /// Tells whether a test that is about an SQLite file is to be skipped, and then says so.
    pub(crate) fn lacks_file(&self) -> bool {
        let is_elsewhere = !self.is_on_file();
        if is_elsewhere {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            // Written like this, as what a test that passes prints is not shown.
            let line = format!("{test}: skipped, as it is about an SQLite file\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
        is_elsewhere
    }

    /// Returns how many keys a store that is no file holds.
    pub(crate) fn count_keys(&self) -> u64 {
        self.store.count_keys()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kinetik"));
        command.args(arguments).current_dir(self.folder.path());
        command
            .env_remove("KINETIK_STORE")
            .env_remove("QUEUE")
            .env("NO_COLOR", "1");
        command
    }

    /// Makes a pipe with a name in the folder. Whoever opens an end of it waits for the other end.
    pub(crate) fn pipe(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path(name)).status().unwrap();
        assert!(made.success(), "mkfifo {name}");
    }

    /// Waits until somebody has written a line into a pipe.
    pub(crate) fn wait_for(&self, pipe: &str) -> String {
        let mut line = String::new();
        BufReader::new(fs::File::open(self.path(pipe)).unwrap())
            .read_line(&mut line)
            .unwrap();
        line.trim_end().to_owned()
    }

    /// Lets those go on who wait for a pipe.
    pub(crate) fn open(&self, pipe: &str) {
        drop(fs::OpenOptions::new().write(true).open(self.path(pipe)).unwrap());
    }

    /// Makes a pipe whose lines are heard one by one. Whoever writes to it never waits.
    pub(crate) fn bell(&self, name: &str) -> Bell {
        self.pipe(name);
        Bell(BufReader::new(self.both_ends(name)))
    }

    /// Makes a pipe whose readers wait until this is dropped. Whoever opens it never waits.
    pub(crate) fn gate(&self, name: &str) -> fs::File {
        self.pipe(name);
        self.both_ends(name)
    }

    fn both_ends(&self, pipe: &str) -> fs::File {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).open(self.path(pipe)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs the program with a text on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.start(arguments);
        // A program that does not read its input may be gone before all of it is written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        finish(child)
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::spawn(&mut self.command(arguments))
    }

    /// Runs the program, which must succeed, and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran.out
    }

    /// Runs the program, which must fail with this code and one message, and returns the message.
    pub(crate) fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert_eq!(ran.out, "", "{arguments:?}");
        assert!(!ran.err.is_empty(), "{arguments:?}");
        ran.err
    }

    /// Enqueues a job and returns its id.
    pub(crate) fn enqueue(&self, arguments: &[&str]) -> String {
        self.ok(&[&["enqueue"], arguments].concat()).trim().to_owned()
    }

    /// Returns what the program prints as JSON, a value a line.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.ok(&[arguments, &["--json"]].concat());
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns a job with its log.
    pub(crate) fn job(&self, id: &str) -> Value {
        self.json(&["show", id]).remove(0)
    }

    pub(crate) fn count(&self) -> usize {
        self.json(&["jobs", "--limit", "1000000"]).len()
    }
}

/// A pipe that commands write lines to.
pub(crate) struct Bell(BufReader<fs::File>);

impl Bell {
    /// Waits for the next line.
    pub(crate) fn ring(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

/// A program that runs; it is killed if its test fails.
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(Some(command.spawn().unwrap()))
    }
}

impl Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        self.0.as_ref().unwrap()
    }
}

impl DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits for the end of a run.
pub(crate) fn finish(mut child: Running) -> Ran {
    let output = child.0.take().unwrap().wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Sends a signal to a running program.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Returns the messages of a job's log.
pub(crate) fn log(job: &Value) -> Vec<&str> {
    job["log"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect()
}

/// A task that runs a line of shell.
pub(crate) fn shell(name: &str, script: &str, more: &str) -> String {
    format!("name = \"{name}\"\nrun = [\"sh\", \"-c\", '''{script}''']\n{more}")
}

/// Puts words in the place of what differs from run to run, as wide as it was: ids, times, and this machine's name.
pub(crate) fn steady(text: &str) -> String {
    let id = regex::Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").unwrap();
    let age = regex::Regex::new(r"(?m) {2}\d{1,2}s( +|$)").unwrap();
    let text = id.replace_all(text, "<an id                             >");
    let text = time.replace_all(&text, "<a time                >");
    let text = age.replace_all(&text, "  <s>  ");
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

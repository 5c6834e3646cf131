//! A MongoDB server for tests: the one that `KINETIK_TEST_MONGO_URL` names, a `mongod` that is installed, or a stand-in.
//!
//! The stand-in is mongo-java-server with what a job queue would miss, in `java/`; it needs Java 17 and Maven, which
//! build it once. It speaks MongoDB's protocol, but is no MongoDB: `README.md` tells where they part. Whoever starts a
//! server prints its [kind](Server::kind), so that a run says what it was made on.

mod build;
mod judge;

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

pub use judge::cannot_judge;

/// Names the server that tests use instead of starting one.
pub const URL: &str = "KINETIK_TEST_MONGO_URL";

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One that was named, and is taken for a real one.
    Named,
    /// A `mongod` that is installed on this machine.
    Installed,
    /// The stand-in.
    StandIn,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "the MongoDB server that KINETIK_TEST_MONGO_URL names",
            Self::Installed => "the mongod on the PATH",
            Self::StandIn => "a stand-in for MongoDB (mongo-java-server)",
        })
    }
}

/// Why there is no server.
#[derive(Debug)]
pub struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// A server that runs as long as this is kept.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    url: String,
    launch: Option<Launch>,
    running: Option<Running>,
}

/// How a server is started, again too.
#[derive(Debug)]
struct Launch {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    folder: TempDir,
    says_when_ready: &'static str,
}

#[derive(Debug)]
struct Running {
    process: Child,
    /// The stand-in ends when this is closed, also when the tests are killed.
    _input: Option<ChildStdin>,
}

impl Server {
    /// Starts a server, or takes the one that is named.
    ///
    /// # Errors
    /// If there is none that could be started.
    pub fn start() -> Result<Self, Missing> {
        Self::start_with(&[])
    }

    /// Starts a server as [`start`](Self::start) does; these arguments are for the stand-in alone.
    ///
    /// # Errors
    /// If there is none that could be started.
    pub fn start_with(arguments: &[&str]) -> Result<Self, Missing> {
        if let Ok(url) = std::env::var(URL) {
            return Ok(Self {
                kind: Kind::Named,
                url,
                launch: None,
                running: None,
            });
        }
        Self::start_own(arguments)
    }

    /// Starts a server of the caller's own, which may be killed and started again. What was acknowledged survives that.
    ///
    /// # Errors
    /// If there is none that could be started.
    pub fn start_durable() -> Result<Self, Missing> {
        Self::start_own(&["--h2"])
    }

    fn start_own(arguments: &[&str]) -> Result<Self, Missing> {
        let folder = tempfile::tempdir().map_err(|cause| missing("no folder can be made", &cause))?;
        let port = free_port().map_err(|cause| missing("no port is free", &cause))?;
        let is_installed = Command::new("mongod").arg("--version").output().is_ok();
        let (kind, launch) = match is_installed {
            true => (Kind::Installed, Launch::of_mongod(port, folder)),
            false => (Kind::StandIn, Launch::of_stand_in(port, folder, arguments)?),
        };
        let mut server = Self {
            kind,
            url: format!("mongodb://127.0.0.1:{port}"),
            launch: Some(launch),
            running: None,
        };
        server.start_again()?;
        Ok(server)
    }

    /// Returns its URL, without a database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the port of a server of the caller's own.
    pub fn port(&self) -> Option<u16> {
        self.launch.as_ref().map(|launch| launch.port)
    }

    /// Returns what it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Ends a server of the caller's own at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It may have ended by itself.
            let _ = running.process.kill();
            let _ = running.process.wait();
        }
    }

    /// Starts a server of the caller's own again, on its port and with the data that it has on disk.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<(), Missing> {
        if let Some(launch) = &self.launch {
            self.running = Some(launch.run()?);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Launch {
    fn of_mongod(port: u16, folder: TempDir) -> Self {
        let data = folder.path().display().to_string();
        let port_text = port.to_string();
        let arguments = ["--bind_ip", "127.0.0.1", "--port", &port_text, "--dbpath", &data];
        Self {
            program: "mongod".into(),
            arguments: arguments.map(ToOwned::to_owned).to_vec(),
            port,
            folder,
            says_when_ready: "Waiting for connections",
        }
    }

    fn of_stand_in(port: u16, folder: TempDir, arguments: &[&str]) -> Result<Self, Missing> {
        let class_path = build::class_path()?;
        let mut words = ["-Xmx512m", "-XX:+UseSerialGC", "-cp", &class_path, "StandIn"]
            .map(ToOwned::to_owned)
            .to_vec();
        words.extend([port.to_string(), "--stdin".to_owned()]);
        let file = folder.path().join("data").display().to_string();
        words.extend(arguments.iter().map(|word| match *word {
            "--h2" => format!("--h2={file}"),
            word => word.to_owned(),
        }));
        Ok(Self {
            program: "java".into(),
            arguments: words,
            port,
            folder,
            says_when_ready: "ready mongodb://",
        })
    }

    fn run(&self) -> Result<Running, Missing> {
        let mut process = Command::new(&self.program)
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| missing(&format!("{} cannot be started", self.program.display()), &cause))?;
        let input = process.stdin.take();
        let output = process.stdout.take();
        let mut output = BufReader::new(output.ok_or_else(|| Missing("it has no output".to_owned()))?);
        let mut line = String::new();
        while output.read_line(&mut line).unwrap_or(0) > 0 {
            if line.contains(self.says_when_ready) {
                // A server whose output nobody reads would stand still once the pipe is full.
                std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
                return Ok(Running {
                    process,
                    _input: input,
                });
            }
            line.clear();
        }
        let _ = process.wait();
        Err(Missing(format!(
            "{} ended before it was ready on port {}",
            self.program.display(),
            self.port
        )))
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn missing(what: &str, cause: &std::io::Error) -> Missing {
    Missing(format!("{what}: {cause}"))
}

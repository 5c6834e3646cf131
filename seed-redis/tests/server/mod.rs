//! A Redis server of the tests' own, on a free port of this machine; it ends with its value.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server that runs as long as this is kept.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    port: u16,
    folder: TempDir,
    arguments: Vec<String>,
}

/// Why there is no server; with `CI=true` that is a failure and no reason to skip anything.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl Server {
    /// Starts a server with further arguments, as `--name value`.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, Missing> {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let folder = tempfile::tempdir().expect("a folder can be made");
        // Another program may take the port between its choice and its use, so that it is chosen anew.
        for _ in 0..10 {
            let port = free_port();
            if let Some(process) = spawn(port, &folder, &arguments)? {
                return Ok(Self {
                    process,
                    port,
                    folder,
                    arguments,
                });
            }
        }
        panic!("no port could be had for a server");
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    #[allow(dead_code, reason = "only some tests go round the URL")]
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server at once, as a crash would.
    #[allow(dead_code, reason = "only some tests kill it")]
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again on its port, with the data that it has on disk.
    #[allow(dead_code, reason = "only some tests start it again")]
    pub(crate) fn start_again(&mut self) {
        for _ in 0..1_000 {
            if let Some(process) =
                spawn(self.port, &self.folder, &self.arguments).expect("it was there before")
            {
                self.process = process;
                return;
            }
        }
        panic!("the server does not start again");
    }

    /// Sends a command of words and returns the first line of the answer.
    #[allow(dead_code, reason = "only some tests speak to it")]
    pub(crate) fn tell(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(command.as_bytes()).expect("the server listens");
        let mut line = String::new();
        BufReader::new(stream)
            .read_line(&mut line)
            .expect("the server answers");
        line.trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Starts a server and waits until it is ready; none if its port is taken.
fn spawn(port: u16, folder: &TempDir, arguments: &[String]) -> Result<Option<Child>, Missing> {
    let mut process = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--dir", &folder.path().display().to_string()])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|cause| missing(&format!("redis-server cannot be started: {cause}")))?;
    let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while output.read_line(&mut line).unwrap_or(0) > 0 {
        if line.contains("Ready to accept connections") {
            // A server whose output nobody reads would stand still once the pipe is full.
            std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
            return Ok(Some(process));
        }
        line.clear();
    }
    let _ = process.wait();
    Ok(None)
}

fn missing(reason: &str) -> Missing {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    Missing(format!("{reason}; install Redis 7 to run these tests"))
}

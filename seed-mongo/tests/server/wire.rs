//! A way to the server that reads along, and can be cut at a command or lose its answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use mongodb::bson::{Document, RawDocumentBuf};

/// What happens to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It never comes to the server.
    Before,
    /// It is carried out, and its answer is lost.
    After,
}

#[derive(Debug, Default)]
struct State {
    commands: Vec<Document>,
    /// The name of the next command that something happens to.
    armed: Option<(String, Cut)>,
}

/// A proxy on a port of its own, for as long as the program runs.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    port: u16,
    state: Arc<Mutex<State>>,
}

/// What the driver asks for by itself.
const OF_DRIVER: [&str; 6] = [
    "hello",
    "isMaster",
    "ismaster",
    "ping",
    "endSessions",
    "buildInfo",
];

/// The length of a message's head, and the kind of message that is spoken.
const HEAD: usize = 16;
const OP_MSG: i32 = 2013;

impl Wire {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            state: Arc::default(),
        };
        let shared = wire.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // A server that is gone takes its clients with it.
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) {
                    shared.serve(&client, &server);
                }
            }
        });
        wire
    }

    pub(crate) fn url(&self) -> String {
        format!("mongodb://127.0.0.1:{}", self.port)
    }

    /// Lets something happen to the next command of a name.
    pub(crate) fn arm(&self, command: &str, cut: Cut) {
        self.state.lock().unwrap().armed = Some((command.to_owned(), cut));
    }

    /// Tells whether what was armed has happened.
    pub(crate) fn has_cut(&self) -> bool {
        self.state.lock().unwrap().armed.is_none()
    }

    /// Returns the commands since the last time.
    pub(crate) fn take(&self) -> Vec<Document> {
        std::mem::take(&mut self.state.lock().unwrap().commands)
    }

    fn serve(&self, client: &TcpStream, server: &TcpStream) {
        let lost: Arc<Mutex<Option<i32>>> = Arc::default();
        let both = |client: &TcpStream, server: &TcpStream| {
            (client.try_clone().unwrap(), server.try_clone().unwrap())
        };
        let ((mut from, mut to), state, loses) =
            (both(client, server), Arc::clone(&self.state), Arc::clone(&lost));
        std::thread::spawn(move || {
            while let Some(message) = read(&mut from) {
                match heard(&state, &message) {
                    Some(Cut::Before) => break,
                    Some(Cut::After) => *loses.lock().unwrap() = Some(number(&message, 4)),
                    None => {}
                }
                if to.write_all(&message).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
        let (mut to, mut from) = both(client, server);
        std::thread::spawn(move || {
            while let Some(message) = read(&mut from) {
                let is_lost = *lost.lock().unwrap() == Some(number(&message, 8));
                if is_lost || to.write_all(&message).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    }
}

/// Takes note of a command; says what happens to it.
fn heard(state: &Mutex<State>, message: &[u8]) -> Option<Cut> {
    let command = command(message)?;
    let name = command.keys().next()?.clone();
    if OF_DRIVER.contains(&name.as_str()) {
        return None;
    }
    let mut state = state.lock().unwrap();
    state.commands.push(command);
    let (_, cut) = state.armed.take_if(|(armed, _)| *armed == name)?;
    Some(cut)
}

fn command(message: &[u8]) -> Option<Document> {
    // After the head come the flags, then the kind of the first section: 0 for the command itself.
    let body = message.get(HEAD + 5..)?;
    if number(message, 12) != OP_MSG || message[HEAD + 4] != 0 {
        return None;
    }
    let length = usize::try_from(number(body, 0)).ok()?;
    let raw = RawDocumentBuf::from_bytes(body.get(..length)?.to_vec()).ok()?;
    Document::try_from(raw).ok()
}

fn read(from: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = vec![0; HEAD];
    from.read_exact(&mut message).ok()?;
    message.resize(usize::try_from(number(&message, 0)).ok()?, 0);
    from.read_exact(&mut message[HEAD..]).ok()?;
    Some(message)
}

fn number(bytes: &[u8], at: usize) -> i32 {
    bytes[at..at + 4].try_into().map_or(0, i32::from_le_bytes)
}

//! A way to the server that can be cut or held up in the middle of an answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What happens to the answers on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// They pass.
    Open,
    /// So many bytes more pass, then the connection is cut; the next one is open.
    CutAfter(usize),
    /// They wait until the way is open.
    Held,
}

/// A proxy on a port of its own, for as long as the program runs.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    way: Arc<(Mutex<Way>, Condvar)>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = Arc::new((Mutex::new(Way::Open), Condvar::new()));
        let shared = Arc::clone(&way);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                // A server that is gone takes its clients with it.
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) {
                    serve(&client, &server, &shared);
                }
            }
        });
        Self { port, way }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, way: Way) {
        *self.way.0.lock().unwrap() = way;
        self.way.1.notify_all();
    }
}

fn serve(client: &TcpStream, server: &TcpStream, way: &Arc<(Mutex<Way>, Condvar)>) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let way = Arc::clone(way);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let passed = pass(read, &way);
            if to.write_all(&buffer[..passed]).is_err() || passed < read {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}

/// Waits while the way is held; returns how many of so many bytes pass.
fn pass(read: usize, way: &(Mutex<Way>, Condvar)) -> usize {
    let mut state = way.0.lock().unwrap();
    while *state == Way::Held {
        state = way.1.wait(state).unwrap();
    }
    match *state {
        Way::CutAfter(left) if left < read => {
            *state = Way::Open;
            left
        }
        Way::CutAfter(left) => {
            *state = Way::CutAfter(left - read);
            read
        }
        Way::Open | Way::Held => read,
    }
}

//! A server that only says what it is asked to say.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// Starts one that answers `INFO` with this text and all else politely; returns its URL.
pub(crate) fn server_that_says(info: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || answer(&client, info));
        }
    });
    format!("redis://127.0.0.1:{port}")
}

fn answer(client: &TcpStream, info: &str) -> Option<()> {
    let mut lines = BufReader::new(client.try_clone().ok()?).lines();
    let mut client = client;
    loop {
        let words: usize = lines.next()?.ok()?.strip_prefix('*')?.parse().ok()?;
        let mut command = Vec::with_capacity(words);
        for _ in 0..words {
            // Its length, then itself; no word here has a line break.
            lines.next()?.ok()?;
            command.push(lines.next()?.ok()?.to_uppercase());
        }
        let answer = match command.first()?.as_str() {
            "INFO" => format!("${}\r\n{info}\r\n", info.len()),
            "CLIENT" => ":1\r\n".to_owned(),
            "PING" => "+PONG\r\n".to_owned(),
            _ => "+OK\r\n".to_owned(),
        };
        client.write_all(answer.as_bytes()).ok()?;
    }
}

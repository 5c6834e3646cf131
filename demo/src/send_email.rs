//! Writes one mail into the outbox, as RFC 5322 has it.
//!
//! It stands for a program that hands mails to a server, so that it can also be refused, or kept waiting.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use seed::{Document, doc};

use crate::{say_result, text};

const OUTBOX: &str = "outbox";
const SENDER: (&str, &str) = ("Die Bücherstube · The Book Room", "orders@bookroom.example");

/// What sendmail and its kin end with when an address is no address.
const EX_DATAERR: u8 = 65;

pub(crate) fn run(to: &str, data: &Document) -> Result<ExitCode> {
    if !is_address(to) {
        eprintln!("not a mail address: {to:?}");
        return Ok(ExitCode::from(EX_DATAERR));
    }
    if to.ends_with("@slow.example") {
        println!("waiting for the server to greet us");
        // Longer than any timeout: the server never does.
        std::thread::sleep(Duration::from_secs(3600));
    }
    if to.ends_with("@refused.example") {
        let error = doc! { "message": (format!("550 5.1.1 no such user: {to}")), "code": 550 };
        println!("::error {error}");
        return Ok(ExitCode::FAILURE);
    }
    let job = std::env::var("KINETIK_JOB_ID").unwrap_or_else(|_| "by-hand".to_owned());
    let message_id = format!("{job}@bookroom.example");
    let mail = MessageBuilder::new()
        .from(SENDER)
        .to((text(data, "name")?, to))
        .subject(text(data, "subject")?)
        .header(
            "Content-Language",
            mail_builder::headers::raw::Raw::new(text(data, "lang")?),
        )
        .message_id(message_id.as_str())
        .date(Timestamp::now().as_second())
        .text_body(text(data, "text")?)
        .write_to_vec()?;
    // The same job writes the same file, so that a mail that is sent twice is there once.
    let file = Path::new(OUTBOX).join(format!("{job}.eml"));
    write(&file, &mail).with_context(|| format!("cannot write {}", file.display()))?;
    println!("wrote {} bytes to {}", mail.len(), file.display());
    say_result(&doc! { "message_id": message_id, "file": (file.display().to_string()) });
    Ok(ExitCode::SUCCESS)
}

/// Tells whether a text has the shape of an address; whether it exists, only the server knows.
fn is_address(to: &str) -> bool {
    let is_clean =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    to.split_once('@')
        .is_some_and(|(local, host)| is_clean(local) && is_clean(host) && !host.contains('@'))
}

/// Writes a file in one step, so that whoever looks into the outbox finds whole mails only.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(OUTBOX)?;
    let token = std::env::var("KINETIK_TOKEN").unwrap_or_default();
    let unfinished = file.with_extension(format!("{token}.tmp"));
    fs::write(&unfinished, bytes)?;
    fs::rename(unfinished, file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_sides() {
        assert!(is_address("ada@example.org"));
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a da@example.org",
            "a@b@c",
            "ada@x\r\nBcc: eve@y",
        ] {
            assert!(!is_address(text), "{text:?}");
        }
    }
}

//! The words of a command, and the values of a job's data that take the place of some.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kinetik_core::{Failure, FailureKind};
use seed::Value;
use seed::value::json;

/// A command: a program and its arguments, never a line for a shell.
///
/// An argument that is `{path}` as a whole stands for a value of the job's data, and becomes one argument whatever it
/// holds. Within a longer argument braces are only letters, so that no data gets into a script by accident.
#[derive(Debug)]
pub struct Command {
    program: PathBuf,
    arguments: Vec<Argument>,
}

#[derive(Debug)]
enum Argument {
    Fixed(String),
    /// The path of a value of the data.
    OfData(seed::Path),
}

impl Command {
    /// Makes a command of its words. A program with a slash in its name lies relative to `folder`, any other is looked
    /// for along `PATH`.
    ///
    /// # Errors
    /// If there is no word, or the data would name the program.
    pub fn new(words: &[String], folder: &Path) -> Result<Self> {
        let Some((program, arguments)) = words.split_first() else {
            bail!("a command needs at least a program: run = [\"./send.sh\", \"{{to}}\"]");
        };
        if program.is_empty() || program.contains('\0') {
            bail!("a command needs the name of a program as its first word");
        }
        if placeholder(program).is_some() {
            bail!("the program cannot come from the data: write its name as the first word");
        }
        let program = if program.contains('/') {
            // Without the dot of `./`, which every message would carry.
            folder.join(program).components().collect()
        } else {
            program.into()
        };
        let argument = |word: &String| match placeholder(word) {
            Some(path) => Argument::OfData(seed::Path::new(path)),
            None => Argument::Fixed(word.clone()),
        };
        Ok(Self {
            program,
            arguments: arguments.iter().map(argument).collect(),
        })
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the arguments for a job with this data.
    pub(super) fn arguments(&self, data: &Value) -> Result<Vec<String>, Failure> {
        let argument = |argument: &Argument| match argument {
            Argument::Fixed(word) => Ok(word.clone()),
            Argument::OfData(path) => value_of(data, path),
        };
        self.arguments.iter().map(argument).collect()
    }
}

/// Returns the path in an argument that is one: letters, digits, `_`, `-`, `@` and dots in braces.
fn placeholder(word: &str) -> Option<&str> {
    let path = word.strip_prefix('{')?.strip_suffix('}')?;
    let is_path = path
        .chars()
        .all(|letter| letter.is_alphanumeric() || "_-@.".contains(letter));
    (is_path && !path.is_empty()).then_some(path)
}

fn value_of(data: &Value, path: &seed::Path) -> Result<String, Failure> {
    let fault = |what: &str| {
        let message = format!(
            "the command needs a value at {:?} of the job's data, and {what}",
            path.as_str()
        );
        Failure::of_kind(FailureKind::Decode, message)
    };
    let value = path.parts().iter().try_fold(data, |value, part| match value {
        Value::Document(document) => document.get(part.name()),
        Value::Array(elements) => elements.get(part.index()?),
        _ => None,
    });
    match value {
        None => Err(fault("there is none")),
        Some(Value::String(text)) if text.contains('\0') => {
            Err(fault("an argument cannot hold the NUL in it"))
        }
        Some(Value::String(text)) => Ok(text.to_string()),
        Some(value) => Ok(json::to_plain(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(word: &str, data: &str) -> Result<Vec<String>, Failure> {
        let words = ["x".to_owned(), word.to_owned()];
        Command::new(&words, Path::new("/"))
            .unwrap()
            .arguments(&json::parse_plain(data).unwrap())
    }

    #[test]
    fn a_path_in_braces_is_a_value_of_the_data() {
        let data = r#"{"to": {"name": "$(rm -rf /) \"'; x"}, "n": [1, 2.5], "име": true}"#;
        for (word, expected) in [
            ("{to.name}", "$(rm -rf /) \"'; x"),
            ("{n.1}", "2.5"),
            ("{n}", "[1,2.5]"),
            ("{име}", "true"),
            ("{print $1}", "{print $1}"),
            ("--to={to}", "--to={to}"),
            ("{}", "{}"),
        ] {
            assert_eq!(arguments(word, data).unwrap(), [expected], "{word}");
        }
    }

    #[test]
    fn a_value_that_is_not_there_fails_the_job() {
        let failure = arguments("{to}", r#"{"from": 1}"#).unwrap_err();
        assert!(failure.message.contains("\"to\""), "{failure:?}");
        assert!(arguments("{to}", r#"{"to": "a\u0000b"}"#).is_err());
    }

    #[test]
    fn a_program_with_a_slash_lies_in_the_folder_of_the_file() {
        let program = |name: &str| {
            Command::new(&[name.to_owned()], Path::new("/etc/app"))
                .unwrap()
                .program
        };
        assert_eq!(program("send"), Path::new("send"));
        assert_eq!(program("./send.sh").as_os_str(), "/etc/app/send.sh");
        assert_eq!(program("/bin/true"), Path::new("/bin/true"));
        for words in [vec![], vec![String::new()], vec!["{program}".to_owned()]] {
            assert!(Command::new(&words, Path::new("/")).is_err(), "{words:?}");
        }
    }
}

//! Runs cargo, in the project's folder and of the version that runs this command.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Returns the folder that the project lies in.
pub(crate) fn root() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder
        .parent()
        .expect("xtask is a folder within the project")
}

/// Begins a call of cargo, as it would be typed: what the cargo that runs this command tells of this package would have
/// the build scripts that listen for it, and all that depends on them, built once more.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in env::vars_os() {
        let is_ours = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(is_ours) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program to its end.
///
/// # Errors
/// If it cannot be started, or ends with anything but success.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = shown(command);
    let status = command.status().with_context(|| format!("cannot start {line}"))?;
    if !status.success() {
        bail!("{line} failed: {status}");
    }
    Ok(())
}

/// Writes a command as it would be typed.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let error = run(command().args(["no-such-command", "x"]).stderr(Stdio::null()))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cargo no-such-command x failed: "), "{error}");
    }
}

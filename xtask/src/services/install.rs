//! The programs that services need: found, or installed where that can be done.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::cargo;

/// Makes sure that a program is there; a Debian package of that name has it.
pub(super) fn require(program: &str) -> anyhow::Result<()> {
    if is_there(program) {
        return Ok(());
    }
    if !(rustix::process::geteuid().is_root() && is_there("apt-get")) {
        bail!(
            "{program} is not installed: install it, or name a server in {}",
            super::URL
        );
    }
    eprintln!("{program} is not installed: apt-get install {program}");
    cargo::run(&mut apt(&["update", "--quiet"]))?;
    cargo::run(&mut apt(&[
        "install",
        "--quiet",
        "--yes",
        "--no-install-recommends",
        program,
    ]))
}

/// Returns what a program says of its version, without the details of its build.
pub(super) fn version(program: &str) -> anyhow::Result<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.with_context(|| format!("cannot start {program}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(said.split(" sha=").next().unwrap_or_default().trim().to_owned())
}

fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok()
}

fn apt(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

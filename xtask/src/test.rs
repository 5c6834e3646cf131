//! `cargo xtask test`: every test of every crate, those in the documentation included.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cargo;

/// Runs the tests, with further arguments for `cargo test`.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    cargo::run(
        cargo::command()
            .args(["test", "--workspace", "--all-features"])
            .args(arguments),
    )?;
    Ok(ExitCode::SUCCESS)
}

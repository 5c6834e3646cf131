//! `cargo xtask services test`: the tests that run on a service of a certain kind.

use std::process::ExitCode;

use anyhow::ensure;

use super::service::{Kind, Service};
use super::signals::Signals;
use crate::cargo;

/// The tests for each kind, as arguments of `cargo test`. Those of the program are chosen out of the whole workspace, so
/// that after [`all`](crate::test) tests they are not built again.
const SUITES: [(Kind, &[&str]); 3] = [
    (Kind::Cluster, &["--package", "seed-redis", "--all-features"]),
    (Kind::Tls, &["--package", "seed-redis", "--all-features"]),
    (Kind::Durable, &["--workspace", "--all-features", "--test", "cli"]),
];

/// Runs the tests for some kinds of service, or for all.
pub(super) fn run(kinds: &[Kind]) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    for (kind, arguments) in SUITES {
        if !kinds.is_empty() && !kinds.contains(&kind) {
            continue;
        }
        let service = Service::start(kind)?;
        let mut command = cargo::command();
        command.arg("test").args(arguments).envs(service.environment());
        let status = signals.run(command)?;
        ensure!(status.success(), "the tests on {kind} failed: {status}");
    }
    Ok(ExitCode::SUCCESS)
}

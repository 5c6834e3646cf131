//! `cargo xtask services test`: the tests that run on a service of a certain kind.

use std::process::{Command, ExitCode};

use anyhow::ensure;

use super::service::{Kind, Service};
use super::signals::Signals;
use crate::cargo;

/// The tests for each kind, as arguments of `cargo test`. Those of the program are chosen out of the whole workspace, so
/// that after [`all`](crate::test) tests they are not built again.
const SUITES: [Suite; 4] = [
    Suite {
        kind: Kind::Cluster,
        arguments: ON_SERVER,
        most_telling: Some(MOST_TELLING),
    },
    Suite {
        kind: Kind::Tls,
        arguments: ON_SERVER,
        most_telling: Some(MOST_TELLING),
    },
    Suite {
        kind: Kind::Durable,
        arguments: &["--workspace", "--all-features", "--test", "cli"],
        most_telling: None,
    },
    Suite {
        kind: Kind::Mongo,
        arguments: &["--workspace", "--all-features", "--test", "cli"],
        most_telling: None,
    },
];

struct Suite {
    kind: Kind,
    arguments: &'static [&'static str],
    /// A part of the names of those tests that suffice; none if all are run.
    most_telling: Option<&'static str>,
}

const ON_SERVER: &[&str] = &[
    "--package",
    "seed-redis",
    "--all-features",
    "--test",
    "conformance",
];

/// The cases that say most of how a server is reached: what one handle does and another one sees or hears of.
const MOST_TELLING: &str = "handle";

/// Runs the tests for some kinds of service, or for all; of the suite of stores only the most telling cases, unless it is
/// to be the whole.
pub(super) fn run(kinds: &[Kind], is_whole: bool) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    for suite in SUITES {
        let kind = suite.kind;
        if !kinds.is_empty() && !kinds.contains(&kind) {
            continue;
        }
        // Built before the service is there, since cargo itself would trust nobody but that one's authority.
        let mut build = test(suite.arguments);
        build.arg("--no-run");
        ensure!(
            signals.run(build)?.success(),
            "the tests on {kind} cannot be built"
        );
        let service = Service::start(kind)?;
        let mut tests = test(suite.arguments);
        if let Some(part) = suite.most_telling.filter(|_| !is_whole) {
            tests.args(["--", part]);
        }
        tests.envs(service.environment());
        let status = signals.run(tests)?;
        ensure!(status.success(), "the tests on {kind} failed: {status}");
    }
    Ok(ExitCode::SUCCESS)
}

fn test(arguments: &[&str]) -> Command {
    let mut command = cargo::command();
    command.arg("test").args(arguments);
    command
}

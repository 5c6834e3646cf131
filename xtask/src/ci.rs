//! `cargo xtask ci`: the one gate, the same everywhere. The tests come last, as the README runs them.

use std::env;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::{cargo, test, tidy};

type Step = fn() -> anyhow::Result<()>;

/// The steps, in the order in which a fault is cheap to find.
const STEPS: [(&str, Step); 7] = [
    ("formatting", formatting),
    ("tidiness", || succeed(tidy::run()?)),
    ("lints", lints),
    ("documentation", documentation),
    ("dependencies", dependencies),
    ("servers", servers),
    ("tests", || succeed(test::run(&[])?)),
];

/// Runs every step, and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    for (name, step) in STEPS {
        let began = Instant::now();
        eprintln!("ci: {name} …");
        step().with_context(|| format!("ci stopped at {name}"))?;
        eprintln!("ci: {name}: {:.1} s", began.elapsed().as_secs_f64());
    }
    eprintln!("ci: all in order after {:.0} s", start.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

fn succeed(code: ExitCode) -> anyhow::Result<()> {
    if code == ExitCode::SUCCESS {
        Ok(())
    } else {
        bail!("see above")
    }
}

fn formatting() -> anyhow::Result<()> {
    cargo::run(cargo::command().args(["fmt", "--all", "--check"]))
}

fn lints() -> anyhow::Result<()> {
    cargo::run(
        cargo::command()
            .args(["clippy", "--workspace", "--all-targets", "--all-features"])
            .args(["--", "-D", "warnings"]),
    )
}

fn documentation() -> anyhow::Result<()> {
    cargo::run(
        cargo::command()
            .args(["doc", "--workspace", "--all-features", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Checks licences, sources and duplicates by `deny.toml`. Advisories are left out: their database is fetched anew each
/// time, and a gate whose answer changes while the code does not is none.
fn dependencies() -> anyhow::Result<()> {
    let version = Command::new("cargo-deny").arg("--version").output();
    if version.is_err() {
        bail!("cargo-deny is not installed: cargo install --locked cargo-deny");
    }
    cargo::run(cargo::command().args(["deny", "--workspace", "check", "bans", "licenses", "sources"]))
}

/// Runs the tests on servers in a process of their own, as it hears signals itself and ends the servers then.
fn servers() -> anyhow::Result<()> {
    cargo::run(Command::new(env::current_exe()?).args(["services", "test"]))
}

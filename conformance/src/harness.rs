//! Runs the cases over a fixture: as tests of a program, or quietly for the names of those that fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use seed::store::Capabilities;
use tokio::runtime::{Builder, Runtime};

use crate::case::{self, Case, Time};
use crate::fixture::{Fixture, Stores, Unavailable};

/// After this long a case counts as hanging. The longest takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(300);

/// After this long a case on simulated time counts as hanging. It is over in some seconds of real time.
const SIMULATED_LIMIT: Duration = Duration::from_secs(3 * 24 * 3600);

/// Runs the suite as a test program would: it takes the arguments of `cargo test`, and prints a line for each case.
///
/// # Panics
/// If no threads can be started.
pub fn run<F: Fixture>() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(runtime());
    let started = match arguments.list {
        true => Err(Unavailable::because("only listed")),
        false => runtime.block_on(F::start()).map(Arc::new),
    };
    // A case that lets go of its store early must not take the place where all of them lie with it.
    let _kept = started.as_ref().ok().cloned();
    let trials = match started {
        Ok(fixture) => {
            let capabilities = capabilities(&runtime, &fixture);
            case::all()
                .map(|case| trial(&runtime, &fixture, case, &capabilities))
                .collect()
        }
        Err(unavailable) => case::all()
            .map(|case| ignored(case, unavailable.reason().to_owned()))
            .collect(),
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs the cases of these names, or all if none are given, and returns the names of those that failed.
///
/// # Panics
/// If there is no case of a name, or a thread cannot be started.
pub fn check<F: Fixture>(fixture: F, names: &[&str]) -> Vec<String> {
    let unknown = names
        .iter()
        .find(|name| case::all().all(|case| case.name() != **name));
    assert!(unknown.is_none(), "there is no case {unknown:?}");
    let (runtime, fixture) = (runtime(), Arc::new(fixture));
    let capabilities = capabilities(&runtime, &fixture);
    let chosen = case::all().filter(|case| names.is_empty() || names.contains(&case.name().as_str()));
    let failed = chosen.filter(|case| {
        let stores = Stores::of(&fixture, &case.name());
        case.unmet(&capabilities).is_none()
            && catch_unwind(AssertUnwindSafe(|| carry_out(&runtime, case, stores))).is_err()
    });
    failed.map(Case::name).collect()
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started")
}

fn capabilities<F: Fixture>(runtime: &Runtime, fixture: &Arc<F>) -> Capabilities {
    runtime
        .block_on(Stores::of(fixture, "capabilities").open())
        .capabilities()
}

fn trial<F: Fixture>(
    runtime: &Arc<Runtime>,
    fixture: &Arc<F>,
    case: &'static Case,
    capabilities: &Capabilities,
) -> Trial {
    let reason = case
        .unmet(capabilities)
        .or_else(|| fixture.cannot_judge(&case.name()));
    if let Some(reason) = reason {
        return ignored(case, reason);
    }
    let (runtime, stores) = (Arc::clone(runtime), Stores::of(fixture, &case.name()));
    Trial::test(case.name(), move || {
        carry_out(&runtime, case, stores);
        Ok::<(), Failed>(())
    })
}

fn ignored(case: &Case, reason: String) -> Trial {
    Trial::ignorable_test(case.name(), move || Ok(Completion::ignored_with(reason)))
}

fn carry_out(runtime: &Runtime, case: &Case, stores: Stores) {
    let within = |limit, stores| async move {
        let ended = tokio::time::timeout(limit, (case.run)(stores)).await;
        assert!(ended.is_ok(), "the case took longer than {limit:?}");
    };
    match case.time {
        Time::Real => runtime.block_on(within(LIMIT, stores)),
        Time::Simulated => simulated().block_on(within(SIMULATED_LIMIT, stores.still())),
    }
}

/// Makes a runtime whose time moves only when all wait.
fn simulated() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime can be made")
}

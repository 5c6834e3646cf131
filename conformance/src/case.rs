//! What a case is, and how cases are listed.

use futures::future::BoxFuture;
use seed::store::Capabilities;

use crate::fixture::Stores;

/// One promise, as a function that panics where a store breaks it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) module: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) time: Time,
    pub(crate) run: fn(Stores) -> BoxFuture<'static, ()>,
}

/// By which time a case runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    /// That of this machine, on several threads.
    Real,
    /// One that moves only when all wait, on one thread.
    Simulated,
}

/// What a store must be able to do for a case to have a meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// The name of the field of [`Capabilities`].
    pub(crate) name: &'static str,
    pub(crate) is_met: fn(&Capabilities) -> bool,
}

impl Case {
    /// Returns the name that the case is listed and filtered by, such as `insert::each_document_has_an_outcome`.
    pub(crate) fn name(&self) -> String {
        let file = self.module.rsplit("::").next().unwrap_or(self.module);
        format!("{file}::{}", self.promise)
    }

    /// Returns why the case cannot be run on a store that can do only this, if so.
    pub(crate) fn unmet(&self, capabilities: &Capabilities) -> Option<String> {
        let unmet = self.needs.iter().find(|need| !(need.is_met)(capabilities))?;
        Some(format!("the store is not {}", unmet.name))
    }
}

/// Lists the cases of a file, beside them: `cases![a_promise, #[needs(durable)] another];`.
///
/// A need is the name of a field of [`Capabilities`] that must be true.
macro_rules! cases {
    ($($promises:tt)+) => { $crate::case::cases_on!(Real: $($promises)+); };
}

/// As [`cases`], for cases on simulated time.
macro_rules! simulated_cases {
    ($($promises:tt)+) => { $crate::case::cases_on!(Simulated: $($promises)+); };
}

macro_rules! cases_on {
    ($time:ident: $($(#[needs($need:ident)])* $promise:ident),+ $(,)?) => {
        pub(crate) const CASES: &[$crate::case::Case] = &[$($crate::case::Case {
            module: module_path!(),
            promise: stringify!($promise),
            needs: &[$($crate::case::Need {
                name: stringify!($need),
                is_met: |capabilities| capabilities.$need,
            }),*],
            time: $crate::case::Time::$time,
            run: |stores| Box::pin($promise(stores)),
        }),+];
    };
}

pub(crate) use {cases, cases_on, simulated_cases};

/// Returns all cases of the suite.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    crate::store::CASES
        .iter()
        .chain([&crate::random::CASES])
        .chain(crate::queue::CASES)
        .copied()
        .flatten()
}

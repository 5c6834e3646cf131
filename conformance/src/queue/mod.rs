//! What the queue promises, on every store: a file for each part of it.
//!
//! Most cases run on simulated time, in which several processes work on one store and can be killed.

mod attempts;
mod cancel;
mod crashes;
mod delay;
mod faults;
mod listing;
mod log;
mod manage;
mod notes;
mod order;
mod parallel;
mod payload;
mod same;
mod sessions;
mod shutdown;
mod world;

use crate::case::Case;

pub(crate) const CASES: &[&[Case]] = &[
    order::CASES,
    delay::CASES,
    attempts::CASES,
    log::CASES,
    payload::CASES,
    listing::CASES,
    manage::CASES,
    cancel::CASES,
    shutdown::CASES,
    sessions::CASES,
    crashes::CASES,
    faults::CASES,
    parallel::CASES,
    same::CASES,
];

//! The promises of [`seed::Store`], a file for each.

mod aggregate;
mod catalogue;
mod clock;
mod delete;
mod events;
mod explain;
mod faults;
mod find;
mod find_and_update;
mod handles;
mod insert;
mod known;
mod limits;
mod queries;
mod rebuild;
mod reopen;
mod streaming;
mod unique;
mod update;
mod watch;
mod write;

use crate::case::Case;

pub(crate) const CASES: &[&[Case]] = &[
    insert::CASES,
    find::CASES,
    streaming::CASES,
    update::CASES,
    delete::CASES,
    find_and_update::CASES,
    write::CASES,
    known::CASES,
    unique::CASES,
    catalogue::CASES,
    handles::CASES,
    rebuild::CASES,
    aggregate::CASES,
    explain::CASES,
    watch::CASES,
    events::CASES,
    clock::CASES,
    limits::CASES,
    queries::CASES,
    faults::CASES,
    reopen::CASES,
];

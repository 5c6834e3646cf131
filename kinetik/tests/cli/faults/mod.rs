//! Faults that other queues have had, tried on the program from outside: real processes on one store.

mod crashes;
mod data;
mod lists;
mod sharing;
mod stops;
mod unreachable;

use std::io::{BufRead as _, BufReader};

use rustix::process::Signal;

use crate::place::{Place, Running, signal};

fn start(place: &Place, arguments: &[&str]) -> Running {
    place.start(&[&["work", "--lease", "1s"], arguments].concat())
}

/// Asks a worker to stop, and waits until it has heard it: from then on it claims nothing.
fn ask_to_stop(worker: &mut Running) {
    signal(worker, Signal::TERM);
    let mut said = String::new();
    BufReader::new(worker.stderr.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.starts_with("stopping"), "{said}");
}

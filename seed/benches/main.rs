//! Measurements of seed, a file for each part: `cargo bench -p seed -- filter` runs one.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that fails has nothing to tell but that"
)]

mod filter;
mod jobs;
mod key;
mod map_reduce;
mod parse;
mod plan;
mod update;

use criterion::{criterion_group, criterion_main};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group!(
    benches,
    key::bench,
    parse::bench,
    filter::bench,
    update::bench,
    plan::bench,
    map_reduce::bench
);
criterion_main!(benches);

//! The real program from outside: what it prints, how it exits, and what its commands meet. A file a command.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

mod bench;
mod cancel;
mod clean;
mod enqueue;
mod faults;
mod general;
mod jobs;
mod place;
mod retry;
mod show;
mod store;
mod tasks;
mod terminal;
mod work;
mod workers;

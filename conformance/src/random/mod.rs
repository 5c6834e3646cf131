//! A store against a plain scan by the matcher alone: the planner never changes an answer.
//!
//! Worlds of random documents, indexes and requests ([`documents`], [`requests`]) are carried out on the store and on a
//! list that knows no plan ([`plain`]). What differs is a fault of the planner, of the keys or of the store. A failure
//! prints its seed, and [`SEED_VARIABLE`](chance::SEED_VARIABLE) replays it.

mod chance;
mod documents;
mod plain;
mod requests;
mod world;

use crate::case::cases;
use crate::fixture::Stores;
use chance::{Chance, SEED_VARIABLE};
use world::World;

cases![
    the_planner_never_changes_an_answer,
    the_planner_never_changes_what_is_written
];

async fn the_planner_never_changes_an_answer(stores: Stores) {
    let worlds = stores.scaled(60);
    play(stores, worlds, async |world| {
        world.fill().await;
        for step in 0..60 {
            if step % 20 == 0 {
                world.declare().await;
            }
            world.ask().await;
        }
    })
    .await;
}

async fn the_planner_never_changes_what_is_written(stores: Stores) {
    let worlds = stores.scaled(40);
    play(stores, worlds, async |world| {
        world.fill().await;
        for step in 0..60 {
            if step % 15 == 0 {
                world.declare().await;
            }
            world.write().await;
        }
    })
    .await;
}

/// Plays in several worlds, each with a seed that says all about it.
async fn play(stores: Stores, worlds: i64, game: impl AsyncFn(&mut World)) {
    let first = Chance::first_seed();
    for number in 0..worlds as u64 {
        let seed = first.wrapping_add(number);
        let on_failure = Seed(seed);
        let mut world = World::new(stores.things().await, Chance::from_seed(seed)).await;
        game(&mut world).await;
        drop(on_failure);
    }
}

/// Tells the seed when a world comes to a bad end.
struct Seed(u64);

impl Drop for Seed {
    #[expect(
        clippy::print_stderr,
        reason = "the way back into the world where a case failed"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with {SEED_VARIABLE}={}", self.0);
        }
    }
}

//! Long slices worked on by all cores.

use std::num::NonZero;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

/// How many items are worth a thread: it costs some ten microseconds, an item about one.
const WORTH_A_THREAD: usize = 128;

/// Does the same to each item and returns what came out, in order; with so few of them that it would not pay, here.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if items.len() < 2 * WORTH_A_THREAD {
        return items.iter().map(work).collect();
    }
    let done = pieces(items, WORTH_A_THREAD, |_, piece| {
        piece.iter().map(&work).collect::<Vec<_>>()
    });
    done.into_iter().flatten().collect()
}

/// Does the same to each piece of a slice, which is told with the position it begins at, and returns what came out, in
/// order. A piece has as many items as are worth a thread, the last one may have fewer.
pub(crate) fn pieces<T: Sync, R: Send>(
    items: &[T],
    worth_a_thread: usize,
    work: impl Fn(usize, &[T]) -> R + Sync,
) -> Vec<R> {
    pieces_on(cores(), items, worth_a_thread, work)
}

fn pieces_on<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    worth_a_thread: usize,
    work: impl Fn(usize, &[T]) -> R + Sync,
) -> Vec<R> {
    let pieces = items.chunks(worth_a_thread).enumerate();
    let work = |(number, piece)| work(number * worth_a_thread, piece);
    let threads = threads.min(items.len() / worth_a_thread);
    if threads < 2 {
        return pieces.map(work).collect();
    }
    // Pieces are taken as threads come to them, since one thread may be given less of its core than another.
    let left = Mutex::new(pieces);
    let take = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_on = || {
        let mut done = Vec::new();
        while let Some(piece) = take() {
            done.push((piece.0, work(piece)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        // What no thread can be had for is done by those there are.
        let others: Vec<_> = (1..threads)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, work_on).ok())
            .collect();
        let mut done = work_on();
        for other in others {
            match other.join() {
                Ok(of_other) => done.extend(of_other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, out)| out).collect()
}

/// Returns how many threads can run at once; asking the system each time would cost more than many a piece of work.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept_however_many_there_are() {
        for len in [0, 1, 127, 128, 255, 256, 257, 1_000, 4_097] {
            let items: Vec<usize> = (0..len).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map(&items, |item| item * 2), doubled, "{len}");
        }
    }

    #[test]
    fn several_threads_do_what_one_does() {
        let items: Vec<usize> = (0..1_003).collect();
        let expected: Vec<_> = (0..101)
            .map(|piece| (piece * 10, if piece < 100 { 10 } else { 3 }))
            .collect();
        for threads in [1, 2, 5] {
            let done = pieces_on(threads, &items, 10, |start, piece| {
                assert_eq!(piece[0], start);
                (start, piece.len())
            });
            assert_eq!(done, expected, "{threads}");
        }
    }
}

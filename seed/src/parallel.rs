//! Long slices worked on by all cores.

use std::num::NonZero;
use std::sync::OnceLock;

/// How many items are worth a thread: it costs some ten microseconds, an item about one.
const WORTH_A_THREAD: usize = 128;

/// Does the same to each item and returns what came out, in order; with so few of them that it would not pay, here.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = cores().min(items.len() / WORTH_A_THREAD);
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let mut parts = items.chunks(items.len().div_ceil(threads));
    let own = parts.next().unwrap_or_default();
    let work = &work;
    let on_part = |part: &[T]| part.iter().map(work).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || on_part(part))).collect();
        let mut out = on_part(own);
        out.reserve_exact(items.len() - out.len());
        for other in others {
            match other.join() {
                Ok(part) => out.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        out
    })
}

/// Returns how many threads can run at once; asking the system each time would cost more than many a piece of work.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
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
}

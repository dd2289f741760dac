//! A bounded set of threads that share a list of work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Runs `work` on every item with at most `concurrency` threads and keeps the results in the order
/// of the items, so that nothing depends on who was faster. After an error no further item begins;
/// the error of the earliest item is returned.
pub(super) fn in_parallel<T: Sync, R: Send, E: Send>(
    items: &[T],
    concurrency: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Mutex<Vec<(usize, Result<R, E>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        while !failed.load(Ordering::Relaxed) {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(position) else { break };
            let result = work(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((position, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..concurrency.clamp(1, items.len().max(1)) {
            scope.spawn(run);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(position, _)| *position);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        let doubled = in_parallel(&items, 4, |item| Ok::<_, ()>(item * 2)).unwrap();
        assert_eq!(doubled, (0..100).map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(in_parallel::<u8, u8, ()>(&[], 4, |_| Ok(1)), Ok(vec![]));
    }

    #[test]
    fn the_earliest_error_is_told() {
        let items: Vec<usize> = (0..100).collect();
        let result = in_parallel(&items, 1, |item| if *item < 3 { Ok(()) } else { Err(*item) });
        assert_eq!(result, Err(3));
    }
}

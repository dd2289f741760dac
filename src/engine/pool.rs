//! Threads that take work from one list.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A fixed number of threads of our own, so that nothing depends on a global pool.
pub(super) struct Pool {
    threads: ThreadPool,
}

impl Pool {
    pub(super) fn new(jobs: NonZeroUsize) -> Result<Self, ThreadPoolBuildError> {
        Ok(Self { threads: ThreadPoolBuilder::new().num_threads(jobs.get()).build()? })
    }

    /// Does `work` for every item, beginning with the first, and gives the results in the order of
    /// the items. Each thread takes the next item when it is done with one, so that a list ordered
    /// by length ends at about the same time on all.
    pub(super) fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> R + Sync,
    ) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let parts = self.threads.broadcast(|_| {
            let mut done = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(place) else {
                    return done;
                };
                done.push((place, work(item)));
            }
        });
        let mut results: Vec<_> = parts.into_iter().flatten().collect();
        results.sort_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for jobs in [1, 2, 7] {
            let pool = Pool::new(NonZeroUsize::new(jobs).unwrap()).unwrap();
            let squares = pool.map(&items, |item| item * item);
            assert_eq!(squares, items.iter().map(|item| item * item).collect::<Vec<_>>());
        }
    }
}

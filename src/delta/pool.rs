//! A few threads over one list of work.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `work` on every item, on at most `threads` threads, and returns when all are done.
pub(super) fn each<T: Sync>(items: &[T], threads: usize, work: impl Fn(&T) + Sync) {
    let threads = threads.clamp(1, items.len().max(1));
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(item);
        }
    };
    if threads == 1 {
        return run();
    }
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(run);
        }
    });
}

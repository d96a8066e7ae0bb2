//! Locks that a panic elsewhere does not close.

use std::sync::{Mutex, MutexGuard};

/// The mutex's content, for a moment and never across an await.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

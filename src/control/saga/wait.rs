//! What a saga waits for: a time, a person, a condition.

use std::time::Duration;
use tokio::time::Instant;

/// What a saga waits for before it tries a step again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// This long.
    Time(Duration),
    /// Until someone asks for it: trying again by itself doesn't help.
    Person,
}

/// Waits until `condition` holds, asking it again and again with `pause` in between; false where it still doesn't after
/// `most`.
pub async fn until(pause: Duration, most: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + most;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        tokio::time::sleep(pause).await;
    }
}

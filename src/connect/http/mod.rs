//! One call over HTTP: login, retries, pages, and how much of an answer is taken in.

pub(super) mod body;
mod login;
mod paging;
mod retry;
mod skew;
mod transport;

pub use retry::RetryPolicy;
pub(super) use transport::{Call, Transport};

//! One call over HTTP: login, retries, pages, and how much of an answer is taken in.

mod base_url;
pub(super) mod body;
mod call;
mod login;
mod paging;
mod retry;
mod skew;
mod transport;

pub(super) use call::Call;
pub(super) use paging::NamesPage;
pub use retry::RetryPolicy;
pub(super) use transport::Transport;

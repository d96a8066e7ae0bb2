//! What every server and client of HTTP here is built from: binding, TLS, waits between tries, and one way to make a
//! client.

mod backoff;
mod bind;
mod client;
mod tls;

pub use backoff::Backoff;
pub use bind::bind;
pub use client::{HttpClient, is_loopback};
pub use tls::{TlsError, TlsFiles};

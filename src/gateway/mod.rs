//! The stable URLs' reverse proxy: it listens, finds the URL that a request names, waits at its gate, forwards it to the
//! workspace of the current primary, and answers by itself where that can't be.
//!
//! Two promises: an answer is never put together from two regions, and a request that a region may have carried out is
//! never sent a second time, unless it has no body and a method that may be repeated.

mod body;
mod certificate;
mod error;
mod forward;
mod headers;
mod hold;
mod ids;
mod listen;
mod rescue;
mod route;
mod sent;
#[cfg(test)]
mod tests;
mod tunnel;
mod upstream;

pub use certificate::{GatewayTls, fingerprint};
pub use error::GatewayError;
pub use hold::HoldLimits;
pub use listen::{Gateway, GatewayOptions};

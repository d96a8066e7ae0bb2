//! What every server and client of HTTP here is built from: binding, TLS, room for connections, the loop that serves them, bodies
//! within limits, waits between tries, and one way to make a client.

mod backoff;
mod bind;
mod body;
mod client;
mod connections;
mod descriptors;
mod head;
mod serve;
mod stall;
mod tls;

pub use backoff::Backoff;
pub use bind::bind;
pub use body::{BodyFault, BodyLimits, BodyRoom};
pub use client::{HttpClient, is_loopback};
pub use connections::{Connection, Connections};
pub use descriptors::{most_connections, raise_descriptor_limit};
pub use head::ambiguity;
pub use serve::{LocalAddress, ServeLimits, Stop, serve};
pub use tls::{TlsError, TlsFiles};

//! Why the API cannot be served.

use std::net::SocketAddr;

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error(
        "{address} cannot be listened on: {source}. Choose another address or port with --listen, or 0 for any free port."
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Tokens would cross a network in the clear.
    #[error(
        "{address} can be reached from other machines, and tokens would cross the network in the clear. Listen on 127.0.0.1 and put a TLS proxy before it, or add --allow-plain-http."
    )]
    PlainHttp {
        /// The address.
        address: SocketAddr,
    },
}

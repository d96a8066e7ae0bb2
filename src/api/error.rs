//! Why the API cannot be served.

use crate::net::TlsError;
use std::net::SocketAddr;

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error(
        "Can't listen on {address}: {source}. Choose another address or port with --listen, or port 0 for any free port."
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Tokens would cross a network in the clear.
    #[error(
        "Other machines can reach {address}, so tokens would cross the network unencrypted. Give a certificate with --tls-cert and --tls-key, listen on 127.0.0.1, or add --allow-plain-http."
    )]
    PlainHttp {
        /// The address.
        address: SocketAddr,
    },
    /// TLS cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

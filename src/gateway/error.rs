//! Why the gateway cannot be served.

use crate::net::TlsError;
use std::net::SocketAddr;

/// Why the gateway cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address cannot be listened on.
    #[error(
        "The gateway can't listen on {address}: {source}. Choose another address or port with --gateway, or port 0 for any free one."
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Its threads cannot be started.
    #[error(
        "The gateway can't start its threads: {source}. Give --gateway-threads 1, or let this user start more threads."
    )]
    Threads {
        /// Why.
        source: std::io::Error,
    },
    /// Tokens would cross a network in the clear.
    #[error(
        "Other machines can reach {address}, so tokens would cross the network unencrypted. Add --gateway-tls, use 127.0.0.1 for the gateway, or add --allow-plain-http."
    )]
    PlainHttp {
        /// The address.
        address: SocketAddr,
    },
    /// TLS cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A certificate of its own cannot be made or kept.
    #[error("The gateway's own certificate can't be {action}: {problem}. Give one with --tls-cert and --tls-key.")]
    Certificate {
        /// What was tried, such as `written`.
        action: &'static str,
        /// Why.
        problem: String,
    },
    /// The system's trusted certificates cannot be used to check the regions'.
    #[error("The system's trusted certificates can't be used: {problem}.")]
    Trust {
        /// Why.
        problem: String,
    },
}

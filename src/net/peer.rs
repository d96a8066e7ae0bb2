//! Who is at the other end of a connection.

use std::net::SocketAddr;

/// The client of one connection, as the server saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// The address that it connected to.
    pub local: SocketAddr,
    /// Whether it came over TLS.
    pub tls: bool,
}

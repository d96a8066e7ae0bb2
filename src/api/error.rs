//! Why the API cannot be served.

use super::TlsFiles;
use std::net::SocketAddr;
use std::path::PathBuf;

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
        "{address} can be reached from other machines, and tokens would cross the network in the clear. Give a certificate with --tls-cert and --tls-key, listen on 127.0.0.1, or add --allow-plain-http."
    )]
    PlainHttp {
        /// The address.
        address: SocketAddr,
    },
    /// A file of the TLS set-up cannot be read.
    #[error("{} cannot be read: {source}. Give a file that this user may read with --tls-cert or --tls-key.", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds nothing of what it should hold.
    #[error("{} holds no {what} in PEM form, or a damaged one. Give one that begins with -----BEGIN.", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The key is another certificate's.
    #[error("The private key in {} is not that of the first certificate in {}. Give the two files that belong together.", files.key.display(), files.certificate.display())]
    KeyMismatch {
        /// The files.
        files: TlsFiles,
    },
    /// Certificate or key is of a kind that cannot be used.
    #[error("TLS cannot be served with {} and {}: {source}. Give another certificate and key.", files.certificate.display(), files.key.display())]
    Tls {
        /// The files.
        files: TlsFiles,
        /// Why.
        source: Box<tokio_rustls::rustls::Error>,
    },
}

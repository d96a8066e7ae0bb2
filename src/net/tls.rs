//! The certificate and key that a server shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Where certificate and key lie, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and after it those that lead to its root.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("Can't read {}: {source}. Give a file that this user can read with --tls-cert or --tls-key.", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds nothing of what it should hold.
    #[error("{} has no valid {what} in PEM form. Give a file that begins with -----BEGIN.", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The key is another certificate's.
    #[error("The private key in {} doesn't match the first certificate in {}. Give matching files.", files.key.display(), files.certificate.display())]
    KeyMismatch {
        /// The files.
        files: TlsFiles,
    },
    /// Certificate or key is of a kind that cannot be used.
    #[error("Can't serve TLS with {} and {}: {source}. Give another certificate and key.", files.certificate.display(), files.key.display())]
    Unusable {
        /// The files.
        files: TlsFiles,
        /// Why.
        source: Box<rustls::Error>,
    },
}

impl TlsFiles {
    /// What turns a connection into a TLS one, with TLS 1.2 or 1.3.
    ///
    /// `protocols` are the names of ALPN that the server speaks, the best one first.
    pub fn acceptor(&self, protocols: &[&str]) -> Result<TlsAcceptor, TlsError> {
        let chain = self.chain()?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?).map_err(|_| not_pem(&self.key, "private key"))?;
        let unusable = |source| TlsError::Unusable { files: self.clone(), source: Box::new(source) };
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|source| match source {
                rustls::Error::InconsistentKeys(_) => TlsError::KeyMismatch { files: self.clone() },
                source => unusable(source),
            })?;
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// The server's own certificate.
    pub fn own_certificate(&self) -> Result<CertificateDer<'static>, TlsError> {
        self.chain()?.into_iter().next().ok_or_else(|| not_pem(&self.certificate, "certificate"))
    }

    /// At least one certificate.
    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|_| not_pem(&self.certificate, "certificate"))?;
        if chain.is_empty() { Err(not_pem(&self.certificate, "certificate")) } else { Ok(chain) }
    }

    /// Says so where others than the key's owner may read it.
    pub fn warn_of_readers(&self) {
        let mode = fs::metadata(&self.key).map_or(0, |found| found.permissions().mode());
        if mode & 0o077 != 0 {
            let key = self.key.display();
            tracing::warn!("other users can read the private key {key}; run chmod 600 {key}");
        }
    }
}

fn not_pem(path: &Path, what: &'static str) -> TlsError {
    TlsError::NotPem { path: path.to_owned(), what }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

//! The certificate that the gateway shows: given as files, or one that it makes by itself and keeps.

use super::error::GatewayError;
use crate::net::{TlsError, TlsFiles};
use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest, Sha256};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Files of the certificate that is made here.
const FILES: [&str; 2] = ["gateway.pem", "gateway.key.pem"];
/// The last year in which that certificate holds: it is trusted by its fingerprint, not by its age.
const LAST_YEAR: i32 = 2045;

/// How the gateway proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayTls {
    /// By a certificate that someone issued.
    Files(TlsFiles),
    /// By one that it makes once and keeps in this folder. Clients trust it by its fingerprint.
    SelfMade(PathBuf),
}

impl GatewayTls {
    /// The files, made first where they must be.
    pub fn files(&self, address: IpAddr, domain: &str) -> Result<TlsFiles, GatewayError> {
        match self {
            Self::Files(files) => Ok(files.clone()),
            Self::SelfMade(folder) => self_made(folder, address, domain),
        }
    }
}

fn self_made(folder: &Path, address: IpAddr, domain: &str) -> Result<TlsFiles, GatewayError> {
    let [certificate, key] = FILES.map(|name| folder.join(name));
    let files = TlsFiles { certificate, key };
    if files.certificate.exists() && files.key.exists() {
        return Ok(files);
    }
    let fault = |action| move |problem: String| GatewayError::Certificate { action, problem };
    let made = |error: rcgen::Error| fault("made")(error.to_string());
    let mut names = vec!["localhost".to_owned(), "*.localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !address.is_unspecified() && !address.is_loopback() {
        names.push(address.to_string());
    }
    if domain != "localhost" {
        names.extend([domain.to_owned(), format!("*.{domain}")]);
    }
    let mut wanted = CertificateParams::new(names).map_err(made)?;
    wanted.distinguished_name.push(DnType::CommonName, "Resilience Console gateway");
    wanted.not_after = rcgen::date_time_ymd(LAST_YEAR, 12, 31);
    let pair = KeyPair::generate().map_err(made)?;
    let signed = wanted.self_signed(&pair).map_err(made)?;
    // The key first: where a crash leaves one without the other, both are made again.
    write(&files.key, &pair.serialize_pem(), 0o600).map_err(|e| fault("written")(e.to_string()))?;
    write(&files.certificate, &signed.pem(), 0o644).map_err(|e| fault("written")(e.to_string()))?;
    Ok(files)
}

fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let staged = path.with_extension("new");
    let _ = fs::remove_file(&staged);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&staged)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&staged, path)
}

/// The sha256 of the first certificate, as browsers and tools show it.
pub fn fingerprint(files: &TlsFiles) -> Result<String, GatewayError> {
    let unreadable = |source| TlsError::Unreadable { path: files.certificate.clone(), source };
    let pem = fs::read(&files.certificate).map_err(unreadable)?;
    let not_pem = |_| TlsError::NotPem { path: files.certificate.clone(), what: "certificate" };
    let first = CertificateDer::from_pem_slice(&pem).map_err(not_pem)?;
    let bytes: Vec<String> = Sha256::digest(&first).iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(bytes.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_its_owners() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let tls = GatewayTls::SelfMade(dir.path().to_owned());
        let files = tls.files(IpAddr::V4(Ipv4Addr::UNSPECIFIED), "dr.example.com").expect("made");
        files.acceptor(&["h2", "http/1.1"]).expect("it can be served");
        let first = fingerprint(&files).expect("read");
        assert_eq!(first.split(':').count(), 32, "{first}");
        let again = tls.files(IpAddr::V4(Ipv4Addr::LOCALHOST), "dr.example.com").expect("kept");
        assert_eq!(fingerprint(&again).expect("read"), first);
        let mode = fs::metadata(&files.key).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

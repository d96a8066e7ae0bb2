//! The names by which clients may reach this server, and the origin that each of them is told.
//!
//! A server that answers to any `Host` can be made to send clients, with their secrets, to someone else's address.

use super::reply::{Rejection, bad};
use crate::net::{LocalAddress, TlsError, TlsFiles};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, Version, header};
use std::net::{IpAddr, SocketAddr};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;

/// Known are loopback, the address that was connected to, the names in the certificate, and those that were configured.
pub struct Hosts {
    scheme: &'static str,
    listen: SocketAddr,
    names: Vec<String>,
    certificate: Option<CertificateDer<'static>>,
}

/// Scheme and authority by which the client reaches this server, so that the addresses it is told lead back here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub String);

impl Hosts {
    /// The names of a server at `listen`, of its certificate where it has one, and `names`.
    pub fn new(listen: SocketAddr, tls: Option<&TlsFiles>, names: &[String]) -> Result<Self, TlsError> {
        Ok(Self {
            scheme: if tls.is_some() { "https" } else { "http" },
            listen,
            names: names.iter().map(|name| plain(name)).collect(),
            certificate: tls.map(TlsFiles::own_certificate).transpose()?,
        })
    }

    /// Scheme and authority of the address that is listened on.
    pub fn own(&self) -> Origin {
        Origin(format!("{}://{}", self.scheme, self.listen))
    }

    /// The origin by which a call came, which is refused where it goes by a name that is not known.
    pub fn origin(
        &self,
        version: Version,
        uri: &Uri,
        headers: &HeaderMap,
        local: Option<LocalAddress>,
    ) -> Result<Origin, Rejection> {
        let header = match headers.get(header::HOST) {
            Some(host) => {
                Some(host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()).ok_or_else(|| {
                    bad("The Host header is not a host name with an optional port. Send the one in the server's URL.")
                })?)
            }
            None => None,
        };
        for host in header.iter().chain(uri.authority()) {
            if !self.knows(host, local) {
                return Err(Rejection::Misdirected { host: host.as_str().to_owned() });
            }
        }
        match uri.authority().or(header.as_ref()) {
            Some(host) => Ok(Origin(format!("{}://{}", self.scheme, host.as_str()))),
            // Only older clients may leave it out.
            None if version < Version::HTTP_11 => Ok(self.own()),
            None => Err(bad("The Host header is missing. Send the host name and port in the server's URL.")),
        }
    }

    fn knows(&self, authority: &Authority, local: Option<LocalAddress>) -> bool {
        let host = plain(authority.host().trim_start_matches('[').trim_end_matches(']'));
        let port = authority.as_str().strip_prefix(authority.host());
        let port_is_fine = port.is_some_and(|port| port.is_empty() || authority.port_u16().is_some());
        if authority.as_str().contains('@') || host.is_empty() || !port_is_fine {
            return false;
        }
        let by_address = host.parse::<IpAddr>().is_ok_and(|ip| {
            ip.is_loopback()
                || ip == self.listen.ip()
                || local.is_some_and(|LocalAddress(local)| local.ip().to_canonical() == ip)
        });
        by_address || host == "localhost" || self.names.contains(&host) || self.certifies(&host)
    }

    fn certifies(&self, host: &str) -> bool {
        let parsed = self.certificate.as_ref().and_then(|der| ParsedCertificate::try_from(der).ok());
        let name = ServerName::try_from(host).ok();
        parsed.zip(name).is_some_and(|(certificate, name)| verify_server_name(&certificate, &name).is_ok())
    }
}

/// A host name as names are compared.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(listen: &str, host: &str, uri: &str) -> Result<Origin, Rejection> {
        let listen = listen.parse().expect("an address");
        let hosts = Hosts::new(listen, None, &["dr.example.com".to_owned()]).expect("made");
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a value"));
        let local = LocalAddress("192.0.2.7:443".parse().expect("an address"));
        hosts.origin(Version::HTTP_11, &uri.parse().expect("a URI"), &headers, Some(local))
    }

    #[test]
    fn names_that_lead_here_are_answered_as_they_were_asked_for() {
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "LocalHost.:99",
            "[::1]:8080",
            "192.0.2.7",
            "dr.example.com",
            "DR.example.com:1",
        ] {
            let answered = origin("0.0.0.0:8080", host, "/").map(|origin| origin.0);
            assert_eq!(answered.ok(), Some(format!("http://{host}")));
        }
        assert!(origin("198.51.100.4:80", "198.51.100.4", "/").is_ok());
    }

    #[test]
    fn other_names_are_not_answered() {
        for host in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "203.0.113.5",
            "dr.example.com.evil.example",
            "evil-dr.example.com",
            "0.0.0.0",
        ] {
            let listen = if host == "0.0.0.0" { "127.0.0.1:8080" } else { "0.0.0.0:8080" };
            assert!(matches!(origin(listen, host, "/"), Err(Rejection::Misdirected { .. })), "{host}");
        }
        assert!(matches!(
            origin("127.0.0.1:1", "localhost", "http://evil.example/x"),
            Err(Rejection::Misdirected { .. })
        ));
        assert!(matches!(origin("127.0.0.1:1", "evil@localhost", "/"), Err(Rejection::Misdirected { .. })));
        for wrong in ["", "a b", "localhost/x", "localhost:x"] {
            assert!(origin("127.0.0.1:1", wrong, "/").is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_an_old_client_may_name_no_host() {
        let hosts = Hosts::new("127.0.0.1:80".parse().expect("an address"), None, &[]).expect("made");
        let ask = |version| hosts.origin(version, &Uri::from_static("/"), &HeaderMap::new(), None);
        assert_eq!(ask(Version::HTTP_10).ok(), Some(Origin("http://127.0.0.1:80".to_owned())));
        assert!(matches!(ask(Version::HTTP_11), Err(Rejection::BadRequest { .. })));
    }
}

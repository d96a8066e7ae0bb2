//! How clients of HTTP are made.

use reqwest::{Client, redirect};
use std::net::SocketAddr;
use std::time::Duration;
use url::{Host, Url};

/// A connection that is idle for longer is closed here, before a server closes it under a request.
const IDLE: Duration = Duration::from_secs(45);

/// A client that is yet to be built.
///
/// It follows no redirect: a workspace redirects to its login page, and following that would hide a bad token; a webhook
/// could redirect into this machine's own network.
#[derive(Debug, Clone, Default)]
pub struct HttpClient {
    user_agent: Option<String>,
    connecting: Option<Duration>,
    in_all: Option<Duration>,
    silence: Option<Duration>,
    on_this_machine: bool,
    only_at: Option<(String, Vec<SocketAddr>)>,
}

impl HttpClient {
    /// Nothing set: no call ends before the server ends it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says who asks.
    pub fn user_agent(self, name: &str) -> Self {
        Self { user_agent: Some(name.to_owned()), ..self }
    }

    /// How long connecting may take.
    pub fn connecting(self, most: Duration) -> Self {
        Self { connecting: Some(most), ..self }
    }

    /// How long a call may take in all.
    pub fn in_all(self, most: Duration) -> Self {
        Self { in_all: Some(most), ..self }
    }

    /// How long the server may say nothing.
    pub fn silence(self, most: Duration) -> Self {
        Self { silence: Some(most), ..self }
    }

    /// What only `url` is called by: a server on this machine is reached past any proxy.
    pub fn only_for(self, url: &Url) -> Self {
        Self { on_this_machine: is_loopback(url), ..self }
    }

    /// Reaches `host` at these addresses and no others.
    pub fn only_at(self, host: &str, addresses: Vec<SocketAddr>) -> Self {
        Self { only_at: Some((host.to_owned(), addresses)), ..self }
    }

    /// Builds it.
    pub fn build(self) -> reqwest::Result<Client> {
        let mut builder = Client::builder().redirect(redirect::Policy::none()).pool_idle_timeout(IDLE);
        if let Some(name) = self.user_agent {
            builder = builder.user_agent(name);
        }
        if let Some(most) = self.connecting {
            builder = builder.connect_timeout(most);
        }
        if let Some(most) = self.in_all {
            builder = builder.timeout(most);
        }
        if let Some(most) = self.silence {
            builder = builder.read_timeout(most);
        }
        if let Some((host, addresses)) = &self.only_at {
            builder = builder.resolve_to_addrs(host, addresses);
        }
        if self.on_this_machine {
            builder = builder.no_proxy();
        }
        builder.build()
    }
}

/// Whether a URL leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_name_and_by_address() {
        let known = |text: &str| is_loopback(&Url::parse(text).expect("a URL"));
        for here in ["http://localhost", "https://127.0.0.1:8443/", "http://[::1]:1/", "http://shop.localhost:80"] {
            assert!(known(here), "{here}");
        }
        for elsewhere in ["https://dbc-1.example.com", "http://10.0.0.1", "http://notlocalhost", "data:,x"] {
            assert!(!known(elsewhere), "{elsewhere}");
        }
    }
}

//! Sends an alert to a webhook, within limits: only to the internet, without redirects, and without reading the answer.

use crate::domain::{Alert, WebhookFormat};
use crate::net::{HttpClient, is_loopback, is_public};
use crate::wire::alert::alert_body;
use crate::wire::secret::Secret;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use url::{Host, Url};

/// Characters of a webhook's URL at most.
const LONGEST_URL: usize = 2048;
/// By which the environment names a proxy.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Where alerts go.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// It may hold a secret, so it is one.
    pub url: Secret,
    pub format: WebhookFormat,
    /// PagerDuty's key of the service.
    pub routing_key: Option<Secret>,
    /// Whether it may be in this machine's own network, over plain HTTP too.
    pub may_be_private: bool,
}

/// Why an alert wasn't delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// What happened, without the URL.
    pub sentence: String,
    /// Whether trying again can't help.
    pub is_final: bool,
}

fn never(sentence: impl Into<String>) -> Undelivered {
    Undelivered { sentence: sentence.into(), is_final: true }
}

fn later(sentence: impl Into<String>) -> Undelivered {
    Undelivered { sentence: sentence.into(), is_final: false }
}

/// Reads a webhook's URL, and says what is wrong with one that can't be used.
pub fn checked(text: &str, may_be_private: bool) -> Result<Url, String> {
    if text.len() > LONGEST_URL {
        return Err(format!("The webhook's URL is longer than {LONGEST_URL} characters."));
    }
    let Ok(url) = Url::parse(text.trim()) else {
        return Err("The webhook's URL isn't a URL. Enter one such as https://hooks.slack.com/services/….".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The webhook's URL has a user name or password in it. Leave them out.".to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if may_be_private => {}
        _ => return Err("The webhook's URL must begin with https://.".to_owned()),
    }
    let address: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(_)) => None,
        None => return Err("The webhook's URL names no host.".to_owned()),
    };
    if !may_be_private && (is_loopback(&url) || address.is_some_and(|address| !is_public(address))) {
        return Err(inner());
    }
    Ok(url)
}

fn inner() -> String {
    "The webhook is in this machine's own network. Name it with --webhook at the start if that is meant.".to_owned()
}

impl Webhook {
    /// Sends an alert; how long it took. The answer's body isn't read, so nothing of it can leak.
    pub async fn send(&self, alert: &Alert, patience: Duration) -> Result<(u16, Duration), Undelivered> {
        let url = checked(self.url.expose(), self.may_be_private).map_err(never)?;
        let begun = Instant::now();
        let sent = tokio::time::timeout(patience, async {
            let client = self.client(&url, patience).await?;
            let body = alert_body(self.format, alert, self.routing_key.as_ref());
            client.post(url).json(&body).send().await.map_err(|error| later(cause(error)))
        });
        let answer =
            sent.await.map_err(|_| later(format!("The webhook didn't respond within {} s.", patience.as_secs())))??;
        let status = answer.status();
        if status.is_success() {
            return Ok((status.as_u16(), begun.elapsed()));
        }
        let sentence = format!("The webhook returned {}.", status.as_u16());
        Err(match status.as_u16() {
            300..400 => {
                never(format!("{sentence} It points elsewhere, which isn't followed. Enter the URL that it points to."))
            }
            408 | 425 | 429 => later(sentence),
            400..500 => never(sentence),
            _ => later(sentence),
        })
    }

    /// A client that connects only to the addresses that were looked at: a name that changes in between gains nothing.
    async fn client(&self, url: &Url, patience: Duration) -> Result<reqwest::Client, Undelivered> {
        let mut client = HttpClient::new().in_all(patience);
        if let Some(host) = url.domain().filter(|_| !self.may_be_private) {
            let found = tokio::net::lookup_host((host, url.port_or_known_default().unwrap_or(443))).await;
            client = match found.map(Iterator::collect::<Vec<SocketAddr>>) {
                Ok(found) if found.iter().any(|address| !is_public(address.ip())) => return Err(never(inner())),
                Ok(found) => client.only_at(host, found),
                // A machine behind a proxy may be unable to look names up; the proxy does it then.
                Err(_) if has_proxy() => client,
                Err(_) => return Err(later("The webhook's host has no address.")),
            };
        }
        client.build().map_err(|error| later(cause(error)))
    }
}

/// Whether the environment names a proxy for calls over TLS.
fn has_proxy() -> bool {
    PROXIES.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The deepest cause of a failed call. Its URL may carry a secret, so the error is told without it.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &dyn Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    format!("Couldn't reach the webhook: {deepest}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_leads_inside_is_refused_unless_the_start_named_it() {
        for inside in [
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://localhost/x",
            "https://a.localhost/x",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:10.0.0.1]/",
            "https://2130706433/",
            "https://0x7f.1/",
        ] {
            assert_eq!(checked(inside, false), Err(inner()), "{inside}");
            assert!(checked(inside, true).is_ok(), "{inside}");
        }
        for wrong in
            ["http://example.com/", "ftp://example.com/", "https://a:b@example.com/", "example.com", "", "https://"]
        {
            assert!(checked(wrong, false).is_err(), "{wrong}");
        }
        assert!(checked("https://hooks.slack.com/services/T/B/x", false).is_ok());
        assert!(checked(&format!("https://example.com/{}", "a".repeat(LONGEST_URL)), true).is_err());
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_this_machine_is_refused_when_it_is_sent_to() {
        // `localhost.` with its dot isn't known as loopback by its name alone on every machine, but it resolves to it.
        let webhook = Webhook {
            url: Secret::new("https://localhost./x"),
            format: WebhookFormat::Json,
            routing_key: None,
            may_be_private: false,
        };
        let url = Url::parse(webhook.url.expose()).expect("a URL");
        let refused = webhook.client(&url, Duration::from_secs(5)).await.expect_err("refused");
        assert!(!refused.sentence.contains("/x"), "{}", refused.sentence);
    }
}

//! The API over TLS, with certificates that the `openssl` command makes.

use super::{ACCOUNT, Served};
use crate::api::{ApiOptions, ServeError, TlsFiles, check_options};
use reqwest::{Certificate, Client};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// A certificate for `127.0.0.1` that signs itself, and its key, in `folder`.
fn certificate(folder: &Path, name: &str) -> TlsFiles {
    let files =
        TlsFiles { certificate: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key.pem")) };
    let wanted = folder.join("wanted.cnf");
    let text = "[req]\ndistinguished_name = name\nx509_extensions = more\n[name]\n[more]\n\
                basicConstraints = critical, CA:FALSE\nsubjectAltName = IP:127.0.0.1, DNS:localhost\n";
    std::fs::write(&wanted, text).expect("written");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=127.0.0.1", "-config"])
        .arg(&wanted)
        .arg("-keyout")
        .arg(&files.key)
        .arg("-out")
        .arg(&files.certificate)
        .output()
        .expect("the command openssl is there; packaging/test.sh installs it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    files
}

fn refused(files: TlsFiles) -> String {
    check_options(&ApiOptions { tls: Some(files), ..ApiOptions::default() }).expect_err("refused").to_string()
}

#[tokio::test]
async fn with_a_certificate_every_call_goes_over_tls_and_none_in_the_clear() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let files = certificate(dir.path(), "mine");
    let trusted = Certificate::from_pem(&std::fs::read(&files.certificate).expect("read")).expect("a certificate");
    let served = Served::with(&["core"], ApiOptions { tls: Some(files), ..ApiOptions::default() }).await;
    let url = served.server.url().to_owned();
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let client = Client::builder().tls_certs_only([trusted]).build().expect("a client");
    let config = client.get(format!("{url}/.well-known/databricks-config")).send().await.expect("trusted");
    let config: Value = config.json().await.expect("JSON");
    let login = config["oidc_endpoint"].as_str().expect("where to log in");
    assert!(login.starts_with(&url), "clients are led back here over TLS: {login}");
    let group = format!("{url}/api/disaster-recovery/v1/accounts/{ACCOUNT}/failover-groups/core");
    let answer = client.get(&group).bearer_auth(&served.token).send().await.expect("trusted");
    assert_eq!(answer.status(), 200);

    let stranger = served.client.get(&group).bearer_auth(&served.token).send().await;
    assert!(stranger.is_err(), "a client that does not trust the certificate sends no token");
    let in_the_clear = served.client.get(group.replace("https://", "http://")).send().await;
    assert!(in_the_clear.is_err(), "plain HTTP gets no answer");
    let again = client.get(&group).bearer_auth(&served.token).send().await.expect("others are not held up");
    assert_eq!(again.status(), 200);
    served.end().await;
}

#[test]
fn another_address_than_loopback_may_be_served_with_a_certificate() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let listen = "0.0.0.0:0".parse().expect("an address");
    let options = ApiOptions { listen, tls: Some(certificate(dir.path(), "mine")), ..ApiOptions::default() };
    assert!(check_options(&options).is_ok());
    let plain = ApiOptions { tls: None, ..options };
    assert!(matches!(check_options(&plain), Err(ServeError::PlainHttp { .. })));
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (mine, other) = (certificate(dir.path(), "mine"), certificate(dir.path(), "other"));
    let missing = dir.path().join("missing.pem");
    let sentence = refused(TlsFiles { certificate: missing.clone(), ..mine.clone() });
    assert!(sentence.contains("Can't read") && sentence.contains("missing.pem"), "{sentence}");
    let sentence = refused(TlsFiles { key: missing, ..mine.clone() });
    assert!(sentence.contains("Can't read") && sentence.contains("missing.pem"), "{sentence}");
    let sentence = refused(TlsFiles { key: mine.certificate.clone(), ..mine.clone() });
    assert!(sentence.contains("mine.pem has no valid private key"), "{sentence}");
    let sentence = refused(TlsFiles { certificate: mine.key.clone(), ..mine.clone() });
    assert!(sentence.contains("mine.key.pem has no valid certificate"), "{sentence}");
    let sentence = refused(TlsFiles { key: other.key, ..mine.clone() });
    assert!(sentence.contains("other.key.pem doesn't match the first certificate in"), "{sentence}");
    let damaged = dir.path().join("damaged.pem");
    std::fs::write(&damaged, "-----BEGIN CERTIFICATE-----\nnonsense!\n-----END CERTIFICATE-----\n").expect("written");
    let sentence = refused(TlsFiles { certificate: damaged, ..mine });
    assert!(sentence.contains("damaged.pem has no valid certificate in PEM form"), "{sentence}");
}

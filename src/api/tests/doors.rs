//! What the server does with calls and connections that are odd on purpose.

use super::{ACCOUNT, Served, is, refusal};
use crate::api::ApiOptions;
use crate::net::{most_connections, raise_descriptor_limit};
use reqwest::{Method, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn open(served: &Served, text: &str) -> TcpStream {
    let address = served.server.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(text.as_bytes()).await.expect("sent");
    stream
}

/// The answer's text; the connection ends with it.
async fn send(served: &Served, request: &str) -> String {
    let mut text = String::new();
    open(served, request).await.read_to_string(&mut text).await.expect("an answer");
    text
}

fn discovery(target: &str, heads: &str) -> String {
    format!("GET {target} HTTP/1.1\r\n{heads}Connection: close\r\n\r\n")
}

#[tokio::test]
async fn a_client_is_led_back_to_the_name_that_it_asked_for_if_that_is_known() {
    let options = ApiOptions { host_names: vec!["dr.example.com".to_owned()], ..ApiOptions::default() };
    let served = Served::with(&[], options).await;
    let address = served.server.url().trim_start_matches("http://").to_owned();
    for path in [
        "/.well-known/databricks-config".to_owned(),
        "/oidc/.well-known/oauth-authorization-server".to_owned(),
        format!("/oidc/accounts/{ACCOUNT}/.well-known/oauth-authorization-server"),
    ] {
        for host in [address.as_str(), "localhost:9", "dr.example.com"] {
            let answer = send(&served, &discovery(&path, &format!("Host: {host}\r\n"))).await;
            assert!(
                answer.starts_with("HTTP/1.1 200") && answer.contains(&format!("\"http://{host}/oidc")),
                "{answer}"
            );
        }
        for host in ["evil.example", "evil.example:80", "localhost.evil.example", "203.0.113.9"] {
            let answer = send(&served, &discovery(&path, &format!("Host: {host}\r\n"))).await;
            assert!(answer.starts_with("HTTP/1.1 421") && !answer.contains("oidc/"), "{answer}");
            assert!(answer.contains("--host-name"), "it says what to do: {answer}");
        }
        let elsewhere = format!("http://evil.example{path}");
        assert!(send(&served, &discovery(&elsewhere, "Host: localhost\r\n")).await.starts_with("HTTP/1.1 421"));
        assert!(send(&served, &discovery(&path, "")).await.starts_with("HTTP/1.1 400"), "no host at all");
        let two = send(&served, &discovery(&path, "Host: localhost\r\nHost: evil.example\r\n")).await;
        assert!(two.starts_with("HTTP/1.1 400") && two.contains("The header Host comes more than once"), "{two}");
    }
    served.end().await;
}

#[tokio::test]
async fn two_tokens_in_one_call_are_refused_even_if_one_is_good() {
    let served = Served::start(&[]).await;
    let path = format!("/api/disaster-recovery/v1/accounts/{ACCOUNT}/failover-groups");
    for second in ["Bearer other", "", &format!("Bearer {}", served.token)] {
        let request = served.client.get(format!("{}{path}", served.server.url())).bearer_auth(&served.token);
        let answer = request.header(header::AUTHORIZATION, second).send().await.expect("an answer");
        let status = answer.status();
        let refused = refusal((status, answer.json().await.expect("JSON")));
        assert_eq!(refused, is(400, "INVALID_PARAMETER_VALUE"), "{second:?}");
    }
    served.end().await;
}

#[tokio::test]
async fn a_query_parameter_or_a_field_that_comes_twice_is_refused() {
    let served = Served::start(&["waiting"]).await;
    let bad = is(400, "INVALID_PARAMETER_VALUE");
    for query in ["etag=a&etag=b", "given_up_region=west&given_up_region=east"] {
        let answer = served.call(Method::DELETE, &format!("failover-groups/waiting?{query}"), None).await;
        assert_eq!(refusal(answer), bad, "{query}");
    }
    let path = format!("/api/disaster-recovery/v1/accounts/{ACCOUNT}/failover-groups/waiting/failover");
    let twice = br#"{"failover_type": "PLANNED", "target_primary_region": "west", "failover_type": "FORCED"}"#;
    let answer = served.raw(Method::POST, &path, Some(&served.token), Some(twice.to_vec())).await;
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert!(body["message"].as_str().is_some_and(|m| m.contains("\"failover_type\" comes twice")), "{body}");
    assert_eq!(refusal((status, body)), bad);
    served.end().await;
}

#[tokio::test]
async fn a_number_where_an_id_belongs_is_refused_by_the_name_of_its_field() {
    let served = Served::start(&["core"]).await;
    let group = json!({"regions": ["east", "west"], "workspace_sets": [{"name": "set", "workspace_ids": [1, 2]}]});
    for (method, path, body, field) in [
        (Method::POST, "failover-groups?failover_group_id=x", group.clone(), "workspace_sets[0].workspace_ids[0]"),
        (Method::PATCH, "failover-groups/core?update_mask=workspace_sets", group, "workspace_sets[0].workspace_ids[0]"),
        (Method::POST, "stable-urls?stable_url_id=s", json!({"initial_workspace_id": 2}), "initial_workspace_id"),
        (Method::POST, "failover-groups/core/failover", json!({"target_primary_region": 1}), "target_primary_region"),
    ] {
        let (status, answer) = served.call(method, path, Some(body)).await;
        let sentence = answer["message"].as_str().expect("a sentence");
        assert!(status == 400 && sentence.starts_with(&format!("The field {field} has the wrong type")), "{sentence}");
    }
    served.end().await;
}

#[tokio::test]
async fn a_login_by_a_stranger_takes_little_memory() {
    let served = Served::start(&[]).await;
    let long = served.raw(Method::POST, "/oidc/v1/token", None, Some(vec![b'a'; 20_000])).await;
    assert_eq!(long.status(), 413);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_there_is_room_for_lock_nobody_out() {
    raise_descriptor_limit();
    let served = Served::start(&["core"]).await;
    let half_a_login = "POST /oidc/v1/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\ngrant_type=";
    for text in ["", "GET / HTTP/1.1\r\nHost: loc", half_a_login] {
        let mut held = Vec::new();
        for _ in 0..most_connections() + 100 {
            held.push(open(&served, text).await);
        }
        // A client of its own, whose connection is new.
        let request = reqwest::Client::new().get(format!("{}/openapi.json", served.server.url())).send();
        let answer = tokio::time::timeout(std::time::Duration::from_secs(10), request).await.expect("in time");
        assert_eq!(answer.expect("an answer").status(), 200, "behind {text:?}");
        let first = tokio::time::timeout(std::time::Duration::from_secs(10), held[0].read(&mut [0; 8])).await;
        assert!(matches!(first.expect("in time"), Ok(0) | Err(_)), "the oldest made way");
    }
    served.end().await;
}

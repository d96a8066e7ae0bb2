//! Tokens that the gateway exchanges: kept, listed without them, and never told.

use super::*;
use std::os::unix::fs::PermissionsExt;

fn pair(client: &str, east: &str, west: &str) -> Value {
    json!({"client": client, "tokens": [{"workspace_id": "1", "token": east}, {"workspace_id": "2", "token": west}]})
}

#[tokio::test]
async fn tokens_are_taken_and_only_their_clients_are_ever_told() {
    let served = Served::start(&[]).await;
    served.control.create_stable_url("ada", "shop", "1", false).await.expect("made");
    let (at, remove) = ("stable-urls/shop/token-pairs", "stable-urls/shop/token-pairs/remove");
    assert_eq!(served.call(Method::GET, at, None).await.1, json!({"token_pairs": []}));
    let (status, made) = served.call(Method::POST, at, Some(pair("etl", "hunter2-east", "hunter2-west"))).await;
    let etl = json!({"client": "etl", "workspace_ids": ["1", "2"]});
    assert_eq!((status.as_u16(), &made), (200, &etl));
    assert_eq!(served.call(Method::GET, at, None).await.1, json!({"token_pairs": [etl]}));

    let mut told = String::new();
    for (wanted, body) in [
        (409, pair("etl", "hunter2-a", "hunter2-b")),
        (409, pair("bi", "hunter2-east", "hunter2-c")),
        (400, pair("", "hunter2-a", "hunter2-b")),
        (400, pair("bi", "hunter2 a", "hunter2-b")),
        (400, pair("bi", "", "hunter2-b")),
        (400, json!({"client": "bi", "tokens": [{"workspace_id": "1", "token": "hunter2-a"}]})),
        (400, json!({"client": "bi", "tokens": "hunter2-a"})),
        (400, json!({"client": "bi", "tokens": {"hunter2-a": 1}})),
        (
            400,
            json!({"client": "bi", "tokens": [{"workspace_id": "hunter2-a", "token": "1"}, {"workspace_id": "1", "token": "x"}]}),
        ),
        (
            400,
            json!({"client": "bi", "tokens": [{"workspace_id": "1", "token": "a"}, {"workspace_id": "1", "token": "b"}]}),
        ),
        (400, json!({})),
    ] {
        let (status, answer) = served.call(Method::POST, at, Some(body.clone())).await;
        assert_eq!(status.as_u16(), wanted, "{body}: {answer}");
        told.push_str(&answer.to_string());
    }
    told.push_str(&format!("{:?} {:?}", served.control.view(), served.control.routes().borrow()));
    assert!(!told.contains("hunter2"), "{told}");

    let folder = served._dir.path();
    for file in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let bytes = std::fs::read(&file).expect("it reads");
        let holds = bytes.windows(7).any(|part| part == b"hunter2");
        let is_its_own = file.ends_with("gateway-tokens.json");
        assert_eq!(holds, is_its_own, "{}", file.display());
        if is_its_own {
            let mode = std::fs::metadata(&file).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    assert_eq!(served.call(Method::POST, remove, Some(json!({"client": "bi"}))).await.0.as_u16(), 400);
    assert_eq!(served.call(Method::POST, remove, Some(json!({"client": "etl"}))).await.0.as_u16(), 200);
    assert_eq!(served.call(Method::GET, at, None).await.1, json!({"token_pairs": []}));
    served.call(Method::POST, at, Some(pair("etl", "hunter2-east", "hunter2-west"))).await;
    assert_eq!(served.call(Method::DELETE, "stable-urls/shop", None).await.0.as_u16(), 200);
    let left = std::fs::read_to_string(folder.join("gateway-tokens.json")).expect("it reads");
    assert!(!left.contains("hunter2"), "a URL that is gone leaves no token");
    served.end().await;
}

#[tokio::test]
async fn only_an_admin_adds_tokens() {
    let served = Served::start(&[]).await;
    served.control.create_stable_url("ada", "shop", "1", false).await.expect("made");
    let path = format!("/api/disaster-recovery/v1/accounts/{ACCOUNT}/stable-urls/shop/token-pairs");
    for role in [Role::Viewer, Role::Operator, Role::Failover] {
        let (_, token) = served.control.create_token("ada", role.as_str(), role).await.expect("made");
        let body = serde_json::to_vec(&pair("etl", "a", "b")).expect("JSON");
        let answer = served.raw(Method::POST, &path, Some(token.expose()), Some(body)).await;
        assert_eq!(answer.status().as_u16(), 403, "{role:?}");
        assert_eq!(served.raw(Method::GET, &path, Some(token.expose()), None).await.status().as_u16(), 200);
    }
    served.end().await;
}

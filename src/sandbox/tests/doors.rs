//! Who is let in, and which names and locations are taken.

use super::{Client, EAST, UC, quiet};
use crate::sandbox::unity_catalog::folder_of;
use reqwest::{Method, header};
use serde_json::{Value, json};
use std::path::PathBuf;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_without_a_good_token_gets_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let mut client = Client::user(&sandbox, EAST);
    client.token = "guess".to_owned();
    let path = format!("{UC}/catalogs");
    assert_eq!(client.refused(Method::GET, &path, Value::Null).await, (401, "UNAUTHENTICATED".to_owned()));
    let bare = client.http.get(format!("{}{path}", client.url)).send().await.expect("an answer");
    assert_eq!(bare.status(), 401);
    let client = Client::user(&sandbox, EAST);
    let unknown = client.refused(Method::GET, "/api/2.1/nothing", Value::Null).await;
    assert_eq!(unknown, (404, "ENDPOINT_NOT_FOUND".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_location_is_taken_anywhere_but_over_another_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let user = Client::user(&sandbox, EAST);
    let path = format!("{UC}/external-locations");
    let location = |name: &str, url: &str| json!({"name": name, "url": url});
    user.post(&path, location("cloud", "s3://lake/east/")).await;
    for (name, url, status) in [
        ("cloud", "s3://other", 409),
        ("inner", "s3://lake/east/sales", 400),
        ("spelled", "s3://lake/%65ast", 400),
        ("web", "https://example.org/lake", 400),
        ("up", "s3://lake/east/../west", 400),
    ] {
        assert_eq!(user.refused(Method::POST, &path, location(name, url)).await.0, status, "{name}");
    }
    user.post(&path, location("beside", "s3://lake/east2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_not_logged_in_is_told_which_workspace_this_is_and_no_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let user = Client::user(&sandbox, EAST);
    let ask = |path: &str| user.http.get(format!("{}{path}", user.url)).send();
    let told = ask("/.well-known/databricks-config").await.expect("an answer");
    assert_eq!(told.status(), 200);
    let told: Value = told.json().await.expect("JSON");
    assert_eq!(told["account_id"], sandbox.account_id());
    assert_eq!(told["workspace_id"], user.workspace_id().await.to_string());
    assert!(told.get("oidc_endpoint").is_none(), "a region has no login to name");
    for path in ["/.well-known/nothing", "/oidc/.well-known/oauth-authorization-server"] {
        let answer = ask(path).await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["error_code"], "ENDPOINT_NOT_FOUND");
    }
    assert_eq!(ask("/api/2.1/unity-catalog/catalogs").await.expect("an answer").status(), 401);
    let twice = user.http.get(format!("{}{UC}/catalogs", user.url)).bearer_auth(&user.token);
    let twice = twice.header(header::AUTHORIZATION, "Bearer other").send().await.expect("an answer");
    assert_eq!(twice.status(), 400, "which of two tokens counts is not guessed");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_whose_names_hold_signs_of_a_uri_lie_in_folders_of_their_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let user = Client::user(&sandbox, EAST);
    let long = "長".repeat(255);
    user.post(&format!("{UC}/catalogs"), json!({"name": "c#1"})).await;
    for schema in ["s", "s#", "s?"] {
        user.post(&format!("{UC}/schemas"), json!({"name": schema, "catalog_name": "c#1"})).await;
    }
    let mut folders: Vec<(String, PathBuf)> = Vec::new();
    for schema in ["s", "s#", "s?"] {
        for name in ["a", "a#b", "a?b", "a\\b", "a%b", "a%23b", "a_b", "a:b*", "<a|\"b>", "日本", long.as_str()] {
            let table = json!({"catalog_name": "c#1", "schema_name": schema, "name": name});
            let staged = user.post(&format!("{UC}/staging-tables"), table.clone()).await;
            let location = staged["staging_location"].as_str().expect("a location").to_owned();
            let folder = folder_of(&location).expect("a folder");
            let apart = |(_, other): &&(String, PathBuf)| folder.starts_with(other) || other.starts_with(&folder);
            assert!(
                folders.iter().find(apart).is_none(),
                "{name} at {location} meets {:?}",
                folders.iter().find(apart)
            );
            std::fs::create_dir_all(folder.join("_delta_log")).expect("the disk takes the name");
            let mut create = table;
            create["table_type"] = "MANAGED".into();
            create["data_source_format"] = "DELTA".into();
            create["storage_location"] = json!(location);
            create["columns"] = json!([]);
            let made = user.post(&format!("{UC}/tables"), create).await;
            assert_eq!(made["name"], name);
            folders.push((location, folder));
        }
    }
    for name in ["a.b", "a b", "a/b", "a\nb", "a\u{7f}b", "", "..", ".", &"x".repeat(256)] {
        let table = json!({"catalog_name": "c#1", "schema_name": "s", "name": name});
        let (status, code) = user.refused(Method::POST, &format!("{UC}/staging-tables"), table).await;
        assert_eq!((status, code.as_str()), (400, "INVALID_PARAMETER_VALUE"), "{name:?}");
    }
    // A location that is read as another table's is not taken either.
    let taken = user.get(&format!("{UC}/tables/sales.orders.orders")).await["storage_location"].clone();
    let taken = taken.as_str().expect("a location");
    let encoded = format!("{}%73", taken.strip_suffix('s').expect("it ends so"));
    for place in [format!("{taken}#x"), format!("{taken}?x"), format!("{taken}/../orders"), encoded] {
        let table = json!({"catalog_name": "sales", "schema_name": "orders", "name": "o", "storage_location": place});
        assert_eq!(user.refused(Method::POST, &format!("{UC}/staging-tables"), table).await.0, 400, "{place}");
    }
    let wrong = json!({"catalog_name": "c#1", "schema_name": "s", "name": 5});
    let (_, answer) = user.call(Method::POST, &format!("{UC}/staging-tables"), wrong).await;
    assert!(answer["message"].as_str().is_some_and(|m| m.contains("in name:")), "{answer}");
}

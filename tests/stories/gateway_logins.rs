//! A client that knows a token of one region only, through a stable URL.

use super::gateway_ids::{EAST, WEST, engine, fail_over, token};
use super::support::{spec, until_active};
use resilience::connect::Secret;
use resilience::domain::WorkspaceId;
use resilience::runtime::Engine;
use std::collections::BTreeMap;

/// The status of a call that needs a login, with this token.
async fn status(engine: &Engine, token: &str) -> u16 {
    let url = engine.control().stable_urls().remove(0);
    let origin = engine.ready().gateway_url.expect("a gateway runs");
    let request = reqwest::Client::new().get(format!("{origin}/api/2.1/jobs/list")).bearer_auth(token);
    let answer = request.header("x-databricks-workspace-id", url.stable_workspace_id).send().await.expect("answered");
    answer.status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_old_region_works_in_the_new_one_only_where_a_pair_was_added() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let running = engine(dir.path()).await;
    let regions = running.sandbox().expect("a sandbox").regions();
    running.control().create_stable_url("tester", "shop", &regions[0].workspace_id, false).await.expect("made");
    let mut wanted = spec(&running, "core", &["sales"]);
    wanted.workspace_sets[0].stable_url_names =
        vec![format!("accounts/{}/stable-urls/shop", running.control().account_id())];
    running.control().create_group("tester", wanted, false).await.expect("created");
    until_active(&running, "core").await;
    let [east, west] = [token(&running, EAST), token(&running, WEST)];
    assert_eq!((status(&running, &east).await, status(&running, &west).await), (200, 401), "it is off");
    fail_over(&running, WEST).await;
    assert_eq!((status(&running, &east).await, status(&running, &west).await), (401, 200), "it is still off");

    let tokens: BTreeMap<_, _> = regions
        .iter()
        .zip([&east, &west])
        .map(|(region, token)| (WorkspaceId::new(region.workspace_id.clone()), Secret::new(token.clone())))
        .collect();
    running.control().add_token_pair("tester", "shop", "etl", tokens).await.expect("added");
    assert_eq!((status(&running, &east).await, status(&running, &west).await), (200, 200));
    assert_eq!(status(&running, "neither").await, 401);
    running.stop().await;

    let running = engine(dir.path()).await;
    until_active(&running, "core").await;
    assert_eq!(status(&running, &east).await, 200, "it is kept");
    fail_over(&running, EAST).await;
    assert_eq!((status(&running, &east).await, status(&running, &west).await), (200, 200), "both ways");
    running.control().remove_token_pair("tester", "shop", "etl").await.expect("removed");
    assert_eq!((status(&running, &east).await, status(&running, &west).await), (200, 401));
    let said = format!("{:?}", running.control().view());
    assert!(![&east, &west].iter().any(|token| said.contains(token.as_str())), "no token is in what is shown");
    running.stop().await;
}

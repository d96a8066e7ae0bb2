//! A failover that one person asks for waits for another one.

use super::left_behind::{core, view};
use super::listener::Listener;
use super::support::{account, catalogs, engine_with, spec, until, until_active};
use resilience::control::ControlSettings;
use resilience::domain::{ApprovalPolicy, Asker, CatalogName, FailoverKind, FailoverOrder, GroupState, Region};
use resilience::runtime::Engine;
use serde_json::{Value, json};
use std::path::Path;

const WEST: &str = "us-west-2";

async fn start(dir: &Path, webhook: Option<String>) -> Engine {
    engine_with(dir, ControlSettings { webhook, ..ControlSettings::default() }).await
}

async fn with_group(dir: &Path, webhook: Option<String>) -> Engine {
    let engine = start(dir, webhook).await;
    let catalog = catalogs(&engine).await.swap_remove(0);
    engine.control().create_group("tester", spec(&engine, "core", &[&catalog]), false).await.expect("created");
    until_active(&engine, "core").await;
    engine
}

fn planned() -> Value {
    json!({"target_primary_region": WEST, "failover_type": "PLANNED"})
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_api_a_failover_waits_until_another_token_approves_it_even_over_a_restart() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut webhook = Listener::new().await;
    let engine = with_group(dir.path(), Some(webhook.url.clone())).await;
    let (admin, first, second) =
        (account(&engine, "admin").await, account(&engine, "failover").await, account(&engine, "failover").await);
    let path = "failover-groups/core/approval";
    let (status, answer) = first.patch(path, json!({"required": true})).await;
    assert_eq!((status, answer["error_code"].as_str()), (403, Some("PERMISSION_DENIED")), "{answer}");
    let (status, answer) = admin.patch(path, json!({"required": true, "expires_minutes": 0})).await;
    assert_eq!((status, answer["error_code"].as_str()), (400, Some("INVALID_PARAMETER_VALUE")), "{answer}");
    let (status, answer) = admin.patch(path, json!({"required": true, "expires_minutes": 30})).await;
    assert_eq!(
        (status, answer["required"].as_bool(), answer["pending"].is_null()),
        (200, Some(true), true),
        "{answer}"
    );

    let (status, asked) = first.post("failover-groups/core/failover", planned()).await;
    assert_eq!((status, asked["error_code"].as_str()), (400, Some("INVALID_STATE")), "{asked}");
    let (_, answer) = second.get(path).await;
    let request = answer["pending"]["request_id"].as_str().expect("it waits").to_owned();
    assert!(asked["message"].as_str().is_some_and(|said| said.contains(&request)), "{asked}");
    let (_, again) = second.post("failover-groups/core/failover", planned()).await;
    assert_eq!(again["message"], asked["message"], "asking again, also by another one, is no approval");
    assert_eq!(view(&engine).group.state, GroupState::Active);
    let told = webhook.next().await;
    assert_eq!(
        (told["event"].as_str(), told["request_id"].as_str()),
        (Some("failover_awaits_approval"), Some(&*request))
    );
    let link = told["approve_url"].as_str().expect("a link").to_owned();
    let page = reqwest::get(&link).await.expect("served");
    assert!(
        page.headers()["content-security-policy"].to_str().is_ok_and(|policy| policy.contains("default-src 'none'"))
    );
    let page = page.text().await.expect("a page");
    assert!(page.contains("Approve") && !page.contains("core"), "it tells nothing before a token is given");
    engine.stop().await;

    let engine = start(dir.path(), None).await;
    let [first, second] = [first, second].map(|caller| caller.at(&engine));
    let body = json!({"request_id": request});
    let (status, own) = first.post(&format!("{path}/approve"), body.clone()).await;
    assert_eq!((status, own["error_code"].as_str()), (400, Some("INVALID_STATE")), "{own}");
    assert!(own["message"].as_str().is_some_and(|said| said.contains("another token")), "{own}");
    let (status, wrong) = second.post(&format!("{path}/approve"), json!({"request_id": "1"})).await;
    assert_eq!((status, wrong["error_code"].as_str()), (400, Some("INVALID_STATE")), "{wrong}");
    let (status, group) = second.post(&format!("{path}/approve"), body.clone()).await;
    assert_eq!((status, group["state"].as_str()), (200, Some("FAILING_OVER")), "{group}");
    let group = until_active(&engine, "core").await;
    assert_eq!(group.effective_primary_region, WEST);
    assert!(view(&engine).pending_approval.is_none());
    let (status, _) = second.post(&format!("{path}/approve"), body).await;
    assert_eq!(status, 400, "once");
    let actions: Vec<String> = engine.control().view().activity.iter().map(|line| line.action.clone()).collect();
    for action in ["failover_group.set_approval", "failover_group.ask", "failover_group.fail_over"] {
        assert!(actions.iter().any(|known| known == action), "{action}: {actions:?}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_refused_expires_or_is_out_of_date_and_a_forced_one_may_be_exempt() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = with_group(dir.path(), None).await;
    let control = engine.control();
    let policy = ApprovalPolicy { required: true, forced_exempt: true, expires_minutes: 30 };
    control.set_approval("ada", &core(), |_| policy).await.expect("set");
    let (ada, bob) = (Asker::named("ada"), Asker::named("bob"));
    let order = || FailoverOrder::new(&Region::new(WEST), FailoverKind::Planned);
    control.order_failover(&ada, &core(), order(), None).await.expect_err("it waits");
    let pending = view(&engine).pending_approval.expect("shown");
    // A drill asks in the name of the person who started it.
    let same = Asker { id: "token-7".to_owned(), name: "ada".to_owned() };
    let own = control.approve(&same, &core(), &pending.id).await.expect_err("the same person");
    assert!(own.to_string().contains("someone with another token"), "{own}");
    control.refuse(&bob, &core(), &pending.id).await.expect("refused");
    assert!(control.approve(&bob, &core(), &pending.id).await.is_err(), "it is gone");

    // The scope changed since it was asked for: nobody approves what they did not see.
    control.order_failover(&ada, &core(), order(), None).await.expect_err("it waits");
    let pending = view(&engine).pending_approval.expect("shown");
    let group = control.group(&core()).expect("there");
    let wider = catalogs(&engine).await;
    let mut assets = group.spec.unity_catalog_assets.clone().expect("catalogs");
    assets.catalogs.push(CatalogName::new(&wider[1]));
    let patch = resilience::control::GroupPatch { unity_catalog_assets: Some(Some(assets)), ..Default::default() };
    control.update_group("ada", &core(), None, patch).await.expect("changed");
    let stale = control.approve(&bob, &core(), &pending.id).await.expect_err("another group than was seen");
    assert!(stale.to_string().contains("changed since"), "{stale}");
    until_active(&engine, "core").await;

    control
        .order_failover(&ada, &core(), FailoverOrder::new(&Region::new(WEST), FailoverKind::Forced), None)
        .await
        .expect("exempt");
    until(&engine, "core", |g| g.state == GroupState::Active && g.effective_primary_region == WEST).await;
    assert!(view(&engine).pending_approval.is_none(), "what waited was for another primary");
    engine.stop().await;
}

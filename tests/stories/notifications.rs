//! People are told outside the console: once when something begins, once when it ends, and again where it failed.

use super::listener::Listener;
use super::support::{Account, account, catalogs, engine_with, spec, until, until_active};
use resilience::control::{AlertTimes, ControlSettings};
use resilience::domain::{FailoverKind, GroupState, Region};
use resilience::runtime::Engine;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

fn quick() -> ControlSettings {
    let alerts = AlertTimes {
        look: Duration::from_millis(50),
        settle: Duration::from_millis(200),
        calm: Duration::from_millis(500),
        retry: Duration::from_millis(50),
        private_webhooks: true,
    };
    ControlSettings { alerts, ..ControlSettings::default() }
}

async fn with_group(dir: &Path) -> (Engine, Account) {
    let engine = engine_with(dir, quick()).await;
    let catalog = catalogs(&engine).await.swap_remove(0);
    engine.control().create_group("tester", spec(&engine, "core", &[&catalog]), false).await.expect("created");
    until_active(&engine, "core").await;
    let admin = account(&engine, "admin").await;
    (engine, admin)
}

fn actions(engine: &Engine, action: &str) -> Vec<String> {
    let view = engine.control().view();
    view.activity.iter().filter(|line| line.action == action).map(|line| line.message.clone()).collect()
}

async fn set_webhook(admin: &Account, url: &str) {
    let (status, answer) = admin.patch("notifications", json!({ "webhook_url": url, "format": "JSON" })).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_told_from_its_start_to_its_end_with_its_time_against_the_target() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut webhook = Listener::new().await;
    let (engine, admin) = with_group(dir.path()).await;
    set_webhook(&admin, &webhook.url).await;
    admin.patch("failover-groups/core/targets", json!({ "rto_seconds": 600 })).await;
    let id = resilience::domain::GroupId::new("core").expect("an id");
    engine.control().fail_over("ada", &id, &Region::new(WEST), FailoverKind::Planned, None).await.expect("accepted");
    let started = webhook.next_of("failover_started").await;
    assert_eq!((started["requested_by"].as_str(), started["to_region"].as_str()), (Some("ada"), Some(WEST)));
    let ended = webhook.next_of("failover_ended").await;
    assert_eq!((ended["outcome"].as_str(), ended["key"].as_str()), (Some("succeeded"), started["key"].as_str()));
    let text = ended["text"].as_str().expect("a text");
    assert!(text.contains("us-west-2 is the primary") && text.contains("within the RTO target of 600 s"), "{text}");
    until_active(&engine, "core").await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_webhook_does_not_take_is_tried_again_and_written_down_and_a_wrong_url_is_given_up() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut webhook = Listener::answering(&[503, 503, 200, 404]).await;
    let (engine, admin) = with_group(dir.path()).await;
    set_webhook(&admin, &webhook.url).await;
    let drill = |engine: &Engine| {
        let control = engine.control().clone();
        async move {
            let id = resilience::domain::GroupId::new("core").expect("an id");
            let kind = resilience::domain::DrillKind::Isolated;
            control.start_drill("tester", &id, kind, false).await.expect("started").id.clone()
        }
    };
    let first = drill(&engine).await;
    for _ in 0..3 {
        let told = webhook.next_of("drill_ended").await;
        assert_eq!(told["drill_id"], json!(first), "the same one until it is taken");
    }
    let failed = actions(&engine, "notifications.failed");
    assert_eq!(failed.len(), 1, "one line an outage: {failed:?}");
    assert!(failed[0].contains("returned 503") && !failed[0].contains("5ecret"), "{failed:?}");
    let second = drill(&engine).await;
    assert_eq!(webhook.next_of("drill_ended").await["drill_id"], json!(second));
    until(&engine, "core", |_| !actions(&engine, "notifications.dropped").is_empty()).await;
    let view = engine.control().view().alerts;
    assert_eq!((view.waiting, view.last.map(|last| last.delivered)), (0, Some(false)));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_tells_what_really_happened_and_only_an_admin_sends_one() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let webhook = Listener::answering(&[200, 500, 302]).await;
    let engine = engine_with(dir.path(), quick()).await;
    let (admin, operator) = (account(&engine, "admin").await, account(&engine, "operator").await);
    let (status, none) = admin.post("notifications/test", json!({})).await;
    assert_eq!((status, none["error_code"].as_str()), (400, Some("INVALID_STATE")), "{none}");
    let (status, _) = operator.patch("notifications", json!({ "webhook_url": webhook.url })).await;
    assert_eq!(status, 403);
    set_webhook(&admin, &webhook.url).await;
    let (_, shown) = operator.get("notifications").await;
    assert!(shown["webhook"].as_str().is_some_and(|url| url.ends_with("/…")), "{shown}");
    assert!(!shown.to_string().contains("5ecret") && !shown.to_string().contains("hook?"), "{shown}");
    let mut outcomes: Vec<Value> = Vec::new();
    for _ in 0..3 {
        outcomes.push(admin.post("notifications/test", json!({})).await.1);
    }
    assert_eq!(outcomes[0]["delivered"], true);
    assert!(outcomes[0]["message"].as_str().is_some_and(|said| said.starts_with("The webhook returned 200 in")));
    assert_eq!(outcomes[1], json!({ "delivered": false, "message": "The webhook returned 500." }));
    assert!(outcomes[2]["message"].as_str().is_some_and(|said| said.contains("isn't followed")), "{outcomes:?}");
    assert_eq!(actions(&engine, "notifications.test").len(), 3);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_in_the_machines_own_network_is_refused_and_so_is_what_is_no_setting() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine_with(dir.path(), ControlSettings::default()).await;
    let admin = account(&engine, "admin").await;
    for (body, said) in [
        (json!({ "webhook_url": "https://169.254.169.254/latest" }), "own network"),
        (json!({ "webhook_url": "https://localhost:1/" }), "own network"),
        (json!({ "webhook_url": "http://example.com/" }), "https://"),
        (json!({ "webhook_url": "https://events.pagerduty.com/v2/enqueue" }), "routing key"),
        (json!({ "topics": ["NOISE"] }), "RPO_TARGET"),
        (json!({ "format": "FAX" }), "PAGER_DUTY"),
        (json!({ "webhook_url": 7 }), "webhook_url"),
    ] {
        let (status, answer) = admin.patch("notifications", body.clone()).await;
        assert_eq!(status, 400, "{body}");
        assert!(answer["message"].as_str().is_some_and(|message| message.contains(said)), "{answer}");
    }
    let (_, shown) = admin.get("notifications").await;
    assert!(shown["webhook"].is_null(), "nothing was set: {shown}");
    let body = json!({ "webhook_url": "https://events.pagerduty.com/v2/enqueue", "routing_key": "R0UT1NG" });
    let (status, shown) = admin.patch("notifications", body).await;
    assert_eq!(
        (status, shown["format"].as_str(), shown["has_routing_key"].as_bool()),
        (200, Some("PAGER_DUTY"), Some(true))
    );
    let activity = format!("{:?}", engine.control().view());
    assert!(!activity.contains("R0UT1NG") && !activity.contains("enqueue"), "a secret is shown nowhere");
    for body in [json!({ "rpo_seconds": 31_536_001 }), json!({ "rto_seconds": -1 }), json!({ "rpo_seconds": "5" })] {
        let (status, _) = admin.patch("failover-groups/nothing/targets", body.clone()).await;
        assert!(status == 400 || status == 404, "{body}");
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_that_an_earlier_window_kept_are_taken_up_once_and_never_over_newer_ones() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, admin) = with_group(dir.path()).await;
    let kept = |rpo| {
        let targets = resilience::domain::Targets { rpo_s: Some(rpo), rto_s: None };
        [("core".to_owned(), targets), ("gone".to_owned(), targets), ("No name!".to_owned(), targets)].into()
    };
    engine.control().adopt_targets(&kept(30)).await.expect("taken up");
    let (_, targets) = admin.get("failover-groups/core/targets").await;
    assert_eq!(targets, json!({ "rpo_seconds": 30, "rto_seconds": null }));
    engine.control().adopt_targets(&kept(60)).await.expect("nothing to take up");
    let (_, targets) = admin.get("failover-groups/core/targets").await;
    assert_eq!(targets["rpo_seconds"], 30);
    let (_, none) = admin.patch("failover-groups/core/targets", json!({ "rpo_seconds": 0 })).await;
    assert_eq!(none, json!({ "rpo_seconds": null, "rto_seconds": null }));
    assert!(engine.control().groups().iter().all(|group| group.state == GroupState::Active), "{EAST} is untouched");
    engine.stop().await;
}

//! Targets and notifications, set in the window and kept by the engine behind it.

use crate::desk::Desk;
use crate::fixture;
use crate::listener::Listener;
use crate::live::{Live, prepared};
use crate::support;
use resilience::console::action::Route;
use resilience::control::view::{AlertDelivery, AlertsView};
use resilience::domain::{AlertTopic, Right, Role, WebhookFormat};
use resilience::runtime::{Intent, SessionView};
use std::sync::Arc;

#[test]
fn a_webhook_is_set_and_tested_and_a_breach_told_by_clicking() {
    let dir = tempfile::tempdir().expect("a folder");
    let waiting = tokio::runtime::Runtime::new().expect("a runtime");
    let mut webhook = waiting.block_on(Listener::new());
    prepared(dir.path(), |engine| async move {
        let catalog = support::catalogs(&engine).await.swap_remove(0);
        let spec = support::spec(&engine, "core", &[&catalog]);
        engine.control().create_group("tester", spec, false).await.expect("created");
        support::until_active(&engine, "core").await;
    });
    let mut live = Live::open(dir.path());
    live.click("Settings");
    assert!(live.desk.shows("No webhook is set") && !live.desk.can_press("Send a test"));
    live.desk.type_into("Webhook URL", &webhook.url);
    live.click("Set webhook");
    live.until("the webhook's host", |desk| desk.shows("/… is told."));
    assert!(!live.desk.shows("5ecret"), "the rest of the URL is secret");
    live.click("Send a test");
    live.until("its outcome", |desk| desk.shows("The test was delivered. The webhook returned 200"));
    assert_eq!(waiting.block_on(webhook.next())["event"], "test");
    live.click("Targets of core…");
    live.desk.type_into("RPO: the replica is at most this far behind", "2 s");
    live.click("Set targets");
    live.until("the target", |desk| desk.shows("RPO 2 s · no RTO target"));
    live.click("Regions");
    live.click("Take us-west-2 down");
    let told = waiting.block_on(webhook.next_of("rpo_breached"));
    assert_eq!(told["failover_group"], "core");
    live.click("Settings");
    live.until("the delivery", |desk| desk.shows("Last delivered"));
    live.click("Remove webhook");
    live.until("no webhook", |desk| desk.shows("No webhook is set"));
    drop(live.desk);
    live.runtime.stop();
}

fn settings(alerts: AlertsView) -> Desk {
    let mut snapshot = fixture::with_groups(vec![fixture::active("core", &["main"])]);
    Arc::make_mut(&mut snapshot.account).alerts = alerts;
    let mut desk = Desk::new(snapshot);
    desk.go(Route::Settings);
    desk
}

#[test]
fn pagerduty_asks_for_its_routing_key_and_no_secret_stays_in_the_window() {
    let mut desk = settings(AlertsView { topics: AlertTopic::ALL.into_iter().collect(), ..AlertsView::default() });
    desk.type_into("Webhook URL", "https://events.pagerduty.com/v2/enqueue");
    assert!(!desk.can_press("Set webhook"), "the key is missing");
    desk.type_into("Routing key", "R0UT1NG");
    desk.click("Set webhook");
    let Intent::SetAlerts { patch } = desk.sent().1 else { panic!("not the settings") };
    assert_eq!((patch.format, patch.routing_key.is_some()), (Some(WebhookFormat::PagerDuty), true));
    assert!(!format!("{patch:?}").contains("R0UT1NG"));
    assert_eq!(desk.value("Webhook URL"), "");
}

#[test]
fn a_failed_delivery_is_shown_with_its_time_and_what_waits() {
    let last =
        AlertDelivery { at: fixture::ago(60), delivered: false, sentence: "The webhook returned 503.".to_owned() };
    let webhook = Some("https://hooks.slack.com/…".to_owned());
    let mut desk = settings(AlertsView { webhook, waiting: 2, last: Some(last), ..AlertsView::default() });
    assert!(
        desk.shows(
            "Last failed 2026-11-22 09:13:32 UTC: The webhook returned 503. 2 notifications wait to be delivered."
        ),
        "{:#?}",
        desk.names()
    );
    let mut snapshot = fixture::with_groups(Vec::new());
    snapshot.session = SessionView { role: Role::Operator, signed_in: true, ..SessionView::default() };
    assert!(!Role::Operator.may(Right::SetNotifications));
    desk.publish(snapshot);
    assert!(!desk.can_press("Send a test") && !desk.can_press("Tell of Drills"), "an operator only looks");
}

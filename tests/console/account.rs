//! Tokens, stable URLs and changing a group, by clicking.

use crate::desk::Desk;
use crate::fixture::{self, EAST, WEST};
use eframe::egui::Key;
use resilience::connect::Secret;
use resilience::console::action::{GroupTab, Route};
use resilience::control::view::{TokenClient, TokenView};
use resilience::domain::{CatalogName, GroupId, Role, WorkspaceId};
use resilience::net::{SeenClient, Switch, TrafficView};
use resilience::runtime::{GatewayView, Intent, IntentError, NoticeDetail, Snapshot};

const SECRET: &str = "rct-0011223344556677-5ec2e7";

fn refusal(sentence: &str) -> Result<NoticeDetail, IntentError> {
    Err(IntentError { sentence: sentence.to_owned(), violations: Vec::new(), stale: false })
}

fn made(name: &str, role: Role) -> TokenView {
    TokenView {
        id: "0011223344556677".to_owned(),
        name: name.to_owned(),
        role,
        is_client: false,
        created: fixture::now(),
        revoked: None,
        last_used: None,
    }
}

fn with_account(groups: &[&str]) -> Snapshot {
    let catalogs = ["main", "clickstream"];
    let groups = groups.iter().zip(catalogs).map(|(id, catalog)| fixture::active(id, &[catalog]));
    fixture::with_tokens_and_urls(fixture::with_groups(groups.collect()))
}

#[test]
fn a_token_is_made_and_its_secret_shown_once() {
    let mut desk = Desk::new(with_account(&[]));
    desk.click("Settings");
    desk.click("Create token…");
    assert!(!desk.can_press("Create"), "it needs a name");
    desk.type_into("Token name", "nightly-terraform");
    desk.click("operator");
    assert!(desk.shows("Can create, change and delete failover groups"));
    desk.click("Create");
    let (id, intent) = desk.sent();
    let expected = Intent::CreateToken { name: "nightly-terraform".to_owned(), role: Role::Operator, is_client: false };
    assert_eq!(intent, expected);
    desk.key(Key::Escape);
    assert!(desk.shows("Creating…") || !desk.can_press("Creating…"), "it waits for what only it can show");
    let token = made("nightly-terraform", Role::Operator);
    let detail = NoticeDetail::NewToken { token, secret: Secret::new(SECRET) };
    assert!(!format!("{detail:?}").contains(SECRET), "no log shows the secret");
    desk.answer(id, Ok(detail));
    assert!(desk.shows("nightly-terraform was created") && desk.shows(SECRET));
    desk.click("Copy the secret");
    desk.click("Done");
    assert!(!desk.shows(SECRET));
    desk.click("Create token…");
    assert!(!desk.shows(SECRET), "the next dialog starts empty");
}

#[test]
fn a_token_that_is_refused_says_why_in_the_dialog() {
    let mut desk = Desk::new(with_account(&[]));
    desk.click("Settings");
    desk.click("Create token…");
    desk.type_into("Token name", "robot");
    desk.click("Client");
    desk.click("Create");
    let (id, intent) = desk.sent();
    assert!(matches!(intent, Intent::CreateToken { is_client: true, role: Role::Viewer, .. }));
    desk.answer(id, refusal("1000 tokens are in force, which is the limit. Revoke one first."));
    assert!(desk.shows("which is the limit") && desk.can_press("Create"));
}

#[test]
fn tokens_are_listed_and_one_is_revoked_after_a_question() {
    let mut desk = Desk::new(with_account(&[]));
    desk.click("Settings");
    assert!(desk.shows("Token account-token, admin, made 20 Nov 2026, Used 4 s ago"));
    assert!(desk.shows("Client pipeline, operator, made 21 Nov 2026, Not used since the start"));
    assert!(!desk.shows("old-laptop"));
    desk.click("Show 1 revoked");
    assert!(desk.shows("Token old-laptop, viewer, made 19 Nov 2026, Revoked 20 Nov 2026"));
    desk.click("Revoke pipeline…");
    assert!(desk.shows("So is every access token issued to it."));
    desk.click("Cancel");
    assert!(desk.sent_nothing());
    desk.click("Revoke pipeline…");
    desk.click("Revoke");
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::RevokeToken { id: "client-1".to_owned() });
    desk.answer(id, Ok(NoticeDetail::Done("pipeline was revoked and opens nothing any more.".to_owned())));
    assert!(desk.shows("pipeline was revoked"));
}

#[test]
fn a_stable_url_is_created() {
    let mut desk = Desk::new(with_account(&["core"]));
    desk.click("Stable URLs");
    desk.click("Create stable URL…");
    desk.type_into("Stable URL id", "shop");
    assert!(desk.shows("A stable URL named shop already exists."));
    desk.clear("Stable URL id");
    desk.type_into("Stable URL id", "re ports");
    assert!(desk.shows("can't contain ' ' there"));
    desk.clear("Stable URL id");
    desk.type_into("Stable URL id", "reports");
    assert!(!desk.can_press("Create"), "it needs a workspace");
    desk.click("Points first to");
    desk.click("analytics-west · us-west-2");
    desk.click("Create");
    let (id, intent) = desk.sent();
    let workspace_id = WorkspaceId::new("1100440000000002");
    assert_eq!(intent, Intent::CreateStableUrl { id: "reports".to_owned(), workspace_id });
    desk.answer(id, Ok(NoticeDetail::Done("The stable URL reports was created.".to_owned())));
    assert!(desk.shows("The stable URL reports was created.") && !desk.shows("Points first to"));
}

#[test]
fn what_passes_a_stable_url_is_shown() {
    let mut snapshot = with_account(&["core"]);
    snapshot.deployment.gateway = Some(GatewayView {
        url: "http://127.0.0.1:20001".to_owned(),
        domain: "localhost".to_owned(),
        fingerprint: None,
    });
    let mut account = (*snapshot.account).clone();
    let moved = Switch { at: fixture::now(), from_region: EAST.to_owned(), to_region: WEST.to_owned(), held: 12 };
    let agent = "databricks-sdk-py/0.1".to_owned();
    let client = SeenClient { user_agent: agent, requests: 41, workspace_tokens: 2 };
    account.stable_urls[0].traffic = Some(TrafficView {
        per_second: 3.0,
        held: 2,
        switches: vec![moved],
        clients: vec![client],
        ..TrafficView::default()
    });
    snapshot.account = std::sync::Arc::new(account);
    let mut desk = Desk::new(snapshot);
    desk.click("Stable URLs");
    assert!(desk.shows("http://shop.localhost:20001"));
    assert!(desk.shows("3.0 requests a second · 2 waiting for a switch · no errors"));
    assert!(desk.shows("from us-east-1 to us-west-2; 12 requests waited"));
    assert!(desk.shows("databricks-sdk-py/0.1: 41 requests, 2 with a workspace's own token"));
}

#[test]
fn a_stable_url_is_attached_to_a_group_and_detached_again() {
    let mut desk = Desk::new(with_account(&["core", "web"]));
    desk.click("Stable URLs");
    assert!(desk.shows("analytics-west in us-west-2 · 1100440000000002"));
    assert!(desk.can_press("Copy the URL of shop"));
    desk.click("Attach shop…");
    assert!(!desk.can_press("Attach"), "a group is chosen first");
    desk.click("web");
    desk.click("Attach");
    let (id, intent) = desk.sent();
    let Intent::UpdateGroup { id: group, patch, etag } = intent else { panic!("another intent") };
    let view = fixture::active("web", &["clickstream"]);
    assert_eq!((group.as_str(), etag), ("web", view.group.etag.clone()));
    assert_eq!(patch.sets[0].stable_url_names.as_deref(), Some(&[fixture::url_name("shop")][..]));
    assert!(patch.catalogs.is_none() && patch.location_mappings.is_none());
    desk.answer(id, refusal("The stable URL is attached to failover group core already. Detach it there first."));
    assert!(desk.shows("is attached to failover group core already"));
    desk.click("Attach");
    let (id, _) = desk.sent();
    desk.answer(id, Ok(NoticeDetail::Group(Box::new(view.group))));
    assert!(desk.shows("web was changed."));

    desk.publish(fixture::attached(with_account(&["core", "web"]), "shop", "web"));
    assert!(!desk.can_press("Delete shop…"), "it is attached");
    desk.click("Detach shop…");
    assert!(desk.shows("A failover of web no longer moves it."));
    desk.click("Detach");
    let (_, intent) = desk.sent();
    let Intent::UpdateGroup { patch, .. } = intent else { panic!("another intent") };
    assert_eq!(patch.sets[0].stable_url_names.as_deref(), Some(&[][..]));
}

#[test]
fn a_free_stable_url_is_deleted_after_a_question() {
    let mut desk = Desk::new(with_account(&[]));
    desk.click("Stable URLs");
    desk.click("Delete shop…");
    desk.click("Delete");
    assert_eq!(desk.sent().1, Intent::DeleteStableUrl { id: "shop".to_owned() });
}

#[test]
fn tokens_are_added_to_an_attached_stable_url_and_removed_after_a_question() {
    let mut desk = Desk::new(with_account(&["core"]));
    desk.click("Stable URLs");
    assert!(!desk.can_press("Exchange tokens at shop…"), "it follows no group");
    desk.publish(fixture::attached(with_account(&["core"]), "shop", "core"));
    assert!(desk.shows("off: the gateway passes every token as it is"));
    assert!(desk.shows("Don't survive: tokens that analytics-east or analytics-west issued"));
    desk.click("Exchange tokens at shop…");
    desk.type_into("Client", "etl");
    desk.type_into("Token of analytics-east", "dapi-east");
    assert!(!desk.can_press("Add"), "it needs both");
    desk.type_into("Token of analytics-west", "dapi-west");
    assert!(!desk.shows("dapi-east"), "what is typed is hidden");
    desk.click("Add");
    let (id, intent) = desk.sent();
    let Intent::AddTokenPair { url, client, tokens } = intent else { panic!("another intent") };
    assert_eq!((url.as_str(), client.as_str()), ("shop", "etl"));
    let tokens: Vec<(&str, &str)> = tokens.iter().map(|(id, token)| (id.as_str(), token.expose())).collect();
    assert_eq!(tokens, [("1100440000000001", "dapi-east"), ("1100440000000002", "dapi-west")]);
    desk.answer(id, refusal("shop already has tokens for etl. Remove them first."));
    assert!(desk.shows("Remove them first.") && !desk.can_press("Add"), "they are typed again");

    let mut snapshot = fixture::attached(with_account(&["core"]), "shop", "core");
    let mut account = (*snapshot.account).clone();
    let kept = TokenClient { client: "etl".to_owned(), workspace_ids: Vec::new() };
    account.stable_urls[0].token_clients = vec![kept];
    snapshot.account = std::sync::Arc::new(account);
    desk.publish(snapshot);
    desk.click("Cancel");
    assert!(desk.shows("except those that the gateway exchanges, of etl"));
    desk.click("Remove the tokens of etl from shop…");
    desk.click("Remove");
    assert_eq!(desk.sent().1, Intent::RemoveTokenPair { url: "shop".to_owned(), client: "etl".to_owned() });
}

fn edit(desk: &mut Desk) {
    desk.click("core, ACTIVE");
    desk.click("Edit");
}

#[test]
fn a_group_is_changed_with_the_etag_that_was_seen() {
    let mut desk = Desk::new(with_account(&["core"]));
    edit(&mut desk);
    assert!(!desk.can_press("Save changes"), "nothing is changed yet");
    desk.click("catalog ml_features");
    assert!(desk.shows("Adds ml_features to the scope"));
    desk.click("shop");
    assert!(desk.shows("Attaches stable URL shop."));
    desk.click("Save changes");
    let (id, intent) = desk.sent();
    let Intent::UpdateGroup { id: group, patch, etag } = intent else { panic!("another intent") };
    let view = fixture::active("core", &["main"]);
    assert_eq!((group.as_str(), etag), ("core", view.group.etag.clone()));
    assert_eq!(patch.catalogs, Some(vec![CatalogName::new("main"), CatalogName::new("ml_features")]));
    assert_eq!(patch.location_mappings, None, "what did not change is not sent");
    assert_eq!(patch.sets[0].stable_url_names.as_deref(), Some(&[fixture::url_name("shop")][..]));
    desk.answer(id, Ok(NoticeDetail::Group(Box::new(view.group))));
    let shown = Route::Group(GroupId::new("core").expect("valid"), GroupTab::Overview);
    assert_eq!(desk.window.state().route(), &shown);
}

#[test]
fn a_change_that_breaks_a_rule_cannot_be_saved() {
    let mut desk = Desk::new(with_account(&["core"]));
    edit(&mut desk);
    desk.click("catalog main");
    assert!(desk.shows("Choose at least one catalog for the replication scope."));
    assert!(!desk.can_press("Save changes"));
    desk.click("catalog main");
    desk.click("Remove mapping 1");
    assert!(desk.shows("No storage mapping covers") && !desk.can_press("Save changes"));
}

#[test]
fn a_group_that_somebody_else_changes_is_not_overwritten() {
    let mut desk = Desk::new(with_account(&["core"]));
    edit(&mut desk);
    desk.click("catalog ml_features");
    // Only the state went on: the form goes on too, with the etag of now.
    let mut went_on = fixture::active("core", &["main"]);
    went_on.group.etag = "etag-later".to_owned();
    desk.publish(fixture::with_tokens_and_urls(fixture::with_groups(vec![went_on])));
    assert!(desk.can_press("Save changes"));

    let mut changed = fixture::active("core", &["main", "clickstream"]);
    changed.group.etag = "etag-other".to_owned();
    desk.publish(fixture::with_tokens_and_urls(fixture::with_groups(vec![changed])));
    assert!(desk.shows("The group has changed") && !desk.can_press("Save changes"));
    desk.click("Start again");
    assert!(!desk.shows("The group has changed"));
    desk.click("catalog ml_features");
    desk.click("Save changes");
    let (_, intent) = desk.sent();
    assert!(matches!(intent, Intent::UpdateGroup { etag, .. } if etag == "etag-other"));
}

#[test]
fn leaving_unsaved_changes_asks_first() {
    let mut desk = Desk::new(with_account(&["core"]));
    edit(&mut desk);
    desk.click("catalog ml_features");
    desk.click("Workspaces");
    assert!(desk.shows("Discard your changes?"));
    desk.click("Keep editing");
    assert!(desk.shows("Adds ml_features"));
    desk.click("Cancel");
    desk.click("Discard");
    let shown = Route::Group(GroupId::new("core").expect("valid"), GroupTab::Overview);
    assert_eq!(desk.window.state().route(), &shown);
}

#[test]
fn a_group_that_fails_over_cannot_be_changed() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::failing_over("core")]));
    desk.click("core, FAILING_OVER");
    assert!(!desk.can_press("Edit"));
}

#[test]
fn the_forms_draft_is_the_group_as_it_is() {
    let desk = &mut Desk::new(with_account(&["core"]));
    edit(desk);
    for region in [EAST, WEST] {
        assert!(desk.can_press(&format!("URI of mapping 1 in {region}")));
    }
}

#[test]
fn activity_shows_what_was_before_and_after() {
    let mut desk = Desk::new(with_account(&["core"]));
    desk.click("Activity");
    desk.click("grace revoked the token old-laptop. by grace");
    assert!(desk.shows("2026-11-20T09:14:32Z") && !desk.shows("viewer"), "only what differs");
    desk.click("grace revoked the token old-laptop. by grace");
    assert!(!desk.shows("2026-11-20T09:14:32Z"));
}

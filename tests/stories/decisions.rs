//! What holds the replication point back is taken out of the scope by name, and what a group needs is checked line by line.

use super::support::{account, catalogs, engine_with_api, spec, until, until_active};
use resilience::domain::{ErrorClass, GroupId, ObjectStatus};
use resilience::wire::unity_catalog::{PermissionsChange, Securable, UpdatePermissions};
use serde_json::{Value, json};

fn line<'a>(report: &'a Value, id: &str) -> &'a Value {
    let lines = report["lines"].as_array().expect("lines");
    lines.iter().find(|line| line["id"] == id).unwrap_or_else(|| panic!("no line {id}: {report:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replicated_is_named_and_the_point_moves_on_without_what_a_person_takes_out() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine_with_api(dir.path()).await;
    let id = GroupId::new("odd").expect("an id");
    engine.control().create_group("tester", spec(&engine, "odd", &["cannot_replicate"]), false).await.expect("created");
    let group = until_active(&engine, "odd").await;
    assert!(group.has_replication_point_blocking_errors && group.replication_point.is_none());
    let view = engine.control().view();
    let view = view.groups.iter().find(|g| g.group.spec.id == id).expect("listed");
    let unsupported: Vec<_> = view.objects.iter().filter(|o| o.status == ObjectStatus::Unsupported).collect();
    assert!(unsupported.len() >= 4, "{unsupported:#?}");
    assert!(unsupported.iter().all(|o| o.error.as_ref().is_some_and(|e| e.message.ends_with('.'))));
    let hidden: Vec<_> = view.errors.iter().filter(|e| e.class == ErrorClass::RowFilterOrMask).collect();
    for why in ["has a row filter", "has a mask"] {
        assert!(hidden.iter().any(|error| error.message.contains(why)), "{why}: {hidden:#?}");
    }
    assert!(view.point_without_failing.is_some(), "the point without them is shown");

    let rows = engine.control().error_history(&id).await.expect("listed");
    assert!(
        rows.iter().all(|row| row.ended.is_none() && row.count == 1) && rows.len() == view.errors.len(),
        "{rows:#?}"
    );
    let (_, report) = account(&engine, "viewer").await.get("failover-groups/odd/readiness").await;
    let rest = line(&report, "not_replicated")["message"].as_str().unwrap_or_default();
    assert!(rest.contains("materialized views 1") && rest.contains("has no API that lists pipelines"), "{rest}");
    let names: Vec<&str> = hidden.iter().map(|error| error.object.as_str()).collect();
    let admin = account(&engine, "admin").await;
    let (status, body) = admin.patch("failover-groups/odd?update_mask=excluded", json!({"excluded": names})).await;
    assert_eq!((status, body["excluded"].as_array().map(Vec::len)), (200, Some(names.len())), "{body}");
    let group = until(&engine, "odd", |g| g.replication_point.is_some()).await;
    assert!(!group.has_replication_point_blocking_errors);
    let report = engine.control().verify(&id, false).await.expect("compared");
    let out = report.objects.iter().filter(|o| o.status == ObjectStatus::Excluded).count();
    assert_eq!(out, names.len(), "{:#?}", report.objects);

    // A client that doesn't know the field sends the whole group back, and leaves it alone.
    let (_, mut whole) = admin.get("failover-groups/odd").await;
    whole.as_object_mut().expect("a body").remove("excluded");
    let (status, body) = admin.patch("failover-groups/odd?update_mask=*", whole).await;
    assert_eq!((status, body["excluded"].as_array().map(Vec::len)), (200, Some(names.len())), "{body}");
    let (status, body) =
        admin.patch("failover-groups/odd?update_mask=excluded", json!({"excluded": ["other.a.b"]})).await;
    assert_eq!(status, 400, "{body}");

    let (_, history) = admin.get("failover-groups/odd/errors").await;
    let all = history["errors"].as_array().expect("errors");
    let ended: Vec<_> = all.iter().filter(|error| error["ended"].is_string()).collect();
    assert_eq!(ended.len(), names.len(), "what ended stays in the history: {history:#}");

    let (status, _) = admin.patch("failover-groups/odd?update_mask=excluded", json!({})).await;
    assert_eq!(status, 200);
    let group = until(&engine, "odd", |g| g.has_replication_point_blocking_errors).await;
    assert!(group.spec.rules.excluded.is_empty());
    let view = engine.control().view();
    let told = |part: &str| view.activity.iter().any(|line| line.message.contains(part) && line.actor == "admin");
    assert!(told("out of the scope by name") && told("back into the scope"), "{:#?}", view.activity);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_needs_is_checked_before_and_after_it_is_created_and_a_person_confirms_the_rest() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine_with_api(dir.path()).await;
    let admin = account(&engine, "admin").await;
    let catalog = catalogs(&engine).await.swap_remove(0);
    engine.control().create_group("tester", spec(&engine, "core", &[&catalog]), false).await.expect("created");
    until_active(&engine, "core").await;
    let (status, report) = admin.get("failover-groups/core/readiness").await;
    assert_eq!(status, 200, "{report}");
    for id in [
        "regions_respond",
        "limits",
        "regions_differ",
        "mission_critical",
        "no_clashing_catalog",
        "storage_mappings",
        "external_locations",
        "same_cloud",
    ] {
        assert_eq!(line(&report, id)["status"], "pass", "{report:#}");
    }
    for id in ["sso", "same_account", "external_location_privileges"] {
        assert_eq!(line(&report, id)["status"], "confirm", "{report:#}");
    }
    // The locations' owner gives the console what it needs, and the API tells that.
    for region in engine.sandbox().expect("a sandbox").regions() {
        let owner = super::left_behind::admin(&engine, &region.region);
        for location in owner.external_locations().await.expect("listed") {
            let change = PermissionsChange {
                principal: "resilience-console".to_owned(),
                add: vec!["ALL_PRIVILEGES".to_owned()],
                ..PermissionsChange::default()
            };
            let change = UpdatePermissions { changes: vec![change] };
            owner.update_grants(Securable::ExternalLocation, &location.name, &change).await.expect("granted");
        }
    }
    let (_, report) = admin.get("failover-groups/core/readiness").await;
    assert_eq!(line(&report, "external_location_privileges")["status"], "pass", "{report:#}");
    let (status, report) = admin.post("failover-groups/core/readiness/confirm", json!({"line": "sso"})).await;
    let sso = line(&report, "sso");
    assert_eq!((status, &sso["status"], &sso["confirmed"]["by"]), (200, &json!("pass"), &json!("admin")));
    let (status, _) = admin.post("failover-groups/core/readiness/confirm", json!({"line": "limits"})).await;
    assert_eq!(status, 400, "what is checked isn't confirmed");

    // Another group that asks for the same catalog and an unmapped place.
    let (_, mut body) = admin.get("failover-groups/core").await;
    body["initial_primary_region"] = body["effective_primary_region"].clone();
    body["unity_catalog_assets"]["location_mappings"] = json!([]);
    let (status, report) = admin.post("failover-group-readiness?failover_group_id=other", body).await;
    assert_eq!(status, 200, "{report}");
    for id in ["catalogs", "storage_mappings"] {
        assert_eq!(line(&report, id)["status"], "fail", "{report:#}");
    }
    engine.sandbox().expect("a sandbox").take_down("us-west-2").await.expect("down");
    let (_, report) = admin.get("failover-groups/core/readiness").await;
    assert_eq!(line(&report, "regions_respond")["status"], "fail", "{report:#}");
    engine.stop().await;
}

//! What lies in a schema beside tables and views: it arrives, follows its source, and what isn't copied is named.

use super::support::{catalogs, engine, spec, until_active};
use resilience::connect::{ConnectSettings, RegionApi, SandboxRegion, Secret};
use resilience::domain::{AssetKind, ErrorClass, GroupId, ObjectStatus};
use resilience::replicate::ObjectRecord;
use resilience::runtime::Engine;
use resilience::wire::unity_catalog as uc;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn client(engine: &Engine, region: usize) -> Arc<dyn RegionApi> {
    let region = engine.sandbox().expect("a sandbox").regions().swap_remove(region);
    let token = Secret::new(region.replication_token);
    SandboxRegion::connect(ConnectSettings::new(&region.region, &region.workspace_url, token)).expect("a client")
}

/// Waits until a comparison is as `done` says.
async fn verified(engine: &Engine, done: impl Fn(&[ObjectRecord]) -> bool) -> Vec<ObjectRecord> {
    let (begun, id) = (Instant::now(), GroupId::new("core").expect("an id"));
    loop {
        let report = engine.control().verify(&id, false).await.expect("both regions answer");
        if done(&report.objects) {
            return report.objects;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {:#?}", report.objects);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn named<'a>(objects: &'a [ObjectRecord], kind: AssetKind, name: &str) -> Option<&'a ObjectRecord> {
    objects.iter().find(|object| object.kind == kind && object.name == name)
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_and_functions_arrive_follow_and_what_is_not_copied_is_named() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let catalog = catalogs(&engine).await.swap_remove(0);
    engine.control().create_group("tester", spec(&engine, "core", &[&catalog]), false).await.expect("created");
    until_active(&engine, "core").await;
    let (east, west) = (client(&engine, 0), client(&engine, 1));
    let schema = east.schemas(&catalog).await.expect("listed").swap_remove(0).name;
    let name = |leaf: &str| format!("{catalog}.{schema}.{leaf}");
    let location = east.external_locations().await.expect("listed").swap_remove(0).url;
    for (leaf, kind) in [("drop", uc::VOLUME_EXTERNAL), ("inbox", uc::VOLUME_MANAGED)] {
        let storage_location = (kind == uc::VOLUME_EXTERNAL).then(|| format!("{location}/story_files"));
        let volume = uc::CreateVolume {
            name: leaf.to_owned(),
            catalog_name: catalog.clone(),
            schema_name: schema.clone(),
            volume_type: kind.to_owned(),
            storage_location,
            ..uc::CreateVolume::default()
        };
        east.create_volume(&volume).await.expect("a volume");
    }
    let function = |definition: &str| {
        let info = json!({"name": "net", "catalog_name": catalog, "schema_name": schema, "routine_body": "SQL",
            "routine_definition": definition, "data_type": "DOUBLE", "full_data_type": "DOUBLE"});
        uc::CreateFunction { function_info: serde_json::from_value(info).expect("a function") }
    };
    east.create_function(&function("gross * 0.8")).await.expect("a function");
    let wanted =
        [(AssetKind::Volume, name("drop")), (AssetKind::Volume, name("inbox")), (AssetKind::Function, name("net"))];
    let in_sync = |object: &ObjectRecord| object.status == ObjectStatus::InSync;
    let all_in_sync =
        |objects: &[ObjectRecord]| wanted.iter().all(|(kind, name)| named(objects, *kind, name).is_some_and(in_sync));
    let objects = verified(&engine, all_in_sync).await;
    let note = named(&objects, AssetKind::Volume, &name("inbox")).and_then(|inbox| inbox.note.clone());
    assert!(note.unwrap_or_default().contains("aren't replicated"));
    let (ours, theirs) = (
        east.volumes(&catalog, &schema).await.expect("listed"),
        west.volumes(&catalog, &schema).await.expect("listed"),
    );
    for volume in &ours {
        let replica = theirs.iter().find(|replica| replica.name == volume.name).expect("it arrived");
        assert_eq!((&replica.volume_type, &replica.volume_id), (&volume.volume_type, &volume.volume_id));
        assert_ne!(replica.storage_location, volume.storage_location, "each region has a place of its own");
    }

    // A function is changed by making it again.
    east.delete_function(&name("net")).await.expect("dropped");
    east.create_function(&function("gross * 0.7")).await.expect("a function");
    let begun = Instant::now();
    while west
        .functions(&catalog, &schema)
        .await
        .expect("listed")
        .iter()
        .all(|f| f.routine_definition.as_deref() != Some("gross * 0.7"))
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "the new definition never arrived");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // What was dropped is dropped, but for the volume whose files would go with it.
    east.delete_function(&name("net")).await.expect("dropped");
    for leaf in ["drop", "inbox"] {
        east.delete_volume(&name(leaf)).await.expect("dropped");
    }
    let gone = |objects: &[ObjectRecord]| {
        named(objects, AssetKind::Function, &name("net")).is_none()
            && named(objects, AssetKind::Volume, &name("drop")).is_none()
    };
    verified(&engine, gone).await;
    let left: Vec<String> =
        west.volumes(&catalog, &schema).await.expect("listed").into_iter().map(|v| v.name).collect();
    assert_eq!(left, ["inbox"]);
    let begun = Instant::now();
    loop {
        let view = engine.control().view().groups.first().cloned().expect("shown");
        let kept = named(&view.objects, AssetKind::Volume, &name("inbox")).cloned();
        if let Some(error) = kept.and_then(|kept| kept.error) {
            assert_eq!(error.class, ErrorClass::UnmanagedObject);
            assert!(error.message.contains("deletes its files"), "{}", error.message);
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the kept volume is never named");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    engine.stop().await;
}

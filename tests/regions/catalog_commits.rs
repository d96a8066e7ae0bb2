//! Tables whose commits their catalog ratifies, as a primary's: what is ratified arrives, in order, published or not.

use super::delta_api::Generation;
use super::double::Double;
use super::failing_over::{engine, fail_over, log_of, protect, token, until};
use resilience::control::view::GroupView;
use resilience::domain::{GroupState, ObjectStatus};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const TABLE: &str = "shop.sales.orders";

/// A writer that keeps to the specification: it stages, has ratified, and publishes.
struct Writer<'a> {
    east: &'a Double,
    folder: PathBuf,
    id: String,
    newer: bool,
    client: reqwest::Client,
}

fn lines(version: i64) -> Vec<Value> {
    let mut lines =
        vec![json!({"commitInfo": {"inCommitTimestamp": 1_790_000_000_000_i64 + version, "operation": "WRITE",
        "timestamp": 0, "txnId": version.to_string()}})];
    if version == 0 {
        let reader = ["catalogManaged", "deletionVectors", "v2Checkpoint", "vacuumProtocolCheck"];
        let writer = ["catalogManaged", "deletionVectors", "v2Checkpoint", "vacuumProtocolCheck", "inCommitTimestamp"];
        let schema =
            json!({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": true, "metadata": {}}]});
        lines.push(json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": reader, "writerFeatures": writer}}));
        lines.push(json!({"metaData": {"id": "22222222-2222-4222-8222-222222222222", "format": {"provider": "parquet", "options": {}},
            "schemaString": schema.to_string(), "partitionColumns": [], "createdTime": 0,
            "configuration": {"io.unitycatalog.tableId": "t", "delta.enableInCommitTimestamps": "true"}}}));
    }
    lines
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

impl<'a> Writer<'a> {
    fn new(east: &'a Double, newer: bool) -> Self {
        let folder = east.make_managed(TABLE);
        std::fs::create_dir_all(folder.join("_delta_log/_staged_commits")).expect("a folder");
        std::fs::write(folder.join("_delta_log/00000000000000000000.json"), text(&lines(0))).expect("written");
        let id = east.ratify_by_catalog(TABLE, if newer { Generation::Newer } else { Generation::Older });
        Self { east, folder, id, newer, client: reqwest::Client::new() }
    }

    fn stage(&self, version: i64) -> String {
        let file = format!("part-{version}.parquet");
        std::fs::write(self.folder.join(&file), format!("rows of version {version}")).expect("written");
        let size = std::fs::metadata(self.folder.join(&file)).expect("written").len();
        let mut lines = lines(version);
        lines.push(json!({"add": {"path": file, "partitionValues": {}, "size": size, "modificationTime": 0, "dataChange": true}}));
        let name = format!("{version:020}.{}.json", uuid::Uuid::new_v4());
        std::fs::write(self.folder.join("_delta_log/_staged_commits").join(&name), text(&lines)).expect("staged");
        name
    }

    async fn post(&self, newer: Value, older: Value) -> u16 {
        let url = url::Url::parse(&self.east.url).expect("a URL");
        let base = format!("http://127.0.0.1:{}/api/2.1/unity-catalog/delta", url.port().expect("a port"));
        let (url, body) = match self.newer {
            true => (format!("{base}/v1/catalogs/shop/schemas/sales/tables/orders"), newer),
            false => (format!("{base}/preview/commits"), older),
        };
        let request = self.client.post(url).bearer_auth("hunter2").header("x-databricks-org-id", "11");
        request.json(&body).send().await.expect("an answer").status().as_u16()
    }

    async fn ratify(&self, version: i64, name: &str) -> u16 {
        let newer = json!({"requirements": [{"type": "assert-table-uuid", "uuid": self.id}], "updates": [{"action": "add-commit",
            "commit": {"version": version, "timestamp": version, "file-name": name, "file-size": 1, "file-modification-timestamp": 1}}]});
        let older = json!({"table_id": self.id, "table_uri": "", "commit_info": {"version": version, "timestamp": version,
            "file_name": name, "file_size": 1, "file_modification_timestamp": 1}});
        self.post(newer, older).await
    }

    async fn commit(&self, version: i64) {
        let name = self.stage(version);
        assert_eq!(self.ratify(version, &name).await, 200, "version {version}");
    }

    /// Copies the staged commits up to a version into the log, in order, and says so.
    async fn publish(&self, from: i64, to: i64) {
        for version in from..=to {
            let staged = self.folder.join("_delta_log/_staged_commits");
            let of = |name: &str| name.starts_with(&format!("{version:020}."));
            let names = std::fs::read_dir(&staged).expect("a folder").map(|entry| entry.expect("an entry").file_name());
            let mut names = names.filter_map(|name| name.into_string().ok()).filter(|name| of(name));
            let name = names.next().expect("it is staged");
            std::fs::copy(staged.join(name), self.folder.join(format!("_delta_log/{version:020}.json")))
                .expect("published");
        }
        let newer = json!({"requirements": [], "updates": [{"action": "set-latest-backfilled-version", "latest-published-version": to}]});
        assert_eq!(self.post(newer, json!({"table_id": self.id, "latest_backfilled_version": to})).await, 200);
    }
}

fn version(view: &GroupView) -> Option<i64> {
    view.objects.iter().find(|object| object.name == TABLE)?.replica_version
}

async fn goes(newer: bool) {
    let dir = tempfile::tempdir().expect("a folder");
    let east = Double::serve("east", 11, dir.path()).await;
    let west = Double::serve("west", 22, dir.path()).await;
    let writer = Writer::new(&east, newer);
    for version in 1..=10 {
        writer.commit(version).await;
    }
    // The server keeps the rules, or what follows would prove nothing.
    let waiting = writer.stage(11);
    assert_eq!(writer.ratify(11, &waiting).await, 429, "ten wait to be published");
    let late = writer.stage(4);
    assert_eq!(writer.ratify(4, &late).await, 409);
    assert_eq!(writer.ratify(13, &late).await, 400);
    std::fs::remove_file(writer.folder.join("_delta_log/_staged_commits").join(late)).expect("given up");
    writer.publish(1, 6).await;

    let engine = engine(dir.path(), [("east", &east.url, token()), ("west", &west.url, token())]).await;
    protect(&engine, &[("managed", format!("file://{}/managed", east.folder().display()), west.lake())]).await;
    let view = until(&engine, "ACTIVE", |group, _| group.state == GroupState::Active).await;
    let table = view.objects.iter().find(|object| object.name == TABLE).expect("named");
    assert_eq!((table.status, table.replica_version), (ObjectStatus::InSync, Some(10)), "{table:#?}");
    assert!(table.message().is_some_and(|note| note.contains("ratifies this table's commits")), "{table:#?}");
    let registered = west.table(TABLE).expect("made");
    assert_eq!(registered["table_type"], "EXTERNAL");
    assert!(registered["properties"].get("delta.feature.catalogManaged").is_none(), "{registered}");
    let place = registered["storage_location"].as_str().and_then(|uri| uri.strip_prefix("file://")).expect("a place");
    let replica = Path::new(place).to_owned();
    let first = String::from_utf8(log_of(&replica).swap_remove(0)).expect("text");
    assert!(!first.contains("catalogManaged") && !first.contains("io.unitycatalog.tableId"), "{first}");

    // It goes on commit by commit; a staged one that nobody ratified stays away, throttled or not.
    assert_eq!(writer.ratify(11, &waiting).await, 200);
    let lost = writer.stage(12);
    east.throttle(2);
    until(&engine, "version 11", |_, view| version(view) == Some(11)).await;
    std::fs::copy(
        writer.folder.join("_delta_log/_staged_commits").join(&lost),
        writer.folder.join("_delta_log/00000000000000000012.json"),
    )
    .expect("put there by a writer that asked nobody");
    writer.publish(7, 11).await;
    let point = until(&engine, "a point", |group, _| group.replication_point.is_some()).await.group.replication_point;
    until(&engine, "a later point", |group, _| group.replication_point > point).await;
    assert_eq!(log_of(&replica).len(), 12, "versions 0 to 11");

    let view = fail_over(&engine, "west", &[]).await;
    assert_eq!(view.group.effective_primary_region, "west", "{view:#?}");
    engine.stop().await;
}

#[tokio::test]
async fn what_a_catalog_ratifies_arrives_by_the_newer_api() {
    goes(true).await;
}

#[tokio::test]
async fn what_a_catalog_ratifies_arrives_by_the_older_api() {
    goes(false).await;
}

//! What jobs, clusters and dashboards refer to: ids are rewritten through the id map, and what isn't replicated is named.

use super::asset::Link;
use super::ids::IdMap;
use crate::domain::AssetKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that an asset refers to and the secondary doesn't have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reference {
    /// What it is, such as `instance pool`.
    pub what: String,
    /// Its id, name or path.
    pub name: String,
}

/// The id map, seen from the side that is copied.
pub struct Resolver<'a> {
    pub ids: &'a IdMap,
    pub source_side: usize,
    /// Paths of the primary's Git folders.
    pub git_folders: &'a [String],
}

/// What was found in one description.
#[derive(Debug, Default)]
pub struct Resolved {
    pub links: Vec<Link>,
    pub missing: Vec<Reference>,
}

/// Fields whose value is the id of an asset that replicates.
const MAPPED: [(&str, AssetKind); 4] = [
    ("warehouse_id", AssetKind::SqlWarehouse),
    ("existing_cluster_id", AssetKind::Cluster),
    ("job_id", AssetKind::Job),
    ("dashboard_id", AssetKind::Dashboard),
];

/// Fields whose value is something that doesn't replicate.
const NOT_REPLICATED: [(&str, &str); 11] = [
    ("instance_pool_id", "instance pool"),
    ("driver_instance_pool_id", "instance pool"),
    ("policy_id", "cluster policy"),
    ("instance_profile_arn", "instance profile"),
    ("pipeline_id", "pipeline"),
    ("query_id", "query"),
    ("alert_id", "alert"),
    ("genie_space_id", "Genie space"),
    ("app_id", "app"),
    ("jar", "library"),
    ("egg", "library"),
];

/// Beginnings of paths that lie in storage and not in the workspace.
const STORAGE: [&str; 8] = ["dbfs:/", "/dbfs/", "/Volumes/", "s3://", "s3a://", "abfss://", "gs://", "wasbs://"];
/// Fields that hold a path of the workspace or of storage.
const PATHS: [&str; 7] =
    ["notebook_path", "python_file", "destination", "whl", "requirements", "path", "project_directory"];

impl Resolver<'_> {
    /// Rewrites every id in `value` that has a counterpart, and names what has none.
    pub fn rewrite(&self, value: &mut Value) -> Resolved {
        let mut resolved = Resolved::default();
        self.walk(value, "", &mut resolved);
        resolved.links.sort();
        resolved.links.dedup();
        resolved.missing.sort();
        resolved.missing.dedup();
        resolved
    }

    fn walk(&self, value: &mut Value, parent: &str, resolved: &mut Resolved) {
        match value {
            Value::Array(entries) => entries.iter_mut().for_each(|entry| self.walk(entry, parent, resolved)),
            Value::Object(fields) => {
                for (field, value) in fields {
                    self.field(parent, field, value, resolved);
                    self.walk(value, field, resolved);
                }
            }
            Value::String(text) => self.text(text, resolved),
            _ => {}
        }
    }

    fn field(&self, parent: &str, field: &str, value: &mut Value, resolved: &mut Resolved) {
        if let Some((_, kind)) = MAPPED.iter().find(|(known, _)| *known == field) {
            self.id(*kind, value, resolved);
            return;
        }
        let mut name = |what: &str, name: &str| {
            resolved.missing.push(Reference { what: what.to_owned(), name: name.to_owned() });
        };
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
        if let Some((_, what)) = NOT_REPLICATED.iter().find(|(known, _)| *known == field) {
            // A library that lies in the workspace goes along.
            if *what != "library" || STORAGE.iter().any(|start| text.starts_with(start)) {
                name(what, text);
            }
            return;
        }
        if field == "id" && parent.starts_with("on_") {
            name("notification destination", text);
        } else if PATHS.contains(&field) {
            let path = text.strip_prefix("/Workspace").filter(|rest| rest.starts_with('/')).unwrap_or(text);
            let is_below =
                |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
            if path.starts_with("/Repos/") || self.git_folders.iter().any(is_below) {
                name("Git folder", path);
            } else if STORAGE.iter().any(|start| text.starts_with(start)) {
                name("path in storage", text);
            }
        }
    }

    /// An id as text or as a number. One that is a parameter, such as `{{job.id}}`, stays.
    fn id(&self, kind: AssetKind, value: &mut Value, resolved: &mut Resolved) {
        let known = match value {
            Value::String(text) if text.is_empty() || text.contains("{{") => return,
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        let Some(counterpart) = self.ids.counterpart(self.source_side, kind, &known) else {
            resolved.missing.push(Reference { what: kind.label().to_owned(), name: known });
            return;
        };
        let mut ids = [known, counterpart.to_owned()];
        match value {
            Value::Number(_) => {
                if let Ok(number) = counterpart.parse::<i64>() {
                    *value = number.into();
                }
            }
            _ => *value = counterpart.into(),
        }
        if self.source_side == 1 {
            ids.swap(0, 1);
        }
        resolved.links.push(Link { kind, ids });
    }

    /// Secrets may stand anywhere in a text: `{{secrets/scope/key}}`.
    fn text(&self, text: &str, resolved: &mut Resolved) {
        for part in text.split("{{secrets/").skip(1) {
            if let Some((name, _)) = part.split_once("}}") {
                resolved.missing.push(Reference { what: "secret".to_owned(), name: name.to_owned() });
            }
        }
    }
}

/// Names what is missing, a few at most: `instance pool p1, secret etl/key and 3 more`.
pub fn named(missing: &[Reference]) -> String {
    let shown: Vec<String> = missing.iter().take(3).map(|r| format!("{} {}", r.what, r.name)).collect();
    match missing.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::workspace::AssetState;
    use crate::store::{AssetRow, Store};
    use serde_json::json;

    async fn map(dir: &std::path::Path) -> IdMap {
        let store = Store::open(&dir.join("state.db")).expect("a store");
        let group = crate::domain::GroupId::new("core").expect("an id");
        let mut ids = IdMap::default();
        for (kind, first, second) in
            [(AssetKind::SqlWarehouse, "w1", "w2"), (AssetKind::Job, "11", "22"), (AssetKind::Cluster, "c1", "c2")]
        {
            let ids_of = [Some(first.to_owned()), Some(second.to_owned())];
            let row = AssetRow { seq: 0, set: "s".to_owned(), kind, ids: ids_of, body: AssetState::default() };
            ids.put(&store, &group, row).await.expect("written");
        }
        ids
    }

    #[tokio::test]
    async fn ids_are_rewritten_both_ways_and_what_has_no_counterpart_is_named() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let (ids, git_folders) = (map(dir.path()).await, ["/Shared/repo".to_owned()]);
        let there = Resolver { ids: &ids, source_side: 0, git_folders: &git_folders };
        let mut settings = json!({"tasks": [
            {"sql_task": {"warehouse_id": "w1"}, "existing_cluster_id": "c1"},
            {"run_job_task": {"job_id": 11}},
            {"run_job_task": {"job_id": 99}, "notebook_task": {"notebook_path": "/Workspace/Shared/repo/a"}},
            {"new_cluster": {"instance_pool_id": "p", "spark_conf": {"k": "{{secrets/etl/key}}"}},
             "libraries": [{"jar": "dbfs:/x.jar"}, {"whl": "/Workspace/Shared/a.whl"}, {"pypi": {"package": "x"}}]}],
            "parameters": [{"default": "{{job.id}}"}],
            "webhook_notifications": {"on_failure": [{"id": "hook"}]}});
        let resolved = there.rewrite(&mut settings);
        assert_eq!(settings["tasks"][0], json!({"sql_task": {"warehouse_id": "w2"}, "existing_cluster_id": "c2"}));
        assert_eq!(settings["tasks"][1]["run_job_task"]["job_id"], 22);
        let missing: Vec<String> = resolved.missing.iter().map(|r| format!("{} {}", r.what, r.name)).collect();
        assert_eq!(
            missing,
            [
                "Git folder /Shared/repo/a",
                "instance pool p",
                "job 99",
                "library dbfs:/x.jar",
                "notification destination hook",
                "secret etl/key"
            ]
        );
        let back = Resolver { ids: &ids, source_side: 1, git_folders: &[] };
        let again = back.rewrite(&mut settings);
        assert_eq!(settings["tasks"][1]["run_job_task"]["job_id"], 11);
        assert_eq!(again.links, resolved.links, "a link reads alike from both sides");
        assert_eq!(named(&resolved.missing), "Git folder /Shared/repo/a, instance pool p, job 99 and 3 more");
    }
}

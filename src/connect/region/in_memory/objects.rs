//! The workspace's tree and its dashboards, by the rules of the real one.

use super::{InMemoryRegion, Known, Refusal};
use crate::wire::dashboards::{DASHBOARD_ACTIVE, DASHBOARD_TRASHED, Dashboard};
use crate::wire::objects::{
    FORMAT_RAW, ImportObject, MOST_OBJECT_BYTES, MakeFolder, OBJECT_DASHBOARD, OBJECT_DIRECTORY, OBJECT_FILE,
    OBJECT_NOTEBOOK, ObjectInfo,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::collections::BTreeMap;

/// Objects by path, with their bytes.
pub(super) type Tree = BTreeMap<String, (ObjectInfo, Vec<u8>)>;

/// The folders that every workspace has.
pub(super) fn new_tree() -> Tree {
    let folder = |(number, path): (usize, &str)| {
        let object = ObjectInfo {
            path: path.to_owned(),
            object_type: OBJECT_DIRECTORY.to_owned(),
            object_id: number as i64 + 1,
            ..ObjectInfo::default()
        };
        (path.to_owned(), (object, Vec::new()))
    };
    ["/", "/Shared", "/Users"].into_iter().enumerate().map(folder).collect()
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((above, _)) => above,
    }
}

fn no_path(path: &str) -> Refusal {
    Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Path ({path}) doesn't exist."))
}

fn taken(path: &str) -> Refusal {
    Refusal::new(400, "RESOURCE_ALREADY_EXISTS", format!("Path ({path}) already exists."))
}

impl Known {
    /// A number that no object has, and a time after all others.
    fn next_number(&mut self) -> i64 {
        self.next_id += 1;
        1_000_000 + self.next_id as i64
    }

    fn fresh(&mut self, path: &str, of: &str, asked: Option<i64>) -> ObjectInfo {
        let id = asked.unwrap_or_else(|| self.next_number());
        ObjectInfo {
            path: path.to_owned(),
            object_type: of.to_owned(),
            object_id: id,
            resource_id: Some(id.to_string()),
            modified_at: Some(self.next_number()),
            ..ObjectInfo::default()
        }
    }
}

impl InMemoryRegion {
    pub(super) fn list_folder(&self, path: &str) -> Result<Vec<ObjectInfo>, Refusal> {
        let known = self.known();
        if !known.tree.contains_key(path) {
            return Err(no_path(path));
        }
        Ok(known
            .tree
            .values()
            .filter(|(o, _)| o.path != "/" && parent(&o.path) == path)
            .map(|(o, _)| o.clone())
            .collect())
    }

    /// Gives an object other bytes, which no list shows.
    pub fn rewrite_unseen(&self, path: &str, text: &str) {
        if let Some((_, bytes)) = self.known().tree.get_mut(path) {
            *bytes = text.as_bytes().to_vec();
        }
    }

    pub(super) fn find_object(&self, path: &str) -> Result<ObjectInfo, Refusal> {
        self.known().tree.get(path).map(|(object, _)| object.clone()).ok_or_else(|| no_path(path))
    }

    pub(super) fn read_object(&self, path: &str) -> Result<Vec<u8>, Refusal> {
        let known = self.known();
        let (object, bytes) = known.tree.get(path).ok_or_else(|| no_path(path))?;
        if object.size.is_some_and(|size| size > MOST_OBJECT_BYTES as i64) {
            let sentence = format!("Size exceeds {MOST_OBJECT_BYTES} bytes");
            return Err(Refusal::new(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", sentence));
        }
        Ok(bytes.clone())
    }

    pub(super) fn put_object(&self, wanted: &ImportObject) -> Result<(), Refusal> {
        let mut known = self.known();
        let path = wanted.path.as_str();
        let of = if wanted.format.as_deref() == Some(FORMAT_RAW) { OBJECT_FILE } else { OBJECT_NOTEBOOK };
        if of == OBJECT_NOTEBOOK && wanted.language.is_none() {
            return Err(Refusal::invalid(format!("The import of {path} as SOURCE needs a language.")));
        }
        if !known.tree.contains_key(parent(path)) {
            return Err(no_path(parent(path)));
        }
        let content = BASE64_STANDARD.decode(&wanted.content).map_err(|error| Refusal::invalid(error.to_string()))?;
        let before = known.tree.get(path).map(|(object, _)| object.clone());
        let asked = wanted.object_id.filter(|_| self.offered().keeps_ids);
        let object = match before {
            Some(object) if !wanted.overwrite || object.object_type != of => return Err(taken(path)),
            Some(object) => ObjectInfo { modified_at: Some(known.next_number()), ..object },
            None => known.fresh(path, of, asked),
        };
        let size = (of == OBJECT_FILE).then_some(content.len() as i64);
        let object = ObjectInfo { language: wanted.language.clone(), size, ..object };
        known.tree.insert(path.to_owned(), (object, content));
        Ok(())
    }

    pub(super) fn put_folder(&self, wanted: &MakeFolder) -> Result<(), Refusal> {
        let mut known = self.known();
        let mut missing = Vec::new();
        let mut next = wanted.path.as_str();
        while next != "/" {
            match known.tree.get(next) {
                Some((object, _)) if object.object_type == OBJECT_DIRECTORY => break,
                Some(_) => return Err(taken(next)),
                None => missing.push(next.to_owned()),
            }
            next = parent(next);
        }
        for path in missing {
            let asked = wanted.object_id.filter(|_| self.offered().keeps_ids && path == wanted.path);
            let object = known.fresh(&path, OBJECT_DIRECTORY, asked);
            known.tree.insert(path, (object, Vec::new()));
        }
        Ok(())
    }

    pub(super) fn remove_object(&self, path: &str) -> Result<(), Refusal> {
        let mut known = self.known();
        let (object, _) = known.tree.get(path).cloned().ok_or_else(|| no_path(path))?;
        if known.tree.keys().any(|other| other.starts_with(&format!("{path}/"))) {
            return Err(Refusal::new(400, "DIRECTORY_NOT_EMPTY", format!("Folder ({path}) is not empty.")));
        }
        if let Some(id) = object.resource_id.filter(|_| object.object_type == OBJECT_DASHBOARD) {
            known.dashboards.entry(id).and_modify(|d| d.lifecycle_state = Some(DASHBOARD_TRASHED.to_owned()));
        }
        known.tree.remove(path);
        Ok(())
    }

    pub(super) fn list_dashboards(&self) -> Vec<Dashboard> {
        let known = self.known();
        let active = known.dashboards.values().filter(|d| d.lifecycle_state.as_deref() == Some(DASHBOARD_ACTIVE));
        active
            .cloned()
            .map(|d| Dashboard { serialized_dashboard: None, etag: None, path: None, parent_path: None, ..d })
            .collect()
    }

    pub(super) fn find_dashboard(&self, id: &str) -> Result<Dashboard, Refusal> {
        self.known().dashboards.get(id).cloned().ok_or_else(|| Refusal::missing("DASHBOARD", id))
    }

    pub(super) fn put_dashboard(&self, wanted: &Dashboard) -> Result<Dashboard, Refusal> {
        let mut known = self.known();
        let folder = wanted.parent_path.clone().unwrap_or_else(|| "/Shared".to_owned());
        if !known.tree.contains_key(&folder) {
            return Err(no_path(&folder));
        }
        let name = wanted.display_name.clone().ok_or_else(|| Refusal::invalid("The display_name is missing."))?;
        let path = format!("{}/{name}.lvdash.json", folder.trim_end_matches('/'));
        if known.tree.contains_key(&path) {
            return Err(taken(&path));
        }
        let asked = wanted.dashboard_id.clone().filter(|_| self.offered().keeps_ids);
        let id = asked.unwrap_or_else(|| known.new_id());
        let file = ObjectInfo { resource_id: Some(id.clone()), ..known.fresh(&path, OBJECT_DASHBOARD, None) };
        let time = known.next_number().to_string();
        let dashboard = Dashboard {
            dashboard_id: Some(id.clone()),
            path: Some(path.clone()),
            parent_path: Some(folder),
            lifecycle_state: Some(DASHBOARD_ACTIVE.to_owned()),
            update_time: Some(time),
            ..wanted.clone()
        };
        known.tree.insert(path, (file, Vec::new()));
        known.dashboards.insert(id, dashboard.clone());
        Ok(dashboard)
    }

    pub(super) fn change_dashboard(&self, id: &str, wanted: &Dashboard) -> Result<Dashboard, Refusal> {
        let mut dashboard = self.find_dashboard(id)?;
        let mut known = self.known();
        if let Some(name) = wanted.display_name.clone().filter(|name| dashboard.display_name.as_ref() != Some(name)) {
            let before = dashboard.path.clone().unwrap_or_default();
            let path = format!("{}/{name}.lvdash.json", parent(&before));
            if let Some((file, bytes)) = known.tree.remove(&before) {
                known.tree.insert(path.clone(), (ObjectInfo { path: path.clone(), ..file }, bytes));
            }
            (dashboard.path, dashboard.display_name) = (Some(path), Some(name));
        }
        dashboard.serialized_dashboard = wanted.serialized_dashboard.clone().or(dashboard.serialized_dashboard);
        dashboard.warehouse_id = wanted.warehouse_id.clone().or(dashboard.warehouse_id);
        dashboard.update_time = Some(known.next_number().to_string());
        known.dashboards.insert(id.to_owned(), dashboard.clone());
        Ok(dashboard)
    }
}

//! The workspace's tree: paths, what lies at them, places for what is new.

use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::objects::{OBJECT_DIRECTORY, ObjectInfo};

/// Where an object of an earlier version keeps its content.
pub const CONTENT: &str = "content_base64";
/// End of a dashboard's file name.
pub const DASHBOARD_FILE: &str = ".lvdash.json";

/// A path as it is kept: without `/Workspace` before it and slashes at its end.
pub fn normal(path: &str) -> Result<String, Refusal> {
    let path = path.strip_prefix("/Workspace").filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
    let path = if path.is_empty() { "/" } else { path };
    let Some(rest) = path.strip_prefix('/') else {
        return Err(Refusal::invalid(format!("Path ({path}) doesn't start with '/'.")));
    };
    let rest = rest.trim_end_matches('/');
    if rest.is_empty() {
        return Ok("/".to_owned());
    }
    if rest.split('/').any(|part| part.is_empty() || part == "." || part == "..") || rest.contains(char::is_control) {
        return Err(Refusal::invalid(format!("Path ({path}) is not valid. Write each folder's name.")));
    }
    Ok(format!("/{rest}"))
}

/// The folder that holds `path`; None for the root.
pub fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some(("", "")) | None => None,
        Some(("", _)) => Some("/"),
        Some((above, _)) => Some(above),
    }
}

/// A path's last part.
pub fn leaf(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

pub fn no_path(path: &str) -> Refusal {
    Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Path ({path}) doesn't exist."))
}

pub fn taken(path: &str) -> Refusal {
    Refusal::new(400, "RESOURCE_ALREADY_EXISTS", format!("Path ({path}) already exists."))
}

/// What lies at a path in its kept form.
pub fn find(region: &Region, path: &str) -> Option<ObjectInfo> {
    region.records.get(Kind::WorkspaceObject, path)
}

/// What lies at the path that a client wrote.
pub fn found(region: &Region, path: &str) -> Result<ObjectInfo, Refusal> {
    let path = normal(path)?;
    find(region, &path).ok_or_else(|| no_path(&path))
}

/// A new object's record.
pub fn fresh(region: &Region, path: &str, object_type: &str, id: Option<i64>) -> ObjectInfo {
    let id = id.unwrap_or_else(|| rand::random_range(1_000_000_000_000_000..9_000_000_000_000_000));
    ObjectInfo {
        path: path.to_owned(),
        object_type: object_type.to_owned(),
        object_id: id,
        resource_id: Some(id.to_string()),
        created_at: Some(region.now_ms()),
        modified_at: Some(region.now_ms()),
        ..ObjectInfo::default()
    }
}

/// Puts the folder and those above it, where they aren't there yet.
pub fn put_folders(region: &Region, writing: &mut Writing<'_>, path: &str, id: Option<i64>) -> Result<(), Refusal> {
    let mut missing = Vec::new();
    let mut next = Some(path);
    while let Some(folder) = next {
        match find(region, folder) {
            Some(known) if known.object_type == OBJECT_DIRECTORY => break,
            Some(_) => return Err(taken(folder)),
            None => missing.push(folder),
        }
        next = parent(folder);
    }
    for folder in missing {
        let object = fresh(region, folder, OBJECT_DIRECTORY, id.filter(|_| folder == path));
        writing.put(Kind::WorkspaceObject, folder, &object);
    }
    Ok(())
}

/// The place for a new object: free, or held by one of the same type where that may be replaced, in a folder.
pub fn place_for(region: &Region, path: &str, kind: &str, replaces: bool) -> Result<Option<ObjectInfo>, Refusal> {
    let folder = parent(path).ok_or_else(|| taken(path))?;
    if find(region, folder).is_none_or(|known| known.object_type != OBJECT_DIRECTORY) {
        let sentence = format!("The parent folder ({folder}) does not exist.");
        return Err(Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", sentence));
    }
    match find(region, path) {
        Some(known) if !replaces || known.object_type != kind => Err(taken(path)),
        known => Ok(known),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for (written, kept) in [
            ("/", "/"),
            ("/Workspace", "/"),
            ("/Workspace/Shared/x/", "/Shared/x"),
            ("/Workspaces/x", "/Workspaces/x"),
            ("/Shared/a b.py", "/Shared/a b.py"),
        ] {
            assert_eq!(normal(written).map_err(|r| r.status), Ok(kept.to_owned()), "{written}");
        }
        for wrong in ["Shared", "/a//b", "/a/../b", "/a\n", ""] {
            let known = normal(wrong).map_err(|r| r.status);
            assert!(known == Err(400) || wrong.is_empty(), "{wrong:?}: {known:?}");
        }
        assert_eq!((parent("/"), parent("/a"), parent("/a/b")), (None, Some("/"), Some("/a")));
    }
}

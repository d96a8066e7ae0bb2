//! The tree of folders, notebooks, files and dashboards: to be listed, made and removed.

use super::{acl, dashboards};
use crate::sandbox::call::{Answer, Call, Caller, answer, done};
use crate::sandbox::principals;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::objects::{DeleteObject, ListObjects, MakeFolder, OBJECT_DASHBOARD, OBJECT_DIRECTORY, ObjectInfo};
use crate::wire::permissions::CAN_MANAGE;

/// Folders that every workspace has and keeps.
const KEPT: [&str; 3] = ["/", "/Shared", "/Users"];
/// Where an object of an earlier version keeps its content.
pub const CONTENT: &str = "content_base64";
/// Records that are looked at before a folder that was listed is skipped.
const STRIDE: usize = 64;

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

fn taken(path: &str) -> Refusal {
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

/// One level, without pages, as the API has it. The list of an object that is no folder is the object itself.
pub fn list(region: &Region, call: &Call) -> Answer {
    let object = found(region, call.required("path")?)?;
    acl::need_object(region, call.caller, &object, "CAN_READ").or_else(|refusal| may_pass(&object).ok_or(refusal))?;
    let since = call.query.get("notebooks_modified_after").and_then(|text| text.parse::<i64>().ok());
    let mut objects =
        if object.object_type == OBJECT_DIRECTORY { children(region, &object.path) } else { vec![object] };
    if !principals::is_admin(region, call.caller) {
        objects.retain(|o| may_pass(o).is_some() || acl::need_object(region, call.caller, o, "CAN_READ").is_ok());
    }
    objects.retain(|o| since.is_none_or(|since| o.modified_at.is_none_or(|at| at >= since)));
    answer(&ListObjects { objects: objects.into_iter().map(shown).collect() })
}

/// What lies in a folder itself, by name.
fn children(region: &Region, folder: &str) -> Vec<ObjectInfo> {
    let prefix = format!("{}/", folder.trim_end_matches('/'));
    let (mut after, mut found) = (prefix.clone(), Vec::new());
    'next: loop {
        let page = region.records.page(Kind::WorkspaceObject, &prefix, &after, STRIDE);
        let is_last = page.len() < STRIDE;
        for (key, body) in page {
            if let Some((below, _)) = key[prefix.len()..].split_once('/') {
                // Past everything in a folder that was listed itself.
                after = format!("{prefix}{below}/{}", char::MAX);
                continue 'next;
            }
            found.extend(serde_json::from_str::<ObjectInfo>(&body).ok());
            after = key;
        }
        if is_last {
            return found;
        }
    }
}

pub fn status(region: &Region, call: &Call) -> Answer {
    let object = found(region, call.required("path")?)?;
    acl::need_object(region, call.caller, &object, "CAN_READ").or_else(|refusal| may_pass(&object).ok_or(refusal))?;
    answer(&shown(object))
}

/// Some for folders that everybody may see, though not what is in them.
fn may_pass(object: &ObjectInfo) -> Option<()> {
    KEPT.contains(&object.path.as_str()).then_some(())
}

/// Fails where the caller may not replace what is there, or may not add to the folder that a new object goes into.
pub fn need_to_write(region: &Region, caller: Caller, known: Option<&ObjectInfo>, path: &str) -> Result<(), Refusal> {
    match known.cloned().or_else(|| find(region, parent(path)?)) {
        Some(object) => acl::need_object(region, caller, &object, "CAN_EDIT"),
        None => Ok(()),
    }
}

/// Without the content that an earlier version kept with the object.
fn shown(mut object: ObjectInfo) -> ObjectInfo {
    object.other.remove(CONTENT);
    object
}

pub fn make_folders(region: &Region, call: &Call) -> Answer {
    let wanted: MakeFolder = call.body()?;
    let path = normal(&wanted.path)?;
    let mut writing = region.records.write();
    let above =
        std::iter::successors(Some(path.as_str()), |folder| parent(folder)).find_map(|folder| find(region, folder));
    if let Some(above) = above.filter(|above| above.path != path) {
        acl::need_object(region, call.caller, &above, "CAN_EDIT")?;
    }
    put_folders(region, &mut writing, &path, wanted.object_id)?;
    writing.commit()?;
    done()
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

pub fn delete(region: &Region, call: &Call) -> Answer {
    let wanted: DeleteObject = call.body()?;
    let mut writing = region.records.write();
    let object = found(region, &wanted.path)?;
    if KEPT.contains(&object.path.as_str()) {
        return Err(Refusal::denied(format!("Folder {} is protected.", object.path)));
    }
    acl::need_object(region, call.caller, &object, CAN_MANAGE)?;
    let below = region.records.all::<ObjectInfo>(Kind::WorkspaceObject, &format!("{}/", object.path));
    if !wanted.recursive && !below.is_empty() {
        let sentence = format!("Folder ({}) is not empty. Delete it with recursive set to true.", object.path);
        return Err(Refusal::new(400, "DIRECTORY_NOT_EMPTY", sentence));
    }
    for gone in below.iter().chain([&object]) {
        forget(region, &mut writing, gone);
    }
    writing.commit()?;
    done()
}

/// Removes one object with its content and permissions; a dashboard goes to the trash.
fn forget(region: &Region, writing: &mut Writing<'_>, object: &ObjectInfo) {
    match &object.resource_id {
        Some(id) if object.object_type == OBJECT_DASHBOARD => dashboards::put_trashed(region, writing, id),
        _ => {
            writing.delete(Kind::WorkspaceContent, &object.path);
            writing.delete(Kind::Acl, format!("objects/{}", object.object_id));
        }
    }
    writing.delete(Kind::WorkspaceObject, &object.path);
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

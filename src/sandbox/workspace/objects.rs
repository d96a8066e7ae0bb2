//! The tree of folders, notebooks, files and dashboards: to be listed, made and removed.

use super::tree::{find, found, normal, parent, put_folders};
use super::{acl, dashboards, tree};
use crate::sandbox::call::{Answer, Call, answer, done};
use crate::sandbox::principals;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::objects::{DeleteObject, ListObjects, MakeFolder, OBJECT_DASHBOARD, OBJECT_DIRECTORY, ObjectInfo};
use crate::wire::permissions::CAN_MANAGE;

/// Folders that every workspace has and keeps.
const KEPT: [&str; 3] = ["/", "/Shared", "/Users"];
/// Records that are looked at before a folder that was listed is skipped.
const STRIDE: usize = 64;

/// One level, without pages, as the API has it. The list of an object that isn't a folder is the object itself.
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

/// Without the content that an earlier version kept with the object.
fn shown(mut object: ObjectInfo) -> ObjectInfo {
    object.other.remove(tree::CONTENT);
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

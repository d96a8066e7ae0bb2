//! Folders, notebooks and files: known by their paths, which are the same in both regions.

use super::asset::{AssetState, Found, Info, Made, sha256};
use super::keep;
use super::request::AssetRequest;
use crate::connect::ConnectError;
use crate::domain::{AssetKind, ErrorClass};
use crate::replicate::Endpoint;
use crate::wire::objects::{
    FORMAT_AUTO, FORMAT_RAW, FORMAT_SOURCE, ImportObject, MOST_OBJECT_BYTES, MakeFolder, OBJECT_DIRECTORY, OBJECT_FILE,
    OBJECT_NOTEBOOK, ObjectInfo,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Folders that every workspace has and keeps, with the permissions that they have.
pub const ROOTS: [&str; 3] = ["/", "/Shared", "/Users"];
/// Why something of the tree isn't written, though no region refused it.
pub struct Refused {
    pub class: ErrorClass,
    pub sentence: String,
}

/// The kind of an object that replicates by its path; None for all else.
pub fn kind_of(object: &ObjectInfo) -> Option<AssetKind> {
    match object.object_type.as_str() {
        OBJECT_DIRECTORY => Some(AssetKind::Folder),
        OBJECT_NOTEBOOK => Some(AssetKind::Notebook),
        OBJECT_FILE => Some(AssetKind::File),
        _ => None,
    }
}

pub fn found(object: ObjectInfo) -> Option<Found> {
    let kind = kind_of(&object)?;
    Some(Found {
        kind,
        id: object.object_id.to_string(),
        name: object.path.clone(),
        print: print(&object),
        info: Info::Object(object),
    })
}

fn print(object: &ObjectInfo) -> String {
    match kind_of(object) {
        Some(AssetKind::Folder) => OBJECT_DIRECTORY.to_owned(),
        _ => format!(
            "{} {} {} {}",
            object.object_type,
            object.modified_at.unwrap_or_default(),
            object.size.unwrap_or_default(),
            object.language.as_deref().unwrap_or_default()
        ),
    }
}

/// Whether it is a user's own folder, which comes and goes with the user.
pub fn is_home(path: &str) -> bool {
    path.strip_prefix("/Users/").is_some_and(|user| !user.contains('/'))
}

/// The bytes of an object. A file is read as it is, a notebook as source.
pub async fn read(at: &Endpoint, object: &ObjectInfo) -> Result<Vec<u8>, ConnectError> {
    let format = if object.object_type == OBJECT_NOTEBOOK { FORMAT_SOURCE } else { FORMAT_AUTO };
    at.client.export_object(&object.path, format).await
}

/// Makes or changes an object in the secondary. `replica` is what lies at its path there, as far as it was listed.
pub async fn make(
    request: &AssetRequest<'_>,
    source: &Found,
    object: &ObjectInfo,
    known: &AssetState,
    replica: Option<&ObjectInfo>,
) -> Result<Result<Made, Refused>, ConnectError> {
    if source.kind == AssetKind::Folder {
        return make_folder(request, object).await.map(Ok);
    }
    if object.size.is_some_and(|size| size > MOST_OBJECT_BYTES as i64) {
        return Ok(Err(too_long(&object.path)));
    }
    request.pace.turn().await;
    let bytes = match read(request.source, object).await {
        Err(ConnectError::Refused { error_code, .. }) if error_code == "MAX_NOTEBOOK_SIZE_EXCEEDED" => {
            return Ok(Err(too_long(&object.path)));
        }
        bytes => bytes?,
    };
    let content = sha256(&bytes);
    let is_moved = !known.name.is_empty() && known.name != source.name;
    if let Some(replica) = replica.filter(|replica| kind_of(replica) == Some(source.kind)) {
        let is_ours = known.prints[request.destination_side()].as_deref() == Some(print(replica).as_str());
        let same = match is_ours {
            true => known.content.as_deref() == Some(&content) && replica.language == object.language,
            // Someone else wrote it, or it was there before: only its bytes tell.
            false => {
                request.pace.turn().await;
                let theirs = read(request.destination, replica).await?;
                let same = theirs == bytes && replica.language == object.language;
                if !same && let Err(problem) = keep::object(request.exports, &replica.path, &theirs).await {
                    return Ok(Err(Refused { class: ErrorClass::StorageFailure, sentence: problem }));
                }
                same
            }
        };
        if same {
            return Ok(Ok(done(replica, content)));
        }
    }
    if is_moved {
        // First away from where it was: a region that keeps ids has each only once.
        let removed = request.to().await.delete_object(&known.name).await;
        removed.or_else(|error| if error.is_gone() { Ok(()) } else { Err(error) })?;
    }
    let import = ImportObject {
        path: object.path.clone(),
        format: Some(if source.kind == AssetKind::Notebook { FORMAT_SOURCE } else { FORMAT_RAW }.to_owned()),
        language: object.language.clone(),
        content: BASE64_STANDARD.encode(&bytes),
        overwrite: true,
        object_id: Some(object.object_id).filter(|_| request.destination.capabilities.keeps_ids && replica.is_none()),
    };
    request.to().await.import_object(&import).await?;
    Ok(Ok(match request.to().await.object(&object.path).await? {
        Some(made) => done(&made, content),
        None => Made::default(),
    }))
}

fn done(replica: &ObjectInfo, content: String) -> Made {
    let (id, print, object) = (replica.object_id.to_string(), print(replica), Some(replica.clone()));
    Made { id, print: Some(print), content: Some(content), object, ..Made::default() }
}

fn too_long(path: &str) -> Refused {
    let sentence = format!(
        "{path} is longer than {} MiB, which is the most that the workspace's API exports. Copy it by other means.",
        MOST_OBJECT_BYTES >> 20
    );
    Refused { class: ErrorClass::UnsupportedObject, sentence }
}

async fn make_folder(request: &AssetRequest<'_>, object: &ObjectInfo) -> Result<Made, ConnectError> {
    let to = &request.destination;
    // A folder that was moved is still where it was: its id isn't free until that one is empty and removed.
    let there = request.to().await.object(&object.path).await?;
    let made = match there {
        Some(there) => there,
        None => {
            let id = Some(object.object_id).filter(|_| to.capabilities.keeps_ids);
            let folder = MakeFolder { path: object.path.clone(), object_id: id };
            request.to().await.make_folder(&folder).await?;
            request.to().await.object(&object.path).await?.unwrap_or_default()
        }
    };
    let (id, print) = (made.object_id.to_string(), Some(print(&made)));
    Ok(Made { id, print, object: Some(made), ..Made::default() })
}

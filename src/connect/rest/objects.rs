//! Folders, notebooks and files of the workspace.

use super::RegionClient;
use crate::connect::error::{ConnectError, optional};
use crate::connect::http::Call;
use crate::wire::objects::{DeleteObject, ExportedObject, ImportObject, ListObjects, MakeFolder, ObjectInfo, PREFIX};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

impl RegionClient {
    /// What lies in a folder, one level, in one answer.
    pub async fn folder(&self, path: &str) -> Result<Vec<ObjectInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["list"]).query("path", path);
        Ok(self.transport.send::<ListObjects>(call).await?.objects)
    }

    /// What lies at a path.
    pub async fn object(&self, path: &str) -> Result<Option<ObjectInfo>, ConnectError> {
        optional(self.transport.send(Call::get(PREFIX, &["get-status"]).query("path", path)).await)
    }

    /// The bytes of a notebook or file.
    pub async fn export_object(&self, path: &str, format: &str) -> Result<Vec<u8>, ConnectError> {
        let call = Call::get(PREFIX, &["export"]).query("path", path).query("format", format);
        let name = call.name();
        let exported: ExportedObject = self.transport.send(call).await?;
        BASE64_STANDARD
            .decode(exported.content)
            .map_err(|error| self.transport.asked(&name).bad_answer(format!("the content is not base64 ({error})")))
    }

    /// Makes or replaces a notebook or file.
    pub async fn import_object(&self, object: &ImportObject) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(PREFIX, &["import"]).body(object)).await
    }

    /// Makes a folder, and those above it.
    pub async fn make_folder(&self, folder: &MakeFolder) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(PREFIX, &["mkdirs"]).body(folder)).await
    }

    /// Deletes an object; a folder only when nothing lies in it.
    pub async fn delete_object(&self, path: &str) -> Result<(), ConnectError> {
        let body = DeleteObject { path: path.to_owned(), recursive: false };
        self.transport.send_for_nothing(Call::post(PREFIX, &["delete"]).body(&body)).await
    }
}

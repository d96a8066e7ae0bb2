//! What lies in a schema beside tables: volumes and functions.

use super::RegionClient;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::wire::unity_catalog::{
    CreateFunction, CreateVolume, FunctionInfo, ListFunctions, ListVolumes, PREFIX, UpdateVolume, VolumeInfo,
};
use reqwest::Method;

fn list(family: &str, catalog: &str, schema: &str) -> Call {
    Call::get(PREFIX, &[family]).query("catalog_name", catalog).query("schema_name", schema).query("max_results", 0)
}

impl RegionClient {
    /// Every volume of a schema.
    pub async fn volumes(&self, catalog: &str, schema: &str) -> Result<Vec<VolumeInfo>, ConnectError> {
        self.transport.list::<ListVolumes>(list("volumes", catalog, schema)).await
    }

    /// Creates a volume.
    pub async fn create_volume(&self, volume: &CreateVolume) -> Result<VolumeInfo, ConnectError> {
        self.transport.send(Call::post(PREFIX, &["volumes"]).body(volume)).await
    }

    /// Changes a volume.
    pub async fn update_volume(&self, full_name: &str, change: &UpdateVolume) -> Result<VolumeInfo, ConnectError> {
        self.transport.send(Call::new(Method::PATCH, PREFIX, &["volumes", full_name]).body(change)).await
    }

    /// Drops a volume; of a managed one the files too.
    pub async fn delete_volume(&self, full_name: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::new(Method::DELETE, PREFIX, &["volumes", full_name])).await
    }

    /// Every function of a schema.
    pub async fn functions(&self, catalog: &str, schema: &str) -> Result<Vec<FunctionInfo>, ConnectError> {
        self.transport.list::<ListFunctions>(list("functions", catalog, schema)).await
    }

    /// Creates a function.
    pub async fn create_function(&self, function: &CreateFunction) -> Result<FunctionInfo, ConnectError> {
        self.transport.send(Call::post(PREFIX, &["functions"]).body(function)).await
    }

    /// Drops a function.
    pub async fn delete_function(&self, full_name: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::new(Method::DELETE, PREFIX, &["functions", full_name])).await
    }
}

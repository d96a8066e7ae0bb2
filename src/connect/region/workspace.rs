//! The assets of a workspace: folders, notebooks, files, jobs, compute and dashboards, to be made, changed and removed.

use super::Answer;
use super::flavour::RestFlavour;
use crate::connect::error::ConnectError;
use crate::wire::dashboards::Dashboard;
use crate::wire::jobs::{CreateJob, JobInfo, UpdateJob};
use crate::wire::objects::{ImportObject, MakeFolder, ObjectInfo};
use crate::wire::permissions::{ObjectPermissions, SetPermissions};
use crate::wire::workspace::{ClusterInfo, WarehouseInfo};
use futures::future::FutureExt;
use serde_json::Value;

/// A workspace's own assets. Ids in create calls are read only by a region that keeps ids.
///
/// Errors, lists and `Option` answers are as in [`super::RegionApi`].
pub trait WorkspaceApi {
    /// The names by which permissions know the active users, the groups and the service principals of the workspace.
    fn principals(&self) -> Answer<'_, Vec<String>>;
    /// The permissions of an asset; `family` as the path spells the kind, such as `jobs`.
    fn permissions<'a>(&'a self, family: &'a str, id: &'a str) -> Answer<'a, ObjectPermissions>;
    /// Replaces every direct permission of an asset.
    fn set_permissions<'a>(
        &'a self,
        family: &'a str,
        id: &'a str,
        wanted: &'a SetPermissions,
    ) -> Answer<'a, ObjectPermissions>;

    /// What lies in a folder, one level.
    fn folder<'a>(&'a self, path: &'a str) -> Answer<'a, Vec<ObjectInfo>>;
    /// What lies at a path.
    fn object<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ObjectInfo>>;
    /// The bytes of a notebook or file, at most [`crate::wire::objects::MOST_OBJECT_BYTES`].
    fn export_object<'a>(&'a self, path: &'a str, format: &'a str) -> Answer<'a, Vec<u8>>;
    /// Makes or replaces a notebook or file.
    fn import_object<'a>(&'a self, object: &'a ImportObject) -> Answer<'a, ()>;
    /// Makes a folder, and those above it.
    fn make_folder<'a>(&'a self, folder: &'a MakeFolder) -> Answer<'a, ()>;
    /// Deletes an object; a folder only when nothing lies in it.
    fn delete_object<'a>(&'a self, path: &'a str) -> Answer<'a, ()>;

    /// Every job with all its settings.
    fn whole_jobs(&self) -> Answer<'_, Vec<JobInfo>>;
    /// One job with all its settings.
    fn whole_job(&self, job_id: i64) -> Answer<'_, Option<JobInfo>>;
    /// Creates a job; its id.
    fn create_job<'a>(&'a self, job: &'a CreateJob) -> Answer<'a, i64>;
    /// Replaces all settings of a job.
    fn reset_job<'a>(&'a self, update: &'a UpdateJob) -> Answer<'a, ()>;
    /// Deletes a job.
    fn delete_job(&self, job_id: i64) -> Answer<'_, ()>;

    /// One cluster.
    fn cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, Option<ClusterInfo>>;
    /// Creates a cluster, which starts it where compute may start; its id.
    fn create_cluster<'a>(&'a self, cluster: &'a Value) -> Answer<'a, String>;
    /// Replaces a cluster's whole description.
    fn edit_cluster<'a>(&'a self, cluster: &'a Value) -> Answer<'a, ()>;
    /// Removes a cluster for good.
    fn delete_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()>;
    /// Keeps a terminated cluster from being removed after 30 days.
    fn pin_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()>;
    /// One SQL warehouse.
    fn warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, Option<WarehouseInfo>>;
    /// Creates a SQL warehouse, which starts it where compute may start; its id.
    fn create_warehouse<'a>(&'a self, warehouse: &'a Value) -> Answer<'a, String>;
    /// Changes a SQL warehouse; fields that aren't sent stay.
    fn edit_warehouse<'a>(&'a self, id: &'a str, warehouse: &'a Value) -> Answer<'a, ()>;
    /// Deletes a SQL warehouse.
    fn delete_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// Every draft dashboard that isn't in the trash, without its definition and path.
    fn dashboards(&self) -> Answer<'_, Vec<Dashboard>>;
    /// One draft dashboard, whole.
    fn dashboard<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Dashboard>>;
    /// Creates a draft dashboard.
    fn create_dashboard<'a>(&'a self, dashboard: &'a Dashboard) -> Answer<'a, Dashboard>;
    /// Changes a draft dashboard; fields that aren't sent stay.
    fn update_dashboard<'a>(&'a self, id: &'a str, dashboard: &'a Dashboard) -> Answer<'a, Dashboard>;
    /// Moves a draft dashboard to the trash.
    fn trash_dashboard<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;
    /// Whether readers see a published version of a dashboard.
    fn is_published<'a>(&'a self, id: &'a str) -> Answer<'a, bool>;
}

fn gone_is_none<T>(answer: Result<T, ConnectError>) -> Result<Option<T>, ConnectError> {
    match answer {
        Err(error) if error.is_gone() => Ok(None),
        answer => answer.map(Some),
    }
}

impl<T: RestFlavour> WorkspaceApi for T {
    fn principals(&self) -> Answer<'_, Vec<String>> {
        self.rest().principals().boxed()
    }

    fn permissions<'a>(&'a self, family: &'a str, id: &'a str) -> Answer<'a, ObjectPermissions> {
        self.rest().permissions(family, id).boxed()
    }

    fn set_permissions<'a>(
        &'a self,
        family: &'a str,
        id: &'a str,
        wanted: &'a SetPermissions,
    ) -> Answer<'a, ObjectPermissions> {
        self.rest().set_permissions(family, id, wanted).boxed()
    }

    fn folder<'a>(&'a self, path: &'a str) -> Answer<'a, Vec<ObjectInfo>> {
        self.rest().folder(path).boxed()
    }

    fn object<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ObjectInfo>> {
        self.rest().object(path).boxed()
    }

    fn export_object<'a>(&'a self, path: &'a str, format: &'a str) -> Answer<'a, Vec<u8>> {
        self.rest().export_object(path, format).boxed()
    }

    fn import_object<'a>(&'a self, object: &'a ImportObject) -> Answer<'a, ()> {
        self.rest().import_object(object).boxed()
    }

    fn make_folder<'a>(&'a self, folder: &'a MakeFolder) -> Answer<'a, ()> {
        self.rest().make_folder(folder).boxed()
    }

    fn delete_object<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        self.rest().delete_object(path).boxed()
    }

    fn whole_jobs(&self) -> Answer<'_, Vec<JobInfo>> {
        self.rest().whole_jobs().boxed()
    }

    fn whole_job(&self, job_id: i64) -> Answer<'_, Option<JobInfo>> {
        async move { gone_is_none(self.rest().whole_job(job_id).await) }.boxed()
    }

    fn create_job<'a>(&'a self, job: &'a CreateJob) -> Answer<'a, i64> {
        self.rest().create_job(job).boxed()
    }

    fn reset_job<'a>(&'a self, update: &'a UpdateJob) -> Answer<'a, ()> {
        self.rest().reset_job(update).boxed()
    }

    fn delete_job(&self, job_id: i64) -> Answer<'_, ()> {
        self.rest().delete_job(job_id).boxed()
    }

    fn cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, Option<ClusterInfo>> {
        async move { gone_is_none(self.rest().cluster(cluster_id).await) }.boxed()
    }

    fn create_cluster<'a>(&'a self, cluster: &'a Value) -> Answer<'a, String> {
        self.rest().create_cluster(cluster).boxed()
    }

    fn edit_cluster<'a>(&'a self, cluster: &'a Value) -> Answer<'a, ()> {
        self.rest().edit_cluster(cluster).boxed()
    }

    fn delete_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()> {
        self.rest().delete_cluster(cluster_id).boxed()
    }

    fn pin_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()> {
        self.rest().pin_cluster(cluster_id).boxed()
    }

    fn warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, Option<WarehouseInfo>> {
        async move { gone_is_none(self.rest().warehouse(id).await) }.boxed()
    }

    fn create_warehouse<'a>(&'a self, warehouse: &'a Value) -> Answer<'a, String> {
        self.rest().create_warehouse(warehouse).boxed()
    }

    fn edit_warehouse<'a>(&'a self, id: &'a str, warehouse: &'a Value) -> Answer<'a, ()> {
        self.rest().edit_warehouse(id, warehouse).boxed()
    }

    fn delete_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.rest().delete_warehouse(id).boxed()
    }

    fn dashboards(&self) -> Answer<'_, Vec<Dashboard>> {
        self.rest().dashboards().boxed()
    }

    fn dashboard<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Dashboard>> {
        self.rest().dashboard(id).boxed()
    }

    fn create_dashboard<'a>(&'a self, dashboard: &'a Dashboard) -> Answer<'a, Dashboard> {
        self.rest().create_dashboard(dashboard).boxed()
    }

    fn update_dashboard<'a>(&'a self, id: &'a str, dashboard: &'a Dashboard) -> Answer<'a, Dashboard> {
        self.rest().update_dashboard(id, dashboard).boxed()
    }

    fn trash_dashboard<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        self.rest().trash_dashboard(id).boxed()
    }

    fn is_published<'a>(&'a self, id: &'a str) -> Answer<'a, bool> {
        self.rest().is_published(id).boxed()
    }
}

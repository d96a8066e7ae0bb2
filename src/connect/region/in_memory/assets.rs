//! A workspace's assets: each call under the name that errors and faults know it by, and the rules of jobs, compute and ACLs.

use super::api::answer;
use super::{InMemoryRegion, Refusal};
use crate::connect::error::{ConnectError, optional};
use crate::connect::region::{Answer, WorkspaceApi};
use crate::wire::dashboards::Dashboard;
use crate::wire::jobs::{CreateJob, JobInfo, UpdateJob};
use crate::wire::objects::{ImportObject, MakeFolder, ObjectInfo};
use crate::wire::permissions::{AccessControl, CAN_MANAGE, IS_OWNER, ObjectPermissions, Permission, SetPermissions};
use crate::wire::workspace::{ClusterInfo, STATE_RUNNING, STATE_STOPPED, STATE_TERMINATED, WarehouseInfo};
use serde_json::{Map, Value, json};

fn principal(entry: &AccessControl) -> &str {
    [&entry.user_name, &entry.group_name, &entry.service_principal_name]
        .into_iter()
        .find_map(|name| name.as_deref())
        .unwrap_or_default()
}

impl InMemoryRegion {
    /// Sets an asset's direct permissions: principal and level; names with an `@` are users.
    pub fn grant(&self, family: &str, id: &str, entries: &[(&str, &str)]) {
        let entry = |(name, level): &(&str, &str)| {
            let (name, level) = (Some((*name).to_owned()), Some((*level).to_owned()));
            match name.as_deref().is_some_and(|name| name.contains('@')) {
                true => AccessControl { user_name: name, permission_level: level, ..AccessControl::default() },
                false => AccessControl { group_name: name, permission_level: level, ..AccessControl::default() },
            }
        };
        let list = entries.iter().map(entry).collect();
        self.known().acls.insert((family.to_owned(), id.to_owned()), list);
    }

    /// An asset's direct permissions, as [`Self::grant`] takes them.
    pub fn granted(&self, family: &str, id: &str) -> Vec<(String, String)> {
        let list = self.known().acls.get(&(family.to_owned(), id.to_owned())).cloned().unwrap_or_default();
        list.iter().map(|e| (principal(e).to_owned(), e.permission_level.clone().unwrap_or_default())).collect()
    }

    fn first_acl(&self, family: &str, id: &str) {
        let level = if family == "jobs" || family == "warehouses" { IS_OWNER } else { CAN_MANAGE };
        self.grant(family, id, &[(&self.my_name(), level)]);
    }

    fn acl(&self, family: &str, id: &str) -> ObjectPermissions {
        let direct = self.known().acls.get(&(family.to_owned(), id.to_owned())).cloned().unwrap_or_default();
        let shown = |entry: AccessControl| {
            let level = entry.permission_level.clone().unwrap_or_default();
            let held = Permission { permission_level: level, ..Permission::default() };
            AccessControl { permission_level: None, all_permissions: vec![held], ..entry }
        };
        let admins = Permission { permission_level: CAN_MANAGE.to_owned(), inherited: true, ..Permission::default() };
        let inherited = AccessControl {
            group_name: Some("admins".to_owned()),
            all_permissions: vec![admins],
            ..AccessControl::default()
        };
        ObjectPermissions {
            object_id: format!("/{family}/{id}"),
            access_control_list: direct.into_iter().map(shown).chain([inherited]).collect(),
            ..ObjectPermissions::default()
        }
    }

    fn put_acl(&self, family: &str, id: &str, wanted: &SetPermissions) -> Result<ObjectPermissions, Refusal> {
        let known: Vec<String> = self.known().guards.principals.iter().cloned().collect();
        let list = &wanted.access_control_list;
        if let Some(entry) =
            list.iter().find(|e| principal(e) != self.my_name() && !known.iter().any(|name| name == principal(e)))
        {
            let sentence = format!("Principal: {} does not exist", principal(entry));
            return Err(Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", sentence));
        }
        let owners = list.iter().filter(|entry| entry.permission_level.as_deref() == Some(IS_OWNER)).count();
        if (family == "jobs" || family == "warehouses") && owners != 1 {
            return Err(Refusal::invalid(format!("The {family} must have exactly one owner.")));
        }
        self.known().acls.insert((family.to_owned(), id.to_owned()), list.clone());
        Ok(self.acl(family, id))
    }

    fn put_job(&self, job: &CreateJob) -> i64 {
        let mut known = self.known();
        known.next_id += 1;
        let fresh = 500_000 + known.next_id as i64;
        let job_id = job.job_id.filter(|_| self.offered().keeps_ids).unwrap_or(fresh);
        known.jobs.insert(job_id, JobInfo { job_id, settings: job.settings.clone(), ..JobInfo::default() });
        drop(known);
        self.first_acl("jobs", &job_id.to_string());
        job_id
    }

    fn replace_job(&self, update: &UpdateJob) -> Result<(), Refusal> {
        let job = self.get_job(update.job_id)?;
        self.known().jobs.insert(update.job_id, JobInfo { settings: update.new_settings.clone(), ..job });
        Ok(())
    }

    fn drop_job(&self, job_id: i64) -> Result<(), Refusal> {
        self.get_job(job_id)?;
        self.known().jobs.remove(&job_id);
        Ok(())
    }

    /// New compute starts, where it may.
    fn first_state(&self, at_rest: &str) -> String {
        let known = self.known();
        let state = if self.compute_allowed(&known).is_ok() { STATE_RUNNING } else { at_rest };
        state.to_owned()
    }

    fn fields(wanted: &Value, without: &[&str]) -> Map<String, Value> {
        let fields = wanted.as_object().into_iter().flatten().filter(|(field, _)| !without.contains(&field.as_str()));
        fields.map(|(field, value)| (field.clone(), value.clone())).collect()
    }

    fn put_cluster(&self, wanted: &Value) -> Result<String, Refusal> {
        let state = self.first_state(STATE_TERMINATED);
        let mut known = self.known();
        let asked = wanted["cluster_id"].as_str().filter(|_| self.offered().keeps_ids).map(str::to_owned);
        let id = asked.unwrap_or_else(|| known.new_id());
        let cluster = ClusterInfo {
            cluster_id: id.clone(),
            cluster_name: wanted["cluster_name"].as_str().unwrap_or_default().to_owned(),
            state,
            other: Self::fields(wanted, &["cluster_id", "cluster_name"]),
            ..ClusterInfo::default()
        };
        known.clusters.insert(id.clone(), cluster);
        drop(known);
        self.first_acl("clusters", &id);
        Ok(id)
    }

    fn change_cluster(&self, wanted: &Value) -> Result<(), Refusal> {
        let mut known = self.known();
        let id = wanted["cluster_id"].as_str().unwrap_or_default();
        let cluster = known.clusters.get_mut(id).ok_or_else(|| Refusal::missing("CLUSTER", id))?;
        cluster.cluster_name = wanted["cluster_name"].as_str().unwrap_or_default().to_owned();
        let pinned = cluster.other.remove("pinned_by_user_name");
        cluster.other = Self::fields(wanted, &["cluster_id", "cluster_name"]);
        cluster.other.extend(pinned.map(|by| ("pinned_by_user_name".to_owned(), by)));
        Ok(())
    }

    fn pin(&self, id: &str) -> Result<(), Refusal> {
        let mut known = self.known();
        let cluster = known.clusters.get_mut(id).ok_or_else(|| Refusal::missing("CLUSTER", id))?;
        cluster.other.insert("pinned_by_user_name".to_owned(), json!(self.my_name()));
        Ok(())
    }

    fn put_warehouse(&self, wanted: &Value) -> Result<String, Refusal> {
        let state = self.first_state(STATE_STOPPED);
        let mut known = self.known();
        let name = wanted["name"].as_str().unwrap_or_default().to_owned();
        if known.warehouses.values().any(|other| other.name == name) {
            return Err(Refusal::invalid(format!("SQL warehouse with name '{name}' already exists.")));
        }
        let asked = wanted["id"].as_str().filter(|_| self.offered().keeps_ids).map(str::to_owned);
        let id = asked.unwrap_or_else(|| known.new_id());
        let warehouse = WarehouseInfo {
            id: id.clone(),
            name,
            state,
            other: Self::fields(wanted, &["id", "name"]),
            ..WarehouseInfo::default()
        };
        known.warehouses.insert(id.clone(), warehouse);
        drop(known);
        self.first_acl("warehouses", &id);
        Ok(id)
    }

    fn change_warehouse(&self, id: &str, wanted: &Value) -> Result<(), Refusal> {
        let mut known = self.known();
        let warehouse = known.warehouses.get_mut(id).ok_or_else(|| Refusal::missing("WAREHOUSE", id))?;
        if let Some(name) = wanted["name"].as_str() {
            warehouse.name = name.to_owned();
        }
        warehouse.other.extend(Self::fields(wanted, &["id", "name"]));
        Ok(())
    }

    fn change_of(&self, call: String, work: impl FnOnce(&Self) -> Result<(), Refusal>) -> Result<(), ConnectError> {
        self.call(&call, work)
    }
}

impl WorkspaceApi for InMemoryRegion {
    fn principals(&self) -> Answer<'_, Vec<String>> {
        answer(|| self.call("GET /scim", |region| Ok(region.known().guards.principals.iter().cloned().collect())))
    }

    fn permissions<'a>(&'a self, family: &'a str, id: &'a str) -> Answer<'a, ObjectPermissions> {
        answer(move || self.call(&format!("GET /permissions/{family} {id}"), |region| Ok(region.acl(family, id))))
    }

    fn set_permissions<'a>(
        &'a self,
        family: &'a str,
        id: &'a str,
        wanted: &'a SetPermissions,
    ) -> Answer<'a, ObjectPermissions> {
        let call = format!("PUT /permissions/{family} {id}");
        answer(move || self.call(&call, |region| region.put_acl(family, id, wanted)))
    }

    fn folder<'a>(&'a self, path: &'a str) -> Answer<'a, Vec<ObjectInfo>> {
        answer(move || self.call(&format!("GET /workspace/list {path}"), |region| region.list_folder(path)))
    }

    fn object<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ObjectInfo>> {
        answer(move || {
            optional(self.call(&format!("GET /workspace/get-status {path}"), |region| region.find_object(path)))
        })
    }

    fn export_object<'a>(&'a self, path: &'a str, _format: &'a str) -> Answer<'a, Vec<u8>> {
        answer(move || self.call(&format!("GET /workspace/export {path}"), |region| region.read_object(path)))
    }

    fn import_object<'a>(&'a self, object: &'a ImportObject) -> Answer<'a, ()> {
        let call = format!("POST /workspace/import {}", object.path);
        answer(move || self.change_of(call, |region| region.put_object(object)))
    }

    fn make_folder<'a>(&'a self, folder: &'a MakeFolder) -> Answer<'a, ()> {
        let call = format!("POST /workspace/mkdirs {}", folder.path);
        answer(move || self.change_of(call, |region| region.put_folder(folder)))
    }

    fn delete_object<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        let call = format!("POST /workspace/delete {path}");
        answer(move || self.change_of(call, |region| region.remove_object(path)))
    }

    fn whole_jobs(&self) -> Answer<'_, Vec<JobInfo>> {
        answer(|| self.call("GET /jobs/list", |region| Ok(region.known().jobs.values().cloned().collect())))
    }

    fn whole_job(&self, job_id: i64) -> Answer<'_, Option<JobInfo>> {
        answer(move || {
            self.call(&format!("GET /jobs/get {job_id}"), |region| Ok(region.known().jobs.get(&job_id).cloned()))
        })
    }

    fn create_job<'a>(&'a self, job: &'a CreateJob) -> Answer<'a, i64> {
        answer(move || self.call("POST /jobs/create", |region| Ok(region.put_job(job))))
    }

    fn reset_job<'a>(&'a self, update: &'a UpdateJob) -> Answer<'a, ()> {
        let call = format!("POST /jobs/reset {}", update.job_id);
        answer(move || self.change_of(call, |region| region.replace_job(update)))
    }

    fn delete_job(&self, job_id: i64) -> Answer<'_, ()> {
        answer(move || self.change_of(format!("POST /jobs/delete {job_id}"), |region| region.drop_job(job_id)))
    }

    fn cluster<'a>(&'a self, id: &'a str) -> Answer<'a, Option<ClusterInfo>> {
        answer(move || {
            self.call(&format!("GET /clusters/get {id}"), |region| Ok(region.known().clusters.get(id).cloned()))
        })
    }

    fn create_cluster<'a>(&'a self, cluster: &'a Value) -> Answer<'a, String> {
        answer(move || self.call("POST /clusters/create", |region| region.put_cluster(cluster)))
    }

    fn edit_cluster<'a>(&'a self, cluster: &'a Value) -> Answer<'a, ()> {
        answer(move || self.call("POST /clusters/edit", |region| region.change_cluster(cluster)))
    }

    fn delete_cluster<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        let call = format!("POST /clusters/permanent-delete {id}");
        answer(move || {
            self.change_of(call, |region| {
                region.known().clusters.remove(id).map(drop).ok_or_else(|| Refusal::missing("CLUSTER", id))
            })
        })
    }

    fn pin_cluster<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(move || self.change_of(format!("POST /clusters/pin {id}"), |region| region.pin(id)))
    }

    fn warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, Option<WarehouseInfo>> {
        answer(move || {
            self.call(&format!("GET /warehouses {id}"), |region| Ok(region.known().warehouses.get(id).cloned()))
        })
    }

    fn create_warehouse<'a>(&'a self, warehouse: &'a Value) -> Answer<'a, String> {
        answer(move || self.call("POST /warehouses", |region| region.put_warehouse(warehouse)))
    }

    fn edit_warehouse<'a>(&'a self, id: &'a str, warehouse: &'a Value) -> Answer<'a, ()> {
        let call = format!("POST /warehouses/edit {id}");
        answer(move || self.change_of(call, |region| region.change_warehouse(id, warehouse)))
    }

    fn delete_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(move || {
            self.change_of(format!("DELETE /warehouses {id}"), |region| {
                region.known().warehouses.remove(id).map(drop).ok_or_else(|| Refusal::missing("WAREHOUSE", id))
            })
        })
    }

    fn dashboards(&self) -> Answer<'_, Vec<Dashboard>> {
        answer(|| self.call("GET /dashboards", |region| Ok(region.list_dashboards())))
    }

    fn dashboard<'a>(&'a self, id: &'a str) -> Answer<'a, Option<Dashboard>> {
        answer(move || optional(self.call(&format!("GET /dashboards {id}"), |region| region.find_dashboard(id))))
    }

    fn create_dashboard<'a>(&'a self, dashboard: &'a Dashboard) -> Answer<'a, Dashboard> {
        answer(move || {
            let made = self.call("POST /dashboards", |region| region.put_dashboard(dashboard))?;
            self.first_acl("dashboards", made.dashboard_id.as_deref().unwrap_or_default());
            Ok(made)
        })
    }

    fn update_dashboard<'a>(&'a self, id: &'a str, dashboard: &'a Dashboard) -> Answer<'a, Dashboard> {
        let call = format!("PATCH /dashboards {id}");
        answer(move || self.call(&call, |region| region.change_dashboard(id, dashboard)))
    }

    fn trash_dashboard<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        answer(move || {
            self.change_of(format!("DELETE /dashboards {id}"), |region| {
                let path = region.find_dashboard(id)?.path.unwrap_or_default();
                region.remove_object(&path)
            })
        })
    }

    fn is_published<'a>(&'a self, id: &'a str) -> Answer<'a, bool> {
        answer(move || self.call(&format!("GET /dashboards/published {id}"), |_| Ok(false)))
    }
}

//! The workspace's APIs: jobs, compute, notebooks, dashboards, and the account's list of workspaces.

mod account;
mod compute;
mod dashboards;
mod jobs;
mod objects;
mod transfer;

pub(super) use account::host_metadata;
pub(super) use jobs::{Target, job_key, targets};
pub(super) use transfer::download;

use super::call::{Answer, Call};
use super::region::Region;
use axum::http::Method;

pub(super) fn answer(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (&Method::GET, ["preview", "scim", "v2", "Me"]) => account::me(region, call),
        (&Method::GET, ["accounts", account, "workspaces"]) => account::workspaces(region, account),

        (&Method::GET, ["jobs", "list"]) => jobs::list(region, call),
        (&Method::GET, ["jobs", "get"]) => jobs::get(region, call),
        (&Method::POST, ["jobs", "create"]) => jobs::create(region, call),
        (&Method::POST, ["jobs", "reset"]) => jobs::reset(region, call),
        (&Method::POST, ["jobs", "update"]) => jobs::update(region, call),
        (&Method::POST, ["jobs", "delete"]) => jobs::delete(region, call),
        (&Method::POST, ["jobs", "run-now"]) => jobs::run_now(region, call),
        (&Method::GET, ["jobs", "runs", "list"]) => jobs::runs(region, call),

        (&Method::GET, ["clusters", "list"]) => compute::list_clusters(region, call),
        (&Method::GET, ["clusters", "get"]) => compute::get_cluster(region, call),
        (&Method::POST, ["clusters", "create"]) => compute::create_cluster(region, call),
        (&Method::POST, ["clusters", "edit"]) => compute::edit_cluster(region, call),
        (&Method::POST, ["clusters", "start"]) => compute::start_cluster(region, call),
        (&Method::POST, ["clusters", "delete"]) => compute::terminate_cluster(region, call),
        (&Method::POST, ["clusters", "permanent-delete"]) => compute::remove_cluster(region, call),

        (&Method::GET, ["sql", "warehouses"]) => compute::list_warehouses(region, call),
        (&Method::POST, ["sql", "warehouses"]) => compute::create_warehouse(region, call),
        (&Method::GET, ["sql", "warehouses", id]) => compute::get_warehouse(region, id),
        (&Method::DELETE, ["sql", "warehouses", id]) => compute::remove_warehouse(region, id),
        (&Method::POST, ["sql", "warehouses", id, "edit"]) => compute::edit_warehouse(region, call, id),
        (&Method::POST, ["sql", "warehouses", id, "start"]) => compute::start_warehouse(region, id),
        (&Method::POST, ["sql", "warehouses", id, "stop"]) => compute::stop_warehouse(region, id),

        (&Method::GET, ["workspace", "list"]) => objects::list(region, call),
        (&Method::GET, ["workspace", "get-status"]) => objects::status(region, call),
        (&Method::POST, ["workspace", "mkdirs"]) => objects::make_folders(region, call),
        (&Method::POST, ["workspace", "delete"]) => objects::delete(region, call),
        (&Method::POST, ["workspace", "import"]) => transfer::import(region, call),
        (&Method::GET, ["workspace", "export"]) => transfer::export(region, call),

        (&Method::GET, ["lakeview", "dashboards"]) => dashboards::list(region, call),
        (&Method::POST, ["lakeview", "dashboards"]) => dashboards::create(region, call),
        (&Method::GET, ["lakeview", "dashboards", id]) => dashboards::get(region, id),
        (&Method::PATCH, ["lakeview", "dashboards", id]) => dashboards::update(region, call, id),
        (&Method::DELETE, ["lakeview", "dashboards", id]) => dashboards::trash(region, id),
        (&Method::GET, ["lakeview", "dashboards", id, "published"]) => dashboards::get_published(region, id),
        (&Method::POST, ["lakeview", "dashboards", id, "published"]) => dashboards::publish(region, call, id),
        (&Method::DELETE, ["lakeview", "dashboards", id, "published"]) => dashboards::unpublish(region, id),
        _ => return None,
    })
}

//! The workspace's APIs: jobs, compute, notebooks, dashboards, and the account's list of workspaces.

mod account;
pub(super) mod acl;
mod clusters;
mod compute;
mod dashboards;
mod jobs;
mod objects;
mod permissions;
mod scim;
mod settings;
mod transfer;
mod tree;
mod warehouses;

pub(super) use account::host_metadata;

pub(super) use jobs::{Target, targets};
pub(super) use settings::job_key;
pub(super) use transfer::download;

use super::call::{Answer, Call};
use super::region::Region;
use axum::http::Method;

pub(super) fn answer(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (_, ["preview", "scim", "v2", rest @ ..]) => return scim::respond(region, call, rest),
        (_, ["permissions", rest @ ..]) => return permissions::respond(region, call, rest),
        (&Method::GET, ["accounts", account, "workspaces"]) => account::workspaces(region, account),

        (_, ["jobs", rest @ ..]) => return jobs::respond(region, call, rest),
        (_, ["clusters", rest @ ..]) => return clusters::respond(region, call, rest),
        (_, ["sql", "warehouses", rest @ ..]) => return warehouses::respond(region, call, rest),

        (&Method::GET, ["workspace", "list"]) => objects::list(region, call),
        (&Method::GET, ["workspace", "get-status"]) => objects::status(region, call),
        (&Method::POST, ["workspace", "mkdirs"]) => objects::make_folders(region, call),
        (&Method::POST, ["workspace", "delete"]) => objects::delete(region, call),
        (&Method::POST, ["workspace", "import"]) => transfer::import(region, call),
        (&Method::GET, ["workspace", "export"]) => transfer::export(region, call),
        (_, ["lakeview", "dashboards", rest @ ..]) => return dashboards::respond(region, call, rest),
        _ => return None,
    })
}

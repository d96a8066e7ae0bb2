//! The Unity Catalog API of a region.

mod access;
mod catalogs;
mod columns;
mod credentials;
mod places;
mod schemas;
mod simple;
mod tables;

pub(super) use catalogs::seed as seed_catalog;
pub(super) use columns::columns;
pub(super) use credentials::table_credentials;
pub(super) use places::folder_of;

use super::call::{Answer, Call};
use super::region::Region;
use axum::http::Method;

pub(super) fn answer(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (&Method::GET, ["current-metastore-assignment"]) => simple::metastore_assignment(region),
        (&Method::GET, ["metastore_summary"]) => simple::metastore_summary(region),

        (&Method::GET, ["catalogs"]) => catalogs::list(region, call),
        (&Method::POST, ["catalogs"]) => catalogs::create(region, call),
        (&Method::GET, ["catalogs", name]) => catalogs::get(region, call, name),
        (&Method::PATCH, ["catalogs", name]) => catalogs::update(region, call, name),
        (&Method::DELETE, ["catalogs", name]) => catalogs::delete(region, call, name),

        (&Method::GET, ["schemas"]) => schemas::list(region, call),
        (&Method::POST, ["schemas"]) => schemas::create(region, call),
        (&Method::GET, ["schemas", name]) => schemas::get(region, call, name),
        (&Method::PATCH, ["schemas", name]) => schemas::update(region, call, name),
        (&Method::DELETE, ["schemas", name]) => schemas::delete(region, call, name),

        (&Method::GET, ["tables"]) => tables::list(region, call),
        (&Method::POST, ["tables"]) => tables::create(region, call),
        (&Method::GET, ["tables", name]) => tables::get(region, call, name),
        (&Method::PATCH, ["tables", name]) => tables::update(region, call, name),
        (&Method::DELETE, ["tables", name]) => tables::delete(region, call, name),
        (&Method::POST, ["staging-tables"]) => tables::stage(region, call),

        (&Method::POST, ["temporary-table-credentials"]) if !region.withheld().by_id => {
            credentials::for_table(region, call)
        }
        (&Method::POST, ["temporary-path-credentials"]) => credentials::for_path(region, call),

        (&Method::GET, ["volumes"]) => simple::list_volumes(region, call),
        (&Method::GET, ["volumes", name]) => simple::get_volume(region, call, name),
        (&Method::GET, ["functions"]) => simple::list_functions(region, call),
        (&Method::GET, ["functions", name]) => simple::get_function(region, call, name),
        (&Method::GET, ["external-locations"]) => simple::list_external_locations(region, call),
        (&Method::POST, ["external-locations"]) => simple::create_external_location(region, call),
        (&Method::GET, ["external-locations", name]) => simple::get_external_location(region, name),
        (&Method::GET, ["storage-credentials"]) => simple::list_storage_credentials(region, call),
        (&Method::GET, ["storage-credentials", name]) => simple::get_storage_credential(region, name),

        (&Method::GET, ["bindings", kind, name]) => access::bindings(region, kind, name),
        (&Method::PATCH, ["bindings", kind, name]) => access::update_bindings(region, call, kind, name),
        (&Method::GET, ["permissions", kind, name]) => access::permissions(region, kind, name),
        (&Method::PATCH, ["permissions", kind, name]) => access::update_permissions(region, call, kind, name),
        (&Method::GET, ["policies", kind, name]) => access::policies(region, kind, name),
        _ => return None,
    })
}

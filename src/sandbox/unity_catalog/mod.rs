//! The Unity Catalog API of a region.

mod bindings;
mod catalogs;
mod columns;
mod credentials;
mod functions;
mod grants;
mod in_schema;
mod metastore;
mod places;
mod policies;
mod privileges;
mod rename;
mod schemas;
mod securable;
mod storage;
mod tables;
mod tags;
mod volumes;

pub(super) use catalogs::seed as seed_catalog;
pub(super) use columns::columns;
pub(super) use credentials::table_credentials;
pub(super) use places::folder_of;

use functions::{FUNCTIONS, MODELS};
use securable::Type;
use volumes::VOLUMES;

use super::call::{Answer, Call};
use super::region::Region;
use axum::http::Method;

pub(super) fn answer(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    if let Err(refusal) = privileges::admit(region, call, path) {
        return Some(Err(refusal));
    }
    Some(match (&call.method, path) {
        (&Method::GET, ["current-metastore-assignment"]) => metastore::assignment(region),
        (&Method::GET, ["metastore_summary"]) => metastore::summary(region),

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
        (&Method::GET, ["tables", name, "exists"]) => tables::exists(region, call, name),
        (&Method::POST, ["staging-tables"]) => tables::stage(region, call),

        (&Method::POST, ["temporary-table-credentials"]) if !region.withheld().by_id => {
            credentials::for_table(region, call)
        }
        (&Method::POST, ["temporary-path-credentials"]) => credentials::for_path(region, call),

        (&Method::GET, ["volumes"]) => VOLUMES.list(region, call),
        (&Method::POST, ["volumes"]) => volumes::create(region, call),
        (&Method::GET, ["volumes", name]) => VOLUMES.get(region, call, name),
        (&Method::PATCH, ["volumes", name]) => VOLUMES.update(region, call, name),
        (&Method::DELETE, ["volumes", name]) => VOLUMES.delete(region, call, name),
        (&Method::GET, ["functions"]) => FUNCTIONS.list(region, call),
        (&Method::POST, ["functions"]) => functions::create_function(region, call),
        (&Method::GET, ["functions", name]) => FUNCTIONS.get(region, call, name),
        (&Method::PATCH, ["functions", name]) => FUNCTIONS.update(region, call, name),
        (&Method::DELETE, ["functions", name]) => FUNCTIONS.delete(region, call, name),
        (&Method::GET, ["models"]) => MODELS.list(region, call),
        (&Method::POST, ["models"]) => functions::create_model(region, call),
        (&Method::GET, ["models", name]) => MODELS.get(region, call, name),
        (&Method::PATCH, ["models", name]) => MODELS.update(region, call, name),
        (&Method::DELETE, ["models", name]) => MODELS.delete(region, call, name),

        (method, ["external-locations", rest @ ..]) => {
            return guarded(region, call, method, rest, Type::ExternalLocation, "external_locations");
        }
        (method, ["storage-credentials", rest @ ..]) => {
            return guarded(region, call, method, rest, Type::StorageCredential, "storage_credentials");
        }
        (method, ["credentials", rest @ ..]) => {
            return guarded(region, call, method, rest, Type::StorageCredential, "credentials");
        }

        (&Method::GET, ["bindings", kind, name]) => bindings::get(region, kind, name),
        (&Method::PATCH, ["bindings", kind, name]) => bindings::update(region, call, kind, name),
        (&Method::GET, ["permissions", kind, name]) => grants::get(region, call, kind, name),
        (&Method::PATCH, ["permissions", kind, name]) => grants::update(region, call, kind, name),
        (&Method::GET, ["effective-permissions", kind, name]) => grants::effective(region, call, kind, name),

        (&Method::POST, ["policies"]) => policies::create(region, call),
        (&Method::GET, ["policies", kind, on]) => policies::list(region, call, kind, on),
        (&Method::GET, ["policies", kind, on, name]) => policies::get(region, kind, on, name),
        (&Method::PATCH, ["policies", kind, on, name]) => policies::update(region, call, kind, on, name),
        (&Method::DELETE, ["policies", kind, on, name]) => policies::delete(region, kind, on, name),

        (&Method::POST, ["entity-tag-assignments"]) => tags::create(region, call),
        (&Method::GET, ["entity-tag-assignments", kind, name, "tags"]) => tags::list(region, call, kind, name),
        (&Method::GET, ["entity-tag-assignments", kind, name, "tags", key]) => tags::get(region, kind, name, key),
        (&Method::PATCH, ["entity-tag-assignments", kind, name, "tags", key]) => {
            tags::update(region, call, kind, name, key)
        }
        (&Method::DELETE, ["entity-tag-assignments", kind, name, "tags", key]) => tags::delete(region, kind, name, key),
        _ => return None,
    })
}

/// External locations and storage credentials, which are served alike.
fn guarded(region: &Region, call: &Call, method: &Method, path: &[&str], of: Type, field: &str) -> Option<Answer> {
    Some(match (method, path) {
        (&Method::GET, []) => storage::list(region, call, of, field),
        (&Method::POST, []) if of == Type::ExternalLocation => storage::create_location(region, call),
        (&Method::POST, []) => storage::create_credential(region, call),
        (&Method::GET, [name]) => storage::get(region, call, of, name),
        (&Method::PATCH, [name]) => storage::update(region, call, of, name),
        (&Method::DELETE, [name]) => storage::delete(region, call, of, name),
        _ => return None,
    })
}

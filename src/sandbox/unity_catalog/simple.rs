//! What the product only reads: the metastore, locations, credentials, volumes and functions.

use super::places;
use crate::sandbox::call::{Answer, Call, answer, checked_name, page};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{ExternalLocationInfo, MetastoreAssignment, MetastoreSummary};

pub fn metastore_assignment(region: &Region) -> Answer {
    answer(&MetastoreAssignment {
        workspace_id: region.identity.workspace_id,
        metastore_id: region.identity.metastore_id.clone(),
        default_catalog_name: Some("main".to_owned()),
    })
}

pub fn metastore_summary(region: &Region) -> Answer {
    let identity = &region.identity;
    answer(&MetastoreSummary {
        metastore_id: identity.metastore_id.clone(),
        name: Some(format!("metastore-{}", identity.region)),
        cloud: Some("aws".to_owned()),
        region: Some(identity.region.clone()),
        global_metastore_id: Some(format!("aws:{}:{}", identity.region, identity.metastore_id)),
        owner: Some(identity.admin_name.clone()),
        storage_root: Some(places::metastore_root(region)),
        external_access_enabled: Some(true),
    })
}

fn whole(body: &str) -> Option<String> {
    Some(body.to_owned())
}

fn list_in_schema(region: &Region, call: &Call, kind: Kind, field: &str) -> Answer {
    let catalog = call.required("catalog_name")?.to_lowercase();
    let schema = call.required("schema_name")?.to_lowercase();
    region.catalog(call.caller, &catalog)?;
    page(&region.records, call, kind, &format!("{catalog}.{schema}."), field, whole)
}

fn get_in_catalog(region: &Region, call: &Call, kind: Kind, code: &str, name: &str) -> Answer {
    let name = name.to_lowercase();
    region.catalog(call.caller, name.split('.').next().unwrap_or_default())?;
    get_one(region, kind, code, &name)
}

fn get_one(region: &Region, kind: Kind, code: &str, name: &str) -> Answer {
    let body = region.records.text(kind, name).ok_or_else(|| Refusal::missing(code, name))?;
    Ok(body.to_string())
}

pub fn list_volumes(region: &Region, call: &Call) -> Answer {
    list_in_schema(region, call, Kind::Volume, "volumes")
}

pub fn get_volume(region: &Region, call: &Call, name: &str) -> Answer {
    get_in_catalog(region, call, Kind::Volume, "VOLUME", name)
}

pub fn list_functions(region: &Region, call: &Call) -> Answer {
    list_in_schema(region, call, Kind::Function, "functions")
}

pub fn get_function(region: &Region, call: &Call, name: &str) -> Answer {
    get_in_catalog(region, call, Kind::Function, "FUNCTION", name)
}

pub fn list_external_locations(region: &Region, call: &Call) -> Answer {
    page(&region.records, call, Kind::ExternalLocation, "", "external_locations", whole)
}

pub fn get_external_location(region: &Region, name: &str) -> Answer {
    get_one(region, Kind::ExternalLocation, "EXTERNAL_LOCATION", name)
}

/// Takes a location anywhere; one in an object store has to be reached with keys of the operator's own, for the region
/// has none to vend.
pub fn create_external_location(region: &Region, call: &Call) -> Answer {
    let wanted: ExternalLocationInfo = call.body()?;
    let (name, url) = (checked_name(&wanted.name)?, places::normal(&wanted.url)?);
    let mut writing = region.records.write();
    if region.records.text(Kind::ExternalLocation, &name).is_some() {
        return Err(Refusal::exists("EXTERNAL_LOCATION", &name));
    }
    let others: Vec<ExternalLocationInfo> = region.records.all(Kind::ExternalLocation, "");
    if let Some(other) = others.iter().find(|other| places::overlap(&url, &other.url)) {
        let sentence =
            format!("'{url}' overlaps with external location '{}' at '{}'. Choose another one.", other.name, other.url);
        return Err(Refusal::new(400, "LOCATION_OVERLAP", sentence));
    }
    let owner = Some(region.user(call.caller));
    let location = ExternalLocationInfo { name: name.clone(), url, owner, ..wanted };
    writing.put(Kind::ExternalLocation, name, &location);
    writing.commit()?;
    answer(&location)
}

pub fn list_storage_credentials(region: &Region, call: &Call) -> Answer {
    page(&region.records, call, Kind::StorageCredential, "", "storage_credentials", whole)
}

pub fn get_storage_credential(region: &Region, name: &str) -> Answer {
    get_one(region, Kind::StorageCredential, "STORAGE_CREDENTIAL", name)
}

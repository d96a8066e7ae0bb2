//! The metastore.

use super::places;
use crate::sandbox::call::{Answer, answer};
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{MetastoreAssignment, MetastoreSummary};

pub fn assignment(region: &Region) -> Answer {
    answer(&MetastoreAssignment {
        workspace_id: region.identity.workspace_id,
        metastore_id: region.identity.metastore_id.clone(),
        default_catalog_name: Some("main".to_owned()),
    })
}

pub fn summary(region: &Region) -> Answer {
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

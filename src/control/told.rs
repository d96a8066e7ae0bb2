//! What a region's API tells of lines that a person would have to confirm otherwise.

use super::Control;
use crate::domain::{FailoverGroupSpec, Region, StorageUri};
use crate::replicate::Endpoint;
use crate::wire::unity_catalog::{ExternalLocationInfo, Securable};
use std::collections::BTreeMap;

/// Everything on an external location but the right to manage it.
const ALL_PRIVILEGES: &str = "ALL_PRIVILEGES";

/// Lines by name: what was found, or what is wrong. A line that isn't there is for a person to confirm.
pub type Told = BTreeMap<&'static str, Result<String, String>>;

impl Control {
    /// Asks both regions of a group.
    pub(in crate::control) async fn told(&self, spec: &FailoverGroupSpec) -> Told {
        let mut told = Told::new();
        let mut ends = Vec::new();
        for region in &spec.regions {
            match self.end_of(spec, region).await {
                Some(end) => ends.push(end),
                None => return told,
            }
        }
        let [one, other] = ends.as_slice() else { return told };
        if let (Some(a), Some(b)) = (cloud(one).await, cloud(other).await) {
            let both = format!("{} is on {a} and {} on {b}.", one.region, other.region);
            let same = a.eq_ignore_ascii_case(&b);
            told.insert("same_cloud", if same { Ok(format!("Both regions are on {a}.")) } else { Err(both) });
        }
        let (mut locations, mut is_told) = (0, true);
        for end in [one, other] {
            match privileged(end, &places(spec, &end.region)).await {
                Some(count) => locations += count,
                None => is_told = false,
            }
        }
        if is_told && locations > 0 {
            let sentence =
                format!("The console's principal has ALL PRIVILEGES on, or owns, {locations} mapped locations.");
            told.insert("external_location_privileges", Ok(sentence));
        }
        told
    }
}

async fn cloud(end: &Endpoint) -> Option<String> {
    end.client.metastore_summary().await.ok()?.cloud.filter(|cloud| !cloud.is_empty())
}

/// Where a region's side of the storage mappings leads.
fn places(spec: &FailoverGroupSpec, region: &Region) -> Vec<StorageUri> {
    let rows = spec.unity_catalog_assets.iter().flat_map(|assets| &assets.location_mappings);
    let sides = rows.filter_map(|row| row.uri_by_region.get(region));
    sides.filter_map(|uri| StorageUri::parse(uri.trim_end_matches('*')).ok()).collect()
}

/// How many external locations the mappings touch, where all of them are known to be the console's to use; None where one
/// isn't known to be: a group may give the right, which no call tells.
async fn privileged(end: &Endpoint, places: &[StorageUri]) -> Option<usize> {
    let me = end.client.me().await.ok()?;
    let touches = |location: &&ExternalLocationInfo| {
        let url = StorageUri::parse(&location.url).ok();
        url.is_some_and(|url| places.iter().any(|place| place.is_within(&url) || url.is_within(place)))
    };
    let locations = end.client.external_locations().await.ok()?;
    let mut count = 0;
    for location in locations.iter().filter(touches) {
        count += 1;
        if location.owner.as_ref() == Some(&me) {
            continue;
        }
        let grants = end.client.grants(Securable::ExternalLocation, &location.name).await.ok()?;
        let mine = |held: &&crate::wire::unity_catalog::PrivilegeAssignment| held.principal == me;
        if !grants.iter().filter(mine).any(|held| held.privileges.iter().any(|p| p == ALL_PRIVILEGES)) {
            return None;
        }
    }
    Some(count)
}

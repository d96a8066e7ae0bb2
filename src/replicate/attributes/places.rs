//! Grants on external locations: those that hold something of the scope, brought to their counterparts as a difference.
//!
//! A location is its region's own and not replication's, so nothing is taken away there but what both regions had before.

use super::grants::{self, Wanted};
use super::look::{me, of_others};
use super::place_state::PlaceGrants;
use super::same_principal;
use super::state::{Grants, Shared};
use crate::connect::{ConnectError, RegionApi};
use crate::domain::{AssetKind, Clock, ErrorClass, GroupId, ObjectError, ObjectStatus, Region, StorageUri};
use crate::replicate::engine::{Comparison, CycleRequest, Follower, Seen};
use crate::replicate::locations::locations;
use crate::replicate::{CycleCache, CycleError, Endpoint, Inventory, ObjectRecord};
use crate::store::{Store, StoreError};
use crate::wire::unity_catalog::{ExternalLocationInfo, PermissionsChange, PrivilegeAssignment, Securable};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// Between two looks.
const ROUND: Duration = Duration::from_secs(60);
const OF: Securable = Securable::ExternalLocation;

/// Lets grants on external locations follow the source.
pub struct FollowPlaces;

/// A location of each region, one for the other; kept in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    names: BTreeMap<Region, String>,
    /// What both were granted when they were last looked at.
    common: Grants,
    /// What the destination can't grant, because it doesn't know the principal.
    #[serde(default)]
    left_out: Grants,
}

impl Pair {
    fn name(&self, region: &Region) -> &str {
        self.names.get(region).map_or("", String::as_str)
    }
}

fn key(group: &GroupId) -> String {
    format!("location_grants.{group}")
}

async fn read(store: &Store, group: &GroupId) -> Result<Vec<Pair>, StoreError> {
    let key = key(group);
    let text = store.run(move |tx| tx.value(&key)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

async fn write(store: &Store, group: &GroupId, pairs: &[Pair]) -> Result<(), StoreError> {
    let (key, text) = (key(group), serde_json::to_string(pairs).unwrap_or_default());
    store.run(move |tx| tx.set_value(&key, &text)).await
}

/// Every location of a region: none where it has no such call. The inner error says why it keeps them from the console.
async fn listed(at: &Endpoint) -> Result<Result<Vec<ExternalLocationInfo>, ConnectError>, CycleError> {
    match at.client.external_locations().await {
        Err(error) if error.is_unreachable() => Err(CycleError::at(&at.region, error)),
        Err(error) if error.is_not_served() => Ok(Ok(Vec::new())),
        answer => Ok(answer),
    }
}

/// What couldn't be done or compared, and why.
fn problem(record: &ObjectRecord, class: ErrorClass, message: String, clock: &dyn Clock) -> ObjectError {
    let (kind, object, since) = (record.kind, record.name.clone(), clock.now());
    ObjectError { class, parameters: BTreeMap::new(), message, kind, object, since }
}

/// What was found of one location of the source.
enum Found {
    Pair(String, String),
    /// No location of the destination is its counterpart.
    Alone(String),
}

/// The source's locations that hold something of the scope, with their counterparts.
fn paired(
    request: &CycleRequest<'_>,
    source: &Inventory,
    ours: &[ExternalLocationInfo],
    theirs: &[ExternalLocationInfo],
) -> Vec<Found> {
    let places: Vec<StorageUri> = locations(source).iter().filter_map(|uri| StorageUri::parse(uri).ok()).collect();
    let (from, to) = (&request.source.region, &request.destination.region);
    let mut found = Vec::new();
    for location in ours {
        let Ok(url) = StorageUri::parse(&location.url) else { continue };
        if !places.iter().any(|place| place.is_within(&url)) {
            continue;
        }
        let Ok(mapped) = request.mappings.map(&location.url, from, to) else { continue };
        let mapped = StorageUri::parse(&mapped).ok();
        let other = theirs.iter().find(|other| mapped.is_some() && StorageUri::parse(&other.url).ok() == mapped);
        found.push(match other {
            Some(other) => Found::Pair(location.name.clone(), other.name.clone()),
            None => Found::Alone(location.name.clone()),
        });
    }
    found
}

/// Both ends as a comparison and a look see them.
struct Ends<'a> {
    from: &'a dyn RegionApi,
    to: &'a dyn RegionApi,
    me: (Option<String>, Option<String>),
}

impl Ends<'_> {
    /// What makes the destination's grants those of the source, and the source's own.
    async fn changes(
        &self,
        names: [&str; 2],
        common: &Grants,
    ) -> Result<(Vec<PermissionsChange>, Vec<PrivilegeAssignment>), ConnectError> {
        let (source, replica) = futures::try_join!(self.from.grants(OF, names[0]), self.to.grants(OF, names[1]))?;
        let source = of_others(source, self.me.0.as_deref(), self.me.1.as_deref());
        let keep = beyond(&replica, common);
        let wanted = Wanted { source: &source, replica: &replica, me: self.me.1.as_deref(), keep: &keep };
        Ok((wanted.changes(), source))
    }
}

/// What is granted and was not in both regions before.
fn beyond(granted: &[PrivilegeAssignment], common: &Grants) -> Grants {
    let was_common = |principal: &str, privilege: &String| {
        common.iter().any(|(known, privileges)| same_principal(known, principal) && privileges.contains(privilege))
    };
    granted
        .iter()
        .map(|a| {
            let kept = a.privileges.iter().filter(|privilege| !was_common(&a.principal, privilege)).cloned();
            (a.principal.clone(), kept.collect())
        })
        .collect()
}

fn record(name: &str, status: ObjectStatus) -> ObjectRecord {
    ObjectRecord::named(AssetKind::Grant, format!("external location {name}"), status)
}

impl PlaceGrants {
    async fn follow(&mut self, request: &CycleRequest<'_>, source: &Inventory) -> Result<(), CycleError> {
        let now = request.clock.monotonic();
        if self.last.is_some_and(|at| now.saturating_sub(at) < ROUND) {
            return Ok(());
        }
        self.records.clear();
        let mut all = Vec::new();
        for end in [request.source, request.destination] {
            match listed(end).await? {
                Ok(found) => all.push(found),
                Err(error) => self.cannot_list(request, &end.region, &error),
            }
        }
        if let [ours, theirs] = &all[..] {
            let ends = Ends {
                from: request.source.client.as_ref(),
                to: request.destination.client.as_ref(),
                me: (me(request.source).await?, me(request.destination).await?),
            };
            let known = read(request.store, request.group).await?;
            let mut pairs = Vec::new();
            for found in paired(request, source, ours, theirs) {
                self.one(request, &ends, found, &known, &mut pairs).await?;
            }
            if pairs != known {
                write(request.store, request.group, &pairs).await?;
            }
        }
        self.last = Some(now);
        Ok(())
    }

    /// Says that grants on locations stay as they are, because a region doesn't tell its locations.
    fn cannot_list(&mut self, request: &CycleRequest<'_>, region: &Region, error: &ConnectError) {
        let class = ErrorClass::AccessNotReplicated;
        let record = ObjectRecord::named(AssetKind::Grant, format!("external locations of {region}"), class.status());
        let message =
            format!("Couldn't list the external locations of {region}, so grants on them aren't replicated. {error}");
        let error = problem(&record, class, message, request.clock);
        self.records.push(ObjectRecord { error: Some(error), ..record });
    }

    async fn one(
        &mut self,
        request: &CycleRequest<'_>,
        ends: &Ends<'_>,
        found: Found,
        known: &[Pair],
        pairs: &mut Vec<Pair>,
    ) -> Result<(), CycleError> {
        let to = &request.destination.region;
        let (ours, theirs) = match &found {
            Found::Pair(ours, theirs) => (ours, theirs),
            Found::Alone(name) => {
                let note = format!(
                    "No external location of {to} has the mapped URL of {name}, so grants on it aren't replicated. Create one, or grant there what is needed."
                );
                self.records.push(ObjectRecord { note: Some(note), ..record(name, ObjectStatus::Unsupported) });
                return Ok(());
            }
        };
        let names = [(request.source.region.clone(), ours.clone()), (to.clone(), theirs.clone())].into();
        let known = known.iter().find(|pair| pair.names == names).cloned();
        let known = known.unwrap_or_else(|| Pair { names, common: Grants::new(), left_out: Grants::new() });
        let shared = Mutex::new(Shared::default());
        let work = async {
            let (changes, source) = ends.changes([ours, theirs], &known.common).await?;
            let granted = grants::make(ends.to, OF, theirs, changes, &shared, request.clock.monotonic()).await?;
            Ok::<_, ConnectError>((granted, source))
        };
        let (granted, source) = match work.await {
            Ok(done) => done,
            Err(error) if error.is_unreachable() => {
                let region = error.region().map_or_else(|| to.clone(), Region::new);
                return Err(CycleError::at(&region, error));
            }
            Err(error) if error.is_not_served() => {
                let region = error.region().unwrap_or_default();
                let note = format!(
                    "{region} has no API for grants on external locations, so those on {ours} aren't replicated."
                );
                self.records.push(ObjectRecord { note: Some(note), ..record(ours, ObjectStatus::Unsupported) });
                return Ok(());
            }
            Err(error) => return self.fail(request, ours, known, pairs, &error),
        };
        if let Some(error) = granted.refused {
            return self.fail(request, ours, known, pairs, &error);
        }
        let left_out = |principal: &str, privilege: &String| {
            granted.left_out.iter().any(|(known, all)| same_principal(known, principal) && all.contains(privilege))
        };
        let both = source.iter().map(|a| {
            let held = a.privileges.iter().filter(|privilege| !left_out(&a.principal, privilege)).cloned();
            (a.principal.clone(), held.collect())
        });
        pairs.push(Pair { names: known.names, common: both.collect(), left_out: granted.left_out.clone() });
        if source.is_empty() && granted.left_out.is_empty() {
            return Ok(());
        }
        let unknown: Vec<String> = granted.left_out.keys().cloned().collect();
        let note = (!unknown.is_empty())
            .then(|| format!("{to} doesn't know {}. Add them to the workspace there.", unknown.join(", ")));
        self.records.push(ObjectRecord { note, unknown_principals: unknown, ..record(ours, ObjectStatus::InSync) });
        Ok(())
    }

    fn fail(
        &mut self,
        request: &CycleRequest<'_>,
        name: &str,
        known: Pair,
        pairs: &mut Vec<Pair>,
        error: &ConnectError,
    ) -> Result<(), CycleError> {
        pairs.push(known);
        let class = ErrorClass::AccessNotReplicated;
        let record = record(name, class.status());
        let message = format!("Couldn't replicate the grants on external location {name}. {error}");
        let error = problem(&record, class, message, request.clock);
        self.records.push(ObjectRecord { error: Some(error), ..record });
        Ok(())
    }
}

/// Compares the grants of every pair that replication knows.
async fn compare(comparison: &Comparison<'_>, objects: &mut Vec<ObjectRecord>) -> Result<(), CycleError> {
    let pairs = read(comparison.store, comparison.group).await?;
    if pairs.is_empty() {
        return Ok(());
    }
    let (from, to) = (comparison.source, comparison.destination);
    let me = (me(from).await?, me(to).await?);
    let ends = Ends { from: from.client.as_ref(), to: to.client.as_ref(), me };
    for pair in pairs {
        let (ours, theirs) = (pair.name(&from.region), pair.name(&to.region));
        let mut found = record(ours, ObjectStatus::InSync);
        let changes = ends.changes([ours, theirs], &pair.common).await.map(|(mut changes, source)| {
            for change in &mut changes {
                let mut known = pair.left_out.iter().filter(|(known, _)| same_principal(known, &change.principal));
                let left_out = known.next().map(|(_, privileges)| privileges);
                change.add.retain(|privilege| !left_out.is_some_and(|known| known.contains(privilege)));
            }
            changes.retain(|change| !change.add.is_empty() || !change.remove.is_empty());
            (changes, source)
        });
        match changes {
            Ok((changes, source)) if changes.is_empty() => {
                if source.is_empty() {
                    continue;
                }
            }
            Ok((changes, _)) => {
                let who: Vec<&str> = changes.iter().map(|change| change.principal.as_str()).collect();
                let message = format!(
                    "Grants on external location {theirs} of {} differ from those on {ours}: {}. Replication corrects them when it next looks at them.",
                    to.region,
                    who.join(", ")
                );
                found.status = ObjectStatus::Drifted;
                found.error = Some(problem(&found, ErrorClass::AccessNotReplicated, message, comparison.clock));
            }
            Err(error) if error.is_unreachable() => {
                let region = error.region().map_or_else(|| to.region.clone(), Region::new);
                return Err(CycleError::at(&region, error));
            }
            // Replication says so.
            Err(error) if error.is_not_served() => continue,
            Err(error) => {
                let message = format!("The grants on external location {ours} couldn't be compared. {error}");
                found.status = ObjectStatus::Unknown;
                found.error = Some(problem(&found, error.class(), message, comparison.clock));
            }
        }
        objects.push(found);
    }
    Ok(())
}

impl Follower for FollowPlaces {
    fn follow<'a>(
        &'a self,
        request: &'a CycleRequest<'a>,
        seen: Seen<'a>,
        cache: &'a mut CycleCache,
        objects: &'a mut Vec<ObjectRecord>,
    ) -> BoxFuture<'a, Result<(), CycleError>> {
        Box::pin(async move {
            cache.places.follow(request, seen.source).await?;
            objects.extend(cache.places.records.iter().cloned());
            Ok(())
        })
    }

    fn compare<'a>(
        &'a self,
        comparison: &'a Comparison<'a>,
        _source: &'a Inventory,
        _destination: &'a Inventory,
        objects: &'a mut Vec<ObjectRecord>,
    ) -> BoxFuture<'a, Result<(), CycleError>> {
        Box::pin(compare(comparison, objects))
    }
}

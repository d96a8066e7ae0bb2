//! One cycle's looks: at what the cycle made or changed, and at those whose turn it is.

use super::grants::{self, Wanted};
use super::owner::{self, Owned};
use super::state::{Attributes, AttributesRow, Facet, Failed, LeftOut, LookedAt, Shared, Unit};
use super::{owner_of, same_principal, securable, tags};
use crate::connect::{ConnectError, RegionApi};
use crate::domain::{AssetKey, AssetKind, ErrorClass, ObjectStatus, Region};
use crate::replicate::coverage::Failure;
use crate::replicate::engine::{CycleRequest, Seen};
use crate::replicate::{Asset, CycleError, Endpoint, Inventory, ObjectRecord};
use crate::wire::unity_catalog::{ENTITY_COLUMNS, PermissionsChange, PrivilegeAssignment, Securable, TableInfo};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Objects looked at at a time.
const PARALLEL: usize = 8;
/// When a look that failed is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// An end of the replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Source,
    Destination,
}

/// One look at one object.
pub struct Look<'a> {
    pub of: Securable,
    pub name: &'a str,
    pub from: &'a dyn RegionApi,
    pub to: &'a dyn RegionApi,
    pub(super) regions: [&'a Region; 2],
    /// The runtime's principal at the destination.
    pub me: Option<&'a str>,
    pub me_at_source: Option<&'a str>,
    pub(super) row: AttributesRow,
    pub(super) shared: &'a Mutex<Shared>,
    pub(super) now: Duration,
}

/// What a look found and did.
struct Looked {
    unit: Unit,
    row: AttributesRow,
    given: Option<String>,
    failed: Option<Failed>,
}

impl Look<'_> {
    fn shared<T>(&self, look: impl FnOnce(&mut Shared) -> T) -> T {
        look(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn region(&self, side: Side) -> &Region {
        self.regions[usize::from(side == Side::Destination)]
    }

    pub fn serves(&self, side: Side, facet: Facet) -> bool {
        self.shared(|shared| shared.serves(self.region(side), facet))
    }

    pub fn is_unknown(&self, principal: &str) -> bool {
        self.shared(|shared| shared.is_unknown(principal, self.now))
    }

    pub fn learn_unknown(&self, principal: &str) {
        self.shared(|shared| shared.learn_unknown(principal, self.now));
    }

    /// What the source could not take while it was the replica.
    pub fn never_knew(&self) -> Option<&LeftOut> {
        self.row.left_out.get(self.region(Side::Source))
    }

    /// Whether a facet can be replicated. A refusal that says a region has no such call is remembered.
    pub async fn facet<T: Default>(
        &self,
        facet: Facet,
        work: impl Future<Output = Result<T, ConnectError>>,
    ) -> Result<T, ConnectError> {
        if !self.serves(Side::Source, facet) || !self.serves(Side::Destination, facet) {
            return Ok(T::default());
        }
        match work.await {
            Err(error) if error.is_not_served() => {
                let region = error.region().unwrap_or_default().to_owned();
                self.shared(|shared| shared.unserved.insert((Region::new(region), facet)));
                Ok(T::default())
            }
            // It was dropped in the meantime; the next cycle sees that.
            Err(error) if error.is_not_found() => Ok(T::default()),
            answer => answer,
        }
    }

    /// Owner, grants and tags of the object; the row and the owner that it has then.
    async fn at_object(
        &self,
        owners: [Option<&str>; 2],
    ) -> (AttributesRow, Option<String>, Option<(Facet, ConnectError)>) {
        let mut failed = None;
        let mut fail = |facet: Facet, error: ConnectError| failed = failed.take().or(Some((facet, error)));
        let mut left_out = LeftOut::default();
        let owned = self.facet(Facet::Owners, owner::follow(self, owners[0], owners[1])).await;
        let Owned { given, left_out: owner } = owned.unwrap_or_else(|error| {
            fail(Facet::Owners, error);
            Owned::default()
        });
        left_out.owner = owner;
        match self.facet(Facet::Grants, self.grants()).await {
            Ok(granted) => {
                left_out.grants = granted.left_out;
                if let Some(error) = granted.refused {
                    fail(Facet::Grants, error);
                }
            }
            Err(error) => fail(Facet::Grants, error),
        }
        if let Some(entity_type) = self.of.entity_type()
            && let Err(error) = self.facet(Facet::Tags, tags::follow(self.from, self.to, entity_type, self.name)).await
        {
            fail(Facet::Tags, error);
        }
        let mut row = self.row.clone();
        row.left_out.insert(self.region(Side::Destination).clone(), left_out);
        row.left_out.retain(|_, left_out| !left_out.is_empty());
        (row, given, failed)
    }

    /// What makes the replica's grants those of the source.
    pub async fn grant_changes(&self) -> Result<Vec<PermissionsChange>, ConnectError> {
        let (source, replica) =
            futures::try_join!(self.from.grants(self.of, self.name), self.to.grants(self.of, self.name))?;
        let none = BTreeMap::new();
        let keep = self.never_knew().map_or(&none, |left_out| &left_out.grants);
        let source = of_others(source, self.me_at_source, self.me);
        Ok(Wanted { source: &source, replica: &replica, me: self.me, keep }.changes())
    }

    async fn grants(&self) -> Result<grants::Granted, ConnectError> {
        let changes = self.grant_changes().await?;
        grants::make(self.to, self.of, self.name, changes, self.shared, self.now).await
    }

    async fn at_columns(&self, columns: &[String]) -> Option<(Facet, ConnectError)> {
        for column in columns {
            let name = format!("{}.{column}", self.name);
            let follow = tags::follow(self.from, self.to, ENTITY_COLUMNS, &name);
            if let Err(error) = self.facet(Facet::Tags, follow).await {
                return Some((Facet::Tags, error));
            }
        }
        None
    }
}

/// Without what the console's principal of the source holds, which is its own affair there.
pub(super) fn of_others(
    source: Vec<PrivilegeAssignment>,
    me_at_source: Option<&str>,
    me: Option<&str>,
) -> Vec<PrivilegeAssignment> {
    let is = |me: Option<&str>, name: &str| me.is_some_and(|me| same_principal(me, name));
    source.into_iter().filter(|a| !is(me_at_source, &a.principal) || is(me, &a.principal)).collect()
}

pub(super) fn columns_of(asset: &Asset) -> Vec<String> {
    let columns = asset.info::<TableInfo>().map(|info| info.columns.as_slice()).unwrap_or_default();
    columns.iter().map(|column| column.name.clone()).collect()
}

/// The runtime's principal; None where a region doesn't tell.
pub(super) async fn me(endpoint: &Endpoint) -> Result<Option<String>, CycleError> {
    match endpoint.client.me().await {
        Ok(name) => Ok(Some(name).filter(|name| !name.is_empty())),
        Err(error) if error.is_unreachable() => Err(CycleError::at(&endpoint.region, error)),
        Err(_) => Ok(None),
    }
}

/// Objects that have arrived, with their records' places.
pub(super) fn arrived<'a>(source: &'a Inventory, objects: &[ObjectRecord]) -> Vec<(&'a AssetKey, &'a Asset, usize)> {
    let places: BTreeMap<(AssetKind, &str), usize> =
        objects.iter().enumerate().map(|(at, object)| ((object.kind, object.name.as_str()), at)).collect();
    let mut found = Vec::new();
    for (key, asset) in source.all().filter(|(key, _)| securable(key.kind).is_some()) {
        let place = places.get(&(key.kind, key.to_string().as_str())).copied();
        let is_there = |at: &usize| {
            let object = &objects[*at];
            object.error.is_none() && !matches!(object.status, ObjectStatus::Missing | ObjectStatus::Excluded)
        };
        if let Some(place) = place.filter(is_there) {
            found.push((key, asset, place));
        }
    }
    found
}

impl Attributes {
    /// The replica's owner, as far as is known.
    fn owner_at_destination<'a>(&'a self, seen: &Seen<'a>, key: &AssetKey) -> Option<&'a str> {
        // What a cycle made is noted as it was asked for, with the source's owner.
        let is_listed = self.rows.contains_key(key) && !seen.touched.contains(key);
        let listed = || seen.destination.get(key).filter(|_| is_listed).and_then(owner_of);
        self.given.get(key).map(String::as_str).or_else(listed)
    }

    /// Whether an object can't wait for its turn.
    fn is_urgent(&self, request: &CycleRequest<'_>, seen: &Seen<'_>, key: &AssetKey, asset: &Asset) -> bool {
        if let Some(failed) = self.failed.get(key) {
            return failed.again <= request.clock.monotonic();
        }
        let Some(row) = self.rows.get(key).filter(|_| !seen.touched.contains(key)) else { return true };
        let (Some(wanted), Some(held)) = (owner_of(asset), self.owner_at_destination(seen, key)) else { return false };
        let stands_in = |region: &Region| row.left_out.get(region).is_some_and(|left_out| left_out.owner.is_some());
        let regions = [&request.source.region, &request.destination.region];
        let me = self.me.as_ref();
        let is_console = |name: &str, me: Option<&String>| me.is_some_and(|me| same_principal(me, name));
        let both =
            is_console(wanted, me.and_then(|me| me.0.as_ref())) && is_console(held, me.and_then(|me| me.1.as_ref()));
        !both
            && !same_principal(wanted, held)
            && !regions.iter().any(|region| stands_in(region))
            && self.shared.serves(&request.destination.region, Facet::Owners)
    }

    fn due(
        &mut self,
        request: &CycleRequest<'_>,
        seen: &Seen<'_>,
        found: &[(&AssetKey, &Asset, usize)],
    ) -> BTreeSet<Unit> {
        let mut urgent = BTreeSet::new();
        let mut units = Vec::with_capacity(found.len());
        for (key, asset, _) in found {
            if self.is_urgent(request, seen, key, asset) {
                urgent.insert(Unit::Object((*key).clone()));
            }
            units.push((Unit::Object((*key).clone()), 2));
            let columns = if key.kind == AssetKind::Table { columns_of(asset).len() } else { 0 };
            if columns > 0 {
                units.push((Unit::Columns((*key).clone()), columns));
            }
        }
        let now = request.clock.monotonic();
        let is_paused = |unit: &Unit| match unit {
            Unit::Object(key) | Unit::Columns(key) => self.failed.get(key).is_some_and(|failed| failed.again > now),
        };
        let turns: Vec<Unit> = self.rhythm.turns(&units, now);
        urgent.extend(turns.into_iter().filter(|unit| !is_paused(unit)));
        urgent
    }

    /// Looks at what is due, and says with each object what of it did not follow.
    pub async fn follow(
        &mut self,
        request: &CycleRequest<'_>,
        seen: &Seen<'_>,
        objects: &mut [ObjectRecord],
    ) -> Result<(), CycleError> {
        if seen.fresh {
            self.given.clear();
        }
        let found = arrived(seen.source, objects);
        let due = self.due(request, seen, &found);
        if self.me.is_none() && !due.is_empty() {
            self.me = Some((me(request.source).await?, me(request.destination).await?));
        }
        let now = request.clock.monotonic();
        let looked = self.look(request, seen, due, now).await?;
        let mut rows: Vec<(AssetKey, AttributesRow)> = Vec::new();
        for Looked { unit, row, given, failed } in looked {
            let (Unit::Object(key) | Unit::Columns(key)) = &unit;
            let went_well = failed.is_none();
            match failed {
                Some(failed) => drop(self.failed.insert(key.clone(), failed)),
                None => drop(self.failed.remove(key)),
            }
            if let Some(given) = given {
                self.given.insert(key.clone(), given);
            }
            match &unit {
                Unit::Object(_) if self.rows.get(key) != Some(&row) => rows.push((key.clone(), row)),
                Unit::Columns(_) if went_well => self.note_columns(key, &mut rows),
                _ => {}
            }
            self.rhythm.looked_at(unit, now);
        }
        self.keep(request, seen, rows).await?;
        self.say(request, &found, objects);
        Ok(())
    }

    /// Notes that the tags of a table's columns were looked at.
    fn note_columns(&self, key: &AssetKey, rows: &mut Vec<(AssetKey, AttributesRow)>) {
        let new = rows.iter().position(|(known, _)| known == key);
        let row = new.map(|at| &rows[at].1).or_else(|| self.rows.get(key));
        let Some(looked) = row.and_then(|row| row.looked.clone()).filter(|looked| !looked.columns) else { return };
        let mut row = row.cloned().unwrap_or_default();
        row.looked = Some(LookedAt { columns: true, ..looked });
        match new {
            Some(at) => rows[at].1 = row,
            None => rows.push((key.clone(), row)),
        }
    }

    /// Looks at everything that is due, several objects at a time. A region that is away ends the cycle.
    async fn look(
        &mut self,
        request: &CycleRequest<'_>,
        seen: &Seen<'_>,
        due: BTreeSet<Unit>,
        now: Duration,
    ) -> Result<Vec<Looked>, CycleError> {
        let mutex = Mutex::new(std::mem::take(&mut self.shared));
        let this = &*self;
        let each: Vec<_> = due.into_iter().map(|unit| this.one(request, seen, unit, &mutex, now)).collect();
        let looked: Vec<Result<Option<Looked>, CycleError>> = stream::iter(each).buffered(PARALLEL).collect().await;
        self.shared = mutex.into_inner().unwrap_or_else(PoisonError::into_inner);
        looked.into_iter().filter_map(Result::transpose).collect()
    }

    async fn one(
        &self,
        request: &CycleRequest<'_>,
        seen: &Seen<'_>,
        unit: Unit,
        shared: &Mutex<Shared>,
        now: Duration,
    ) -> Result<Option<Looked>, CycleError> {
        let (Unit::Object(key) | Unit::Columns(key)) = &unit;
        let (Some(asset), Some(of)) = (seen.source.get(key), securable(key.kind)) else { return Ok(None) };
        if request.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let name = key.to_string();
        let me = self.me.as_ref();
        let look = Look {
            of,
            name: &name,
            from: request.source.client.as_ref(),
            to: request.destination.client.as_ref(),
            regions: [&request.source.region, &request.destination.region],
            me: me.and_then(|(_, me)| me.as_deref()),
            me_at_source: me.and_then(|(me, _)| me.as_deref()),
            row: self.rows.get(key).cloned().unwrap_or_default(),
            shared,
            now,
        };
        let (mut row, given, error) = match &unit {
            Unit::Object(_) => look.at_object([owner_of(asset), self.owner_at_destination(seen, key)]).await,
            Unit::Columns(_) => (look.row.clone(), None, look.at_columns(&columns_of(asset)).await),
        };
        let failed = match error {
            Some((_, error)) if error.is_unreachable() => {
                let region = error.region().map_or_else(|| request.destination.region.clone(), Region::new);
                return Err(CycleError::at(&region, error));
            }
            Some((_, error)) if error.is_transient() => Some(Failed { failure: None, again: now + AGAIN }),
            Some((facet, error)) => {
                let message = format!("Couldn't replicate the {} of {name}. {error}", facet.label());
                let failure: Failure = (ErrorClass::AccessNotReplicated, BTreeMap::new(), message);
                Some(Failed { failure: Some(failure), again: now + AGAIN })
            }
            None => None,
        };
        if failed.is_none() {
            let (region, id) = (&request.destination.region, seen.destination.get(key).and_then(|r| r.id.clone()));
            let columns = row.looked.take().is_some_and(|known| known.is(region, id.as_deref()) && known.columns);
            row.looked = Some(LookedAt { region: region.clone(), id, columns });
        }
        Ok(Some(Looked { unit, row, given, failed }))
    }

    /// Writes down what changed, and forgets what is gone.
    async fn keep(
        &mut self,
        request: &CycleRequest<'_>,
        seen: &Seen<'_>,
        rows: Vec<(AssetKey, AttributesRow)>,
    ) -> Result<(), CycleError> {
        // Of what lies in a catalog that the source doesn't show, nothing is known to be gone.
        let is_shown = |key: &AssetKey| seen.source.contains(&AssetKey::catalog(key.name.catalog.as_str()));
        let is_there = |key: &AssetKey| seen.source.contains(key) || !is_shown(key);
        // What was dropped to be made again, and has not arrived yet, is new when it does.
        let is_new = |key: &AssetKey| seen.touched.contains(key) && !rows.iter().any(|(known, _)| known == key);
        let is_gone = |key: &&AssetKey| !is_there(key) || is_new(key) && !seen.destination.contains(key);
        let gone: Vec<AssetKey> = self.rows.keys().filter(is_gone).cloned().collect();
        if rows.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let (group, new, old) = (request.group.clone(), rows.clone(), gone.clone());
        request
            .store
            .run(move |tx| {
                tx.remove_attributes(&group, &old)?;
                tx.put_attributes(&group, &new)
            })
            .await?;
        for key in &gone {
            self.rows.remove(key);
            self.failed.remove(key);
            self.given.remove(key);
        }
        if !gone.is_empty() {
            self.rhythm.retain(|unit| match unit {
                Unit::Object(key) | Unit::Columns(key) => is_there(key),
            });
        }
        self.rows.extend(rows);
        Ok(())
    }

    /// Says with each object what of it did not follow.
    fn say(&self, request: &CycleRequest<'_>, found: &[(&AssetKey, &Asset, usize)], objects: &mut [ObjectRecord]) {
        let to = &request.destination.region;
        for (key, _, place) in found {
            let record = &mut objects[*place];
            if let Some(failure) = self.failed.get(key).and_then(|failed| failed.failure.clone()) {
                let failed = ObjectRecord::failed(key, failure, request.clock);
                (record.status, record.error) = (failed.status, failed.error);
                continue;
            }
            let left_out =
                self.rows.get(key).and_then(|row| row.left_out.get(to)).map(|left_out| sentence(left_out, to));
            let unserved =
                self.shared.unserved.iter().filter(|_| key.kind == AssetKind::Catalog).map(|(region, facet)| {
                    format!("{region} has no API for {}, so they aren't replicated.", facet.label())
                });
            for more in left_out.into_iter().chain(unserved) {
                record.note = Some(record.note.take().map_or_else(|| more.clone(), |note| format!("{note} {more}")));
            }
            let principals = self.rows.get(key).and_then(|row| row.left_out.get(to)).map(LeftOut::principals);
            record.unknown_principals = principals.into_iter().flatten().map(str::to_owned).collect();
        }
    }
}

/// What a replica could not take, and what to do.
pub(super) fn sentence(left_out: &LeftOut, region: &Region) -> String {
    let names: Vec<&str> = left_out.principals().into_iter().collect();
    let mut text = format!("{region} doesn't know {}.", names.join(", "));
    let granted = |(principal, privileges): (&String, &BTreeSet<String>)| {
        let privileges: Vec<&str> = privileges.iter().map(String::as_str).collect();
        format!(" {} not granted to {principal}.", privileges.join(", "))
    };
    text.extend(left_out.grants.iter().map(granted));
    if let Some(owner) = &left_out.owner {
        text.push_str(&format!(" The console's principal owns the replica instead of {owner}."));
    }
    text.push_str(&format!(" Add them to the workspace in {region}. The next look grants the rest."));
    text
}

//! Comparing owners, grants and tags with those of the source, changing nothing: what a look would do is what differs.

use super::look::{Look, Side, arrived, columns_of, me, sentence};
use super::owner;
use super::state::{AttributesRow, Facet, LeftOut, Shared};
use super::tags::{self, TagChange};
use super::{owner_of, same_principal, securable};
use crate::connect::ConnectError;
use crate::delta::Depth;
use crate::domain::{AssetKey, AssetKind, ErrorClass, ObjectStatus};
use crate::replicate::engine::Comparison;
use crate::replicate::{Asset, CycleError, Inventory, ObjectRecord};
use crate::wire::unity_catalog::{ENTITY_COLUMNS, Securable};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// Objects compared at a time.
const PARALLEL: usize = 8;
/// Requests of a comparison that isn't deep, at most, so that a large scope isn't throttled for minutes by a click.
const MOST_REQUESTS: usize = 20_000;
/// Differences that one sentence names.
const NAMED: usize = 5;

/// One object to compare.
struct Task<'a> {
    key: &'a AssetKey,
    source: &'a Asset,
    replica: &'a Asset,
    of: Securable,
    place: usize,
    with_columns: bool,
}

/// What was found of one object.
struct Found {
    place: usize,
    differences: Vec<String>,
    left_out: Option<String>,
    /// Whether something differs that replication hasn't looked at yet, so that it is only on its way.
    pending: bool,
    failed: Option<(Facet, ConnectError)>,
    columns_skipped: bool,
}

/// Holds owners, grants and tags of everything that arrived against the source's, and says with each object what differs.
pub async fn compare(
    comparison: &Comparison<'_>,
    source: &Inventory,
    destination: &Inventory,
    objects: &mut [ObjectRecord],
) -> Result<(), CycleError> {
    let group = comparison.group.clone();
    let rows: Vec<(AssetKey, AttributesRow)> = comparison.store.run(move |tx| tx.attributes(&group)).await?;
    let rows: BTreeMap<AssetKey, AttributesRow> = rows.into_iter().collect();
    let (tasks, skipped) = tasks(comparison, source, destination, objects);
    let me = (me(comparison.source).await?, me(comparison.destination).await?);
    let shared = Mutex::new(Shared::default());
    let each: Vec<_> = tasks
        .iter()
        .map(|task| one(comparison, task, rows.get(task.key), (me.0.as_deref(), me.1.as_deref()), &shared))
        .collect();
    let found: Vec<Result<Found, CycleError>> = stream::iter(each).buffered(PARALLEL).collect().await;
    for found in found {
        say(comparison, found?, objects);
    }
    for place in skipped {
        add_note(&mut objects[place], "Its owner, grants and tags weren't compared. A deep verification compares all.");
    }
    let unserved = shared.into_inner().unwrap_or_else(PoisonError::into_inner).unserved;
    for (region, facet) in unserved {
        let note = format!("{region} has no API for {}, so they weren't compared.", facet.label());
        objects.iter_mut().filter(|o| o.kind == AssetKind::Catalog).for_each(|object| add_note(object, &note));
    }
    Ok(())
}

/// What is compared, and the places of what isn't because it would be too much.
fn tasks<'a>(
    comparison: &Comparison<'_>,
    source: &'a Inventory,
    destination: &'a Inventory,
    objects: &[ObjectRecord],
) -> (Vec<Task<'a>>, Vec<usize>) {
    let mut left = if comparison.depth == Depth::Sizes { MOST_REQUESTS } else { usize::MAX };
    let (mut tasks, mut skipped) = (Vec::new(), Vec::new());
    for (key, asset, place) in arrived(source, objects) {
        let (Some(of), Some(replica)) = (securable(key.kind), destination.get(key)) else { continue };
        // Grants and tags of both regions.
        if left < 4 {
            skipped.push(place);
            continue;
        }
        left -= 4;
        tasks.push(Task { key, source: asset, replica, of, place, with_columns: false });
    }
    for task in tasks.iter_mut().filter(|task| task.key.kind == AssetKind::Table) {
        let cost = 2 * columns_of(task.source).len();
        task.with_columns = cost <= left;
        left = left.saturating_sub(cost);
    }
    (tasks, skipped)
}

async fn one(
    comparison: &Comparison<'_>,
    task: &Task<'_>,
    row: Option<&AttributesRow>,
    (me_at_source, me): (Option<&str>, Option<&str>),
    shared: &Mutex<Shared>,
) -> Result<Found, CycleError> {
    let name = task.key.to_string();
    let look = Look {
        of: task.of,
        name: &name,
        from: comparison.source.client.as_ref(),
        to: comparison.destination.client.as_ref(),
        regions: [&comparison.source.region, &comparison.destination.region],
        me,
        me_at_source,
        row: row.cloned().unwrap_or_default(),
        shared,
        now: comparison.clock.monotonic(),
    };
    let to = look.region(Side::Destination);
    let left_out = look.row.left_out.get(to);
    let mut found = Found {
        place: task.place,
        differences: Vec::new(),
        left_out: left_out.map(|left_out| sentence(left_out, to)),
        pending: false,
        failed: None,
        columns_skipped: task.key.kind == AssetKind::Table && !task.with_columns && !columns_of(task.source).is_empty(),
    };
    match look.facet(Facet::Grants, look.grant_changes()).await {
        Ok(changes) => found.differences.extend(changes.into_iter().flat_map(|change| {
            let known = left_out.and_then(|left_out| privileges_of(left_out, &change.principal));
            let is_left_out = |privilege: &&String| known.is_some_and(|known| known.contains(*privilege));
            let add: Vec<&str> = change.add.iter().filter(|p| !is_left_out(p)).map(String::as_str).collect();
            let missing =
                (!add.is_empty()).then(|| format!("{} isn't granted to {}", add.join(", "), change.principal));
            let extra = (!change.remove.is_empty())
                .then(|| format!("{} is granted to {} only there", change.remove.join(", "), change.principal));
            missing.into_iter().chain(extra)
        })),
        Err(error) => fail(&mut found, Facet::Grants, error),
    }
    let (ours, theirs) = (owner_of(task.source), owner_of(task.replica));
    // Without grants, the console keeps the catalogs that it made.
    let keeps = task.of == Securable::Catalog && !look.serves(Side::Destination, Facet::Grants);
    if let Some(wanted) = owner::wanted(&look, ours, theirs).filter(|_| !keeps && theirs.is_some()) {
        let is_left_out = left_out.and_then(|l| l.owner.as_deref()).is_some_and(|owner| same_principal(owner, wanted));
        if !is_left_out {
            found.differences.push(format!("its owner is {} and not {wanted}", theirs.unwrap_or_default()));
        }
    }
    if let Some(entity_type) = task.of.entity_type() {
        compare_tags(&look, &mut found, entity_type, &name, "").await;
    }
    let looked = row.and_then(|row| row.looked.as_ref()).filter(|looked| looked.is(to, task.replica.id.as_deref()));
    found.keep_if(looked.is_some());
    let of_object = std::mem::take(&mut found.differences);
    for column in columns_of(task.source).iter().filter(|_| task.with_columns) {
        let (name, of) = (format!("{name}.{column}"), format!(" of column {column}"));
        compare_tags(&look, &mut found, ENTITY_COLUMNS, &name, &of).await;
    }
    found.keep_if(looked.is_some_and(|looked| looked.columns));
    found.differences.splice(0..0, of_object);
    match found.failed.take() {
        Some((_, error)) if error.is_unreachable() => {
            let region = error.region().map_or_else(|| to.clone(), crate::domain::Region::new);
            Err(CycleError::at(&region, error))
        }
        failed => Ok(Found { failed, ..found }),
    }
}

impl Found {
    /// Takes what differs for drift only where replication has looked at it.
    fn keep_if(&mut self, was_looked_at: bool) {
        if !was_looked_at {
            self.pending |= !self.differences.is_empty();
            self.differences.clear();
        }
    }
}

async fn compare_tags(look: &Look<'_>, found: &mut Found, entity_type: &str, name: &str, of: &str) {
    match look.facet(Facet::Tags, tags::changes(look.from, look.to, entity_type, name)).await {
        Ok(changes) => found.differences.extend(changes.iter().map(|change| {
            let how = match change {
                TagChange::Assign(_) => "is missing",
                TagChange::Update(_) => "has another value",
                TagChange::Remove(_) => "exists only there",
            };
            format!("tag {}{of} {how}", change.key())
        })),
        Err(error) => fail(found, Facet::Tags, error),
    }
}

fn fail(found: &mut Found, facet: Facet, error: ConnectError) {
    found.failed = found.failed.take().or(Some((facet, error)));
}

fn privileges_of<'a>(left_out: &'a LeftOut, principal: &str) -> Option<&'a BTreeSet<String>> {
    left_out.grants.iter().find(|(known, _)| same_principal(known, principal)).map(|(_, privileges)| privileges)
}

fn say(comparison: &Comparison<'_>, found: Found, objects: &mut [ObjectRecord]) {
    let Some(object) = objects.get_mut(found.place) else { return };
    let to = &comparison.destination.region;
    let error = |class, message| {
        let (parameters, since) = (BTreeMap::new(), comparison.clock.now());
        let (kind, object) = (object.kind, object.name.clone());
        crate::domain::ObjectError { class, parameters, message, kind, object, since }
    };
    if !found.differences.is_empty() {
        let message = differs(object, to.as_str(), &found.differences);
        object.error = Some(error(ErrorClass::AccessNotReplicated, message));
        object.status = ObjectStatus::Drifted;
        object.note = None;
        return;
    }
    if let Some((facet, problem)) = found.failed {
        let message = format!("The {} of {} couldn't be compared. {problem}", facet.label(), object.name);
        object.error = Some(error(problem.class(), message));
        object.status = ObjectStatus::Unknown;
        object.note = None;
        return;
    }
    if found.pending {
        add_note(object, "Its owner, grants or tags are still on their way.");
    }
    if let Some(left_out) = found.left_out {
        add_note(object, &left_out);
    }
    if found.columns_skipped {
        add_note(object, "The tags of its columns weren't compared. A deep verification compares them.");
    }
}

/// What differs, in words.
fn differs(object: &ObjectRecord, region: &str, differences: &[String]) -> String {
    let mut named: Vec<&str> = differences.iter().take(NAMED).map(String::as_str).collect();
    let more = format!("{} more", differences.len().saturating_sub(NAMED));
    if differences.len() > NAMED {
        named.push(&more);
    }
    let mut label = object.kind.label().to_owned();
    label[..1].make_ascii_uppercase();
    let named = named.join("; ");
    format!("{label} {} differs in {region}: {named}. Replication corrects it when it next looks at it.", object.name)
}

fn add_note(object: &mut ObjectRecord, more: &str) {
    object.note = Some(object.note.take().map_or_else(|| more.to_owned(), |note| format!("{note} {more}")));
}

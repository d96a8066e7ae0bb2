//! One pass over a workspace: list both sides, follow deletions, bring each asset, look after permissions, name the rest.

use super::acl::Principals;
use super::asset::Found;
use super::ids::IdMap;
use super::kinds;
use super::listing::{self, Listed, Tree};
use super::one::Failing;
use super::request::AssetRequest;
use super::{extras, tree};
use crate::domain::{AssetKind, ErrorClass, ObjectError, ObjectStatus, Timestamp};
use crate::replicate::{CycleError, ObjectRecord};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the secondary's tree is trusted to be as it was read and written: nobody else should write to it, but may.
const TREE_TRUST: Duration = Duration::from_secs(300);
/// Assets whose permissions one pass looks at though nothing else of them changed: so many, or one in a hundred.
const FEWEST_ACLS: usize = 10;
const ACL_SHARE: usize = 100;

/// What passes over one workspace remember; the store holds what must survive.
#[derive(Debug, Default)]
pub struct AssetCache {
    ids: Option<IdMap>,
    /// The secondary's tree, and when it was read by the monotonic clock.
    tree: Option<(Tree, Duration)>,
    principals: Option<(Principals, Duration)>,
    /// The pass in which permissions were last looked at, by number in the store.
    acl_seen: HashMap<i64, u64>,
    failing: BTreeMap<(AssetKind, String), Failing>,
    passes: u64,
}

/// What a pass found and did.
#[derive(Debug, Clone, Default)]
pub struct PassOutcome {
    /// When the primary was listed; None where nothing was.
    pub at: Option<Timestamp>,
    /// Every asset in scope.
    pub objects: Vec<ObjectRecord>,
    /// Assets that were made, changed or removed.
    pub changed: u64,
    /// Whether it came to its end; false when it was stopped.
    pub complete: bool,
    /// Kind and id, in the secondary, of what a person must confirm to be deleted.
    pub secondary_only: BTreeSet<(AssetKind, String)>,
}

/// A pass as it goes on.
pub(super) struct Pass<'a> {
    pub request: &'a AssetRequest<'a>,
    pub ids: IdMap,
    /// The secondary's tree.
    pub tree: Tree,
    pub principals: Option<(Principals, Duration)>,
    /// Kinds that the secondary has no call for.
    pub unserved: BTreeSet<AssetKind>,
    /// The secondary's other assets, by kind and id.
    pub others: HashMap<(AssetKind, String), Found>,
    pub git_folders: Vec<String>,
    /// How many assets of the primary have a name, by kind.
    pub names: HashMap<(AssetKind, String), usize>,
    pub records: Vec<ObjectRecord>,
    pub changed: u64,
    pub acl_seen: HashMap<i64, u64>,
    pub failing: BTreeMap<(AssetKind, String), Failing>,
    pub number: u64,
}

/// Both workspaces as they were listed.
pub(super) struct Begun {
    /// When the primary was listed.
    pub at: Timestamp,
    pub source_tree: Tree,
    pub source: Listed,
    /// When the secondary's tree was read, by the monotonic clock.
    read_at: Duration,
}

/// Lists both workspaces, as far as `cache` doesn't know them.
pub(super) async fn begin<'a>(
    request: &'a AssetRequest<'a>,
    cache: &mut AssetCache,
) -> Result<(Pass<'a>, Begun), CycleError> {
    let ids = match cache.ids.take() {
        Some(ids) => ids,
        None => IdMap::read(request.store, request.group, request.set).await?,
    };
    let at = request.clock.now();
    let from = |error| CycleError::at(&request.source.region, error);
    let to = |error| CycleError::at(&request.destination.region, error);
    let source_tree = listing::read_tree(request.source, &request.pace, None).await.map_err(from)?;
    let source = listing::list(request.source, &request.pace, &source_tree).await.map_err(from)?;
    let now = request.clock.monotonic();
    let (tree, read_at) = match cache.tree.take() {
        Some((tree, read_at))
            if now.saturating_sub(read_at) < TREE_TRUST && tree.roots.is_superset(&source_tree.roots) =>
        {
            (tree, read_at)
        }
        _ => (listing::read_tree(request.destination, &request.pace, Some(&source_tree.roots)).await.map_err(to)?, now),
    };
    let others = listing::list(request.destination, &request.pace, &tree).await.map_err(to)?;
    cache.passes += 1;
    let pass = Pass {
        request,
        ids,
        tree,
        principals: cache.principals.take(),
        unserved: others.unserved,
        others: others.assets.into_iter().map(|found| ((found.kind, found.id.clone()), found)).collect(),
        git_folders: source_tree.git_folders.clone(),
        names: HashMap::new(),
        records: Vec::new(),
        changed: 0,
        acl_seen: std::mem::take(&mut cache.acl_seen),
        failing: std::mem::take(&mut cache.failing),
        number: cache.passes,
    };
    Ok((pass, Begun { at, source_tree, source, read_at }))
}

/// Runs one pass. What it has written is remembered whatever happens then, and the next pass goes on from there.
pub async fn run_pass(request: &AssetRequest<'_>, cache: &mut AssetCache) -> Result<PassOutcome, CycleError> {
    let (mut pass, Begun { at, source_tree, source, read_at }) = begin(request, cache).await?;
    let complete = pass.run(&source_tree, source).await?;
    let outcome = pass.outcome(at, complete);
    let Pass { ids, tree, principals, acl_seen, failing, .. } = pass;
    cache.ids = Some(ids);
    cache.tree = Some((tree, read_at));
    (cache.principals, cache.acl_seen, cache.failing) = (principals, acl_seen, failing);
    Ok(outcome)
}

impl Pass<'_> {
    /// Everything that the primary has, in the order in which it is brought.
    pub fn take_in(&mut self, source_tree: &Tree, source: Vec<Found>) -> Vec<Found> {
        let mut all: Vec<Found> = listing::objects(source_tree).chain(source).collect();
        for found in &all {
            *self.names.entry((found.kind, found.name.clone())).or_default() += 1;
        }
        jobs_after_those_they_start(&mut all);
        all
    }

    async fn run(&mut self, source_tree: &Tree, source: Listed) -> Result<bool, CycleError> {
        let all = self.take_in(source_tree, source.assets);
        self.request.progress.total.store(all.len() as u64, Ordering::Relaxed);
        self.request.progress.done.store(0, Ordering::Relaxed);
        self.follow_deletions(&all, source_tree, &source.unserved).await?;
        for found in &all {
            if self.request.stopped() {
                return Ok(false);
            }
            self.bring(found, true).await?;
            self.request.progress.done.fetch_add(1, Ordering::Relaxed);
        }
        // Jobs that start each other in a circle: now each has its id.
        for found in all.iter().filter(|found| found.kind == AssetKind::Job) {
            if self.request.stopped() {
                return Ok(false);
            }
            if self.has_new_links(found) {
                self.records.retain(|record| record.source_id.as_ref() != Some(&found.id) || record.kind != found.kind);
                self.bring(found, true).await?;
            }
        }
        self.look_after_permissions(&all).await?;
        for folder in &source_tree.git_folders {
            self.name_git_folder(folder);
        }
        Ok(true)
    }

    /// Removes from the secondary what the primary no longer has; contents before their folders.
    async fn follow_deletions(
        &mut self,
        source: &[Found],
        source_tree: &Tree,
        unserved: &BTreeSet<AssetKind>,
    ) -> Result<(), CycleError> {
        let (from, to) = (self.request.source_side, self.request.destination_side());
        let there: HashSet<(AssetKind, &str)> = source.iter().map(|found| (found.kind, found.id.as_str())).collect();
        // A workspace without a single folder is one that hides them.
        let hides_tree = source_tree.roots.is_empty();
        let is_hidden = |kind| {
            unserved.contains(&kind)
                || (hides_tree && matches!(kind, AssetKind::Folder | AssetKind::Notebook | AssetKind::File))
        };
        let gone = self.ids.rows().filter(|row| !is_hidden(row.kind));
        let mut gone: Vec<_> = gone
            .filter(|row| row.ids[from].as_deref().is_none_or(|id| !there.contains(&(row.kind, id))))
            .cloned()
            .collect();
        gone.sort_by(|a, b| (order(a.kind), &b.body.name).cmp(&(order(b.kind), &a.body.name)));
        let mut done = Vec::new();
        for row in gone {
            if self.request.stopped() {
                break;
            }
            let name = &row.body.name;
            let replaced = source_tree.objects.get(name).and_then(tree::kind_of) == Some(row.kind);
            // What was never in the primary is the secondary's own.
            let (Some(id), Some(_), false) = (&row.ids[to], &row.ids[from], replaced) else {
                done.push(row.seq);
                continue;
            };
            let theirs = self.tree.objects.get(name).cloned().and_then(tree::found);
            let is_changed = |found: &Found| row.body.prints[to].as_deref() != Some(found.print.as_str());
            if let Some(theirs) = theirs.filter(is_changed)
                && let Err(sentence) = kinds::keep(self.request, &theirs).await
            {
                self.flag(row.kind, name, [None, Some(id.clone())], ErrorClass::StorageFailure, sentence);
                continue;
            }
            match kinds::remove(self.request, row.kind, id, name).await {
                Ok(()) => {
                    self.tree.objects.remove(name);
                    self.others.remove(&(row.kind, id.clone()));
                    self.changed += 1;
                    done.push(row.seq);
                }
                Err(error) => {
                    let error = self.request.one_assets(error)?;
                    let (from, to) = (&self.request.source.region, &self.request.destination.region);
                    let sentence = format!("{name} was deleted in {from} and couldn't be deleted in {to}. {error}");
                    self.flag(row.kind, name, [None, Some(id.clone())], ErrorClass::UnmanagedObject, sentence);
                }
            }
        }
        self.ids.remove(self.request.store, done).await?;
        Ok(())
    }

    /// Looks at permissions of some assets that nothing else happened to, those first that were looked at longest ago.
    async fn look_after_permissions(&mut self, all: &[Found]) -> Result<(), CycleError> {
        let side = self.request.source_side;
        let seq_of = |found: &Found| self.ids.find(side, found.kind, &found.id).map(|row| row.seq);
        let mut due: Vec<(u64, i64, &Found)> = all
            .iter()
            .filter_map(|found| seq_of(found).map(|seq| (self.acl_seen.get(&seq).copied().unwrap_or(0), seq, found)))
            .filter(|(seen, ..)| *seen < self.number)
            .collect();
        due.sort_by_key(|(seen, seq, _)| (*seen, *seq));
        let most = FEWEST_ACLS.max(all.len() / ACL_SHARE);
        let due: Vec<Found> = due.into_iter().take(most).map(|(_, _, found)| found.clone()).collect();
        for found in &due {
            if self.request.stopped() {
                return Ok(());
            }
            self.permissions(found).await?;
        }
        Ok(())
    }

    pub fn name_git_folder(&mut self, path: &str) {
        let (from, to) = (&self.request.source.region, &self.request.destination.region);
        let sentence = match path {
            "/Repos" => format!("Git folders below /Repos aren't replicated. Create those that you need in {to}."),
            _ => format!(
                "{path} is a Git folder of {from}. It isn't replicated. Create it in {to} from the same remote."
            ),
        };
        self.flag(AssetKind::Folder, path, [None, None], ErrorClass::UnsupportedObject, sentence);
    }

    /// Adds a record of an asset that failed. `ids` are those in the primary and the secondary.
    pub fn flag(&mut self, kind: AssetKind, name: &str, ids: [Option<String>; 2], class: ErrorClass, sentence: String) {
        let error = ObjectError {
            class,
            parameters: BTreeMap::new(),
            message: sentence,
            kind,
            object: name.to_owned(),
            since: self.request.clock.now(),
        };
        let [source_id, replica_id] = ids;
        let record = ObjectRecord::named(kind, name.to_owned(), class.status());
        self.records.push(ObjectRecord { error: Some(error), source_id, replica_id, ..record });
    }

    pub fn outcome(&mut self, at: Timestamp, complete: bool) -> PassOutcome {
        let mut secondary_only = BTreeSet::new();
        if complete {
            let others: Vec<Found> = self.others.values().cloned().collect();
            let to = self.request.destination.region.clone();
            for found in extras::of(&self.tree, &others, &self.ids, self.request.destination_side()) {
                let sentence = format!(
                    "{} exists only in {to}, in a part of the workspace that replicates. It stays until you confirm its deletion.",
                    found.name
                );
                self.flag(found.kind, &found.name, [None, Some(found.id.clone())], ErrorClass::SecondaryOnly, sentence);
                secondary_only.insert((found.kind, found.id));
            }
        }
        let mut objects = std::mem::take(&mut self.records);
        tell_apart(&mut objects);
        objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        PassOutcome { at: Some(at), objects, changed: self.changed, complete, secondary_only }
    }
}

/// Jobs and compute may share a name: then each shows its id with it.
fn tell_apart(objects: &mut [ObjectRecord]) {
    let mut count: HashMap<(AssetKind, String), usize> = HashMap::new();
    for object in objects.iter() {
        *count.entry((object.kind, object.name.clone())).or_default() += 1;
    }
    for object in objects.iter_mut() {
        if count.get(&(object.kind, object.name.clone())).is_some_and(|count| *count > 1)
            && let Some(id) = object.source_id.as_ref().or(object.replica_id.as_ref())
        {
            object.name = format!("{} ({id})", object.name);
            if let Some(error) = &mut object.error {
                error.object.clone_from(&object.name);
            }
        }
    }
}

/// Users of an asset before it.
fn order(kind: AssetKind) -> u8 {
    match kind {
        AssetKind::Job => 0,
        AssetKind::Dashboard => 1,
        AssetKind::Cluster => 2,
        AssetKind::SqlWarehouse => 3,
        AssetKind::Folder => 5,
        _ => 4,
    }
}

/// Puts a job behind the jobs that it starts, as far as they don't go in a circle.
fn jobs_after_those_they_start(all: &mut Vec<Found>) {
    let is_job = |found: &Found| found.kind == AssetKind::Job;
    let Some(first) = all.iter().position(is_job) else { return };
    let mut waiting = all.split_off(first);
    let mut left: HashSet<String> = waiting.iter().map(|job| job.id.clone()).collect();
    loop {
        let waits = |found: &Found| match &found.info {
            super::asset::Info::Job(job) => {
                super::jobs::starts(&job.settings).any(|id| id != found.id && left.contains(&id))
            }
            _ => false,
        };
        let (later, ready): (Vec<Found>, Vec<Found>) = waiting.into_iter().partition(waits);
        let stuck = ready.is_empty();
        for job in &ready {
            left.remove(&job.id);
        }
        all.extend(ready);
        if later.is_empty() {
            return;
        }
        if stuck {
            all.extend(later);
            return;
        }
        waiting = later;
    }
}

/// The status that an asset's record has where nothing is wrong.
pub(super) fn in_sync(found: &Found, replica_id: Option<String>, notes: Vec<String>) -> ObjectRecord {
    let note = (!notes.is_empty()).then(|| notes.join(" "));
    let record = ObjectRecord::named(found.kind, found.name.clone(), ObjectStatus::InSync);
    ObjectRecord { note, source_id: Some(found.id.clone()), replica_id, ..record }
}

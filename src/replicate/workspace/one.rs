//! One asset: whether its replica is as it should be, and making it so.

use super::acl;
use super::asset::{AssetState, Found, HeldBack, Info, Link, Made};
use super::kinds;
use super::pass::{Pass, in_sync};
use super::references::{Resolver, named};
use super::{jobs, tree};
use crate::domain::{AssetKind, ErrorClass};
use crate::replicate::{CycleError, ObjectRecord};
use crate::store::AssetRow;
use crate::wire::objects::ObjectInfo;
use std::time::Duration;

/// How long the secondary's users and groups are trusted to be as they were read.
const PRINCIPALS_TRUST: Duration = Duration::from_secs(600);
/// Passes that a failing asset is left alone at most.
const LONGEST_PAUSE: u64 = 64;

/// An asset that was refused: it is tried again when it changes, or after a growing number of passes.
#[derive(Debug)]
pub(super) struct Failing {
    print: String,
    record: ObjectRecord,
    pause: u64,
    again: u64,
}

impl Pass<'_> {
    fn resolver(&self) -> Resolver<'_> {
        Resolver { ids: &self.ids, source_side: self.request.source_side, git_folders: &self.git_folders }
    }

    /// The ids that an asset's description would be rewritten by now; None for a kind without references.
    fn links(&self, found: &Found) -> Option<Vec<Link>> {
        let mut value = match &found.info {
            Info::Job(job) => return Some(jobs::wanted(&self.resolver(), &job.settings).1.links),
            Info::Dashboard(draft) => {
                serde_json::json!({"warehouse_id": draft.warehouse_id.clone().unwrap_or_default()})
            }
            _ => return None,
        };
        Some(self.resolver().rewrite(&mut value).links)
    }

    /// Whether ids that an asset refers to have become others since its replica was written.
    pub fn has_new_links(&self, found: &Found) -> bool {
        let row = self.ids.find(self.request.source_side, found.kind, &found.id);
        row.is_some_and(|row| self.links(found).is_some_and(|links| links != row.body.links))
    }

    /// The replica's print as it was last seen, and whether it runs by itself; None where the secondary doesn't have it.
    pub fn seen(&self, row: &AssetRow<AssetState>) -> Option<(String, bool)> {
        let id = row.ids[self.request.destination_side()].as_ref()?;
        if is_object(row.kind) {
            let there = self.tree.objects.get(&row.body.name).cloned().and_then(tree::found)?;
            return (there.id == *id && there.kind == row.kind).then_some((there.print, false));
        }
        let there = self.others.get(&(row.kind, id.clone()))?;
        let runs = matches!(&there.info, Info::Job(job) if job.settings.is_unpaused());
        Some((there.print.clone(), runs))
    }

    fn is_due(&self, found: &Found, row: &AssetRow<AssetState>) -> bool {
        let (from, to) = (self.request.source_side, self.request.destination_side());
        let state = &row.body;
        let Some((print, runs)) = self.seen(row) else { return true };
        runs || state.prints[from].as_ref() != Some(&found.print)
            || state.prints[to].as_ref() != Some(&print)
            || state.name != found.name
            || self.has_new_links(found)
    }

    /// Flags an asset whose kind the secondary has no call for; whether it is one.
    pub fn flag_unserved(&mut self, found: &Found) -> bool {
        if !self.unserved.contains(&found.kind) {
            return false;
        }
        let region = &self.request.destination.region;
        let sentence =
            format!("{region} has no API for a {}, so {} can't be replicated there.", found.kind, found.name);
        self.flag(found.kind, &found.name, [Some(found.id.clone()), None], ErrorClass::UnsupportedObject, sentence);
        true
    }

    /// Makes the secondary have an asset as the primary has it, and says how that went.
    pub async fn bring(&mut self, found: &Found, with_permissions: bool) -> Result<(), CycleError> {
        let (from, to) = (self.request.source_side, self.request.destination_side());
        if self.flag_unserved(found) {
            return Ok(());
        }
        let key = (found.kind, found.id.clone());
        let row = self.ids.find(from, found.kind, &found.id).cloned();
        let due = row.as_ref().is_none_or(|row| self.is_due(found, row));
        if !due {
            self.failing.remove(&key);
            let Some(row) = row else { return Ok(()) };
            self.note_pauses(found, &row).await?;
            self.record(found, row.seq);
            return Ok(());
        }
        if let Some(failing) = self.failing.get(&key).filter(|f| f.print == found.print && f.again > self.number) {
            self.records.push(failing.record.clone());
            return Ok(());
        }
        let (row, replica) = self.prepared(found, row).await?;
        let at_path = self.tree.objects.get(&found.name).filter(|_| is_object(found.kind)).cloned();
        let made = {
            let resolver = self.resolver();
            let replica = replica.as_deref();
            kinds::make(self.request, &resolver, found, &row.body, replica, at_path.as_ref()).await
        };
        let made = match made {
            Ok(Ok(made)) => made,
            Ok(Err(refused)) => {
                self.fail(found, row.ids[to].clone(), refused.class, refused.sentence);
                return Ok(());
            }
            Err(error) => {
                let error = self.request.one_assets(error)?;
                let sentence = format!("{} couldn't be replicated. {error}", found.name);
                self.fail(found, row.ids[to].clone(), error.class(), sentence);
                return Ok(());
            }
        };
        let seq = self.written(found, row, made).await?;
        self.failing.remove(&key);
        if with_permissions {
            self.permissions(found).await?;
        }
        self.record(found, seq);
        Ok(())
    }

    /// The row that a replica is written by, and the replica's id where the secondary has one already.
    ///
    /// A new asset gets its row first: a crash after the call that makes it must not make it twice.
    async fn prepared(
        &mut self,
        found: &Found,
        row: Option<AssetRow<AssetState>>,
    ) -> Result<(AssetRow<AssetState>, Option<String>), CycleError> {
        let (from, to) = (self.request.source_side, self.request.destination_side());
        let mut row = row.unwrap_or_else(|| {
            let mut ids = [None, None];
            ids[from] = Some(found.id.clone());
            AssetRow { seq: 0, set: self.request.set.to_owned(), kind: found.kind, ids, body: AssetState::default() }
        });
        if row.ids[to].is_some() && self.seen(&row).is_none() {
            // Somebody removed it there. It is made again.
            row.ids[to] = None;
            row.body.prints[to] = None;
        }
        let mut replica = row.ids[to].clone();
        if replica.is_none() && !is_object(found.kind) {
            replica = self.counterpart(found);
            if let Some(theirs) = replica.as_ref().and_then(|id| self.others.get(&(found.kind, id.clone()))).cloned()
                && row.body.name.is_empty()
                && row.seq == 0
                && let Err(sentence) = kinds::keep(self.request, &theirs).await
            {
                tracing::warn!(group = %self.request.group, asset = %found.name, "{sentence}");
            }
            row.seq = self.ids.put(self.request.store, self.request.group, row.clone()).await?;
        }
        Ok((row, replica))
    }

    /// An asset of the secondary that no other stands for and that is this one: by its id where ids are kept; by its name
    /// where each side has the name once.
    fn counterpart(&self, found: &Found) -> Option<String> {
        let to = self.request.destination_side();
        let is_free = |id: &str| self.ids.find(to, found.kind, id).is_none();
        if self.others.contains_key(&(found.kind, found.id.clone())) && is_free(&found.id) {
            return Some(found.id.clone());
        }
        let named = |other: &&Found| other.kind == found.kind && other.name == found.name;
        let mut same_name = self.others.values().filter(named);
        let (only, none) = (same_name.next()?, same_name.next());
        let is_single = none.is_none() && self.names.get(&(found.kind, found.name.clone())) == Some(&1);
        (is_single && is_free(&only.id)).then(|| only.id.clone())
    }

    /// Records what was written; the asset's number.
    async fn written(&mut self, found: &Found, row: AssetRow<AssetState>, made: Made) -> Result<i64, CycleError> {
        let (store, group) = (self.request.store, self.request.group);
        let (from, to) = (self.request.source_side, self.request.destination_side());
        // An id stands for one asset: what had it before is made again.
        if let Some(other) = self.ids.find(to, found.kind, &made.id).filter(|other| other.seq != row.seq).cloned() {
            let mut other = other;
            other.ids[to] = None;
            other.body.prints[to] = None;
            self.ids.put(store, group, other).await?;
        }
        let before = row.body.name.clone();
        let mut row = row;
        if row.ids[to].as_ref() != Some(&made.id) {
            // A new replica has nobody's permissions yet.
            row.body.acl = None;
        }
        row.ids[to] = Some(made.id.clone()).filter(|id| !id.is_empty() && id != "0");
        row.body = AssetState {
            name: found.name.clone(),
            content: made.content,
            links: made.links,
            missing: made.missing,
            notes: made.notes,
            unpaused: unpaused(found),
            ..row.body
        };
        row.body.prints[from] = Some(found.print.clone());
        row.body.prints[to] = made.print.clone();
        let seq = self.ids.put(store, group, row.clone()).await?;
        self.changed += 1;
        if is_object(found.kind) {
            self.moved(found, &before, made.object).await?;
        } else {
            // As it was listed, but for what was written: the next listing tells.
            let print = made.print.unwrap_or_default();
            let theirs = Found { id: made.id.clone(), print, info: at_rest(found), ..found.clone() };
            self.others.insert((found.kind, made.id), theirs);
        }
        Ok(seq)
    }

    /// Keeps the known tree of the secondary up to date, and removes a folder from where it was.
    async fn moved(&mut self, found: &Found, before: &str, made: Option<ObjectInfo>) -> Result<(), CycleError> {
        if !before.is_empty() && before != found.name {
            if found.kind == AssetKind::Folder {
                // What lies in it goes along by itself; until then it can't be removed, and is listed.
                match kinds::remove(self.request, AssetKind::Folder, "", before).await {
                    Ok(()) => drop(self.tree.objects.remove(before)),
                    Err(error) => drop(self.request.one_assets(error)?),
                }
            } else {
                self.tree.objects.remove(before);
            }
        }
        if let Some(made) = made {
            self.tree.objects.insert(made.path.clone(), made);
        }
        Ok(())
    }

    /// Where a job starts runs by itself is kept, for a failover that can no longer ask.
    async fn note_pauses(&mut self, found: &Found, row: &AssetRow<AssetState>) -> Result<(), CycleError> {
        let now = unpaused(found);
        if row.body.unpaused != now {
            let mut row = row.clone();
            row.body.unpaused = now;
            self.ids.put(self.request.store, self.request.group, row).await?;
        }
        Ok(())
    }

    fn fail(&mut self, found: &Found, replica_id: Option<String>, class: ErrorClass, sentence: String) {
        self.flag(found.kind, &found.name, [Some(found.id.clone()), replica_id], class, sentence);
        let Some(record) = self.records.last().cloned() else { return };
        let key = (found.kind, found.id.clone());
        let pause = self.failing.get(&key).map_or(1, |known| (known.pause * 2).min(LONGEST_PAUSE));
        let again = self.number + pause;
        self.failing.insert(key, Failing { print: found.print.clone(), record, pause, again });
    }

    /// Says that an asset has arrived, and with what.
    pub fn record(&mut self, found: &Found, seq: i64) {
        let Some(row) = self.ids.row(seq) else { return };
        let (to, region) = (self.request.destination_side(), self.request.destination.region.clone());
        let (replica_id, state) = (row.ids[to].clone(), row.body.clone());
        if state.missing.is_empty() {
            let mut notes = state.notes.clone();
            notes.extend(acl::note(&state, to, region.as_str()));
            self.records.push(in_sync(found, replica_id, notes));
            return;
        }
        let sentence =
            format!("{} is in {region}, but refers to what isn't replicated: {}.", found.name, named(&state.missing));
        let ids = [Some(found.id.clone()), replica_id];
        self.flag(found.kind, &found.name, ids, ErrorClass::ReferenceNotReplicated, sentence);
        let references = state.missing.iter().map(|r| format!("{} {}", r.what, r.name)).collect::<Vec<_>>().join("\n");
        if let Some(error) = self.records.last_mut().and_then(|record| record.error.as_mut()) {
            error.parameters.insert("references".to_owned(), references);
        }
    }

    /// Gives the replica the permissions that the primary gives directly, where they changed.
    pub async fn permissions(&mut self, found: &Found) -> Result<(), CycleError> {
        let (from, to) = (self.request.source_side, self.request.destination_side());
        let Some(family) = acl::family(found.kind, &found.name) else { return Ok(()) };
        let Some(row) = self.ids.find(from, found.kind, &found.id).cloned() else { return Ok(()) };
        let Some(replica) = row.ids[to].clone() else { return Ok(()) };
        self.acl_seen.insert(row.seq, self.number);
        match self.give(found, family, &replica, &row).await {
            Ok(None) => Ok(()),
            Ok(Some(state)) => {
                let row = AssetRow { body: state, ..row };
                let seq = self.ids.put(self.request.store, self.request.group, row).await?;
                let is_shown =
                    |record: &ObjectRecord| record.kind == found.kind && record.source_id.as_ref() == Some(&found.id);
                if self.records.iter().any(is_shown) {
                    self.records.retain(|record| !is_shown(record));
                    self.record(found, seq);
                }
                Ok(())
            }
            Err(error) if error.is_not_served() => Ok(()),
            Err(error) => {
                let error = self.request.one_assets(error)?;
                // Looked at again by the next pass.
                self.acl_seen.remove(&row.seq);
                tracing::debug!(group = %self.request.group, asset = %found.name, %error, "permissions weren't replicated");
                let mut state = row.body.clone();
                state.acl = None;
                let note = format!("Its permissions couldn't be replicated. {error}");
                state.notes.retain(|known| !known.starts_with("Its permissions couldn't"));
                state.notes.push(note);
                self.ids.put(self.request.store, self.request.group, AssetRow { body: state, ..row }).await?;
                Ok(())
            }
        }
    }

    /// Reads whom the secondary knows, where that is too long ago.
    pub async fn know_principals(&mut self) -> Result<(), crate::connect::ConnectError> {
        let now = self.request.clock.monotonic();
        if self.principals.as_ref().is_none_or(|(_, at)| now.saturating_sub(*at) > PRINCIPALS_TRUST) {
            self.principals = Some((acl::Principals::read(self.request).await?, now));
        }
        Ok(())
    }

    /// The asset's state once permissions were given; None where they are as they were.
    async fn give(
        &mut self,
        found: &Found,
        family: &str,
        replica: &str,
        row: &AssetRow<AssetState>,
    ) -> Result<Option<AssetState>, crate::connect::ConnectError> {
        let to = self.request.destination_side();
        let shown = self.request.from().await.permissions(family, &found.id).await?;
        let entries = acl::direct(shown);
        let print = format!("{to} {}", acl::print(&entries));
        if row.body.acl.as_ref() == Some(&print) {
            return Ok(None);
        }
        self.know_principals().await?;
        let Some((principals, _)) = &self.principals else { return Ok(None) };
        let held_back = row.body.held_back.as_ref();
        let (given, not_given) = acl::wanted(&entries, found.kind, principals, held_back, to);
        acl::give(self.request, family, replica, given).await?;
        let mut state = row.body.clone();
        state.notes.retain(|known| !known.starts_with("Its permissions couldn't"));
        state.acl = Some(print);
        let was_elsewhere = state.held_back.as_ref().is_some_and(|held| held.side != to);
        if !not_given.is_empty() || !was_elsewhere {
            state.held_back = (!not_given.is_empty()).then_some(HeldBack { side: to, entries: not_given });
        }
        Ok(Some(state))
    }
}

pub(super) fn is_object(kind: AssetKind) -> bool {
    matches!(kind, AssetKind::Folder | AssetKind::Notebook | AssetKind::File)
}

fn unpaused(found: &Found) -> crate::connect::UnpausedPlaces {
    match &found.info {
        Info::Job(job) => crate::connect::UnpausedPlaces::of(&job.settings),
        _ => crate::connect::UnpausedPlaces::default(),
    }
}

/// A description as its replica has it: paused.
fn at_rest(found: &Found) -> Info {
    match &found.info {
        Info::Job(job) => {
            let mut job = job.clone();
            job.settings.schedule = None;
            job.settings.continuous = None;
            job.settings.trigger = None;
            job.settings.triggers.clear();
            Info::Job(job)
        }
        info => info.clone(),
    }
}

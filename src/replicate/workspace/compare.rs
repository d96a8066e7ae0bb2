//! Comparing a workspace's assets with their replicas, changing nothing: what a pass would write is what differs.

use super::acl;
use super::asset::{AssetState, Found, Info};
use super::one::is_object;
use super::pass::{AssetCache, Pass, begin};
use super::request::AssetRequest;
use super::tree;
use crate::connect::ConnectError;
use crate::delta::Depth;
use crate::domain::{AssetKind, ErrorClass, ObjectError, ObjectStatus};
use crate::replicate::{CycleError, ObjectRecord};
use crate::store::AssetRow;
use crate::wire::permissions::AccessControl;
use std::collections::BTreeMap;

/// Assets whose permissions a comparison that isn't deep looks at. Each costs two requests, and passes keep to a rate.
const MOST_ACLS: usize = 500;

/// Compares every asset in scope. A deep comparison reads notebooks and files in both regions too, and looks at the
/// permissions of all. A region that is away ends it, so that nothing is claimed of what it has.
pub async fn compare(request: &AssetRequest<'_>, depth: Depth) -> Result<Vec<ObjectRecord>, CycleError> {
    let (mut pass, begun) = begin(request, &mut AssetCache::default()).await?;
    let all = pass.take_in(&begun.source_tree, begun.source.assets);
    let mut acls = if depth == Depth::Sizes { MOST_ACLS } else { usize::MAX };
    for found in &all {
        if request.stopped() {
            return Err(CycleError::Stopped);
        }
        pass.compare(found, depth, &mut acls).await?;
    }
    for folder in &begun.source_tree.git_folders {
        pass.name_git_folder(folder);
    }
    Ok(pass.outcome(begun.at, true).objects)
}

/// How a replica stands to its asset, where it isn't equal.
struct Finding {
    status: ObjectStatus,
    class: ErrorClass,
    sentence: String,
}

impl Finding {
    fn drifted(class: ErrorClass, sentence: String) -> Self {
        Self { status: ObjectStatus::Drifted, class, sentence }
    }
}

impl Pass<'_> {
    async fn compare(&mut self, found: &Found, depth: Depth, acls: &mut usize) -> Result<(), CycleError> {
        if self.flag_unserved(found) {
            return Ok(());
        }
        let from = self.request.source_side;
        let row = self.ids.find(from, found.kind, &found.id).cloned();
        let Some((row, print, runs)) = row.and_then(|row| self.seen(&row).map(|(print, runs)| (row, print, runs)))
        else {
            let note = format!("{} is not in {}.", found.name, self.request.destination.region);
            let record = ObjectRecord::named(found.kind, found.name.clone(), ObjectStatus::Missing);
            self.records.push(ObjectRecord { note: Some(note), source_id: Some(found.id.clone()), ..record });
            return Ok(());
        };
        let mut lagging = self.is_newer(found, &row);
        let mut finding = self.drift(found, &row, &print, runs);
        let mut notes = Vec::new();
        if finding.is_none() && !lagging && depth != Depth::Sizes {
            finding = self.compare_bytes(found, &row).await?;
        }
        if finding.is_none()
            && let Some(family) = acl::family(found.kind, &found.name)
        {
            match acls.checked_sub(1) {
                Some(left) => {
                    *acls = left;
                    finding = self.compare_permissions(found, family, &row, &mut lagging).await?;
                }
                None => notes.push("Its permissions weren't compared. A deep verification compares those of all."),
            }
        }
        self.record(found, row.seq);
        let Some(record) = self.records.last_mut() else { return Ok(()) };
        if let Some(Finding { status, class, sentence }) = finding {
            let (kind, object, since) = (found.kind, found.name.clone(), self.request.clock.now());
            record.error =
                Some(ObjectError { class, parameters: BTreeMap::new(), message: sentence, kind, object, since });
            record.note = None;
            record.status = status;
        } else if lagging && record.error.is_none() {
            record.status = ObjectStatus::Lagging;
            notes.push("It changed in the primary. The next pass over the workspace brings it over.");
        }
        if !notes.is_empty() && record.error.is_none() {
            let notes = notes.into_iter().map(str::to_owned);
            record.note = Some(record.note.take().into_iter().chain(notes).collect::<Vec<_>>().join(" "));
        }
        Ok(())
    }

    /// Whether the primary's asset is no longer as it was when its replica was written.
    fn is_newer(&self, found: &Found, row: &AssetRow<AssetState>) -> bool {
        let [from, to] = [self.request.source_side, self.request.destination_side()].map(|side| &row.body.prints[side]);
        from.as_ref() != Some(&found.print) || to.is_none() || row.body.name != found.name || self.has_new_links(found)
    }

    /// What somebody did to the replica, as far as lists tell.
    fn drift(&self, found: &Found, row: &AssetRow<AssetState>, print: &str, runs: bool) -> Option<Finding> {
        let region = &self.request.destination.region;
        let known = row.body.prints[self.request.destination_side()].as_deref();
        let sentence = match (runs, known) {
            (true, _) => format!("Job {} runs by itself in {region}. The next pass pauses it there.", found.name),
            (false, Some(known)) if known != print => format!(
                "{} was changed in {region}. The next pass makes it as in {} again.",
                found.name, self.request.source.region
            ),
            _ => return None,
        };
        Some(Finding::drifted(ErrorClass::Drift, sentence))
    }

    /// Reads a notebook or a file in both regions.
    async fn compare_bytes(&self, found: &Found, row: &AssetRow<AssetState>) -> Result<Option<Finding>, CycleError> {
        let (Info::Object(ours), Some(theirs)) = (&found.info, self.tree.objects.get(&row.body.name)) else {
            return Ok(None);
        };
        if found.kind == AssetKind::Folder || !is_object(found.kind) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        for (end, object) in [(self.request.source, ours), (self.request.destination, theirs)] {
            self.request.pace.turn().await;
            match tree::read(end, object).await {
                Ok(read) => bytes.push(read),
                Err(error) => return self.not_compared(found, "content", error).map(Some),
            }
        }
        let to = &self.request.destination.region;
        let differs =
            || format!("The content of {} in {to} isn't the primary's. Save it again in the primary.", found.name);
        Ok((bytes[0] != bytes[1]).then(|| Finding::drifted(ErrorClass::Drift, differs())))
    }

    /// Holds the replica's direct permissions against those that it was to be given.
    async fn compare_permissions(
        &mut self,
        found: &Found,
        family: &str,
        row: &AssetRow<AssetState>,
        lagging: &mut bool,
    ) -> Result<Option<Finding>, CycleError> {
        let to = self.request.destination_side();
        let Some(replica) = row.ids[to].clone() else { return Ok(None) };
        let read = async {
            let ours = acl::direct(self.request.from().await.permissions(family, &found.id).await?);
            let theirs = acl::direct(self.request.to().await.permissions(family, &replica).await?);
            Ok::<_, ConnectError>((ours, theirs))
        };
        let (ours, theirs) = match read.await {
            Ok(read) => read,
            Err(error) if error.is_not_served() || error.is_gone() => return Ok(None),
            Err(error) => return self.not_compared(found, "permissions", error).map(Some),
        };
        if let Err(error) = self.know_principals().await {
            return self.not_compared(found, "permissions", error).map(Some);
        }
        let Some((principals, _)) = &self.principals else { return Ok(None) };
        let (wanted, _) = acl::wanted(&ours, found.kind, principals, row.body.held_back.as_ref(), to);
        let differences = differences(&wanted, &theirs, &principals.me);
        if differences.is_empty() {
            return Ok(None);
        }
        if row.body.acl.is_none() {
            *lagging = true;
            return Ok(None);
        }
        let sentence = format!(
            "The permissions of {} differ in {}: {}. Replication corrects them when it next looks at them.",
            found.name,
            self.request.destination.region,
            differences.join("; ")
        );
        Ok(Some(Finding::drifted(ErrorClass::AccessNotReplicated, sentence)))
    }

    /// What couldn't be compared is unknown. A region that is away is unknown as a whole.
    fn not_compared(&self, found: &Found, what: &str, error: ConnectError) -> Result<Finding, CycleError> {
        let error = self.request.one_assets(error)?;
        let sentence = format!("The {what} of {} couldn't be compared. {error}", found.name);
        Ok(Finding { status: ObjectStatus::Unknown, class: error.class(), sentence })
    }
}

/// How a replica's entries differ from those that it was to have. What the product's own principal holds beyond them is
/// its own.
fn differences(wanted: &[AccessControl], held: &[AccessControl], me: &str) -> Vec<String> {
    let level = |entry: &AccessControl| entry.permission_level.clone().unwrap_or_default();
    let of = |entries: &[AccessControl], like: &AccessControl| {
        entries.iter().find(|e| acl::same_principal(e, like)).map(level)
    };
    let missing = wanted.iter().filter_map(|entry| {
        let (who, wanted) = (acl::name_of(entry).unwrap_or_default(), level(entry));
        match of(held, entry) {
            None => Some(format!("{who} doesn't have {wanted}")),
            Some(held) if held != wanted => Some(format!("{who} has {held} and not {wanted}")),
            Some(_) => None,
        }
    });
    let extra = held.iter().filter(|entry| of(wanted, entry).is_none() && acl::name_of(entry) != Some(me));
    missing
        .chain(extra.map(|e| format!("{} has {} only there", acl::name_of(e).unwrap_or_default(), level(e))))
        .collect()
}

//! What people do with salvaged commits: read them, append them, make a table of them, export them, release them.

use super::group::{GroupChange, GroupHandle};
use super::view::SalvageView;
use super::{Control, ControlError, audit};
use crate::connect::TablePlace;
use crate::delta::{self, DeltaError, Recovering, RowsPreview, SalvagedCommit, TableFault};
use crate::domain::recovery::versions_in_words;
use crate::domain::{
    FailoverGroup, GroupId, Recovery, RecoveryOutcome, RecoveryRequest, Region, ReleasedBy, same_name,
};
use crate::replicate::{self, Endpoint};
use crate::wire::unity_catalog as uc;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// One line of the salvage list: a table's commits, left by the failover that began an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvageRef {
    /// The group.
    pub group: GroupId,
    /// The table as the list names it.
    pub table: String,
    /// The epoch.
    pub epoch: u64,
}

/// The commits of one line of the salvage list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvageReport {
    /// Which line.
    pub of: SalvageRef,
    /// The region that holds the folder.
    pub region: Region,
    /// The live table's region and full name; None where the primary has no such table.
    pub live: Option<(Region, String)>,
    /// The commits, oldest first.
    pub commits: Vec<SalvagedCommit>,
}

/// Where a line's commits lie, opened.
struct Opened {
    view: SalvageView,
    region: Region,
    primary: Endpoint,
    recovering: Recovering,
}

impl Control {
    /// Everything that failovers of a group left behind and that was salvaged, newest first.
    pub fn salvage(&self, id: &GroupId) -> Result<Arc<Vec<SalvageView>>, ControlError> {
        Ok(self.handle(id)?.record().salvage.clone())
    }

    /// The commits of a line of the salvage list, each with whether it can be appended.
    pub async fn salvaged(&self, of: &SalvageRef) -> Result<SalvageReport, ControlError> {
        let opened = self.open_salvage(of, false).await?;
        let commits = delta::salvaged_commits(&opened.recovering).await.map_err(refused)?;
        let live = opened
            .recovering
            .live
            .as_ref()
            .map(|_| (opened.primary.region.clone(), opened.view.table_name().to_owned()));
        Ok(SalvageReport { of: of.clone(), region: opened.region, live, commits })
    }

    /// The first hundred rows that some of a line's commits added.
    pub async fn preview_salvage(&self, of: &SalvageRef, versions: Vec<i64>) -> Result<RowsPreview, ControlError> {
        let opened = self.open_salvage(of, false).await?;
        delta::preview_salvaged(&opened.recovering, versions).await.map_err(refused)
    }

    /// Does with some of a line's commits what a person asks for; the answer says what was done.
    ///
    /// It is noted on the line and in the audit log. The salvage folder stays as it is, and so may the call be repeated: what
    /// was appended before isn't appended again.
    pub async fn recover_salvage(
        &self,
        actor: &str,
        of: &SalvageRef,
        versions: Vec<i64>,
        request: RecoveryRequest,
    ) -> Result<String, ControlError> {
        let mut versions = versions;
        versions.sort_unstable();
        versions.dedup();
        if versions.is_empty() {
            return Err(ControlError::BadArgument { sentence: "Name at least one salvaged commit.".to_owned() });
        }
        let handle = self.handle(&of.group)?;
        // A planned failover waits for who writes to the primary here, and who comes after it is refused.
        let _recovering = handle.recovering.lock().await;
        let how = match request {
            RecoveryRequest::Append => self.append_salvage(&handle, of, &versions).await?,
            RecoveryRequest::MakeTable { table } => self.table_of_salvage(&handle, of, &versions, &table).await?,
            RecoveryRequest::Export { folder } => self.export_salvage(of, &versions, folder.trim()).await?,
        };
        let recovery = Recovery { versions, how, by: actor.to_owned(), at: self.now() };
        self.note_recovery(&handle, of, recovery).await
    }

    async fn append_salvage(
        &self,
        handle: &GroupHandle,
        of: &SalvageRef,
        versions: &[i64],
    ) -> Result<RecoveryOutcome, ControlError> {
        must_replicate(&handle.group())?;
        let opened = self.open_salvage(of, true).await?;
        let became = delta::append_salvaged(&opened.recovering, versions.to_vec()).await.map_err(refused)?;
        Ok(RecoveryOutcome::Appended { became })
    }

    async fn table_of_salvage(
        &self,
        handle: &GroupHandle,
        of: &SalvageRef,
        versions: &[i64],
        name: &str,
    ) -> Result<RecoveryOutcome, ControlError> {
        must_replicate(&handle.group())?;
        let parts: Vec<String> = name.trim().split('.').map(|part| part.trim().to_owned()).collect();
        let Ok([catalog_name, schema_name, table]) = <[String; 3]>::try_from(parts) else {
            return Err(ControlError::BadArgument {
                sentence: format!("{name:?} isn't a table's full name. Write catalog.schema.name."),
            });
        };
        let full_name = format!("{catalog_name}.{schema_name}.{table}");
        let opened = self.open_salvage(of, false).await?;
        self.must_be_writable(&opened.primary, &catalog_name).await?;
        let (client, region) = (&opened.primary.client, &opened.primary.region);
        if !opened.primary.capabilities.staging_tables {
            return Err(ControlError::Refused {
                sentence: format!(
                    "{region} can't create managed tables over its REST API. Export the commits instead."
                ),
            });
        }
        if client.table(&full_name).await?.is_some() {
            return Err(ControlError::Exists {
                sentence: format!("{region} already has a table named {full_name}. Choose another name."),
            });
        }
        let staging = uc::CreateStagingTable {
            catalog_name: catalog_name.clone(),
            schema_name: schema_name.clone(),
            name: table.clone(),
            ..uc::CreateStagingTable::default()
        };
        let staged = client.create_staging_table(&staging).await?;
        let place = TablePlace::new(staged.staging_location.clone(), Some(&staged.id));
        let root = replicate::root_of(&opened.primary, &place, true, self.inner.clock.as_ref()).await?.root;
        delta::table_of_salvaged(&opened.recovering, versions.to_vec(), &root).await.map_err(refused)?;
        let table = uc::CreateTable {
            name: table,
            catalog_name,
            schema_name,
            table_type: uc::TABLE_MANAGED.to_owned(),
            data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
            storage_location: Some(staged.staging_location),
            ..uc::CreateTable::default()
        };
        client.create_table(&table).await?;
        Ok(RecoveryOutcome::MadeTable { table: full_name })
    }

    async fn export_salvage(
        &self,
        of: &SalvageRef,
        versions: &[i64],
        folder: &str,
    ) -> Result<RecoveryOutcome, ControlError> {
        let path = PathBuf::from(folder);
        if !path.is_absolute() {
            return Err(ControlError::BadArgument {
                sentence: format!("{folder:?} isn't a full path. Begin with a slash."),
            });
        }
        let opened = self.open_salvage(of, false).await?;
        delta::export_salvaged(&opened.recovering, versions.to_vec(), path).await.map_err(refused)?;
        Ok(RecoveryOutcome::Exported { folder: folder.to_owned() })
    }

    /// Notes on the line what was done, with a line of the audit log.
    async fn note_recovery(
        &self,
        handle: &GroupHandle,
        of: &SalvageRef,
        recovery: Recovery,
    ) -> Result<String, ControlError> {
        let mut change = GroupChange::of(handle).await;
        let before = line_of(&change.salvage, of)?;
        let mut after = before.clone();
        let said = format!("{} {}", before.table, tail(&recovery));
        after.recovered.push(recovery.clone());
        let message = format!(
            "{} of {}, salvaged after the failover of {} to epoch {}.",
            recovery.sentence().trim_end_matches('.'),
            before.table,
            of.group,
            of.epoch
        );
        let action = match recovery.how {
            RecoveryOutcome::Appended { .. } => "salvage.append",
            RecoveryOutcome::MadeTable { .. } => "salvage.make_table",
            RecoveryOutcome::Exported { .. } => "salvage.export",
        };
        let mut line = audit::line(recovery.at, &recovery.by, action, of.group.as_str(), message);
        audit::show_change(&mut line, Some(&before), Some(&after));
        change.log(line);
        change.replace_salvage(after);
        change.commit(self).await?;
        handle.wake.notify_one();
        Ok(said)
    }

    /// Takes a line off the list of what waits for a person, with what the group lists as left behind of the same table.
    /// Nothing is deleted anywhere.
    pub async fn release_salvage(&self, actor: &str, of: &SalvageRef) -> Result<String, ControlError> {
        let handle = self.handle(&of.group)?;
        let mut change = GroupChange::of(&handle).await;
        let before = line_of(&change.salvage, of)?;
        if before.released.is_some() {
            return Ok(format!("{} was released before.", before.table));
        }
        let now = self.now();
        let after = SalvageView { released: Some(ReleasedBy { by: actor.to_owned(), at: now }), ..before.clone() };
        let done = match before.recovered.as_slice() {
            [] => "Nothing was recovered from them.".to_owned(),
            some => some.iter().map(Recovery::sentence).collect::<Vec<_>>().join(" "),
        };
        let message = format!(
            "{actor} released the {} salvaged commits of {} after the failover of {} to epoch {}. {done} They stay at {}.",
            before.commits, before.table, of.group, of.epoch, before.folder
        );
        let mut line = audit::line(now, actor, "salvage.release", of.group.as_str(), message);
        audit::show_change(&mut line, Some(&before), Some(&after));
        change.log(line);
        let mut left = change.left.as_ref().clone();
        left.retain(|left| {
            left.epoch != of.epoch || left.is_in_place() || !same_name(&left.lost.object, before.table_name())
        });
        change.left = Arc::new(left);
        change.replace_salvage(after);
        change.commit(self).await?;
        handle.wake.notify_one();
        Ok(format!("The salvaged commits of {} were released. They stay at {}.", before.table, before.folder))
    }

    /// Opens a line's folder, and the live table where the primary has it.
    async fn open_salvage(&self, of: &SalvageRef, write: bool) -> Result<Opened, ControlError> {
        let handle = self.handle(&of.group)?;
        let group = handle.group();
        let view = line_of(&handle.record().salvage, of)?;
        let clock = self.inner.clock.as_ref();
        let primary = self.inner.deployment.endpoint(&group, &group.effective_primary_region).await?;
        let uri = uri_of(&view.folder);
        let holder = self.holder_of(&group, &primary, &uri).await?;
        let salvage = replicate::root_of(&holder, &TablePlace::path(uri), false, clock).await?.root;
        let live = match primary.client.table(view.table_name()).await?.as_ref().and_then(TablePlace::of) {
            Some(place) => Some(replicate::root_of(&primary, &place, write, clock).await?.root),
            None => None,
        };
        let recovering = Recovering { salvage, live, now_ms: self.now().timestamp_millis() };
        Ok(Opened { view, region: holder.region, primary, recovering })
    }

    /// The region whose external locations cover the folder; the secondary where neither's does.
    async fn holder_of(&self, group: &FailoverGroup, primary: &Endpoint, uri: &str) -> Result<Endpoint, ControlError> {
        let covers =
            |root: &str| uri.strip_prefix(root.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'));
        if primary.client.external_locations().await?.iter().any(|location| covers(&location.url)) {
            return Ok(primary.clone());
        }
        self.inner.deployment.endpoint(group, group.effective_secondary_region()).await
    }

    /// Refuses a catalog that the region's workspaces may only read. What is shown of a region may be older than a failover,
    /// so the region is asked.
    async fn must_be_writable(&self, end: &Endpoint, catalog: &str) -> Result<(), ControlError> {
        let (region, own) = (&end.region, end.workspace_number()?);
        let elsewhere = self
            .handles()
            .iter()
            .map(|handle| handle.group())
            .find(|group| group.has_catalog(catalog) && group.effective_primary_region != *region);
        let found = end.client.catalog(catalog).await?;
        let isolated = found.is_some_and(|found| found.isolation_mode.as_deref() == Some(uc::ISOLATION_ISOLATED));
        let read_only = end.capabilities.bindings
            && isolated
            && end.client.bindings_of_catalog(catalog).await?.iter().any(|b| b.workspace_id == own && b.is_read_only());
        if elsewhere.is_none() && !read_only {
            return Ok(());
        }
        Err(ControlError::Refused {
            sentence: format!("The catalog {catalog} is read-only in {region}. Choose one that takes writes."),
        })
    }
}

/// What was done, to follow a table's name.
fn tail(recovery: &Recovery) -> String {
    let what = versions_in_words(&recovery.versions);
    match &recovery.how {
        RecoveryOutcome::Appended { became } => format!("has {what} again, as {}.", versions_in_words(became)),
        RecoveryOutcome::MadeTable { table } => format!("has {what} in the new table {table}."),
        RecoveryOutcome::Exported { folder } => format!("has {what} exported to {folder}."),
    }
}

fn must_replicate(group: &FailoverGroup) -> Result<(), ControlError> {
    if group.state.replicates() {
        return Ok(());
    }
    Err(ControlError::Refused {
        sentence: format!(
            "Failover group {} is {}. Recover its commits when it is ACTIVE or INITIAL_REPLICATION.",
            group.spec.id, group.state
        ),
    })
}

fn line_of(list: &[SalvageView], of: &SalvageRef) -> Result<SalvageView, ControlError> {
    let found = list.iter().find(|view| view.epoch == of.epoch && view.table == of.table);
    found.cloned().ok_or_else(|| ControlError::BadArgument {
        sentence: format!("{} lists no salvaged commits of {} from epoch {}.", of.group, of.table, of.epoch),
    })
}

/// The folder as a URI; it is kept as a person would look for it.
fn uri_of(folder: &str) -> String {
    match folder.starts_with('/') {
        true => Url::from_file_path(folder).map_or_else(|()| folder.to_owned(), |url| url.to_string()),
        false => folder.to_owned(),
    }
}

/// What a table's refusal means to a caller: what doesn't fit is no failure of the table.
fn refused(fault: TableFault) -> ControlError {
    match fault.error() {
        DeltaError::Unfit { sentence, .. } => ControlError::Refused { sentence: sentence.clone() },
        _ => ControlError::Table(fault),
    }
}

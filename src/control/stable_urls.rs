//! Stable URLs: records, what they are attached to, and where they lead.

use super::assets::side_of;
use super::group::GroupHandle;
use super::keyring::random_hex;
use super::lock::lock;
use super::routing::admission;
use super::view::StableUrlView;
use super::{Control, ControlError, audit};
use crate::domain::{FailoverGroup, GroupId, StableUrl, WorkspaceId};
use crate::net::Admission;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a stable URL is attached to.
#[derive(Clone)]
pub(super) struct Attached {
    /// The group.
    pub group: GroupId,
    /// The group's epoch.
    pub epoch: u64,
    /// The workspace set that names it.
    pub set: String,
    /// Which of the group's regions is the primary, in their order.
    pub side: usize,
    /// The workspace that the group moves it to.
    pub workspace: Option<WorkspaceId>,
    /// Whether requests pass now.
    pub admission: Admission,
}

/// What each stable URL is attached to, by its full name.
type Attachments = BTreeMap<String, Attached>;

impl Control {
    /// Every stable URL, by id.
    pub fn stable_urls(&self) -> Vec<StableUrlView> {
        // Not under the lock: a view reads the gates, and a change of the gates reads the URLs.
        let (attached, urls) = (self.attachments(), lock(&self.inner.stable_urls).clone());
        urls.values().map(|url| self.url_view(url, &attached)).collect()
    }

    /// One stable URL.
    pub fn stable_url(&self, id: &str) -> Result<StableUrlView, ControlError> {
        let known = lock(&self.inner.stable_urls).get(id).cloned();
        let url = known.ok_or_else(|| ControlError::UnknownStableUrl { id: id.to_owned() })?;
        Ok(self.url_view(&url, &self.attachments()))
    }

    /// Checks a stable URL and, unless `validate_only`, creates it; None where it was only checked.
    pub async fn create_stable_url(
        &self,
        actor: &str,
        id: &str,
        initial_workspace_id: &str,
        validate_only: bool,
    ) -> Result<Option<StableUrlView>, ControlError> {
        let creating = self.inner.creating.clone().lock_owned().await;
        StableUrl::check_id(id).map_err(|problem| ControlError::BadArgument { sentence: problem.to_string() })?;
        if lock(&self.inner.stable_urls).contains_key(id) {
            return Err(ControlError::Exists {
                sentence: format!("A stable URL named {id} already exists. Choose another id."),
            });
        }
        let workspace = WorkspaceId::new(initial_workspace_id);
        if self.inner.deployment.workspace(&workspace).is_err() {
            return Err(ControlError::BadArgument {
                sentence: format!(
                    "The account has no workspace with the id {initial_workspace_id:?}. Give one of its workspaces as initial_workspace_id."
                ),
            });
        }
        if validate_only {
            return Ok(None);
        }
        let stable_workspace_id = self.new_workspace_id()?;
        let mut url = StableUrl {
            id: id.to_owned(),
            url: format!("{}/?w={stable_workspace_id}", self.inner.settings.stable_url_origin),
            stable_workspace_id,
            effective_workspace_id: workspace,
        };
        url.url = self.address_of(&url);
        let message = format!("{actor} created the stable URL {id}, which leads to workspace {initial_workspace_id}.");
        let mut line = audit::line(self.now(), actor, "stable_url.create", id, message);
        audit::show_change(&mut line, None, Some(&url));
        let (stored, written) = (url.clone(), line.clone());
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.put_stable_url(&stored)?;
            tx.add_activity(&written)
        };
        let show = move |control: &Self, ()| {
            control.keep_urls(vec![url]);
            control.show_activity(line);
            control.touch();
        };
        self.durably(creating, work, show).await?;
        self.stable_url(id).map(Some)
    }

    /// Deletes a stable URL that no group moves.
    pub async fn delete_stable_url(&self, actor: &str, id: &str) -> Result<(), ControlError> {
        let creating = self.inner.creating.clone().lock_owned().await;
        let shown = self.stable_url(id)?;
        if let Some(group) = shown.group {
            return Err(ControlError::Refused {
                sentence: format!(
                    "The stable URL {id} is attached to failover group {group}. Detach it there first, or delete the group."
                ),
            });
        }
        let before = lock(&self.inner.stable_urls).get(id).cloned();
        let mut line =
            audit::line(self.now(), actor, "stable_url.delete", id, format!("{actor} deleted the stable URL {id}."));
        audit::show_change(&mut line, before.as_ref(), None);
        let (removed, written) = (id.to_owned(), line.clone());
        let gone = removed.clone();
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.remove_stable_url(&removed)?;
            tx.add_activity(&written)
        };
        let show = move |control: &Self, ()| {
            lock(&control.inner.stable_urls).remove(&gone);
            control.show_activity(line);
            control.touch();
        };
        // Tokens are added under this lock too, and written into the same file.
        let (_creating, ()) = self.durably(creating, work, show).await?;
        self.forget_token_pairs(&shown.stable_workspace_id)
    }

    /// Stable URLs that `before` moves and `after` does not, as they are to be kept: leading where they lead now.
    pub(crate) fn detached(&self, before: &FailoverGroup, after: Option<&FailoverGroup>) -> Vec<StableUrl> {
        let moved = |group: &FailoverGroup| -> Attachments {
            self.attachments_of(group, Admission::Open).into_iter().collect()
        };
        let still = after.map(moved).unwrap_or_default();
        let urls = lock(&self.inner.stable_urls);
        let gone = moved(before).into_iter().filter(|(name, _)| !still.contains_key(name));
        gone.filter_map(|(name, Attached { workspace, .. })| {
            let url = urls.values().find(|url| self.url_name(&url.id) == name)?;
            Some(StableUrl { effective_workspace_id: workspace?, ..url.clone() })
        })
        .collect()
    }

    /// Shows stable URLs that are stored already.
    pub(super) fn keep_urls(&self, urls: Vec<StableUrl>) {
        lock(&self.inner.stable_urls).extend(urls.into_iter().map(|url| (url.id.clone(), url)));
    }

    pub(super) fn url_name(&self, id: &str) -> String {
        StableUrl::resource_name(self.account_id(), id)
    }

    fn url_view(&self, url: &StableUrl, attached: &Attachments) -> StableUrlView {
        let name = self.url_name(&url.id);
        let attached = attached.get(&name).cloned();
        let moved_ids = attached.as_ref().map_or(0, |to| self.moved_ids(&to.group, &to.set, to.side).len());
        let (group, workspace) = attached.map_or((None, None), |to| (Some(to.group), to.workspace));
        StableUrlView {
            id: url.id.clone(),
            name,
            stable_workspace_id: url.stable_workspace_id.clone(),
            url: self.address_of(url),
            effective_workspace_id: workspace.unwrap_or_else(|| url.effective_workspace_id.clone()),
            group,
            moved_ids,
            token_clients: self.token_clients_of(&url.stable_workspace_id),
            traffic: self.traffic_of(&url.id),
        }
    }

    pub(super) fn attachments(&self) -> Attachments {
        let of = |handle: &Arc<GroupHandle>| {
            let (group, admission) = {
                let record = handle.record();
                (record.group.clone(), admission(record.operation.as_ref()))
            };
            self.attachments_of(&group, admission)
        };
        self.handles().iter().flat_map(of).collect()
    }

    fn attachments_of(&self, group: &FailoverGroup, admission: Admission) -> Vec<(String, Attached)> {
        let sets = group.spec.workspace_sets.iter().filter(|set| !set.stable_url_names.is_empty());
        sets.flat_map(|set| {
            let primary = set.workspace_ids.iter().find(|id| {
                self.inner.deployment.workspace(id).is_ok_and(|w| w.region == group.effective_primary_region)
            });
            let attached = Attached {
                group: group.spec.id.clone(),
                epoch: group.epoch,
                set: set.name.clone(),
                side: side_of(group, &group.effective_primary_region),
                workspace: primary.cloned(),
                admission,
            };
            set.stable_url_names.iter().map(move |name| (name.clone(), attached.clone()))
        })
        .collect()
    }

    /// Sixteen digits that no workspace and no other stable URL has.
    fn new_workspace_id(&self) -> Result<String, ControlError> {
        loop {
            let bits = u64::from_str_radix(&random_hex::<8>()?, 16).unwrap_or_default();
            let id = (1_000_000_000_000_000 + bits % 9_000_000_000_000_000).to_string();
            let taken = lock(&self.inner.stable_urls).values().any(|url| url.stable_workspace_id == id);
            if !taken && self.inner.deployment.workspace(&WorkspaceId::new(id.as_str())).is_err() {
                return Ok(id);
            }
        }
    }
}

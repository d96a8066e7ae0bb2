//! The form that changes a failover group: its scope, its storage mappings, the stable URLs that follow it.

use super::create::scope::{SCOPE_NOTE, TreeState, scope_ui};
use super::create::{Draft, assets_note, mappings};
use super::{page_ui, title_ui};
use crate::console::action::{Action, GroupTab, Route};
use crate::console::command;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, banner_ui, card, field, text};
use crate::control::{GroupPatch, SetPatch};
use crate::domain::validation::Field;
use crate::domain::{CatalogName, FailoverGroup, FailoverGroupSpec, GroupId, Violation};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Ui};
use std::collections::BTreeSet;

/// The form: what the group was when it was opened, and what has been typed and chosen since.
#[derive(Debug, Clone)]
pub struct EditForm {
    /// The group.
    pub id: GroupId,
    etag: String,
    spec: FailoverGroupSpec,
    opened: Draft,
    draft: Draft,
    urls: BTreeSet<String>,
    tree: TreeState,
    refused: Vec<Violation>,
    refusal: Option<String>,
}

impl EditForm {
    /// A form for the group as it is now.
    pub fn open(scene: &Scene<'_>, group: &FailoverGroup) -> Self {
        let draft = Draft::of_group(scene, group);
        Self {
            id: group.spec.id.clone(),
            etag: group.etag.clone(),
            urls: followers(&group.spec),
            spec: group.spec.clone(),
            opened: draft.clone(),
            draft,
            tree: TreeState::default(),
            refused: Vec::new(),
            refusal: None,
        }
    }

    /// Takes the refusal of this form's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refused = refusal.violations.clone();
        self.refusal = refusal.violations.is_empty().then(|| refusal.sentence.clone());
    }

    /// Whether nothing would be lost by leaving.
    pub fn is_unchanged(&self) -> bool {
        self.changes().is_empty()
    }

    /// What saving would change, a part of a sentence each.
    pub fn changes(&self) -> Vec<String> {
        let names = |all: Vec<&String>| all.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (before, now) = (&self.opened.catalogs, &self.draft.catalogs);
        let added: Vec<_> = now.difference(before).collect();
        let removed: Vec<_> = before.difference(now).collect();
        let mut found = Vec::new();
        if !added.is_empty() {
            found.push(format!(
                "Adds {} to the scope. The group is in INITIAL_REPLICATION until it has arrived.",
                names(added)
            ));
        }
        if !removed.is_empty() {
            found.push(format!("Removes {} from the scope. The replica stays, read-only.", names(removed)));
        }
        if self.opened.mappings() != self.draft.mappings() {
            found.push("Changes the storage mappings. Data that was copied stays where it is.".to_owned());
        }
        if self.opened.assets != self.draft.assets {
            found.push(match self.draft.assets {
                true => "Replicates workspace assets. What the secondary has under the same paths is exported and overwritten.",
                false => "Stops replicating workspace assets. What has arrived stays in the secondary.",
            }.to_owned());
        }
        let short = |name: &String| name.rsplit('/').next().unwrap_or(name).to_owned();
        let urls = |ids: &[String]| {
            format!("{} {}", if ids.len() == 1 { "stable URL" } else { "stable URLs" }, ids.join(", "))
        };
        let were = followers(&self.spec);
        let joined: Vec<_> = self.urls.difference(&were).map(short).collect();
        let left: Vec<_> = were.difference(&self.urls).map(short).collect();
        if !joined.is_empty() {
            found.push(format!("Attaches {}.", urls(&joined)));
        }
        if !left.is_empty() {
            found.push(format!("Detaches {}. It keeps pointing where it points now.", urls(&left)));
        }
        found
    }

    /// What saving sends: only what differs.
    pub fn patch(&self) -> GroupPatch {
        let mut patch = GroupPatch::default();
        if self.opened.catalogs != self.draft.catalogs {
            let old = self.spec.unity_catalog_assets.as_ref().map_or(&[] as &[CatalogName], |assets| &assets.catalogs);
            let chosen: Vec<CatalogName> = self.draft.catalogs.iter().map(CatalogName::new).collect();
            let kept = old.iter().filter(|catalog| chosen.contains(catalog));
            let added = chosen.iter().filter(|catalog| !old.contains(catalog));
            patch.catalogs = Some(kept.chain(added).cloned().collect());
        }
        if self.opened.mappings() != self.draft.mappings() {
            patch.location_mappings = Some(self.draft.mappings());
        }
        if let (true, Some(set)) = (self.opened.assets != self.draft.assets, self.spec.data_workspace_set()) {
            let assets = Some(self.draft.assets);
            patch.sets.push(SetPatch {
                name: set.name.clone(),
                replicate_workspace_assets: assets,
                ..SetPatch::default()
            });
        }
        if let (true, Some(set)) = (followers(&self.spec) != self.urls, self.spec.data_workspace_set()) {
            let names = Some(self.urls.iter().cloned().collect());
            patch.sets.push(SetPatch { name: set.name.clone(), stable_url_names: names, ..SetPatch::default() });
        }
        patch
    }

    /// Draws the form.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Vec<Action> {
        let back = Action::Go(Route::Group(self.id.clone(), GroupTab::Overview));
        let Some(view) = scene.group(&self.id) else { return vec![back] };
        let mut actions = Vec::new();
        let moved = view.group.spec != self.spec;
        if !moved {
            // The definition is the one that is shown here; only state or progress went on.
            self.etag.clone_from(&view.group.etag);
        }
        let mut violations = self.draft.violations(scene);
        violations.retain(|violation| matches!(violation.field, Field::Scope | Field::Mappings));
        let waits = scene.awaits(|intent| matches!(intent, Intent::UpdateGroup { id, .. } if *id == self.id));
        let allowed = command::can_edit(scene, &self.id);
        let changes = self.changes();
        let ready = !changes.is_empty() && violations.is_empty() && !waits && !moved && allowed.is_ok();
        page_ui(ui, "edit", 900.0, |ui| {
            title_ui(ui, &format!("Edit {}", self.id), "", |ui| {
                let words = if waits { "Saving…" } else { "Save changes" };
                if ui.add(Button::primary(words).enabled(ready && scene.stale_ms.is_none())).clicked() {
                    self.refused.clear();
                    self.refusal = None;
                    let (id, patch, etag) = (self.id.clone(), self.patch(), self.etag.clone());
                    actions.push(Action::Send(Intent::UpdateGroup { id, patch, etag }));
                }
                if ui.add(Button::quiet("Cancel")).clicked() {
                    actions.push(back);
                }
            });
            self.banners_ui(ui, scene, view.group.clone(), moved, allowed.err());
            self.changes_ui(ui, &changes);
            self.scope_card_ui(ui, scene, &violations);
            self.mappings_card_ui(ui, scene, &violations);
            self.assets_card_ui(ui, scene);
            self.urls_card_ui(ui, scene);
        });
        actions
    }

    fn banners_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, group: FailoverGroup, moved: bool, held: Option<String>) {
        if moved {
            let sentence = "This group changed while the form was open. Start again from its current settings.";
            let again = banner_ui(ui, Icon::Warn, Tone::Warn, "The group has changed", sentence, |ui| {
                ui.add(Button::ordinary("Start again").icon(Icon::Refresh)).clicked()
            });
            if again {
                *self = Self::open(scene, &group);
            }
        }
        if let Some(reason) = held {
            banner_ui(ui, Icon::Info, Tone::Warn, "You can't change it now", &reason, |_| {});
        }
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "The group was not changed", refusal, |_| {});
        }
    }

    fn changes_ui(&self, ui: &mut Ui, changes: &[String]) {
        let palette = theme::palette(ui);
        if changes.is_empty() {
            let words = "No changes yet. You can't change name, workspaces and regions after creation.";
            ui.label(rich(Role::Body, words).color(palette.text_weak));
            return;
        }
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            for change in changes {
                ui.horizontal_top(|ui| {
                    text::icon_ui(ui, Icon::Edit, 16.0, palette.accent);
                    ui.add(egui::Label::new(rich(Role::Body, change).color(palette.text)).wrap());
                });
            }
        });
    }

    /// Sentences beside a field: those of the rules once something was changed, and those of the runtime.
    fn problems<'a>(&'a self, field: Field, violations: &'a [Violation]) -> Vec<&'a str> {
        let own = violations.iter().filter(|_| !self.is_unchanged());
        let mut found: Vec<&str> = Vec::new();
        for violation in own.chain(&self.refused).filter(|violation| violation.field == field) {
            if !found.contains(&violation.sentence.as_str()) {
                found.push(&violation.sentence);
            }
        }
        found
    }

    fn touched(&mut self, field: Field) {
        self.refused.retain(|violation| violation.field != field);
        self.refusal = None;
    }

    fn scope_card_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, violations: &[Violation]) {
        card::card_ui(ui, |ui| {
            card::section_ui(ui, "Replication scope", SCOPE_NOTE);
            ui.add_space(space::XS);
            if scope_ui(ui, scene, &mut self.draft, &mut self.tree) {
                self.touched(Field::Scope);
            }
            field::problems_ui(ui, self.problems(Field::Scope, violations));
        });
    }

    fn mappings_card_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, violations: &[Violation]) {
        card::card_ui(ui, |ui| {
            let note = "Each location and its counterpart in the other region. The longest prefix wins.";
            card::section_ui(ui, "Storage mappings", note);
            ui.add_space(space::XS);
            if mappings::mappings_ui(ui, scene, &mut self.draft) {
                self.touched(Field::Mappings);
            }
            field::problems_ui(ui, self.problems(Field::Mappings, violations));
        });
    }

    fn assets_card_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let palette = theme::palette(ui);
        card::card_ui(ui, |ui| {
            card::section_ui(ui, "Workspace assets", "Of the workspaces that the data replicates through.");
            ui.add_space(space::XS);
            if field::check_ui(ui, self.draft.assets, true, "Replicate workspace assets").clicked() {
                self.draft.assets = !self.draft.assets;
                self.touched(Field::Workspaces);
            }
            let note = assets_note(self.draft.primary_region(scene));
            ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
        });
    }

    fn urls_card_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let palette = theme::palette(ui);
        card::card_ui(ui, |ui| {
            card::section_ui(ui, "Stable URLs", "They point to the primary workspace of this group.");
            ui.add_space(space::XS);
            let urls = &scene.account().stable_urls;
            if urls.is_empty() {
                let words = "There is no stable URL yet. Create one under Stable URLs.";
                ui.label(rich(Role::Body, words).color(palette.text_weak));
            }
            for url in urls {
                let elsewhere = url.group.as_ref().filter(|group| **group != self.id);
                let words = match elsewhere {
                    Some(group) => format!("{} · attached to {group}", url.id),
                    None => url.id.clone(),
                };
                let on = self.urls.contains(&url.name);
                if field::check_ui(ui, on, elsewhere.is_none(), &words).clicked() {
                    self.touched(Field::Workspaces);
                    if !self.urls.remove(&url.name) {
                        self.urls.insert(url.name.clone());
                    }
                }
            }
            field::problems_ui(ui, self.problems(Field::Workspaces, &[]));
        });
    }
}

/// Full names of the stable URLs that follow the set that data replicates through.
fn followers(spec: &FailoverGroupSpec) -> BTreeSet<String> {
    spec.data_workspace_set().map(|set| set.stable_url_names.iter().cloned().collect()).unwrap_or_default()
}

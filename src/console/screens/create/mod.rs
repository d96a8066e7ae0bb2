//! The form that creates a failover group.

pub(super) mod mappings;
mod model;
pub(super) mod scope;
mod summary;

pub use model::{Draft, LocationRow, Requirement, RowDraft, Standing, requirements};
pub use scope::{Node, nodes, totals};

use super::{page_ui, title_ui};
use crate::console::action::{Action, GroupTab, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, rich, space};
use crate::console::widgets::{Button, card, field};
use crate::control::view::RegionView;
use crate::domain::readiness::ReadinessReport;
use crate::domain::validation::Field;
use crate::domain::{AssetKind, FailoverGroupSpec, Region, Violation, WorkspaceId};
use crate::runtime::{Intent, IntentError, NoticeDetail};
use eframe::egui::{self, Align, CentralPanel, ComboBox, Frame, Layout, Panel, Response, Ui};
use std::collections::HashSet;

/// The form: what is typed, which fields were touched, what the runtime said.
#[derive(Debug, Clone, Default)]
pub struct CreateForm {
    /// What has been typed and chosen.
    pub draft: Draft,
    touched: HashSet<Field>,
    tree: scope::TreeState,
    refused: Vec<Violation>,
    refusal: Option<String>,
    checked: Option<FailoverGroupSpec>,
    /// What the last readiness check found, and of what.
    pub readiness: Option<(FailoverGroupSpec, ReadinessReport)>,
    show: Option<Field>,
}

impl CreateForm {
    /// Takes the runtime's answer to this form's intent; where to go then.
    pub fn answered(
        &mut self,
        spec: &FailoverGroupSpec,
        validate_only: bool,
        outcome: &Result<NoticeDetail, IntentError>,
    ) -> Option<Action> {
        match outcome {
            Ok(_) if validate_only => {
                self.checked = Some(spec.clone());
                None
            }
            Ok(_) => {
                *self = Self::default();
                Some(Action::Go(Route::Group(spec.id.clone(), GroupTab::Overview)))
            }
            Err(refusal) => {
                self.refused = refusal.violations.clone();
                self.show = refusal.violations.first().map(|violation| violation.field);
                self.refusal = refusal.violations.is_empty().then(|| refusal.sentence.clone());
                None
            }
        }
    }

    fn changed(&mut self, field: Field) {
        self.touched.insert(field);
        self.refused.retain(|violation| violation.field != field);
        self.refusal = None;
    }

    fn touch_all(&mut self) {
        self.touched.extend([Field::Name, Field::Regions, Field::Workspaces, Field::Scope, Field::Mappings]);
    }

    /// Brings the card of `fields` into sight where something was found wrong with it.
    fn bring_up(&mut self, fields: &[Field], card: &Response) {
        if self.show.is_some_and(|field| fields.contains(&field)) {
            self.show = None;
            card.scroll_to_me(Some(Align::Center));
        }
    }

    /// What the runtime found wrong with the form as it is.
    pub fn refused(&self) -> &[Violation] {
        &self.refused
    }

    /// Sentences to show beside `field`: those of the rules once it was touched, and those of the runtime.
    pub fn problems<'a>(&'a self, field: Field, violations: &'a [Violation]) -> Vec<&'a str> {
        let own = violations.iter().filter(|violation| violation.field == field && self.touched.contains(&field));
        let theirs = self.refused.iter().filter(|violation| violation.field == field);
        let mut found: Vec<&str> = Vec::new();
        for violation in own.chain(theirs) {
            if !found.contains(&violation.sentence.as_str()) {
                found.push(&violation.sentence);
            }
        }
        found
    }

    /// Draws the form.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        let violations = self.draft.violations(scene);
        let palette = theme::palette(ui);
        let side = Frame::new().fill(palette.sidebar).inner_margin(egui::Margin::same(space::XL as i8));
        let width = if ui.available_width() < 1000.0 { 300.0 } else { 344.0 };
        Panel::right("create summary").exact_size(width).resizable(false).frame(side).show(ui, |ui| {
            if let Some(validate_only) = summary::summary_ui(ui, scene, self, &violations, &mut actions) {
                self.touch_all();
                self.show = violations.first().map(|violation| violation.field);
                if let (true, Some(spec)) = (violations.is_empty(), self.draft.spec(scene)) {
                    self.refused.clear();
                    self.refusal = None;
                    actions.push(Action::Send(Intent::CreateGroup { spec, validate_only }));
                }
            }
        });
        CentralPanel::default().frame(Frame::new().fill(palette.canvas)).show(ui, |ui| {
            page_ui(ui, "create", 900.0, |ui| {
                title_ui(ui, "Create failover group", "", |ui| {
                    if ui.add(Button::quiet("Cancel")).clicked() {
                        actions.push(Action::Go(Route::Groups));
                    }
                });
                self.name_ui(ui, &violations);
                self.workspaces_ui(ui, scene, &violations);
                self.scope_ui(ui, scene, &violations);
                self.mappings_ui(ui, scene, &violations);
            });
        });
        actions
    }

    fn name_ui(&mut self, ui: &mut Ui, violations: &[Violation]) {
        let card = card::card_ui(ui, |ui| {
            let label = field::label_ui(ui, "Failover group name");
            let wrong = !self.problems(Field::Name, violations).is_empty();
            let before = self.draft.name.clone();
            field::text_ui(ui, label, &mut self.draft.name, "core-lakehouse", false, wrong);
            if self.draft.name != before {
                self.changed(Field::Name);
            }
            let problems = self.problems(Field::Name, violations);
            if problems.is_empty() {
                note_ui(ui, "Up to 63 letters, digits, hyphens and underscores. You can't change it later.");
            }
            field::problems_ui(ui, problems);
        });
        self.bring_up(&[Field::Name], &card.response);
    }

    fn workspaces_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, violations: &[Violation]) {
        let card = card::card_ui(ui, |ui| {
            card::section_ui(ui, "Workspaces", "One workspace per region. Both need the Mission Critical add-on.");
            ui.add_space(space::XS);
            ui.horizontal_top(|ui| {
                let width = (ui.available_width() - 34.0 - 2.0 * space::M) / 2.0;
                ui.spacing_mut().item_spacing.x = space::M;
                if let Some(id) = workspace_ui(ui, scene, "Primary workspace", width, &self.draft.primary, None) {
                    self.draft.choose_primary(scene, id);
                    self.changed(Field::Workspaces);
                    self.changed(Field::Regions);
                }
                ui.vertical(|ui| {
                    ui.set_width(34.0);
                    ui.add_space(25.0);
                    let both = self.draft.primary.is_some() && self.draft.secondary.is_some();
                    let swap = Button::icon_only(Icon::Failover, "Swap primary and secondary").enabled(both);
                    if ui.add(swap).clicked() {
                        self.draft.swap(scene);
                        self.changed(Field::Workspaces);
                    }
                });
                let other = self.draft.primary_of(scene).map(|workspace| workspace.region.clone());
                let found =
                    workspace_ui(ui, scene, "Secondary workspace", width, &self.draft.secondary, other.as_ref());
                if let Some(id) = found {
                    self.draft.secondary = Some(id);
                    self.changed(Field::Workspaces);
                    self.changed(Field::Regions);
                }
            });
            let mut problems = self.problems(Field::Workspaces, violations);
            problems.extend(self.problems(Field::Regions, violations));
            field::problems_ui(ui, problems);
            ui.add_space(space::XS);
            if field::check_ui(ui, self.draft.assets, true, "Replicate workspace assets").clicked() {
                self.draft.assets = !self.draft.assets;
                self.changed(Field::Workspaces);
            }
            note_ui(ui, &assets_note(self.draft.primary_region(scene)));
        });
        self.bring_up(&[Field::Workspaces, Field::Regions], &card.response);
    }

    fn scope_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, violations: &[Violation]) {
        let card = card::card_ui(ui, |ui| {
            card::section_ui(ui, "Replication scope", scope::SCOPE_NOTE);
            ui.add_space(space::XS);
            if scope::scope_ui(ui, scene, &mut self.draft, &mut self.tree) {
                self.changed(Field::Scope);
            }
            field::problems_ui(ui, self.problems(Field::Scope, violations));
        });
        self.bring_up(&[Field::Scope], &card.response);
    }

    fn mappings_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, violations: &[Violation]) {
        let card = card::card_ui(ui, |ui| {
            let note = "Each location and its counterpart in the other region. End both URIs in * to include everything below. The longest prefix wins.";
            card::section_ui(ui, "Storage mappings", note);
            ui.add_space(space::XS);
            if mappings::mappings_ui(ui, scene, &mut self.draft) {
                self.changed(Field::Mappings);
            }
            field::problems_ui(ui, self.problems(Field::Mappings, violations));
        });
        self.bring_up(&[Field::Mappings], &card.response);
    }
}

fn note_ui(ui: &mut Ui, note: &str) {
    let palette = theme::palette(ui);
    ui.label(rich(Role::Small, note).color(palette.text_weak));
}

/// Draws one workspace to choose; the one that was chosen. `not_in` leaves the workspaces of a region out.
pub(super) fn workspace_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    label: &str,
    width: f32,
    current: &Option<WorkspaceId>,
    not_in: Option<&Region>,
) -> Option<WorkspaceId> {
    let palette = theme::palette(ui);
    let mut chosen = None;
    let workspaces = &scene.account().workspaces;
    let name = |id: &WorkspaceId| {
        let found = workspaces.iter().find(|workspace| &workspace.id == id);
        found.map_or_else(|| id.to_string(), |workspace| format!("{} · {}", workspace.name, workspace.region))
    };
    ui.allocate_ui_with_layout(egui::vec2(width, 60.0), Layout::top_down(Align::Min), |ui| {
        ui.set_width(width);
        let id = field::label_ui(ui, label);
        ui.spacing_mut().interact_size.y = theme::metrics(ui).control;
        let selected = match current {
            Some(id) => rich(Role::Body, name(id)).color(palette.text),
            None => rich(Role::Body, "Choose a workspace").color(palette.text_weak),
        };
        let icon = move |ui: &Ui, rect: egui::Rect, _: &egui::style::WidgetVisuals, _: bool| {
            Icon::Down.paint(ui.painter(), rect.center(), 18.0, palette.text_soft);
        };
        let combo = ComboBox::from_id_salt(label).selected_text(selected).width(width).truncate().icon(icon);
        let drawn = combo.show_ui(ui, |ui| {
            ui.spacing_mut().interact_size.y = 30.0;
            for workspace in workspaces.iter().filter(|workspace| Some(&workspace.region) != not_in) {
                let mut words = name(&workspace.id);
                if !workspace.mission_critical {
                    words.push_str(" · no Mission Critical");
                }
                if ui.selectable_label(current.as_ref() == Some(&workspace.id), words).clicked() {
                    chosen = Some(workspace.id.clone());
                    // A choice by key closes it as a click does.
                    ui.close();
                }
            }
        });
        let button = drawn.response.labelled_by(id);
        if chosen.is_some() {
            button.request_focus();
        }
    });
    chosen
}

/// What replicating workspace assets brings, with counts where the region was read.
pub fn assets_note(region: Option<&RegionView>) -> String {
    let what = "Folders, notebooks, files, jobs, SQL warehouses, clusters and draft dashboards, with their permissions. Jobs arrive paused and compute at rest.";
    let count = |kind, one, many| {
        let found = region.map_or(0, |region| region.workloads.iter().filter(|w| w.kind == kind).count());
        (found > 0).then(|| format::plural(found, one, many))
    };
    let counts: Vec<String> = [
        count(AssetKind::Job, "job", "jobs"),
        count(AssetKind::Cluster, "cluster", "clusters"),
        count(AssetKind::SqlWarehouse, "SQL warehouse", "SQL warehouses"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if counts.is_empty() { what.to_owned() } else { format!("{what} The primary has {}.", counts.join(", ")) }
}

//! One failover group: what stands above its tabs, and the tabs.

mod assets;
mod band;
mod banners;
mod chart;
mod curve;
mod drills;
mod errors;
mod left_behind;
mod objects;
mod operations;
mod overview;
mod page;
mod past;
pub mod readiness;
mod remedy;
mod shot;

pub use banners::{Banner, banners, eta};
pub use drills::{proof_is_old, proven};
pub use errors::{Cause, causes};
pub use objects::{ObjectFilter, visible_objects};
pub use past::{Past, Range};

use crate::console::action::{Action, GroupTab, Route};
use crate::console::command;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::tabs::{Tab, tabs_ui};
use crate::console::widgets::{Button, button, card, chip, text};
use crate::control::view::GroupView;
use crate::domain::{GroupId, Region, Timestamp};
use crate::runtime::{GroupHistory, IntentError};
use eframe::egui::{self, Frame, Margin, Ui};
use std::sync::Arc;

/// What a group's screen remembers: half-typed searches and what is unfolded.
#[derive(Debug, Default)]
pub struct GroupScreen {
    objects: objects::ObjectsTab,
    errors: errors::ErrorsTab,
    operations: operations::OperationsTab,
    drills: drills::DrillsTab,
    past: Past,
    seen: bool,
}

impl GroupScreen {
    /// Takes what was read of the group's past.
    pub fn answered(&mut self, since: Timestamp, answer: Result<&GroupHistory, &IntentError>) {
        self.past.answered(since, answer);
    }

    /// The screen of a group: the one that is kept, or a new one where that is another group's.
    pub fn of<'a>(kept: &'a mut (Option<GroupId>, Self), id: &GroupId) -> &'a mut Self {
        if kept.0.as_ref() != Some(id) {
            *kept = (Some(id.clone()), Self::default());
        }
        &mut kept.1
    }

    /// Narrows the objects to a part of a name or id, and shows them.
    pub fn find(&mut self, id: GroupId, search: String) -> Vec<Action> {
        self.objects.find(search);
        vec![Action::Go(Route::Group(id, GroupTab::Objects))]
    }

    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, id: &GroupId, tab: GroupTab) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(view) = scene.group(id) else {
            gone_ui(ui, id, self.seen, &mut actions);
            return actions;
        };
        self.seen = true;
        let margin = Margin { left: 32, right: 32, top: 20, bottom: 0 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.set_width(ui.available_width().min(1240.0));
            ui.spacing_mut().item_spacing.y = space::M;
            head_ui(ui, scene, view, &mut actions);
            banners::banners_ui(ui, scene, view, tab, &mut actions);
            if let Some(pressed) = tabs_ui(ui, tab, &tabs(view)) {
                actions.push(Action::Go(Route::Group(id.clone(), pressed)));
            }
        });
        match tab {
            GroupTab::Overview => overview::overview_ui(ui, scene, view, &mut self.past, &mut actions),
            GroupTab::Objects => self.objects.show(ui, scene, view, &mut actions),
            GroupTab::Errors => self.errors.show(ui, scene, view, &mut actions),
            GroupTab::Operations => self.operations.show(ui, scene, view, &mut actions),
            GroupTab::Drills => self.drills.show(ui, scene, view, &mut actions),
            GroupTab::LeftBehind => left_behind::left_behind_ui(ui, scene, view, &mut actions),
        }
        actions
    }
}

fn tabs(view: &GroupView) -> [Tab<'static, GroupTab>; 6] {
    let tone = if view.group.has_replication_point_blocking_errors { Tone::Bad } else { Tone::Warn };
    let tab = |value, label, count| Tab { value, label, count };
    [
        tab(GroupTab::Overview, "Overview", None),
        tab(GroupTab::Objects, "Objects", Some((view.objects.len(), Tone::Quiet))),
        tab(GroupTab::Errors, "Errors", Some((view.errors.len(), tone))),
        tab(GroupTab::Operations, "Operations", Some((operations::ended(view).count(), Tone::Quiet))),
        tab(GroupTab::Drills, "Drills", Some((view.rehearsals.drills.len(), Tone::Quiet))),
        tab(GroupTab::LeftBehind, "Left behind", Some(left_behind::count(view))),
    ]
}

fn head_ui(ui: &mut Ui, scene: &Scene<'_>, view: &Arc<GroupView>, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let group = &view.group;
    let id = &group.spec.id;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if button::link_ui(ui, "Failover groups", "Back to failover groups").clicked() {
            actions.push(Action::Go(Route::Groups));
        }
        text::icon_ui(ui, Icon::Right, 16.0, palette.text_weak);
        text::line_ui(ui, Role::Label, palette.text_soft, id.as_str());
    });
    card::sides_ui(
        ui,
        34.0,
        |ui| {
            let (icon, tone) = chip::group_sign(group);
            let age = format::short_age(scene.age_ms(view.state_since));
            let (primary, secondary) = (&group.effective_primary_region, group.effective_secondary_region());
            let beside =
                chip::chip_width(ui, tone, group.state.as_str(), &age) + direction_width(ui, primary, secondary);
            let room = (ui.available_width() - beside - 5.0 * space::S).max(96.0);
            let title = text::line(ui, Role::Title, palette.text, id.as_str(), room);
            let cut = title.elided;
            let (rect, response) = ui.allocate_exact_size(title.size(), egui::Sense::hover());
            ui.painter().galley(rect.min, title, palette.text);
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Heading, true, id.as_str()));
            if cut {
                response.on_hover_text(id.as_str());
            }
            ui.add_space(space::XS);
            chip::chip_ui(ui, icon, tone, group.state.as_str(), &age);
            ui.add_space(space::XS);
            direction_ui(ui, primary, secondary);
        },
        |ui| {
            let allowed = command::can_fail_over(scene, id);
            let hint = allowed.clone().err();
            let hint = hint.as_deref().unwrap_or("Planned or forced. You confirm in the next step.");
            let button = Button::ordinary("Fail over…").icon(Icon::Failover).enabled(allowed.is_ok()).hint(hint);
            if ui.add(button).clicked() {
                actions.push(Action::AskFailOver(id.clone()));
            }
            let allowed = command::can_edit(scene, id);
            let hint = allowed.clone().err();
            let hint = hint.as_deref().unwrap_or("Its scope, storage mappings and stable URLs");
            let edit = Button::ordinary("Edit").icon(Icon::Edit).enabled(allowed.is_ok()).hint(hint);
            if ui.add(edit).clicked() {
                actions.push(Action::Go(Route::EditGroup(id.clone())));
            }
            let what_if = Button::quiet("What if…").icon(Icon::Unknown);
            if ui.add(what_if.hint("What would fail, cost and wait. Nothing is changed.")).clicked() {
                actions.push(Action::AskWhatIf(id.clone()));
            }
            let delete = Button::quiet("Delete…").icon(Icon::Delete);
            if ui.add(delete.hint("Stops replication. The replica stays, read-only.")).clicked() {
                actions.push(Action::AskDelete(id.clone()));
            }
        },
    );
}

/// `us-east-1 → us-west-2`, primary first.
fn direction_ui(ui: &mut Ui, primary: &Region, secondary: &Region) {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.label(rich(Role::Strong, primary.as_str()).color(palette.text)).on_hover_text("Effective primary region");
    text::icon_ui(ui, Icon::Arrow, 16.0, palette.text_weak);
    ui.label(rich(Role::Body, secondary.as_str()).color(palette.text_soft)).on_hover_text("Effective secondary region");
}

fn direction_width(ui: &Ui, primary: &Region, secondary: &Region) -> f32 {
    let palette = theme::palette(ui);
    let width = |role, text| text::line(ui, role, palette.text, text, f32::INFINITY).size().x;
    width(Role::Strong, primary.as_str()) + width(Role::Body, secondary.as_str()) + 16.0 + 12.0
}

/// Instead of a group that is not in the snapshot: not yet, when it was only just created, or no longer.
fn gone_ui(ui: &mut Ui, id: &GroupId, was_here: bool, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let (heading, note) = if was_here {
        let note = "It was deleted. Its replica stays in the secondary region, read-only.";
        (format!("{id} no longer exists"), note)
    } else {
        (format!("Waiting for {id}"), "It appears here as soon as the runtime has loaded it.")
    };
    ui.vertical_centered(|ui| {
        ui.add_space(160.0);
        ui.label(rich(Role::Title, heading).color(palette.text));
        ui.label(rich(Role::Body, note).color(palette.text_soft));
        ui.add_space(space::M);
        if ui.add(Button::ordinary("Back to failover groups")).clicked() {
            actions.push(Action::Go(Route::Groups));
        }
    });
}

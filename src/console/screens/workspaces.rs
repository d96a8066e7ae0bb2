//! Workspaces and their add-ons.

use super::{page_ui, title_ui};
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use crate::console::widgets::{card, chip, copy, field, text};
use crate::control::view::WorkspaceView;
use crate::runtime::Intent;
use eframe::egui::{self, Align, CornerRadius, Frame, Layout, Margin, Stroke, Ui};

/// What one workspace's card shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceCard {
    /// Failover groups that it belongs to.
    pub groups: Vec<String>,
    /// Why Mission Critical cannot be switched off.
    pub locked: Option<String>,
}

/// The card of a workspace.
pub fn workspace_card(scene: &Scene<'_>, workspace: &WorkspaceView) -> WorkspaceCard {
    let belongs = |view: &&std::sync::Arc<crate::control::view::GroupView>| {
        view.group.spec.workspace_sets.iter().any(|set| set.workspace_ids.contains(&workspace.id))
    };
    let groups: Vec<String> =
        scene.account().groups.iter().filter(belongs).map(|view| view.group.spec.id.to_string()).collect();
    let locked = (!groups.is_empty() && workspace.mission_critical).then(|| {
        let many = if groups.len() == 1 { "failover group" } else { "failover groups" };
        format!("You can't switch it off while the workspace belongs to {many} {}.", groups.join(", "))
    });
    WorkspaceCard { groups, locked }
}

/// Draws the screen.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    page_ui(ui, "workspaces", 1240.0, |ui| {
        let note = format::plural(scene.account().workspaces.len(), "workspace", "workspaces");
        title_ui(ui, "Workspaces", &note, |_| {});
        for workspace in &scene.account().workspaces {
            card::card_ui(ui, |ui| workspace_ui(ui, scene, workspace, &mut actions));
        }
        if scene.account().workspaces.is_empty() {
            let palette = theme::palette(ui);
            ui.label(rich(Role::Body, "No workspace is known yet.").color(palette.text_weak));
        }
    });
    actions
}

fn workspace_ui(ui: &mut Ui, scene: &Scene<'_>, workspace: &WorkspaceView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let shown = workspace_card(scene, workspace);
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        text::icon_ui(ui, Icon::Workspace, 20.0, palette.text_soft);
        ui.label(rich(Role::Heading, &workspace.name).color(palette.text));
        ui.label(rich(Role::Body, workspace.region.as_str()).color(palette.text_weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for group in shown.groups.iter().rev() {
                chip::chip_ui(ui, Icon::Shield, Tone::Quiet, group, "");
            }
        });
    });
    let facts = [("Workspace id", workspace.id.as_str()), ("URL", workspace.url.as_str())];
    for (head, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(100.0, 26.0), egui::Sense::hover());
            text::paint(ui, rect, egui::Align2::LEFT_CENTER, Role::Body, palette.text_weak, head);
            copy::path_ui(ui, &format!("{head} of {}", workspace.name), value);
        });
    }
    // Another account's API doesn't tell which add-ons are on.
    if scene.is_of_another_account() {
        return;
    }
    ui.add_space(space::XS);
    ui.label(rich(Role::Label, "Add-ons").color(palette.text_soft));
    Frame::new()
        .fill(palette.canvas)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(CornerRadius::same(radius::M + 2))
        .inner_margin(Margin::symmetric(14, 12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            mission_critical_ui(ui, scene, workspace, &shown, actions);
        });
}

fn mission_critical_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    workspace: &WorkspaceView,
    shown: &WorkspaceCard,
    actions: &mut Vec<Action>,
) {
    let palette = theme::palette(ui);
    let waits = scene.awaits(
        |intent| matches!(intent, Intent::SetMissionCritical { workspace_id, .. } if *workspace_id == workspace.id),
    );
    let on = workspace.mission_critical;
    let as_of = workspace.read_at.and_then(|at| scene.as_of(&workspace.region, at));
    card::sides_ui(
        ui,
        40.0,
        |ui| {
            text::icon_ui(ui, Icon::Shield, 20.0, if on { palette.accent } else { palette.text_weak });
            ui.add_space(space::XS);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                ui.label(rich(Role::Strong, "Mission Critical").color(palette.text));
                let note = shown.locked.as_deref().unwrap_or("Failover groups need it on both of their workspaces.");
                ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
            });
        },
        |ui| {
            let name = format!("Mission Critical for {}", workspace.name);
            let can = shown.locked.is_none() && !waits && workspace.read_at.is_some();
            let switch = field::switch_ui(ui, on, can, &name);
            let switch = match &shown.locked {
                Some(reason) => switch.on_hover_text(reason),
                None => switch,
            };
            if switch.clicked() {
                let intent = Intent::SetMissionCritical { workspace_id: workspace.id.clone(), on: !on };
                actions.push(Action::Send(intent));
            }
            let word = if waits {
                "Changing…"
            } else if workspace.read_at.is_none() {
                "Not read yet"
            } else if on {
                "On"
            } else {
                "Off"
            };
            let word = as_of.map_or_else(|| word.to_owned(), |as_of| format!("{word}, {as_of}"));
            ui.label(rich(Role::Label, word).color(palette.text_soft));
        },
    );
}

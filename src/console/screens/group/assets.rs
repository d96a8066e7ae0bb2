//! How the replication of workspace assets stands, above the objects.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role};
use crate::console::widgets::{Button, text};
use crate::control::view::{AssetsView, GroupView};
use eframe::egui::Ui;

/// How the replication of workspace assets stands, and what waits for a person.
pub fn assets_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let Some(assets) = &view.assets else { return };
    ui.horizontal(|ui| {
        text::icon_ui(ui, Icon::Workspace, 16.0, palette.text_weak);
        text::line_ui(ui, Role::Small, palette.text_soft, &assets_line(assets, scene));
    });
    if assets.secondary_only > 0 {
        let region = view.group.effective_secondary_region();
        ui.horizontal(|ui| {
            text::icon_ui(ui, Icon::Warn, 16.0, palette.warn);
            let count = format::plural(assets.secondary_only, "asset exists", "assets exist");
            let line = format!("{count} only in {region}, in a part of the workspace that replicates.");
            text::line_ui(ui, Role::Body, palette.text_soft, &line);
            let can = view.group.state.replicates();
            if ui.add(Button::ordinary("Delete them…").icon(Icon::Delete).small().enabled(can)).clicked() {
                actions.push(Action::AskDeleteSecondaryOnly(view.group.spec.id.clone()));
            }
        });
    }
}

/// What the passes over the workspaces do, in a line.
pub fn assets_line(assets: &AssetsView, scene: &Scene<'_>) -> String {
    if let (false, Some(started)) = (assets.arrived, assets.started) {
        if assets.total == 0 {
            return "Listing the workspace assets.".to_owned();
        }
        let mut line = format!("Workspace assets: {} of {}", format::count(assets.done), format::count(assets.total));
        let elapsed = scene.age_ms(started);
        if assets.done > 0 && elapsed > 2_000 && assets.done < assets.total {
            let left = elapsed as f64 * (assets.total - assets.done) as f64 / assets.done as f64;
            line.push_str(&format!(", about {} left", format::age(left as i64)));
        }
        line.push('.');
        return line;
    }
    match assets.looked_at {
        Some(at) => format!("Workspace assets were last compared at {}.", format::utc(at)),
        None => "The workspace assets haven't been read yet.".to_owned(),
    }
}

//! What each group should reach.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::screens::targets_dialog::span_words;
use crate::console::theme::{self, Role, rich};
use crate::console::widgets::{Button, card, text};
use crate::domain::Targets;
use eframe::egui::Ui;

/// Targets in words.
pub fn words(targets: Targets) -> String {
    let of = |name: &str, target: Option<u32>| match target {
        Some(seconds) => format!("{name} {}", span_words(seconds)),
        None => format!("no {name} target"),
    };
    match (targets.rpo_s, targets.rto_s) {
        (None, None) => "No targets".to_owned(),
        (rpo, rto) => format!("{} · {}", of("RPO", rpo), of("RTO", rto)),
    }
}

/// Draws the card.
pub fn targets_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    card::section_ui(ui, "Targets", "RPO and RTO that each failover group should reach");
    let groups = &scene.account().groups;
    if groups.is_empty() {
        ui.label(rich(Role::Body, "There is no failover group yet.").color(palette.text_weak));
    }
    for view in groups {
        let id = &view.group.spec.id;
        card::sides_ui(
            ui,
            30.0,
            |ui| {
                text::line_ui(ui, Role::Strong, palette.text, id.as_str());
                text::line_ui(ui, Role::Body, palette.text_soft, &words(view.targets));
            },
            |ui| {
                let name = format!("Targets of {id}…");
                if ui.add(Button::quiet("Change…").name(&name).small()).clicked() {
                    actions.push(Action::AskTargets(id.clone()));
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_in_words_and_so_is_one_that_is_missing() {
        assert_eq!(words(Targets::default()), "No targets");
        assert_eq!(words(Targets { rpo_s: Some(300), rto_s: None }), "RPO 5 min · no RTO target");
    }
}

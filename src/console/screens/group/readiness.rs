//! Whether the group still meets what it needs: what fails or warns, and what a person has to confirm.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, text};
use crate::control::view::GroupView;
use crate::domain::readiness::{Readiness, ReadinessLine};
use crate::runtime::Intent;
use eframe::egui::{self, Align, Layout, Ui};

/// The sign of a line.
pub fn sign(status: Readiness) -> (Icon, Tone) {
    match status {
        Readiness::Pass => (Icon::Good, Tone::Good),
        Readiness::Warn => (Icon::Warn, Tone::Warn),
        Readiness::Fail => (Icon::Bad, Tone::Bad),
        Readiness::Confirm => (Icon::Circle, Tone::Quiet),
    }
}

/// One line in words, with what to do.
pub fn words(line: &ReadinessLine) -> String {
    let remedy = line.remedy.as_deref().filter(|_| line.status != Readiness::Pass);
    match (&line.confirmed, remedy) {
        (Some(confirmed), _) => {
            format!("{} Confirmed by {} at {}.", line.message, confirmed.by, format::utc(confirmed.at))
        }
        (None, Some(remedy)) => format!("{} {remedy}", line.message),
        (None, None) => line.message.clone(),
    }
}

/// Draws the card's contents.
pub fn readiness_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let id = &view.group.spec.id;
    let check = Intent::CheckReadiness { id: id.clone() };
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        ui.label(rich(Role::Heading, "Readiness").color(palette.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let waits = scene.awaits(|intent| *intent == check);
            let hint = "Checks both regions again";
            let label = if waits { "Checking…" } else { "Check readiness" };
            if ui.add(Button::ordinary(label).small().enabled(!waits).hint(hint)).clicked() {
                actions.push(Action::Send(check.clone()));
            }
            if let Some(report) = &view.readiness {
                let age = format!("checked {} ago", format::short_age(scene.age_ms(report.checked_at)));
                ui.label(rich(Role::Small, age).color(palette.text_weak));
            }
        });
    });
    let Some(report) = &view.readiness else {
        ui.label(rich(Role::Body, "Not checked yet.").color(palette.text_weak));
        return;
    };
    let passed = report.lines.iter().filter(|line| line.status == Readiness::Pass).count();
    let summary = format!("{passed} of {} lines pass.", report.lines.len());
    ui.label(rich(Role::Body, summary).color(palette.text_soft));
    ui.spacing_mut().item_spacing.y = space::S;
    for line in report.lines.iter().filter(|line| line.status != Readiness::Pass) {
        let (icon, tone) = sign(line.status);
        ui.horizontal_top(|ui| {
            text::icon_ui(ui, icon, 17.0, palette.tone(tone));
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                if line.status == Readiness::Confirm {
                    let intent = Intent::ConfirmReadiness { id: id.clone(), line: line.id.to_owned() };
                    let waits = scene.awaits(|sent| *sent == intent);
                    let hint = format!("Notes that you looked: {}", line.message);
                    if ui.add(Button::ordinary("Confirm").small().enabled(!waits).hint(&hint)).clicked() {
                        actions.push(Action::Send(intent));
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                    ui.add(egui::Label::new(rich(Role::Body, words(line)).color(palette.text)).wrap());
                });
            });
        });
    }
}

//! Failovers: the one that runs, step by step, and those that ended.

use super::page::tab_page_ui;
use crate::console::action::{Action, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, button, card, chip, text};
use crate::control::view::{GroupView, OperationOutcome, OperationView, StepView};
use crate::domain::{FailoverKind, StepStatus};
use eframe::egui::{self, Align, Align2, CursorIcon, Layout, Rect, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo};
use std::collections::BTreeSet;

/// Which ended operations are unfolded.
#[derive(Debug, Default)]
pub struct OperationsTab {
    open: BTreeSet<String>,
}

/// The sign and word of an outcome.
pub fn outcome_sign(outcome: OperationOutcome) -> (Icon, Tone, &'static str) {
    match outcome {
        OperationOutcome::Running => (Icon::Busy, Tone::Busy, "Running"),
        OperationOutcome::Succeeded => (Icon::Good, Tone::Good, "Succeeded"),
        OperationOutcome::RolledBack => (Icon::Undo, Tone::Warn, "Rolled back"),
        OperationOutcome::Failed => (Icon::Bad, Tone::Bad, "Failed"),
    }
}

/// The kind in a word.
pub fn kind_word(kind: FailoverKind) -> &'static str {
    match kind {
        FailoverKind::Planned => "Planned",
        FailoverKind::Forced => "Forced",
    }
}

/// The operation that runs, or stopped and waits for a retry.
pub fn unfinished(view: &GroupView) -> Option<&OperationView> {
    let waits = |outcome| matches!(outcome, OperationOutcome::Running | OperationOutcome::Failed);
    view.operation.as_deref().filter(|operation| waits(operation.outcome))
}

/// Operations that ended, newest first; one that waits for a retry stands apart.
pub fn ended(view: &GroupView) -> impl Iterator<Item = &OperationView> {
    let apart = unfinished(view).map(|operation| operation.id.as_str());
    view.history.iter().filter(move |operation| Some(operation.id.as_str()) != apart)
}

impl OperationsTab {
    /// Draws the tab.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
        ScrollArea::vertical().id_salt("operations").auto_shrink(false).show(ui, |ui| {
            tab_page_ui(ui, |ui| {
                let unfinished = unfinished(view);
                if let Some(operation) = unfinished {
                    card::card_ui(ui, |ui| {
                        operation_ui(ui, scene, operation);
                        held_ui(ui, scene, view);
                    });
                }
                if ended(view).next().is_none() {
                    if unfinished.is_none() {
                        nothing_ui(ui);
                    }
                    return;
                }
                card::flush_card_ui(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    heads_ui(ui);
                    for operation in ended(view) {
                        self.ended_ui(ui, scene, view, operation, actions);
                    }
                });
            });
        });
    }

    fn ended_ui(
        &mut self,
        ui: &mut Ui,
        scene: &Scene<'_>,
        view: &GroupView,
        operation: &OperationView,
        actions: &mut Vec<Action>,
    ) {
        let open = self.open.contains(&operation.id);
        if ended_row_ui(ui, operation, open) && !self.open.remove(&operation.id) {
            self.open.insert(operation.id.clone());
        }
        if open {
            egui::Frame::new().inner_margin(egui::Margin { left: 44, right: 16, top: 4, bottom: 14 }).show(ui, |ui| {
                ui.set_width(ui.available_width());
                if let Some(message) = &operation.message {
                    let palette = theme::palette(ui);
                    ui.add(egui::Label::new(rich(Role::Body, message).color(palette.text_soft)).wrap());
                    ui.add_space(space::S);
                }
                steps_ui(ui, scene, &operation.steps);
                ui.add_space(space::S);
                let started = format::utc(operation.started);
                let name = format!("Replay the failover of {started}");
                let replay = Button::ordinary("Replay").icon(Icon::Play).small().name(&name);
                if ui.add(replay.hint("Go through it again, step by step")).clicked() {
                    let of = Some(operation.id.clone());
                    actions.push(Action::Go(Route::Run(view.group.spec.id.clone(), of)));
                }
            });
            card::hairline_ui(ui);
        }
    }
}

fn nothing_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let note = "Rehearse it: run a planned failover, check the new primary, and fail back.";
    card::card_ui(ui, |ui| {
        card::nothing_ui(ui, Icon::Failover, palette.text_weak, "This group has never failed over", note);
    });
}

/// An operation that runs or waits: its head, then its steps.
pub fn operation_ui(ui: &mut Ui, scene: &Scene<'_>, operation: &OperationView) {
    let palette = theme::palette(ui);
    let (icon, tone, word) = outcome_sign(operation.outcome);
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        ui.label(rich(Role::Heading, title(operation)).color(palette.text));
        chip::chip_ui(ui, icon, tone, word, "");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let until = operation.ended.unwrap_or(scene.now);
            let seconds = match operation.ended {
                Some(_) => format::since(operation.started, until) as f64 / 1000.0,
                None => (scene.age_ms(operation.started) / 1000) as f64,
            };
            let shown = if operation.ended.is_some() {
                format::duration(seconds)
            } else {
                format::age((seconds * 1000.0) as i64)
            };
            ui.label(rich(Role::FigureSmall, shown).color(palette.text));
        });
    });
    let by = format!("Requested by {} at {}", operation.requested_by, format::utc(operation.started));
    ui.label(rich(Role::Small, by).color(palette.text_weak));
    if let Some(message) = &operation.message {
        ui.add(egui::Label::new(rich(Role::Body, message).color(palette.text_soft)).wrap());
    }
    ui.add_space(space::XS);
    steps_ui(ui, scene, &operation.steps);
}

/// What waits at a gate of the group's stable URLs now; nothing where none does.
fn held_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
    let of_group = scene.account().stable_urls.iter().filter(|url| url.group.as_ref() == Some(&view.group.spec.id));
    let held: u64 = of_group.filter_map(|url| url.traffic.as_ref()).map(|traffic| traffic.held).sum();
    if held > 0 {
        let words = format!(
            "{} at the stable URLs for the new primary.",
            match held {
                1 => "1 request waits".to_owned(),
                many => format!("{} requests wait", format::count(many)),
            }
        );
        ui.label(rich(Role::Body, words).color(theme::palette(ui).text_soft));
    }
}

fn steps_ui(ui: &mut Ui, scene: &Scene<'_>, steps: &[StepView]) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (index, step) in steps.iter().enumerate() {
            step_ui(ui, scene, step, index + 1 < steps.len());
        }
    });
}

fn step_ui(ui: &mut Ui, scene: &Scene<'_>, step: &StepView, more: bool) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 34.0), Sense::hover());
    let (icon, tone) = chip::step_sign(step.status);
    let center = egui::pos2(rect.left() + 10.0, rect.center().y);
    if more {
        let done = step.status.is_done();
        let line = if done { palette.line(Tone::Good) } else { palette.border_strong };
        ui.painter().vline(center.x, center.y + 11.0..=center.y + 23.0, Stroke::new(1.5, line));
    }
    icon.paint(ui.painter(), center, 18.0, palette.tone(tone));
    let time = match (step.status, step.started, step.seconds()) {
        (StepStatus::Running, Some(started), _) => format::age(scene.age_ms(started)),
        (StepStatus::Skipped, ..) => "skipped".to_owned(),
        (_, _, Some(seconds)) => format::duration(seconds),
        _ => String::new(),
    };
    let pending = matches!(step.status, StepStatus::Pending | StepStatus::Skipped);
    let ink = if pending { palette.text_weak } else { palette.text };
    let role = if step.status == StepStatus::Running { Role::Strong } else { Role::Body };
    let words = rect.with_min_x(rect.left() + 32.0);
    let stamp = text::paint(ui, words, Align2::RIGHT_CENTER, Role::MonoSmall, palette.text_soft, &time);
    let label = text::paint(ui, words, Align2::LEFT_CENTER, role, ink, step.step.label());
    if let Some(note) = &step.note {
        let color = if step.status == StepStatus::Failed { palette.bad } else { palette.text_weak };
        let place = Rect::from_min_max(
            egui::pos2(label.right() + space::M, rect.top()),
            egui::pos2(stamp.left() - space::M, rect.bottom()),
        );
        let galley = text::line(ui, Role::Small, color, note, place.width());
        ui.painter().galley(egui::pos2(place.left(), place.center().y - galley.size().y / 2.0), galley, color);
    }
    let name = format!("{} {:?} {time}", step.step.label(), step.status);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    if let Some(note) = &step.note {
        response.on_hover_text(note);
    }
}

const COLUMNS: [(f32, &str); 7] = [
    (0.0, "Outcome"),
    (0.165, "Kind"),
    (0.25, "Direction"),
    (0.48, "Started, UTC"),
    (0.66, "RTO"),
    (0.76, "RPO"),
    (0.86, "Commits lost"),
];

fn cell(rect: Rect, column: usize) -> Rect {
    let inner = rect.shrink2(Vec2::new(space::L, 0.0)).with_min_x(rect.left() + 40.0);
    let edge = |share: f32| inner.left() + share * inner.width();
    let left = edge(COLUMNS.get(column).map_or(0.0, |c| c.0));
    let right = COLUMNS.get(column + 1).map_or(inner.right(), |c| edge(c.0) - space::S);
    Rect::from_min_max(egui::pos2(left, rect.top()), egui::pos2(right, rect.bottom()))
}

fn heads_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 36.0), Sense::hover());
    for (column, (_, head)) in COLUMNS.iter().enumerate() {
        text::paint(ui, cell(rect, column), Align2::LEFT_CENTER, Role::Label, palette.text_weak, head);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border));
}

fn ended_row_ui(ui: &mut Ui, operation: &OperationView, open: bool) -> bool {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row + 4.0;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::click());
    let (icon, tone, word) = outcome_sign(operation.outcome);
    let name = format!("{}, {word}", title(operation));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    if response.hovered() {
        ui.painter().rect_filled(rect.shrink(1.0), 4.0, palette.hover);
    }
    let arrow = if open { Icon::Down } else { Icon::Right };
    arrow.paint(ui.painter(), egui::pos2(rect.left() + 22.0, rect.center().y), 18.0, palette.text_weak);
    text::paint_sign(ui, cell(rect, 0).left_center(), icon, palette.tone(tone), Role::Body, palette.text, word);
    let seconds = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), format::duration);
    let lost = match operation.kind {
        FailoverKind::Planned => "none".to_owned(),
        FailoverKind::Forced => operation.commits_lost.map_or_else(|| "unknown".to_owned(), format::count),
    };
    let rpo = match operation.kind {
        FailoverKind::Planned => "none".to_owned(),
        FailoverKind::Forced => seconds(operation.rpo_seconds),
    };
    let ended_well = operation.outcome == OperationOutcome::Succeeded;
    let or_dash = |value: String| if ended_well { value } else { "—".to_owned() };
    let values = [
        (1, Role::Body, kind_word(operation.kind).to_owned()),
        (2, Role::Body, format!("{} → {}", operation.from_region, operation.to_region)),
        (3, Role::MonoSmall, operation.started.format("%Y-%m-%d %H:%M").to_string()),
        (4, Role::MonoSmall, or_dash(seconds(operation.rto_seconds))),
        (5, Role::MonoSmall, or_dash(rpo)),
        (6, Role::MonoSmall, or_dash(lost)),
    ];
    for (column, role, value) in values {
        text::paint(ui, cell(rect, column), Align2::LEFT_CENTER, role, palette.text_soft, &value);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
    button::focus_ring(ui, &response, rect.shrink(2.0));
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

/// What an operation was: `Planned failover to us-west-2`.
fn title(operation: &OperationView) -> String {
    let (kind, to) = (kind_word(operation.kind), &operation.to_region);
    match (operation.as_of, operation.undoes) {
        (_, true) => format!("Undo of a provisional failover, back to {to}"),
        (Some(at), false) => format!("{kind} failover to {to} as of {}", format::utc(at)),
        (None, false) => format!("{kind} failover to {to}"),
    }
}

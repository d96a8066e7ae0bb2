//! A failover as it runs, and the same picture afterwards as a replay.

mod clock;
mod flow;
mod moment;
mod replay;
mod steps;

pub use clock::{RtoClock, rto_clock};
pub use moment::{Access, Medians, Moment, Present, length_ms, medians, moment, waited_for};
pub use replay::Replay;

use super::page_ui;
use crate::console::action::{Action, GroupTab, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, button, card, chip, text};
use crate::control::view::{GroupView, OperationOutcome, OperationView, WorkloadView};
use crate::domain::{AssetKind, FailoverKind, GroupId};
use crate::runtime::Intent;
use eframe::egui::{self, Align, Layout, Ui, Vec2};

/// What the screen holds: where the replay of which failover is.
#[derive(Debug, Default)]
pub struct RunScreen {
    replay: Option<(String, Replay)>,
}

/// The failover that a route names; the newest one where it names none.
pub fn operation_of<'a>(view: &'a GroupView, id: Option<&str>) -> Option<&'a OperationView> {
    let newest = view.operation.as_deref();
    let mut all = newest.into_iter().chain(view.history.iter());
    match id {
        Some(id) => all.find(|operation| operation.id == id),
        None => all.next(),
    }
}

impl RunScreen {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, id: &GroupId, of: Option<&str>) -> Vec<Action> {
        let mut actions = Vec::new();
        let found = scene.group(id).and_then(|view| Some((view, operation_of(view, of)?)));
        page_ui(ui, "run", 1240.0, |ui| {
            path_ui(ui, id, &mut actions);
            match found {
                Some((view, operation)) => self.run_ui(ui, scene, view, operation, &mut actions),
                None => nothing_ui(ui, id),
            }
        });
        actions
    }

    fn run_ui(
        &mut self,
        ui: &mut Ui,
        scene: &Scene<'_>,
        view: &GroupView,
        operation: &OperationView,
        actions: &mut Vec<Action>,
    ) {
        let length = length_ms(operation, scene.now);
        let medians = medians(view, operation);
        let at = if operation.ended.is_some() {
            let (of, replay) = self.replay.get_or_insert_with(|| (operation.id.clone(), Replay::at_end(length)));
            if *of != operation.id {
                (*of, *replay) = (operation.id.clone(), Replay::at_end(length));
            }
            replay.position(scene.now, length)
        } else {
            if operation.outcome == OperationOutcome::Running {
                scene.age_ms(operation.started);
                scene.moving();
            }
            length
        };
        let mut now = moment(operation, &medians, at);
        let is_newest = view.operation.as_ref().is_some_and(|newest| newest.id == operation.id);
        if is_newest && (operation.ended.is_none() || at >= length) {
            let is_away = |region| scene.region(region).is_some_and(|region| region.unreachable_since.is_some());
            now = now.at_present(Present {
                from_is_away: is_away(&operation.from_region),
                to_is_away: is_away(&operation.to_region),
                is_unprotected: chip::is_unprotected(&view.group),
                is_fenced_later: operation.kind == FailoverKind::Forced
                    && scene
                        .region(&operation.from_region)
                        .and_then(|region| region.offers)
                        .is_some_and(|offers| offers.enforces_read_only),
            });
        }
        head_ui(ui, scene, view, operation, &now, actions);
        let urls = &scene.account().stable_urls;
        let urls: Vec<_> = urls.iter().filter(|url| url.group.as_ref() == Some(&view.group.spec.id)).collect();
        card::card_ui(ui, |ui| {
            flow::flow_ui(ui, scene, operation, &now, &urls);
            if let (Some((_, replay)), true) = (&mut self.replay, operation.ended.is_some()) {
                ui.add_space(space::S);
                replay.show(ui, scene, operation, length);
            }
        });
        let wide = ui.available_width() > 860.0;
        let side = if wide { 380.0 } else { ui.available_width() };
        let main = if wide { ui.available_width() - side - space::L } else { side };
        let layout = if wide { Layout::left_to_right(Align::Min) } else { Layout::top_down(Align::Min) };
        ui.with_layout(layout, |ui| {
            ui.spacing_mut().item_spacing = Vec2::splat(space::L);
            part_ui(ui, main, |ui| {
                card::card_ui(ui, |ui| {
                    ui.label(rich(Role::Heading, "Steps").color(theme::palette(ui).text));
                    steps::steps_ui(ui, &now);
                });
            });
            part_ui(ui, side, |ui| {
                ui.spacing_mut().item_spacing.y = space::L;
                let clock = rto_clock(view, operation, &now, scene.targets(&view.group.spec.id));
                card::card_ui(ui, |ui| {
                    clock::clock_ui(ui, &clock, operation.outcome == OperationOutcome::RolledBack);
                    let asks = clock.target.is_none();
                    if asks && ui.add(Button::ordinary("Set a target…").icon(Icon::Target).small()).clicked() {
                        actions.push(Action::AskTargets(view.group.spec.id.clone()));
                    }
                });
                card::card_ui(ui, |ui| now_ui(ui, operation, &now));
                if now.outcome == OperationOutcome::Succeeded {
                    after_ui(ui, scene, view, operation, actions);
                }
            });
        });
    }
}

fn part_ui(ui: &mut Ui, width: f32, add_contents: impl FnOnce(&mut Ui)) {
    ui.allocate_ui_with_layout(Vec2::new(width, 10.0), Layout::top_down(Align::Min), |ui| {
        ui.set_width(width);
        add_contents(ui);
    });
}

fn path_ui(ui: &mut Ui, id: &GroupId, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if button::link_ui(ui, "Failover groups", "Back to failover groups").clicked() {
            actions.push(Action::Go(Route::Groups));
        }
        text::icon_ui(ui, Icon::Right, 16.0, palette.text_weak);
        if button::link_ui(ui, id.as_str(), &format!("Back to {id}")).clicked() {
            actions.push(Action::Go(Route::Group(id.clone(), GroupTab::Operations)));
        }
        text::icon_ui(ui, Icon::Right, 16.0, palette.text_weak);
        text::line_ui(ui, Role::Label, palette.text_soft, "Failover");
    });
}

fn nothing_ui(ui: &mut Ui, id: &GroupId) {
    let palette = theme::palette(ui);
    let note = "It isn't in the group's history of the last 20 failovers, or the runtime has not loaded it yet.";
    card::card_ui(ui, |ui| {
        card::nothing_ui(ui, Icon::Failover, palette.text_weak, &format!("No such failover of {id}"), note);
    });
}

/// The sign and word of an outcome.
fn outcome_sign(outcome: OperationOutcome) -> (Icon, Tone, &'static str) {
    match outcome {
        OperationOutcome::Running => (Icon::Busy, Tone::Busy, "Running"),
        OperationOutcome::Succeeded => (Icon::Good, Tone::Good, "Succeeded"),
        OperationOutcome::RolledBack => (Icon::Undo, Tone::Warn, "Rolled back"),
        OperationOutcome::Failed => (Icon::Bad, Tone::Bad, "Failed"),
    }
}

fn head_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    view: &GroupView,
    operation: &OperationView,
    now: &Moment,
    actions: &mut Vec<Action>,
) {
    let palette = theme::palette(ui);
    let id = &view.group.spec.id;
    card::sides_ui(
        ui,
        34.0,
        |ui| {
            let kind = if operation.kind == FailoverKind::Planned { "Planned" } else { "Forced" };
            let title = format!("{kind} failover to {}", operation.to_region);
            ui.label(rich(Role::Title, title).color(palette.text));
            let (icon, tone, word) = outcome_sign(now.outcome);
            chip::chip_ui(ui, icon, tone, word, "");
        },
        |ui| {
            if operation.outcome == OperationOutcome::Failed {
                let waits = scene.awaits(|intent| matches!(intent, Intent::RetryGroup { id: of } if of == id));
                let words = if waits { "Retrying…" } else { "Retry" };
                if ui.add(Button::primary(words).icon(Icon::Retry).enabled(!waits)).clicked() {
                    actions.push(Action::Send(Intent::RetryGroup { id: id.clone() }));
                }
            }
        },
    );
    let by = format!("Requested by {} at {}", operation.requested_by, format::utc(operation.started));
    ui.label(rich(Role::Small, by).color(palette.text_weak));
    if let Some(message) = operation.message.as_ref().filter(|_| now.outcome != OperationOutcome::Running) {
        ui.add(egui::Label::new(rich(Role::Body, message).color(palette.text_soft)).wrap());
    }
}

/// What is waited for.
fn now_ui(ui: &mut Ui, operation: &OperationView, now: &Moment) {
    let palette = theme::palette(ui);
    let heading = if now.outcome == OperationOutcome::Running { "Now" } else { "Outcome" };
    ui.label(rich(Role::Label, heading).color(palette.text_weak));
    let sentence = waited_for(operation, now);
    ui.add(egui::Label::new(rich(Role::Strong, sentence).color(palette.text)).wrap());
    let running = now.steps.iter().find(|step| step.status == crate::domain::StepStatus::Running);
    if let Some(note) = running.and_then(|step| step.note.as_ref()) {
        ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_soft)).wrap());
    }
    if now.outcome == OperationOutcome::Succeeded && operation.kind == FailoverKind::Forced {
        let lost = match operation.commits_lost {
            None => format!("What was lost is known once {} responds.", operation.from_region),
            Some(0) => "No commit was lost.".to_owned(),
            Some(lost) => {
                format!("{} didn't arrive and were salvaged.", format::plural(lost as usize, "commit", "commits"))
            }
        };
        ui.add(egui::Label::new(rich(Role::Small, lost).color(palette.text_soft)).wrap());
    }
}

/// What a person should do now that it is over: one click each.
fn after_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, operation: &OperationView, actions: &mut Vec<Action>) {
    let newest = view.operation.as_ref().is_some_and(|newest| newest.id == operation.id);
    if !newest || operation.outcome != OperationOutcome::Succeeded {
        return;
    }
    let palette = theme::palette(ui);
    let id = &view.group.spec.id;
    card::card_ui(ui, |ui| {
        ui.label(rich(Role::Heading, "What to do next").color(palette.text));
        if view.to_resume.is_empty() {
            let note = "Schedules and compute: nothing waits to be resumed.";
            ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_soft)).wrap());
        } else {
            for workload in &view.to_resume {
                ui.horizontal(|ui| {
                    text::icon_ui(
                        ui,
                        if workload.kind == AssetKind::Job { Icon::Clock } else { Icon::Power },
                        16.0,
                        palette.text_weak,
                    );
                    text::line_ui(ui, Role::Body, palette.text, &resumed_words(workload));
                });
            }
            let waits = scene.awaits(|intent| matches!(intent, Intent::ResumeWorkloads { id: of } if of == id));
            let words = if waits { "Resuming…" } else { "Resume schedules and compute" };
            if ui.add(Button::primary(words).icon(Icon::Play).enabled(!waits)).clicked() {
                actions.push(Action::Send(Intent::ResumeWorkloads { id: id.clone() }));
            }
        }
        let allowed = crate::console::command::can_fail_over(scene, id);
        let hint = allowed.clone().err().unwrap_or_else(|| format!("Back to {}", operation.from_region));
        let back = Button::ordinary("Fail over…").icon(Icon::Failover).enabled(allowed.is_ok()).hint(&hint);
        if ui.add(back).clicked() {
            actions.push(Action::AskFailOver(id.clone()));
        }
    });
}

fn resumed_words(workload: &WorkloadView) -> String {
    let kind = match workload.kind {
        AssetKind::Job => "Schedule",
        AssetKind::Cluster => "Cluster",
        _ => "Warehouse",
    };
    format!("{kind} {}", workload.name)
}

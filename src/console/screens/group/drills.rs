//! Drills: started, on a schedule, those that ran, and their reports.

use super::page::tab_page_ui;
use crate::console::action::{Action, SavedText};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, banner_ui, card, chip, field, text};
use crate::control::drill_report;
use crate::control::view::GroupView;
use crate::domain::{Drill, DrillKind, DrillOutcome, DrillStep, DrillStepRecord, GroupState};
use crate::runtime::Intent;
use eframe::egui::{self, ScrollArea, Ui};
use std::collections::BTreeSet;

/// After how many days without a drill or a deep comparison the age is shown as a warning.
pub const PROVEN_DAYS: i64 = 90;

/// What the tab remembers.
#[derive(Debug, Default)]
pub struct DrillsTab {
    open: BTreeSet<String>,
    wait: bool,
    days: String,
    hour: String,
    scheduled: Option<DrillKind>,
}

/// The sign and word of an outcome.
pub fn outcome_sign(drill: &Drill) -> (Icon, Tone, &'static str) {
    match drill.outcome {
        DrillOutcome::Running if drill.is_waiting() => (Icon::Pause, Tone::Warn, "Waits for a person"),
        DrillOutcome::Running => (Icon::Busy, Tone::Busy, "Running"),
        DrillOutcome::Held => (Icon::Good, Tone::Good, "Held"),
        DrillOutcome::NotHeld => (Icon::Bad, Tone::Bad, "Did not hold"),
    }
}

/// When the group was last proven, in words, and how much that matters.
pub fn proven(scene: &Scene<'_>, view: &GroupView) -> (String, Tone) {
    match &view.rehearsals.last_proof {
        None => ("Never proven".to_owned(), Tone::Warn),
        Some(proof) => {
            let tone = if proof_is_old(scene, view).is_some() { Tone::Warn } else { Tone::Good };
            let age = format::age(scene.age_ms(proof.at));
            (format!("Proven {age} ago by {}", with_article(&proof.by)), tone)
        }
    }
}

/// Days since the last proof, or since the group exists where there is none, once that is past the limit; None where it isn't known.
pub fn proof_is_old(scene: &Scene<'_>, view: &GroupView) -> Option<i64> {
    if scene.is_of_another_account() {
        return None;
    }
    let proven = view.rehearsals.last_proof.as_ref().map_or(view.group.create_time, |proof| proof.at);
    let days = (scene.now - proven).num_days();
    (days > PROVEN_DAYS).then_some(days)
}

fn with_article(what: &str) -> String {
    let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {what}")
}

impl DrillsTab {
    /// Draws the tab.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
        ScrollArea::vertical().id_salt("drills").auto_shrink(false).show(ui, |ui| {
            tab_page_ui(ui, |ui| {
                self.due_ui(ui, scene, view);
                card::card_ui(ui, |ui| self.start_ui(ui, scene, view, actions));
                card::card_ui(ui, |ui| self.schedule_ui(ui, scene, view, actions));
                card::card_ui(ui, |ui| run_book_ui(ui, view, actions));
                if view.rehearsals.drills.is_empty() {
                    let palette = theme::palette(ui);
                    let note = "An isolated drill takes seconds and touches neither primary nor replication.";
                    card::nothing_ui(ui, Icon::History, palette.text_weak, "No drill of this group has run", note);
                }
                for drill in &view.rehearsals.drills {
                    card::card_ui(ui, |ui| self.drill_ui(ui, scene, view, drill, actions));
                }
            });
        });
    }

    fn due_ui(&self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
        let due = view.rehearsals.next.filter(|(kind, at)| *kind == DrillKind::Full && *at <= scene.now);
        if let Some((_, at)) = due {
            let sentence = format!(
                "It was due on {}. A full drill moves the primary, so the console never starts one by itself.",
                format::utc(at)
            );
            banner_ui(ui, Icon::Warn, Tone::Warn, "A full drill is due", &sentence, |_| {});
        }
    }

    fn start_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let (words, tone) = proven(scene, view);
        card::section_ui(ui, "Rehearse a failover", &words);
        if tone == Tone::Warn {
            let sentence = format!(
                "Nothing has shown in the last {PROVEN_DAYS} days that {} could take over.",
                view.group.effective_secondary_region()
            );
            ui.label(rich(Role::Body, sentence).color(palette.tone(Tone::Warn)));
        }
        let runs = view.rehearsals.drills.iter().any(|drill| drill.is_running());
        let active = view.group.state == GroupState::Active && !view.group.salvage_pending;
        let awaited = scene.awaits(|intent| matches!(intent, Intent::StartDrill { .. }));
        let hint = match (runs, active) {
            (true, _) => "A drill of this group runs already.",
            (false, false) => "A drill can start once the group is ACTIVE.",
            (false, true) => "",
        };
        let enabled = !runs && active && !awaited;
        let start = |kind, wait| Action::Send(Intent::StartDrill { id: view.group.spec.id.clone(), kind, wait });
        let button = Button::primary("Run an isolated drill").icon(Icon::Play).enabled(enabled).hint(hint);
        if ui.add(button).clicked() {
            actions.push(start(DrillKind::Isolated, false));
        }
        let sentence = "Opens a copy of the replica at its replication point, checks every file, writes to it, and removes it. \
                        Neither the primary nor replication notices.";
        ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text_soft)).wrap());
        ui.add_space(space::XS);
        let button = Button::ordinary("Run a full drill").icon(Icon::Failover).enabled(enabled).hint(hint);
        if ui.add(button).clicked() {
            actions.push(start(DrillKind::Full, self.wait));
        }
        let sentence = format!(
            "Fails over to {} and back, planned, and compares every object after each. Writers pause for seconds, twice.",
            view.group.effective_secondary_region()
        );
        ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text_soft)).wrap());
        let label = format!("A full drill stays in {} until I let it go on", view.group.effective_secondary_region());
        if field::check_ui(ui, self.wait, enabled, &label).clicked() {
            self.wait = !self.wait;
        }
    }

    fn schedule_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let note = match (&view.rehearsals.schedule, view.rehearsals.next) {
            (Some(schedule), Some((_, at))) => format!(
                "{} every {}, next on {}.",
                format::capitalised(schedule.kind.label()),
                format::plural(usize::from(schedule.every_days), "day", "days"),
                format::utc(at)
            ),
            _ => "No drill is scheduled.".to_owned(),
        };
        card::section_ui(ui, "Schedule", &note);
        if self.days.is_empty() {
            let known = view.rehearsals.schedule;
            self.days = known.map_or(30, |known| known.every_days).to_string();
            self.hour = known.map_or(3, |known| known.hour).to_string();
            self.scheduled = known.map(|known| known.kind);
        }
        let mut kind = self.scheduled.unwrap_or(DrillKind::Isolated);
        ui.horizontal_wrapped(|ui| {
            for (of, label) in [
                (DrillKind::Isolated, "Isolated drill, started by itself"),
                (DrillKind::Full, "Full drill, as a reminder"),
            ] {
                if field::radio_ui(ui, kind == of, label).clicked() {
                    kind = of;
                    self.scheduled = Some(of);
                }
            }
        });
        // One line for labels and fields: a row is as high as its first widget, else.
        ui.spacing_mut().interact_size.y = 34.0;
        ui.horizontal(|ui| {
            ui.label(rich(Role::Body, "Every").color(palette.text_soft));
            ui.allocate_ui(egui::vec2(64.0, 30.0), |ui| {
                field::named_text_ui(ui, "Days between drills", &mut self.days, "30")
            });
            ui.label(rich(Role::Body, "days at").color(palette.text_soft));
            ui.allocate_ui(egui::vec2(56.0, 30.0), |ui| {
                field::named_text_ui(ui, "Hour of the drill in UTC", &mut self.hour, "3")
            });
            ui.label(rich(Role::Body, ":00 UTC").color(palette.text_soft));
            let wanted = self.days.trim().parse::<u16>().ok().zip(self.hour.trim().parse::<u8>().ok());
            let awaited = scene.awaits(|intent| matches!(intent, Intent::SetDrillSchedule { .. }));
            let id = &view.group.spec.id;
            let hint = if wanted.is_none() { "Give whole numbers: days, and an hour from 0 to 23." } else { "" };
            let set = Button::ordinary("Set schedule").enabled(wanted.is_some() && !awaited).hint(hint);
            if ui.add(set).clicked() {
                let wanted = wanted.map(|(days, hour)| (kind, days, hour));
                actions.push(Action::Send(Intent::SetDrillSchedule { id: id.clone(), wanted }));
            }
            if view.rehearsals.schedule.is_some()
                && ui.add(Button::quiet("Remove schedule").enabled(!awaited)).clicked()
            {
                actions.push(Action::Send(Intent::SetDrillSchedule { id: id.clone(), wanted: None }));
            }
        });
    }

    fn drill_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, drill: &Drill, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let (icon, tone, word) = outcome_sign(drill);
        let title = format!("{} of {}", format::capitalised(drill.kind.label()), format::utc(drill.started));
        ui.horizontal_wrapped(|ui| {
            ui.label(rich(Role::Heading, &title).color(palette.text));
            chip::chip_ui(ui, icon, tone, word, "");
        });
        ui.add(egui::Label::new(rich(Role::Body, in_figures(drill)).color(palette.text_soft)).wrap());
        for problem in &drill.problems {
            ui.add(egui::Label::new(rich(Role::Body, problem).color(palette.tone(Tone::Bad))).wrap());
        }
        let open = drill.is_running() || self.open.contains(&drill.id);
        if open {
            drill.steps.iter().for_each(|record| step_ui(ui, scene, record));
        }
        ui.horizontal(|ui| {
            if drill.is_waiting() {
                let words = match drill.next_step() {
                    Some(DrillStep::WaitForPerson) | None => format!("Go on: fail back to {}", drill.primary),
                    Some(step) => format!("Go on: {}", step.label()),
                };
                let intent = Intent::LetDrillGoOn { id: view.group.spec.id.clone(), drill: drill.id.clone() };
                if ui.add(Button::primary(&words).icon(Icon::Play)).clicked() {
                    actions.push(Action::Send(intent));
                }
            }
            if !drill.is_running() {
                let name = format!("{} the steps of the {title}", if open { "Hide" } else { "Show" });
                let words = if open { "Hide steps" } else { "Show steps" };
                if ui.add(Button::quiet(words).name(&name)).clicked() && !self.open.remove(&drill.id) {
                    self.open.insert(drill.id.clone());
                }
                let stem = format!("{}-drill-{}", drill.group, drill.started.format("%Y%m%dT%H%M%SZ"));
                let html = format!("Save the report of the {title}");
                if ui.add(Button::quiet("Save report…").name(&html)).clicked() {
                    let text = drill_report(drill, &view.rehearsals.drills);
                    let note = "One HTML page that needs nothing else. Print it to make a PDF.".to_owned();
                    let name = format!("{stem}.html");
                    actions.push(Action::AskSave(SavedText { title: html, name, note, text }));
                }
                let json = format!("Save the {title} as JSON");
                if ui.add(Button::quiet("Save as JSON…").name(&json)).clicked()
                    && let Ok(text) = serde_json::to_string_pretty(drill)
                {
                    let note = "Every step, time, table and finding.".to_owned();
                    let name = format!("{stem}.json");
                    actions.push(Action::AskSave(SavedText { title: json, name, note, text }));
                }
            }
        });
    }
}

/// What people wrote about the steps.
fn run_book_ui(ui: &mut Ui, view: &GroupView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let book = &view.rehearsals.run_book;
    let gates = book.steps.iter().filter(|entry| entry.gate).count();
    let note = match book.steps.len() {
        0 => "Nothing is written yet: owners, notes, gates and timeouts of each step.".to_owned(),
        steps => format!(
            "{} described, {}.",
            format::plural(steps, "step is", "steps are"),
            format::plural(gates, "waits for a person", "wait for a person")
        ),
    };
    card::sides_ui(
        ui,
        44.0,
        |ui| card::section_ui(ui, "Run-book", &note),
        |ui| {
            if ui.add(Button::ordinary("Edit run-book…").icon(Icon::Edit)).clicked() {
                actions.push(Action::AskRunBook(view.group.spec.id.clone()));
            }
        },
    );
    for entry in &book.steps {
        let mut said = Vec::new();
        said.extend((!entry.owner.is_empty()).then(|| entry.owner.clone()));
        said.extend(entry.gate.then(|| "waits for a person".to_owned()));
        said.extend(entry.timeout_minutes.map(|minutes| format!("at most {minutes} min")));
        let line = format!("{}: {}", entry.step.label(), said.join(" · "));
        ui.label(rich(Role::Body, line.trim_end_matches([':', ' '])).color(palette.text));
        if !entry.note.is_empty() {
            ui.add(egui::Label::new(rich(Role::Small, &entry.note).color(palette.text_soft)).wrap());
        }
    }
}

/// What a drill measured, in a line.
fn in_figures(drill: &Drill) -> String {
    let mut parts = vec![format!("Started by {}", drill.requested_by)];
    if let Some(ended) = drill.ended {
        parts.push(format!("took {}", format::duration((ended - drill.started).num_milliseconds() as f64 / 1000.0)));
    }
    match drill.kind {
        DrillKind::Full => {
            parts.extend(drill.rto_seconds.map(|rto| format!("RTO over {}", format::duration(rto))));
            parts.extend(drill.failback_rto_seconds.map(|rto| format!("RTO back {}", format::duration(rto))));
        }
        DrillKind::Isolated => {
            parts.extend(drill.point.map(|point| format!("replication point {}", format::utc(point))));
            parts.extend(drill.rpo_seconds.map(|rpo| format!("RPO {}", format::duration(rpo))));
        }
    }
    if drill.tables_verified > 0 {
        parts.push(format!("{} verified", format::plural(drill.tables_verified as usize, "table", "tables")));
    }
    format!("{}.", parts.join(", "))
}

fn step_ui(ui: &mut Ui, scene: &Scene<'_>, record: &DrillStepRecord) {
    let palette = theme::palette(ui);
    let (icon, tone) = chip::step_sign(record.status);
    let ran = match (record.seconds(), record.started) {
        (Some(seconds), _) => format::duration(seconds),
        (None, Some(started)) => format::short_age(scene.age_ms(started)),
        (None, None) => String::new(),
    };
    ui.horizontal_top(|ui| {
        text::icon_ui(ui, icon, 16.0, palette.tone(tone));
        ui.allocate_ui(egui::vec2(230.0, 20.0), |ui| {
            ui.set_min_width(230.0);
            ui.label(rich(Role::Body, record.step.label()).color(palette.text));
        });
        ui.allocate_ui(egui::vec2(64.0, 20.0), |ui| {
            ui.set_min_width(64.0);
            ui.label(rich(Role::Body, ran).color(palette.text_soft));
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            if let Some(note) = &record.note {
                ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
            }
            if let Some(said) = written(record) {
                ui.add(egui::Label::new(rich(Role::Small, said).color(palette.text_soft)).wrap());
            }
        });
    });
}

/// Who let a step go on, and what the run-book says of it.
fn written(record: &DrillStepRecord) -> Option<String> {
    let mut said = Vec::new();
    if let Some(approved) = &record.approved {
        said.push(format!("{} let it go on at {}.", approved.by, format::utc(approved.at)));
    }
    if let Some(book) = &record.book {
        said.extend((!book.owner.is_empty()).then(|| format!("Owner: {}.", book.owner)));
        said.extend((!book.note.is_empty()).then(|| book.note.clone()));
    }
    (!said.is_empty()).then(|| said.join(" "))
}

//! What a failover can be beyond planned or forced: to an earlier instant, and provisional.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::screens::points_dialog::typed_time;
use crate::console::theme::{self, Icon, Role, Tone, rich};
use crate::console::widgets::{field, text};
use crate::control::AsOfReport;
use crate::domain::failover::PROVISIONAL_MINUTES;
use crate::domain::{GroupId, Timestamp};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Ui};

/// Tables that are named before they are only counted.
const NAMED: usize = 3;

/// What is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    goes_back: bool,
    instant: String,
    report: Option<Box<AsOfReport>>,
    /// The instant that was asked about last, and why it was refused.
    asked: Option<Timestamp>,
    refusal: Option<String>,
    is_provisional: bool,
    minutes: String,
}

impl Options {
    /// Nothing chosen; `at` is the instant that is proposed, and `goes_back` whether it was picked on the chart.
    pub fn new(at: Timestamp, goes_back: bool) -> Self {
        Self {
            goes_back,
            // To the millisecond: cut to the second it would be before what arrived in that second.
            instant: at.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
            report: None,
            asked: None,
            refusal: None,
            is_provisional: false,
            minutes: "30".to_owned(),
        }
    }

    /// The instant to go back to; None where none is chosen or typed.
    pub fn as_of(&self) -> Option<Timestamp> {
        typed_time(&self.instant).filter(|_| self.goes_back)
    }

    /// Minutes after which it is undone; None where it isn't provisional or no number is typed.
    pub fn provisional_minutes(&self) -> Option<u32> {
        let minutes = self.minutes.trim().parse().ok().filter(|minutes| PROVISIONAL_MINUTES.contains(minutes));
        minutes.filter(|_| self.is_provisional)
    }

    /// Whether what is chosen can begin.
    pub fn is_ready(&self) -> bool {
        let known = self.report.as_ref().filter(|report| Some(report.at) == self.as_of());
        let back = !self.goes_back || known.is_some_and(|report| report.problems.is_empty());
        back && (!self.is_provisional || self.provisional_minutes().is_some())
    }

    /// Takes the answer to what was asked.
    pub fn answered(&mut self, report: &AsOfReport) {
        self.refusal = None;
        self.report = Some(Box::new(report.clone()));
    }

    /// Takes the refusal of what was asked.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.report = None;
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Asks what going back would do, once for each instant.
    pub fn ask(&mut self, scene: &Scene<'_>, id: &GroupId) -> Option<Action> {
        let at = self.as_of().filter(|at| self.asked != Some(*at))?;
        if scene.stale_ms.is_some()
            || scene.awaits(|intent| matches!(intent, Intent::ReadAsOf { id: of, .. } if of == id))
        {
            return None;
        }
        (self.asked, self.report, self.refusal) = (Some(at), None, None);
        Some(Action::Send(Intent::ReadAsOf { id: id.clone(), at }))
    }

    /// Draws the choices.
    pub fn show(&mut self, ui: &mut Ui, primary: &str) {
        if field::check_ui(ui, self.goes_back, true, "Take the tables back to an earlier instant").clicked() {
            self.goes_back = !self.goes_back;
        }
        if self.goes_back {
            self.instant_ui(ui);
        }
        let label = "Provisional: undo it unless someone keeps it";
        if field::check_ui(ui, self.is_provisional, true, label).clicked() {
            self.is_provisional = !self.is_provisional;
        }
        if self.is_provisional {
            let palette = theme::palette(ui);
            let note = format!(
                "{primary} keeps its state and nothing replicates. An undo makes it primary again and salvages what was written since."
            );
            ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
            let label = field::label_ui(ui, "Minutes until it is undone by itself");
            let wrong = self.provisional_minutes().is_none();
            field::text_ui(ui, label, &mut self.minutes, "30", false, wrong);
            if wrong {
                field::problems_ui(ui, ["Enter a number of minutes from 1 to 10080."]);
            }
        }
    }

    fn instant_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let label = field::label_ui(ui, "Instant in UTC");
        let typed = self.as_of();
        field::text_ui(ui, label, &mut self.instant, "2026-11-22 09:00:00", false, typed.is_none());
        if typed.is_none() {
            field::problems_ui(ui, ["Enter a time such as 2026-11-22 09:00:00."]);
            return;
        }
        if let Some(refusal) = &self.refusal {
            field::problems_ui(ui, [refusal.as_str()]);
            return;
        }
        let Some(report) = self.report.as_ref().filter(|report| Some(report.at) == typed) else {
            ui.label(rich(Role::Small, "Checking each table's versions…").color(palette.text_weak));
            return;
        };
        for (tone, sentence) in sentences(report) {
            ui.horizontal_top(|ui| {
                let icon = match tone {
                    Tone::Bad => Icon::Bad,
                    Tone::Warn => Icon::Warn,
                    _ => Icon::Good,
                };
                text::icon_ui(ui, icon, 17.0, palette.tone(tone));
                ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text)).wrap());
            });
        }
    }
}

/// What going back would do, in sentences.
pub fn sentences(report: &AsOfReport) -> Vec<(Tone, String)> {
    let mut found: Vec<(Tone, String)> = report.problems.iter().take(NAMED).map(|p| (Tone::Bad, p.clone())).collect();
    if report.problems.len() > NAMED {
        found.push((Tone::Bad, format!("{} more tables can't go back.", report.problems.len() - NAMED)));
    }
    let commits: i64 = report.tables.iter().map(|table| table.newest - table.version).sum();
    if report.tables.is_empty() {
        found.push((Tone::Good, "Every table is as it was then. None goes back.".to_owned()));
    } else {
        let names: Vec<&str> = report.tables.iter().map(|table| table.name.as_str()).collect();
        found.push((
            Tone::Warn,
            format!(
                "{} by {} in all: {}. The later commits are salvaged and listed under Left behind.",
                format::plural(names.len(), "table goes back", "tables go back"),
                format::plural(commits.max(0) as usize, "commit", "commits"),
                super::checks::names(&names)
            ),
        ));
    }
    if !report.newer.is_empty() {
        let names: Vec<&str> = report.newer.iter().map(String::as_str).collect();
        let count =
            format::plural(names.len(), "table didn't exist then and stays", "tables didn't exist then and stay");
        found.push((Tone::Warn, format!("{count} as it is now: {}.", super::checks::names(&names))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AsOfTable;
    use chrono::DateTime;

    #[test]
    fn what_goes_back_what_is_newer_and_what_cannot_are_told_apart() {
        let table = |name: &str| AsOfTable { name: name.to_owned(), version: 4, newest: 7 };
        let mut report = AsOfReport {
            group: GroupId::new("core").expect("an id"),
            at: DateTime::UNIX_EPOCH,
            tables: vec![table("a.b.c"), table("a.b.d")],
            unchanged: 3,
            newer: vec!["a.b.e".to_owned()],
            problems: Vec::new(),
        };
        let said = sentences(&report);
        assert!(said[0].1.starts_with("2 tables go back by 6 commits in all: a.b.c, a.b.d."), "{said:?}");
        assert!(said[1].1.starts_with("1 table didn't exist then and stays as it is now: a.b.e"), "{said:?}");
        report.problems = (0..5).map(|n| format!("a.b.t{n}: its file was vacuumed.")).collect();
        let said = sentences(&report);
        assert_eq!(said.iter().filter(|(tone, _)| *tone == Tone::Bad).count(), 4);
        assert_eq!(said[3].1, "2 more tables can't go back.");
    }
}

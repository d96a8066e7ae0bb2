//! The run-book of a group's drills, to be edited: who owns each step, what to do, gates and timeouts.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, card, field, tabs};
use crate::domain::{DrillKind, DrillStep, GroupId, RunBook, RunBookStep};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context, Ui};

/// One step, half-typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    step: DrillStep,
    owner: String,
    note: String,
    gate: bool,
    timeout: String,
}

/// What the dialog holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunBookDialog {
    /// The group.
    pub id: GroupId,
    kind: DrillKind,
    lines: Vec<Line>,
    refusal: Option<String>,
}

impl RunBookDialog {
    /// A dialog with what holds now.
    pub fn open(id: GroupId, now: &RunBook) -> Self {
        let steps = [DrillKind::Full, DrillKind::Isolated].into_iter().flat_map(DrillStep::of);
        let line = |step: &DrillStep| {
            let RunBookStep { step, owner, note, gate, timeout_minutes } = now.of(*step);
            let timeout = timeout_minutes.map_or_else(String::new, |minutes| minutes.to_string());
            Line { step, owner, note, gate, timeout }
        };
        Self { id, kind: DrillKind::Full, lines: steps.map(line).collect(), refusal: None }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// What is entered, or what is wrong with it.
    fn book(&self) -> Result<RunBook, String> {
        let step = |line: &Line| {
            let typed = line.timeout.trim();
            let timeout_minutes = match typed {
                "" => None,
                typed => Some(typed.parse().map_err(|_| {
                    format!("{typed:?} isn't a number of minutes. Correct the timeout of {:?}.", line.step.label())
                })?),
            };
            let (owner, note) = (line.owner.clone(), line.note.clone());
            Ok(RunBookStep { step: line.step, owner, note, gate: line.gate, timeout_minutes })
        };
        let book = RunBook { steps: self.lines.iter().map(step).collect::<Result<_, String>>()? };
        book.problem().map_or_else(|| Ok(book.clone().tidied()), Err)
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::SetRunBook { id, .. } if *id == self.id));
        let title = format!("Run-book of {}", self.id);
        let response = dialog_ui(
            ctx,
            "run-book",
            &title,
            680.0,
            self,
            |ui, dialog| dialog.contents_ui(ui),
            |ui, dialog| {
                let label = if waits { "Saving…" } else { "Save run-book" };
                let ready = !waits && dialog.book().is_ok() && scene.stale_ms.is_none();
                let save = ui.add(Button::primary(label).enabled(ready)).clicked();
                (save, ui.add(Button::quiet("Cancel")).clicked())
            },
        );
        let (save, cancelled) = response.inner;
        if let (true, Ok(book)) = (save, self.book()) {
            self.refusal = None;
            return vec![Action::Send(Intent::SetRunBook { id: self.id.clone(), book })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn contents_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "The run-book was not changed", refusal, |_| {});
        }
        let note = "The steps are the console's own. What you write here goes into the report of every drill that starts from now on.";
        ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text_soft)).wrap());
        if let Err(sentence) = self.book() {
            field::problems_ui(ui, [sentence.as_str()]);
        }
        ui.add_space(space::XS);
        let kinds = [(DrillKind::Full, "Full drill"), (DrillKind::Isolated, "Isolated drill")];
        if let Some(kind) = tabs::segmented_ui(ui, "Kind of drill", self.kind, &kinds) {
            self.kind = kind;
        }
        for line in self.lines.iter_mut().filter(|line| DrillStep::of(self.kind).contains(&line.step)) {
            ui.add_space(space::XS);
            card::hairline_ui(ui);
            line_ui(ui, line);
        }
    }
}

fn line_ui(ui: &mut Ui, line: &mut Line) {
    let palette = theme::palette(ui);
    let label = line.step.label();
    let always = line.step == DrillStep::CleanUp;
    ui.label(rich(Role::Strong, label).color(palette.text));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        ui.allocate_ui(egui::vec2(250.0, 34.0), |ui| {
            field::named_text_ui(ui, &format!("Owner of {label}"), &mut line.owner, "Owner")
        });
        if !always {
            ui.allocate_ui(egui::vec2(110.0, 34.0), |ui| {
                field::named_text_ui(ui, &format!("Timeout of {label}"), &mut line.timeout, "Timeout, min")
            });
            ui.push_id(line.step, |ui| {
                if field::check_ui(ui, line.gate, true, &format!("Wait for a person before: {label}")).clicked() {
                    line.gate = !line.gate;
                }
            });
        }
    });
    let note = egui::TextEdit::multiline(&mut line.note)
        .desired_rows(1)
        .desired_width(ui.available_width())
        .font(Role::Body.font())
        .margin(egui::Margin::symmetric(10, 6))
        .hint_text(rich(Role::Body, "Note").color(palette.text_weak));
    ui.add(note).accessible_name(format!("Note for {label}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_a_run_book_or_a_sentence() {
        let mut dialog = RunBookDialog::open(GroupId::new("core").expect("an id"), &RunBook::default());
        assert_eq!(dialog.book(), Ok(RunBook::default()), "nothing was typed");
        let line = dialog.lines.iter_mut().find(|line| line.step == DrillStep::FailOver).expect("a line");
        (line.owner, line.gate) = ("ada".to_owned(), true);
        let book = dialog.book().expect("a run-book");
        assert_eq!((book.steps.len(), book.of(DrillStep::FailOver).gate), (1, true));
        dialog.lines[0].timeout = "soon".to_owned();
        assert!(dialog.book().is_err_and(|sentence| sentence.contains("isn't a number of minutes")));
    }
}

//! The dialog that sets what a group should reach.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::domain::{GroupId, LONGEST_TARGET_S, Targets};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context};

/// What the dialog holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetsDialog {
    /// The group.
    pub id: GroupId,
    rpo: String,
    rto: String,
    refusal: Option<String>,
}

/// What was typed: nothing, a length of time, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The field is empty: no target.
    Nothing,
    /// So many seconds.
    Seconds(u32),
    /// No length of time.
    Wrong,
}

/// Reads `30 s`, `5 min`, `2 h`, `1 d`; a number alone counts seconds.
pub fn typed_span(typed: &str) -> Typed {
    let typed = typed.trim().to_lowercase();
    if typed.is_empty() {
        return Typed::Nothing;
    }
    let digits = typed.find(|c: char| !c.is_ascii_digit()).unwrap_or(typed.len());
    let (number, unit) = typed.split_at(digits);
    let factor = match unit.trim() {
        "" | "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return Typed::Wrong,
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    match seconds
        .filter(|seconds| (1..=u64::from(LONGEST_TARGET_S)).contains(seconds))
        .and_then(|seconds| u32::try_from(seconds).ok())
    {
        Some(seconds) => Typed::Seconds(seconds),
        None => Typed::Wrong,
    }
}

/// Seconds as a person would type them.
pub fn span_words(seconds: u32) -> String {
    let (number, unit) = match seconds {
        s if s.is_multiple_of(86_400) => (s / 86_400, "d"),
        s if s.is_multiple_of(3_600) => (s / 3_600, "h"),
        s if s.is_multiple_of(60) => (s / 60, "min"),
        s => (s, "s"),
    };
    format!("{number} {unit}")
}

impl TargetsDialog {
    /// A dialog with what holds now.
    pub fn open(id: GroupId, now: Targets) -> Self {
        let words = |target: Option<u32>| target.map_or_else(String::new, span_words);
        Self { id, rpo: words(now.rpo_s), rto: words(now.rto_s), refusal: None }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    fn targets(&self) -> Option<Targets> {
        let of = |typed: &str| match typed_span(typed) {
            Typed::Nothing => Some(None),
            Typed::Seconds(seconds) => Some(Some(seconds)),
            Typed::Wrong => None,
        };
        Some(Targets { rpo_s: of(&self.rpo)?, rto_s: of(&self.rto)? })
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::SetTargets { id, .. } if *id == self.id));
        let title = format!("Targets of {}", self.id);
        let response = dialog_ui(
            ctx,
            "targets",
            &title,
            480.0,
            self,
            |ui, dialog| {
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "The targets were not changed", refusal, |_| {});
                }
                let note = "Charts draw the RPO target as a line and shade what exceeds it. A failover's clock runs against the RTO target. They are kept with the group.";
                ui.add(egui::Label::new(rich(Role::Body, note).color(theme::palette(ui).text_soft)).wrap());
                ui.add_space(space::S);
                span_ui(ui, "RPO: the replica is at most this far behind", &mut dialog.rpo, "5 min");
                ui.add_space(space::S);
                span_ui(ui, "RTO: the new primary accepts writes within", &mut dialog.rto, "30 s");
            },
            |ui, dialog| {
                let ready = !waits && dialog.targets().is_some() && scene.stale_ms.is_none();
                let set = ui.add(Button::primary("Set targets").enabled(ready)).clicked();
                (set, ui.add(Button::quiet("Cancel")).clicked())
            },
        );
        let (set, cancelled) = response.inner;
        if let Some(targets) = self.targets().filter(|_| set) {
            self.refusal = None;
            return vec![Action::Send(Intent::SetTargets { id: self.id.clone(), targets })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

fn span_ui(ui: &mut egui::Ui, label: &str, value: &mut String, hint: &str) {
    let wrong = typed_span(value) == Typed::Wrong;
    let id = field::label_ui(ui, label);
    field::text_ui(ui, id, value, hint, false, wrong);
    if wrong {
        field::problems_ui(ui, ["Enter a time such as 30 s, 5 min or 2 h. Leave it empty for no target."]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_and_written_back() {
        for (typed, seconds) in [("30", 30), ("30 s", 30), ("5min", 300), (" 2 H ", 7_200), ("1 day", 86_400)] {
            assert_eq!(typed_span(typed), Typed::Seconds(seconds), "{typed}");
            assert_eq!(typed_span(&span_words(seconds)), Typed::Seconds(seconds));
        }
        assert_eq!(typed_span("  "), Typed::Nothing);
        for wrong in ["soon", "0", "-5 s", "5 parsecs", "99999999999 d", "1.5 h"] {
            assert_eq!(typed_span(wrong), Typed::Wrong, "{wrong}");
        }
    }
}

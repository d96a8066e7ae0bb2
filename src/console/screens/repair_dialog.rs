//! The dialog that has a replica compared and repaired.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field, text};
use crate::control::view::GroupView;
use crate::domain::GroupId;
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context};

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairDialog {
    /// The group.
    pub id: GroupId,
    etag: String,
    deep: bool,
    refusal: Option<String>,
}

/// What a repair does and does not do, a sentence each.
pub fn consequences(view: &GroupView) -> Vec<String> {
    let (primary, secondary) = (&view.group.effective_primary_region, view.group.effective_secondary_region());
    vec![
        format!("Every object in {secondary} is compared with {primary}: versions, commits, file lists and sizes."),
        format!(
            "A missing or different file is copied again from {primary}, checked against the sha256 of its first copy, and replaced in one step. Damage in {primary} itself is reported and never copied."
        ),
        format!(
            "Commits that others made in {secondary} are moved to a salvage folder and listed under Left behind. Then the table is rewound to the version in {primary}. Nothing is deleted."
        ),
    ]
}

impl RepairDialog {
    /// A dialog for the group as it is shown now.
    pub fn open(view: &GroupView) -> Self {
        Self { id: view.group.spec.id.clone(), etag: view.group.etag.clone(), deep: true, refusal: None }
    }

    /// Takes the refusal of this dialog's intent; after one because the world moved, the next press means what is shown.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
        if refusal.stale {
            self.etag.clear();
        }
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let Some(view) = scene.group(&self.id) else { return vec![Action::CloseDialog] };
        if self.etag.is_empty() {
            self.etag.clone_from(&view.group.etag);
        }
        let waits = scene.awaits(|intent| matches!(intent, Intent::Repair { id, .. } if *id == self.id));
        let title = format!("Repair the replica of {}", self.id);
        let sentences = consequences(view);
        let response = dialog_ui(
            ctx,
            "repair replica",
            &title,
            560.0,
            self,
            |ui, dialog| {
                let palette = theme::palette(ui);
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "Nothing was repaired", refusal, |_| {});
                }
                for sentence in sentences {
                    ui.horizontal_top(|ui| {
                        text::icon_ui(ui, Icon::Right, 17.0, palette.text_weak);
                        ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text_soft)).wrap());
                    });
                }
                ui.add_space(space::XS);
                if field::check_ui(ui, dialog.deep, !waits, "Read every file of the replica again").clicked() {
                    dialog.deep = !dialog.deep;
                }
                let note = "Also finds a flipped bit. Takes as long as reading the whole replica.";
                ui.label(rich(Role::Small, note).color(palette.text_weak));
            },
            |ui, _| {
                let words = if waits { "Repairing…" } else { "Compare and repair" };
                let confirmed = ui.add(Button::primary(words).enabled(!waits && scene.stale_ms.is_none())).clicked();
                (confirmed, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (confirmed, cancelled) = response.inner;
        if confirmed {
            self.refusal = None;
            return vec![Action::Send(Intent::Repair {
                id: self.id.clone(),
                deep: self.deep,
                etag: self.etag.clone(),
            })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

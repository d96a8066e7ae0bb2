//! The dialog that deletes workspace assets which only the secondary has, once the group's name was typed.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field, text};
use crate::control::view::{GroupView, ObjectView};
use crate::domain::{ErrorClass, GroupId};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context, ScrollArea};

/// Assets that the dialog names before it counts the rest.
const SHOWN: usize = 200;

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondaryOnlyDialog {
    /// The group.
    pub id: GroupId,
    typed: String,
    refusal: Option<String>,
}

/// What only the secondary has, in the part of its workspaces that replicates.
pub fn secondary_only(view: &GroupView) -> impl Iterator<Item = &ObjectView> {
    let is_one = |object: &&ObjectView| object.error.as_ref().is_some_and(|e| e.class == ErrorClass::SecondaryOnly);
    view.objects.iter().filter(is_one)
}

impl SecondaryOnlyDialog {
    /// A dialog for a group.
    pub fn open(id: GroupId) -> Self {
        Self { id, typed: String::new(), refusal: None }
    }

    /// Takes the refusal of this dialog's intent: the name must be typed again.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.typed.clear();
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let Some(view) = scene.group(&self.id) else { return vec![Action::CloseDialog] };
        let found: Vec<&ObjectView> = secondary_only(view).collect();
        if found.is_empty() {
            return vec![Action::CloseDialog];
        }
        let waits = scene.awaits(|intent| matches!(intent, Intent::DeleteSecondaryOnly { id, .. } if *id == self.id));
        let ready = self.typed.trim() == self.id.as_str() && !waits && scene.stale_ms.is_none();
        let region = view.group.effective_secondary_region();
        let count = format::plural(found.len(), "asset", "assets");
        let title = format!("Delete {count} that only {region} has");
        let response = dialog_ui(
            ctx,
            "secondary only",
            &title,
            600.0,
            self,
            |ui, dialog| {
                let palette = theme::palette(ui);
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "Nothing was deleted", refusal, |_| {});
                }
                let words = "The primary doesn't have what is listed here, in a part of the workspace that replicates. Everything is exported to the folder \"exports\" in the data directory first. What can't be exported stays.";
                ui.add(egui::Label::new(rich(Role::Body, words).color(palette.text_soft)).wrap());
                ui.add_space(space::XS);
                ScrollArea::vertical().id_salt("secondary only list").max_height(220.0).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = space::XS;
                    for object in found.iter().take(SHOWN) {
                        ui.horizontal(|ui| {
                            text::icon_ui(ui, Icon::of_kind(object.kind), 16.0, palette.text_weak);
                            ui.label(rich(Role::Body, &object.name).color(palette.text));
                            ui.label(rich(Role::Small, object.kind.label()).color(palette.text_weak));
                        });
                    }
                    if let Some(more) = found.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                        let words = format!("and {} more; the objects list has them all", format::count(more as u64));
                        ui.label(rich(Role::Small, words).color(palette.text_weak));
                    }
                });
                ui.add_space(space::S);
                let label = field::label_ui(ui, &format!("Type {} to confirm", dialog.id));
                field::text_ui(ui, label, &mut dialog.typed, "", true, false);
            },
            |ui, _| {
                let words = if waits { "Deleting…" } else { "Export and delete" };
                let confirmed = ui.add(Button::danger(words).icon(Icon::Delete).enabled(ready)).clicked();
                (confirmed, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (confirmed, cancelled) = response.inner;
        if confirmed && ready {
            self.refusal = None;
            let confirm = self.typed.trim().to_owned();
            return vec![Action::Send(Intent::DeleteSecondaryOnly { id: self.id.clone(), confirm })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

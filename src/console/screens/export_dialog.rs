//! The dialog that saves a text, such as a chart's numbers or a drill's report: to a file whose path is typed, or to the clipboard.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context};

/// What the dialog holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportDialog {
    title: String,
    path: String,
    note: String,
    text: String,
    refusal: Option<String>,
}

impl ExportDialog {
    /// A dialog that saves `text`; `name` is the file's name in the folder that is proposed.
    pub fn open(scene: &Scene<'_>, title: String, name: &str, note: String, text: String) -> Self {
        let path = format!("{}/exports/{name}", scene.snapshot.deployment.data_dir.trim_end_matches('/'));
        Self { title, path, note, text, refusal: None }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::SaveText { .. }));
        let title = self.title.clone();
        let response = dialog_ui(
            ctx,
            "export",
            &title,
            620.0,
            self,
            |ui, dialog| dialog.contents_ui(ui),
            |ui, dialog| {
                let words = if waits { "Saving…" } else { "Save" };
                let save = Button::primary(words).icon(Icon::Check).enabled(!waits && !dialog.path.trim().is_empty());
                let save = ui.add(save).clicked();
                if ui.add(Button::ordinary("Copy as text").icon(Icon::Copy)).clicked() {
                    ui.copy_text(dialog.text.clone());
                }
                (save, ui.add(Button::quiet("Cancel")).clicked())
            },
        );
        let (save, cancelled) = response.inner;
        if save {
            let (path, text) = (self.path.trim().to_owned(), self.text.clone());
            return vec![Action::Send(Intent::SaveText { path, text })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn contents_ui(&mut self, ui: &mut egui::Ui) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't save the file", refusal, |_| {});
        }
        ui.label(rich(Role::Label, "File").color(palette.text_soft));
        field::path_text_ui(ui, "File", &mut self.path, "/home/ada/lag.csv");
        ui.add_space(space::XS);
        let note = format!("{} A file that exists is never overwritten.", self.note);
        ui.label(rich(Role::Small, note).color(palette.text_weak));
    }
}

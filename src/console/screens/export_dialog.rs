//! The dialog that saves a text, such as a chart's numbers or a drill's report, or a picture: to a file whose path is typed or
//! chosen, or to the clipboard.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::chooser::Chooser;
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::tabs::segmented_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context};
use std::sync::Arc;

/// What the dialog holds.
#[derive(Debug, Clone)]
pub struct ExportDialog {
    title: String,
    path: String,
    note: String,
    text: String,
    picture: Option<Arc<Vec<u8>>>,
    kind: Kind,
    chooser: Chooser,
    refusal: Option<String>,
}

/// What is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Picture,
}

impl Kind {
    const EVERY: [(Self, &'static str); 2] = [(Self::Text, "Numbers (CSV)"), (Self::Picture, "Picture (PNG)")];
}

impl ExportDialog {
    /// A dialog that saves `text`; `name` is the file's name in the folder that is proposed.
    pub fn open(scene: &Scene<'_>, title: String, name: &str, note: String, text: String) -> Self {
        let path = format!("{}/exports/{name}", scene.snapshot.deployment.data_dir.trim_end_matches('/'));
        let (kind, chooser) = (Kind::Text, Chooser::default());
        Self { title, path, note, text, picture: None, kind, chooser, refusal: None }
    }

    /// The same with a PNG that can be saved instead.
    pub fn with_picture(self, png: Option<Vec<u8>>) -> Self {
        Self { picture: png.map(Arc::new), ..self }
    }

    /// Saves the other kind, in a file whose name says so.
    fn choose(&mut self, kind: Kind) {
        let (from, to) = if kind == Kind::Picture { (".csv", ".png") } else { (".png", ".csv") };
        if let Some(stem) = self.path.strip_suffix(from) {
            self.path = format!("{stem}{to}");
        }
        self.kind = kind;
        self.refusal = None;
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::SaveText { .. } | Intent::SavePicture { .. }));
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
                if dialog.kind == Kind::Text && ui.add(Button::ordinary("Copy as text").icon(Icon::Copy)).clicked() {
                    ui.copy_text(dialog.text.clone());
                }
                (save, ui.add(Button::quiet("Cancel")).clicked())
            },
        );
        let (save, cancelled) = response.inner;
        if save {
            let path = self.path.trim().to_owned();
            let picture = self.picture.clone().filter(|_| self.kind == Kind::Picture);
            return vec![Action::Send(match picture {
                Some(png) => Intent::SavePicture { path, png },
                None => Intent::SaveText { path, text: self.text.clone() },
            })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn contents_ui(&mut self, ui: &mut egui::Ui) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't save the file", refusal, |_| {});
        }
        if self.picture.is_some() {
            if let Some(kind) = segmented_ui(ui, "What to save", self.kind, &Kind::EVERY) {
                self.choose(kind);
            }
            ui.add_space(space::S);
        }
        ui.label(rich(Role::Label, "File").color(palette.text_soft));
        ui.horizontal(|ui| {
            let room = (ui.available_width() - 120.0).max(200.0);
            ui.allocate_ui(egui::vec2(room, theme::metrics(ui).control), |ui| {
                field::path_text_ui(ui, "File", &mut self.path, "/home/ada/lag.csv");
            });
            if let Some(chosen) = self.chooser.ui(ui, &self.path) {
                self.path = chosen;
            }
        });
        ui.add_space(space::XS);
        let what = if self.kind == Kind::Picture { "The chart as it is drawn." } else { self.note.as_str() };
        let note = format!("{what} A file that exists is never overwritten.");
        ui.label(rich(Role::Small, note).color(palette.text_weak));
    }
}

//! The dialog that shows what a region of one's own can do, asked now.

use crate::connect::CapabilitySheet;
use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::sheet::{sheet_ui, verdict};
use crate::console::widgets::{Button, banner_ui};
use crate::runtime::{Intent, IntentError};
use eframe::egui::Context;

/// What the dialog holds.
#[derive(Debug)]
pub struct SheetDialog {
    /// The connection.
    pub name: String,
    sheet: Option<CapabilitySheet>,
    refusal: Option<String>,
}

impl SheetDialog {
    /// A dialog that waits for the region's answers.
    pub fn open(name: String) -> Self {
        Self { name, sheet: None, refusal: None }
    }

    /// Takes the answers.
    pub fn answered(&mut self, sheet: &CapabilitySheet) {
        (self.sheet, self.refusal) = (Some(sheet.clone()), None);
    }

    /// Takes the refusal.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::AskCapabilities { .. }));
        let title = format!("What {} can do", self.name);
        let response = dialog_ui(
            ctx,
            "capability sheet",
            &title,
            680.0,
            self,
            |ui, dialog| {
                let palette = theme::palette(ui);
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "The region couldn't be asked", refusal, |_| {});
                }
                match &dialog.sheet {
                    Some(sheet) => {
                        ui.label(rich(Role::Label, verdict(sheet)).color(palette.text_soft));
                        sheet_ui(ui, sheet);
                    }
                    None if waits => {
                        ui.label(rich(Role::Body, "Asking the region. Nothing is written.").color(palette.text_soft));
                    }
                    None => {}
                }
            },
            |ui, dialog| {
                let close = ui.add(Button::primary("Close")).clicked();
                let words = if waits { "Asking…" } else { "Ask again" };
                let again = ui.add(Button::ordinary(words).enabled(!waits)).clicked();
                (close, again.then(|| dialog.name.clone()))
            },
        );
        let (close, again) = response.inner;
        if let Some(name) = again {
            return vec![Action::Send(Intent::AskCapabilities { name })];
        }
        if close || response.close { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

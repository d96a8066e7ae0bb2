//! What is kept for the next start without a question: where the window is, and a half-filled form.

use super::ConsoleApp;
use crate::console::preferences::WindowPlace;
use crate::console::screens::create::{CreateForm, Draft};
use eframe::egui::Context;
use serde_json::Value;

/// The form as it was left; a blank one where nothing was, or something that this version doesn't read.
pub(super) fn form(draft: Option<&Value>) -> CreateForm {
    let mut form = CreateForm::default();
    if let Some(draft) = draft.and_then(|value| serde_json::from_value::<Draft>(value.clone()).ok()) {
        form.draft = draft;
    }
    form
}

impl ConsoleApp {
    /// Remembers what has changed since the last frame.
    pub(super) fn keep(&mut self, ctx: &Context) {
        let viewport = ctx.input(|input| input.viewport().clone());
        let before = self.preferences.window;
        let place = WindowPlace::of(&viewport, before);
        let moved = place.is_some() && place != before;
        let edited = self.create.draft != self.kept_draft;
        if !moved && !edited {
            return;
        }
        if moved {
            self.preferences.window = place;
        }
        if edited {
            self.kept_draft = self.create.draft.clone();
            let typed = (!self.kept_draft.is_blank()).then(|| serde_json::to_value(&self.kept_draft).ok());
            self.preferences.draft = typed.flatten();
        }
        self.link.preferences.send_replace(self.preferences.clone());
    }
}

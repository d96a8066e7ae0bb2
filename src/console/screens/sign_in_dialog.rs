//! The dialog that takes the token with which the window is to act.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::runtime::{Intent, IntentError};
use crate::wire::secret::Secret;
use eframe::egui::{self, Context};

/// What the dialog holds: the token only until it is sent.
#[derive(Default)]
pub struct SignInDialog {
    token: String,
    refusal: Option<String>,
}

/// Shows nothing of the token.
impl std::fmt::Debug for SignInDialog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInDialog").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

impl SignInDialog {
    /// Takes the refusal of this dialog's intent: the token must be entered again.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::SignIn { .. }));
        let response = dialog_ui(
            ctx,
            "sign in",
            "Sign in",
            520.0,
            self,
            |ui, dialog| {
                let palette = theme::palette(ui);
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't sign in", refusal, |_| {});
                }
                let note = "The window then acts with the name and role of this token until you sign out or close it.";
                ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text_soft)).wrap());
                let label = field::label_ui(ui, "Token");
                field::secret_ui(ui, label, &mut dialog.token);
            },
            |ui, dialog| {
                let words = if waits { "Signing in…" } else { "Sign in" };
                let ready = !waits && !dialog.token.trim().is_empty();
                let pressed = ui.add(Button::primary(words).icon(Icon::Key).enabled(ready)).clicked();
                (pressed, ui.add(Button::quiet("Cancel")).clicked())
            },
        );
        let (pressed, cancelled) = response.inner;
        if pressed {
            self.refusal = None;
            let token = Secret::new(std::mem::take(&mut self.token));
            return vec![Action::Send(Intent::SignIn { token })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

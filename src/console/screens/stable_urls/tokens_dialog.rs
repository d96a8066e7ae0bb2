//! The dialog that takes a token of each workspace for one client of a stable URL.

use super::logins;
use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::domain::WorkspaceId;
use crate::runtime::{Intent, IntentError};
use crate::wire::secret::Secret;
use eframe::egui::{self, Context, Ui};

/// What the dialog holds: the tokens only until they are sent.
#[derive(Default)]
pub struct TokensDialog {
    url: String,
    client: String,
    tokens: [String; 2],
    refusal: Option<String>,
}

/// Shows nothing of the tokens.
impl std::fmt::Debug for TokensDialog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokensDialog").field("url", &self.url).field("client", &self.client).finish_non_exhaustive()
    }
}

impl TokensDialog {
    /// A dialog for one stable URL.
    pub fn open(url: String) -> Self {
        Self { url, ..Self::default() }
    }

    /// Takes the refusal of this dialog's intent: the tokens must be entered again.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let found = scene.account().stable_urls.iter().find(|url| url.id == self.url);
        let Some(url) = found else { return vec![Action::CloseDialog] };
        let ids: [WorkspaceId; 2] = match logins::workspaces(scene, url).try_into() {
            Ok(ids) => ids,
            Err(_) => return vec![Action::CloseDialog],
        };
        let names = ids.each_ref().map(|id| scene.workspace_name(id));
        let waits = scene.awaits(|intent| matches!(intent, Intent::AddTokenPair { .. }));
        let title = format!("Exchange tokens at {}", self.url);
        let response = dialog_ui(
            ctx,
            "exchange tokens",
            &title,
            540.0,
            self,
            |ui, dialog| dialog.form_ui(ui, &names),
            |ui, dialog| {
                let typed = [&dialog.client, &dialog.tokens[0], &dialog.tokens[1]];
                let ready = !waits && scene.stale_ms.is_none() && typed.iter().all(|text| !text.trim().is_empty());
                let words = if waits { "Adding…" } else { "Add" };
                let add = ui.add(Button::primary(words).icon(Icon::Key).enabled(ready)).clicked();
                (add, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (add, cancelled) = response.inner;
        if add {
            self.refusal = None;
            let tokens = std::mem::take(&mut self.tokens).map(|token| Secret::new(token.trim()));
            let tokens = ids.into_iter().zip(tokens).collect();
            let (url, client) = (self.url.clone(), self.client.trim().to_owned());
            return vec![Action::Send(Intent::AddTokenPair { url, client, tokens })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn form_ui(&mut self, ui: &mut Ui, names: &[String; 2]) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't add the tokens", refusal, |_| {});
        }
        let note = "If a client sends either token, the gateway replaces it with the token of the current workspace. So each of the two opens both workspaces.";
        ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text_soft)).wrap());
        ui.add_space(space::S);
        let label = field::label_ui(ui, "Client");
        field::text_ui(ui, label, &mut self.client, "nightly-etl", false, false);
        for (name, token) in names.iter().zip(&mut self.tokens) {
            let label = field::label_ui(ui, &format!("Token of {name}"));
            field::secret_ui(ui, label, token);
        }
        let note = "They are kept on this machine in a file that only its owner can read. They are never shown again.";
        ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
    }
}

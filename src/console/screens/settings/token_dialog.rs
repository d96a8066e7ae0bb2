//! The dialog that makes a token, and shows its secret once.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, copy, field, tabs};
use crate::control::view::TokenView;
use crate::domain::Role as TokenRole;
use crate::runtime::{Intent, IntentError};
use crate::wire::secret::Secret;
use eframe::egui::{self, Context, CornerRadius, Frame, Label, Margin, Stroke, Ui};

/// What the dialog remembers; the secret only until it is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTokenDialog {
    name: String,
    role: TokenRole,
    is_client: bool,
    made: Option<(TokenView, Secret)>,
    refusal: Option<String>,
}

impl Default for NewTokenDialog {
    fn default() -> Self {
        Self { name: String::new(), role: TokenRole::Viewer, is_client: false, made: None, refusal: None }
    }
}

/// What the holder of a role may do.
fn may(role: TokenRole) -> &'static str {
    match role {
        TokenRole::Viewer => "Can read everything and change nothing.",
        TokenRole::Operator => "Can create, change and delete failover groups and stable URLs. Can't fail over.",
        TokenRole::Failover => "Can read and fail over. Can't change anything else.",
        TokenRole::Admin => "Can do everything, including managing tokens.",
    }
}

impl NewTokenDialog {
    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Takes what was made, to be shown until the dialog is closed.
    pub fn made(&mut self, token: TokenView, secret: Secret) {
        self.made = Some((token, secret));
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::CreateToken { .. }));
        if self.made.is_some() {
            return self.made_dialog_ui(ctx);
        }
        let ready = !waits && !self.name.trim().is_empty() && scene.stale_ms.is_none();
        let response = dialog_ui(ctx, "new token", "Create token", 540.0, self, Self::form_ui, |ui, _| {
            let words = if waits { "Creating…" } else { "Create" };
            let create = ui.add(Button::primary(words).enabled(ready)).clicked();
            (create, ui.add(Button::ordinary("Cancel").enabled(!waits)).clicked())
        });
        let (create, cancelled) = response.inner;
        if create {
            self.refusal = None;
            let (name, role, is_client) = (self.name.trim().to_owned(), self.role, self.is_client);
            return vec![Action::Send(Intent::CreateToken { name, role, is_client })];
        }
        // Once asked for, the secret comes here and nowhere else, so the dialog stays to take it.
        if (response.close || cancelled) && !waits { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn form_ui(ui: &mut Ui, dialog: &mut Self) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &dialog.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't create the token", refusal, |_| {});
        }
        let label = field::label_ui(ui, "Token name");
        field::text_ui(ui, label, &mut dialog.name, "nightly-terraform", false, false);
        ui.label(rich(Role::Small, "Activity shows this name as the actor.").color(palette.text_weak));
        ui.add_space(space::S);
        ui.label(rich(Role::Label, "Kind").color(palette.text_soft));
        let kinds = [(false, "Token"), (true, "Client")];
        if let Some(is_client) = tabs::segmented_ui(ui, "Kind", dialog.is_client, &kinds) {
            dialog.is_client = is_client;
        }
        let note = match dialog.is_client {
            false => "Send it with every call: Authorization: Bearer and the token.",
            true => "Logs in with an id and a secret for one-hour access tokens (OAuth client credentials).",
        };
        ui.label(rich(Role::Small, note).color(palette.text_weak));
        ui.add_space(space::S);
        ui.label(rich(Role::Label, "Role").color(palette.text_soft));
        let roles = TokenRole::ALL.map(|role| (role, role.as_str()));
        if let Some(role) = tabs::segmented_ui(ui, "Role", dialog.role, &roles) {
            dialog.role = role;
        }
        ui.label(rich(Role::Small, may(dialog.role)).color(palette.text_weak));
    }

    fn made_dialog_ui(&mut self, ctx: &Context) -> Vec<Action> {
        let contents = |ui: &mut Ui, dialog: &mut Self| {
            let Some((token, secret)) = &dialog.made else { return };
            let sentence =
                "The console shows it only once and doesn't store it. Anyone who has it can act with its role.";
            banner_ui(ui, Icon::Warn, Tone::Warn, "Copy the secret now", sentence, |_| {});
            if token.is_client {
                secret_ui(ui, "Client id", "the client id", &token.id);
                secret_ui(ui, "Client secret", "the secret", secret.expose());
            } else {
                secret_ui(ui, "Token", "the secret", secret.expose());
            }
        };
        let name = self.made.as_ref().map(|(token, _)| token.name.clone()).unwrap_or_default();
        let title = format!("{name} was created");
        let done = |ui: &mut Ui, _: &mut Self| ui.add(Button::primary("Done")).clicked();
        let response = dialog_ui(ctx, "made token", &title, 540.0, self, contents, done);
        // A click beside the dialog must not lose what cannot be shown again.
        let escaped = ctx.input(|input| input.key_pressed(egui::Key::Escape));
        if response.inner || (response.close && escaped) { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

/// A secret that can be read in full, and copied.
fn secret_ui(ui: &mut Ui, head: &str, what: &str, value: &str) {
    let palette = theme::palette(ui);
    ui.add_space(space::S);
    ui.horizontal(|ui| {
        ui.label(rich(Role::Label, head).color(palette.text_soft));
        copy::copy_ui(ui, what, value);
    });
    Frame::new()
        .fill(palette.well)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(CornerRadius::same(radius::M))
        .inner_margin(Margin::symmetric(12, 10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(rich(Role::Mono, value).color(palette.text)).wrap_mode(egui::TextWrapMode::Wrap));
        });
}

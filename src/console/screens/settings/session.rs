//! Who this window acts as.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, rich};
use crate::console::widgets::{Button, card, field};
use crate::domain::Right;
use crate::runtime::{Intent, SessionView};
use eframe::egui::{Align, Layout, Ui};

/// Who the window acts as, in a sentence.
pub fn words(session: &SessionView) -> String {
    match (session.signed_in, session.token_required) {
        (true, _) => format!("Acts as {} with the role {}", session.name, session.role),
        (false, true) => "Only shows things until a token is entered".to_owned(),
        (false, false) => "Acts as the console itself with the role admin".to_owned(),
    }
}

/// Draws the card.
pub fn session_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let session = &scene.snapshot.session;
    card::sides_ui(
        ui,
        34.0,
        |ui| card::section_ui(ui, "This window", &words(session)),
        |ui| {
            let words = if session.signed_in { "Sign in again…" } else { "Sign in…" };
            if ui.add(Button::ordinary(words).icon(Icon::Key)).clicked() {
                actions.push(Action::AskSignIn);
            }
            if session.signed_in && ui.add(Button::quiet("Sign out")).clicked() {
                actions.push(Action::Send(Intent::SignOut));
            }
        },
    );
    card::hairline_ui(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(theme::metrics(ui).control);
        ui.label(rich(Role::Strong, "Ask for a token").color(palette.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let may = scene.refusal(Right::ManageTokens).is_none() && (session.signed_in || session.token_required);
            let on = session.token_required;
            if field::switch_ui(ui, on, may, "Ask for a token").clicked() {
                actions.push(Action::Send(Intent::SetSignInRequired { required: !on }));
            }
        });
    });
    let note = "The window changes nothing until someone signs in. Sign in as an admin to switch it. Who can read the data dir can also read its tokens.";
    ui.label(rich(Role::Small, note).color(palette.text_weak));
}

//! Appearance, who may call the account API, and where the deployment keeps its things.

mod choice;
mod limits;
mod notifications;
mod session;
mod spark;
mod system_tables;
mod targets;
mod token_dialog;
mod tokens;
mod wall;

use choice::choice_ui;
use limits::LimitFields;
use notifications::NotificationFields;
pub use token_dialog::NewTokenDialog;
pub use tokens::{TokenLine, token_lines};

use super::{page_ui, title_ui};
use crate::console::action::Action;
use crate::console::preferences::Preferences;
use crate::console::scene::Scene;
use crate::console::theme::{self, Density, Role, ThemeChoice, rich};
use crate::console::widgets::{Button, card, copy, tabs, text};
use crate::runtime::ConnectionView;
use eframe::egui::{self, Align2, Ui};

/// What the screen holds: whether revoked tokens are listed too, and what is half-typed.
#[derive(Debug, Default)]
pub struct SettingsScreen {
    with_revoked: bool,
    limits: LimitFields,
    notifications: NotificationFields,
}

impl SettingsScreen {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, preferences: &Preferences) -> Vec<Action> {
        let mut actions = Vec::new();
        settings_ui(ui, scene, preferences, self, &mut actions);
        actions
    }
}

fn settings_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    preferences: &Preferences,
    state: &mut SettingsScreen,
    actions: &mut Vec<Action>,
) {
    page_ui(ui, "settings", 860.0, |ui| {
        title_ui(ui, "Settings", "", |_| {});
        card::card_ui(ui, |ui| {
            card::section_ui(ui, "Appearance", "");
            ui.add_space(theme::space::XS);
            choice_ui(ui, "Theme", "Light, dark, or the desktop's theme", |ui| {
                let choices =
                    [(ThemeChoice::System, "System"), (ThemeChoice::Light, "Light"), (ThemeChoice::Dark, "Dark")];
                if let Some(theme) = tabs::segmented_ui(ui, "Theme", preferences.theme, &choices) {
                    actions.push(Action::Prefer(Preferences { theme, ..preferences.clone() }));
                }
            });
            card::hairline_ui(ui);
            choice_ui(ui, "Density", "Height of rows and fields", |ui| {
                let choices = [(Density::Comfortable, "Comfortable"), (Density::Compact, "Compact")];
                if let Some(density) = tabs::segmented_ui(ui, "Density", preferences.density, &choices) {
                    actions.push(Action::Prefer(Preferences { density, ..preferences.clone() }));
                }
            });
        });
        card::card_ui(ui, |ui| wall::wall_ui(ui, preferences, actions));
        card::card_ui(ui, |ui| targets::targets_ui(ui, scene, actions));
        // Another account's API doesn't tell whom its runtime notifies.
        if !scene.is_of_another_account() {
            card::card_ui(ui, |ui| state.notifications.show(ui, scene, actions));
        }
        card::card_ui(ui, |ui| session::session_ui(ui, scene, actions));
        tokens::tokens_ui(ui, scene, &mut state.with_revoked, actions);
        card::card_ui(ui, |ui| {
            card::section_ui(ui, "Transfers", "Limits for all copies together, now and after a restart");
            ui.add_space(theme::space::XS);
            state.limits.show(ui, scene, actions);
            spark::spark_ui(ui, scene);
        });
        card::card_ui(ui, |ui| {
            card::section_ui(ui, "Deployment", "");
            let deployment = &scene.snapshot.deployment;
            fact_ui(ui, "Account", "the account id", &scene.account().account_id);
            fact_ui(ui, "Data dir", "the data dir", &deployment.data_dir);
            match &deployment.api_url {
                Some(url) => fact_ui(ui, "Account API", "the account API's URL", url),
                None => fact_words_ui(ui, "Account API", "this process doesn't serve it"),
            }
            for connection in &deployment.connections {
                connection_ui(ui, connection, actions);
            }
            fact_words_ui(ui, "Version", env!("CARGO_PKG_VERSION"));
        });
        system_tables::card_ui(ui, scene);
    });
}

fn head_ui(ui: &mut Ui, head: &str) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(110.0, 26.0), egui::Sense::hover());
    text::paint(ui, rect, Align2::LEFT_CENTER, Role::Body, palette.text_weak, head);
}

/// A region of one's own: how it is reached, and the way to its capability sheet.
fn connection_ui(ui: &mut Ui, connection: &ConnectionView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    card::sides_ui(
        ui,
        30.0,
        |ui| {
            head_ui(ui, &connection.name);
            text::line_ui(ui, Role::Body, palette.text_soft, &format!("{} · {}", connection.region, connection.login));
            copy::path_ui(ui, &format!("the URL of {}", connection.name), &connection.url);
        },
        |ui| {
            let name = format!("Capabilities of {}…", connection.name);
            let hint = "Asks the region what it can do. Nothing is written there";
            if ui.add(Button::ordinary("Capabilities…").name(&name).small().hint(hint)).clicked() {
                actions.push(Action::AskCapabilities(connection.name.clone()));
            }
        },
    );
}

fn fact_ui(ui: &mut Ui, head: &str, what: &str, value: &str) {
    ui.horizontal(|ui| {
        head_ui(ui, head);
        copy::path_ui(ui, what, value);
    });
}

fn fact_words_ui(ui: &mut Ui, head: &str, words: &str) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        head_ui(ui, head);
        ui.label(rich(Role::Body, words).color(palette.text_soft));
    });
}

//! The button that leads to the form for a new failover group.

use crate::console::action::{Action, Route};
use crate::console::command::Command;
use crate::console::palette::key_words;
use crate::console::widgets::Button;
use eframe::egui::Ui;

/// Draws the button.
pub fn create_button_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let command = Command::CreateGroup;
    let hint = command.shortcut().map(|keys| key_words(ui.ctx(), &keys)).unwrap_or_default();
    let hint = format!("{} ({hint})", command.tooltip());
    if ui.add(Button::primary(&command.text()).icon(command.icon()).hint(&hint)).clicked() {
        actions.push(Action::Go(Route::CreateGroup));
    }
}

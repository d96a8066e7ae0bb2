//! A line of the settings: what is chosen, and the choice at its right.

use crate::console::theme::{self, Role, rich};
use eframe::egui::{Align, Layout, Ui};

/// A heading with a note, and what `choice` draws at the right.
pub fn choice_ui(ui: &mut Ui, head: &str, note: &str, choice: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(rich(Role::Strong, head).color(palette.text));
            ui.label(rich(Role::Small, note).color(palette.text_weak));
        });
        ui.with_layout(Layout::right_to_left(Align::Center), choice);
    });
}

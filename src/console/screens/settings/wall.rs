//! When the wall display dims.

use crate::console::action::Action;
use crate::console::preferences::Preferences;
use crate::console::theme::{self, Icon, Role, rich, space};
use crate::console::widgets::{Button, card, field};
use eframe::egui::{Align, DragValue, Layout, Ui};

/// Draws the card.
pub fn wall_ui(ui: &mut Ui, preferences: &Preferences, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    card::sides_ui(
        ui,
        34.0,
        |ui| card::section_ui(ui, "Wall display", "At most 12 groups, worst first, to be read from 3 m. F11 shows it."),
        |ui| {
            if ui.add(Button::ordinary("Show it").icon(Icon::System).name("Show the wall display")).clicked() {
                actions.push(Action::ShowWall(true));
            }
        },
    );
    card::hairline_ui(ui);
    let mut schedule = preferences.wall;
    ui.horizontal(|ui| {
        ui.set_min_height(theme::metrics(ui).control);
        ui.label(rich(Role::Strong, "Dim at night").color(palette.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            if field::switch_ui(ui, schedule.dims, true, "Dim at night").clicked() {
                schedule.dims = !schedule.dims;
            }
            hour_ui(ui, schedule.dims, &mut schedule.until_hour, "Light from");
            ui.label(rich(Role::Body, "until").color(palette.text_soft));
            hour_ui(ui, schedule.dims, &mut schedule.from_hour, "Dark from");
        });
    });
    let note = "By this machine's clock. Dimmed, it uses the dark colours at two thirds of the light.";
    ui.label(rich(Role::Small, note).color(palette.text_weak));
    if schedule != preferences.wall {
        actions.push(Action::Prefer(Preferences { wall: schedule, ..preferences.clone() }));
    }
}

fn hour_ui(ui: &mut Ui, enabled: bool, hour: &mut u8, name: &str) {
    let drag = DragValue::new(hour).range(0..=23).speed(0.1).suffix(":00");
    ui.add_enabled(enabled, drag).on_hover_text(name).accessible_name(name);
}

//! Cards and the headings in them.

use super::text;
use crate::console::theme::{self, Icon, Role, radius, rich, space};
use eframe::egui::{self, Color32, CornerRadius, Frame, InnerResponse, Margin, Stroke, Ui};

/// A card as wide as the space that is left.
pub fn card_ui<R>(ui: &mut Ui, add_contents: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    frame(ui).inner_margin(Margin::same(space::L as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing = egui::Vec2::splat(space::S);
        add_contents(ui)
    })
}

/// A card without margins, for tables that draw to its edges.
pub fn flush_card_ui<R>(ui: &mut Ui, add_contents: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    frame(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        add_contents(ui)
    })
}

fn frame(ui: &Ui) -> Frame {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(CornerRadius::same(radius::L))
}

/// What a card says where there is nothing to show: a sign, a heading unless it is empty, and a sentence.
pub fn nothing_ui(ui: &mut Ui, icon: Icon, tone: Color32, heading: &str, note: &str) {
    let palette = theme::palette(ui);
    ui.vertical_centered(|ui| {
        ui.add_space(48.0);
        text::icon_ui(ui, icon, 28.0, tone);
        if !heading.is_empty() {
            ui.label(rich(Role::Heading, heading).color(palette.text));
        }
        ui.label(rich(Role::Body, note).color(palette.text_weak));
        ui.add_space(48.0);
    });
}

/// A heading with a note below it.
pub fn section_ui(ui: &mut Ui, heading: &str, note: &str) {
    let palette = theme::palette(ui);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.label(rich(Role::Heading, heading).color(palette.text));
        if !note.is_empty() {
            ui.label(rich(Role::Small, note).color(palette.text_weak));
        }
    });
}

/// `left` and `right` at the two ends of a row that is at least `height` high; `left` gives way.
pub fn sides_ui<L, R>(
    ui: &mut Ui,
    height: f32,
    left: impl FnOnce(&mut Ui) -> L,
    right: impl FnOnce(&mut Ui) -> R,
) -> (L, R) {
    egui::Sides::new().height(height).spacing(space::L).shrink_left().show(ui, left, right)
}

/// A hairline across the space that is left.
pub fn hairline_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, palette.border));
}

//! A band that says what is going on and offers what to do.

use super::text;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use eframe::egui::{self, CornerRadius, Frame, Margin, Stroke, Ui};

/// A band: an icon, a heading, a sentence, and at its right what `actions` draws.
pub fn banner_ui<R>(
    ui: &mut Ui,
    icon: Icon,
    tone: Tone,
    heading: &str,
    sentence: &str,
    actions: impl FnOnce(&mut Ui) -> R,
) -> R {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.wash(tone))
        .stroke(Stroke::new(1.0, palette.line(tone)))
        .corner_radius(CornerRadius::same(radius::L))
        .inner_margin(Margin::symmetric(space::L as i8, space::M as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            super::card::sides_ui(
                ui,
                38.0,
                |ui| {
                    text::icon_ui(ui, icon, 20.0, palette.tone(tone));
                    ui.add_space(space::XS);
                    ui.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 1.0;
                        ui.label(rich(Role::Strong, heading).color(palette.text));
                        if !sentence.is_empty() {
                            ui.add(egui::Label::new(rich(Role::Small, sentence).color(palette.text_soft)).wrap());
                        }
                    });
                },
                actions,
            )
            .1
        })
        .inner
}

//! Copying, and paths that can be copied.

use super::button::Button;
use super::text;
use crate::console::theme::{self, Icon, Role};
use eframe::egui::{self, Sense, Ui, WidgetInfo};

/// A button that copies `value`; `what` names it.
pub fn copy_ui(ui: &mut Ui, what: &str, value: &str) {
    let name = format!("Copy {what}");
    if ui.add(Button::icon_only(Icon::Copy, &name).small()).clicked() {
        ui.copy_text(value.to_owned());
    }
}

/// A menu on the right button that copies values, each with what it is: `the name`.
pub fn copy_menu(response: &egui::Response, values: impl FnOnce() -> Vec<(&'static str, String)>) {
    response.context_menu(|ui| {
        for (what, value) in values() {
            if ui.button(format!("Copy {what}")).clicked() {
                ui.copy_text(value);
                ui.close();
            }
        }
    });
}

/// A path or URI in one line, cut in the middle, with a button that copies all of it.
pub fn path_ui(ui: &mut Ui, what: &str, value: &str) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let width = (ui.available_width() - 34.0).max(60.0);
        let character = ui.fonts_mut(|fonts| fonts.glyph_width(&Role::MonoSmall.font(), '0'));
        let shown = theme::elide_middle(value, (width / character.max(1.0)) as usize);
        let galley = text::line(ui, Role::MonoSmall, palette.text_soft, &shown, width);
        let (rect, response) = ui.allocate_exact_size(egui::vec2(galley.size().x, 26.0), Sense::hover());
        ui.painter().galley(rect.left_center() - egui::vec2(0.0, galley.size().y / 2.0), galley, palette.text_soft);
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, value));
        if shown != value {
            response.on_hover_text(value);
        }
        copy_ui(ui, what, value);
    });
}

//! A pill that narrows a list: a word and how many rows it leaves.

use super::{button, text};
use crate::console::format;
use crate::console::theme::{self, Icon, Role, Tone};
use eframe::egui::{self, CornerRadius, CursorIcon, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

/// Draws the pill; whether it was pressed.
pub fn filter_ui(ui: &mut Ui, word: &str, count: usize, sign: Option<(Icon, Tone)>, on: bool) -> bool {
    let palette = theme::palette(ui);
    let label = text::line(ui, Role::Label, palette.text, word, f32::INFINITY);
    let number = text::line(ui, Role::Small, palette.text_soft, &format::count(count as u64), f32::INFINITY);
    let sign_width = if sign.is_some() { 20.0 } else { 0.0 };
    let width = 20.0 + sign_width + label.size().x + 6.0 + number.size().x;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, 30.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, on, format!("{word} {count}")));
    let (fill, outline) = match (on, response.hovered()) {
        (true, _) => (palette.selected, palette.text_weak),
        (false, true) => (palette.hover, palette.border_strong),
        (false, false) => (palette.canvas, palette.border),
    };
    let corners = CornerRadius::same(15);
    ui.painter().rect(rect, corners, fill, Stroke::new(1.0, outline), StrokeKind::Inside);
    let mut x = rect.left() + 10.0;
    let middle = rect.center().y;
    if let Some((icon, tone)) = sign {
        icon.paint(ui.painter(), egui::pos2(x + 7.0, middle), 15.0, palette.tone(tone));
        x += sign_width;
    }
    let label_width = label.size().x;
    ui.painter().galley(egui::pos2(x, middle - label.size().y / 2.0), label, palette.text);
    ui.painter().galley(egui::pos2(x + label_width + 6.0, middle - number.size().y / 2.0), number, palette.text_soft);
    button::focus_ring(ui, &response, rect);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

//! Text painted at a place: one line, cut with an ellipsis where it does not fit.

use crate::console::theme::{Icon, Role};
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{self, Align, Align2, Color32, FontId, Galley, Pos2, Rect, Sense, TextFormat, Ui, Vec2, WidgetInfo};
use std::sync::Arc;

/// Lays one line out, no wider than `max_width`.
pub fn line(ui: &Ui, role: Role, color: Color32, text: &str, max_width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::single_section(
        text.to_owned(),
        TextFormat { font_id: role.font(), color, valign: Align::Center, ..TextFormat::default() },
    );
    job.wrap = TextWrapping { max_width, max_rows: 1, break_anywhere: true, ..TextWrapping::default() };
    ui.painter().layout_job(job)
}

/// Lays text out in at most `rows` lines no wider than `max_width`.
pub fn lines(ui: &Ui, role: Role, color: Color32, text: &str, max_width: f32, rows: usize) -> Arc<Galley> {
    let format = TextFormat { font_id: role.font(), color, ..TextFormat::default() };
    let mut job = LayoutJob::single_section(text.to_owned(), format);
    job.wrap = TextWrapping { max_width, max_rows: rows.max(1), ..TextWrapping::default() };
    ui.painter().layout_job(job)
}

/// Paints one line of any size into `rect`, cut where it does not fit; the place that it takes.
pub fn paint_font(ui: &Ui, rect: Rect, align: Align2, font: FontId, color: Color32, text: &str) -> Rect {
    let mut job = LayoutJob::single_section(
        text.to_owned(),
        TextFormat { font_id: font, color, valign: Align::Center, ..TextFormat::default() },
    );
    job.wrap = TextWrapping { max_width: rect.width(), max_rows: 1, break_anywhere: true, ..TextWrapping::default() };
    let galley = ui.painter().layout_job(job);
    let place = align.align_size_within_rect(galley.size(), rect);
    ui.painter().galley(place.min, galley, color);
    place
}

/// Paints one line into `rect`. No node for screen readers: what it stands in has a name.
pub fn paint(ui: &Ui, rect: Rect, align: Align2, role: Role, color: Color32, text: &str) -> Rect {
    let galley = line(ui, role, color, text, rect.width());
    let place = align.align_size_within_rect(galley.size(), rect);
    ui.painter().galley(place.min, galley, color);
    place
}

/// Paints one line in the middle of `rect`; whether it was cut.
pub fn paint_cut(ui: &Ui, rect: Rect, role: Role, color: Color32, text: &str) -> bool {
    paint_cut_at(ui, rect, Align2::LEFT_CENTER, role, color, text)
}

/// Paints one line into `rect`; whether it was cut.
pub fn paint_cut_at(ui: &Ui, rect: Rect, align: Align2, role: Role, color: Color32, text: &str) -> bool {
    let galley = line(ui, role, color, text, rect.width());
    let cut = galley.elided;
    ui.painter().galley(align.align_size_within_rect(galley.size(), rect).min, galley, color);
    cut
}

/// Shows `whole` while the pointer rests on `rect`. It takes no click from what lies below.
pub fn tip(ui: &Ui, rect: Rect, whole: &str) {
    // The place is part of the id: two rows may hold the same text.
    let id = ui.scope_id().with(("tip", whole, rect.left() as i32, rect.top() as i32));
    ui.interact(rect, id, Sense::hover()).on_hover_text(whole);
}

/// A whole line of text as wide as its content, cut at the space that is left, with its full text for screen readers
/// and on hover.
pub fn line_ui(ui: &mut Ui, role: Role, color: Color32, text: &str) -> egui::Response {
    let galley = line(ui, role, color, text, ui.available_width());
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
    let cut = galley.elided;
    ui.painter().galley(rect.min, galley, color);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, text));
    if cut { response.on_hover_text(text) } else { response }
}

/// An icon that stands in a row of text.
pub fn icon_ui(ui: &mut Ui, icon: Icon, size: f32, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(size), Sense::hover());
    icon.paint(ui.painter(), rect.center(), size, color);
}

/// A figure with its units: digits stand still in the monospaced face, units are smaller and softer.
pub fn figure_ui(ui: &mut Ui, figure: &str, color: Color32) -> egui::Response {
    let soft = crate::console::theme::palette(ui).text_soft;
    let of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '—');
    let mut parts = Vec::new();
    let (mut width, mut above, mut below) = (0.0_f32, 0.0_f32, 0.0_f32);
    for word in figure.split_whitespace() {
        let number = word.chars().all(of_number);
        let (role, ink) = match (number, word) {
            (true, _) => (Role::Figure, color),
            (false, "<") => (Role::Title, soft),
            (false, _) => (Role::Unit, soft),
        };
        let galley = line(ui, role, ink, word, f32::INFINITY);
        let baseline = baseline(&galley);
        let gap = match (parts.is_empty(), number) {
            (true, _) => 0.0,
            (false, true) => 9.0,
            (false, false) => 5.0,
        };
        parts.push((width + gap, baseline, galley.clone()));
        width += gap + galley.size().x;
        above = above.max(baseline);
        below = below.max(galley.size().y - baseline);
    }
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, above + below), Sense::hover());
    for (x, baseline, galley) in parts {
        ui.painter().galley(rect.min + Vec2::new(x, above - baseline), galley, color);
    }
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, figure));
    response
}

/// Where the letters of a line stand, below its top.
fn baseline(galley: &Galley) -> f32 {
    let glyph = galley.rows.first().and_then(|row| row.glyphs.first().map(|glyph| row.pos.y + glyph.pos.y));
    glyph.unwrap_or(galley.size().y)
}

/// An icon and a word at a place; the width that both take.
pub fn paint_sign(ui: &Ui, at: Pos2, icon: Icon, color: Color32, role: Role, word_color: Color32, word: &str) -> f32 {
    icon.paint(ui.painter(), at + Vec2::new(8.0, 0.0), 16.0, color);
    let galley = line(ui, role, word_color, word, f32::INFINITY);
    let width = galley.size().x;
    ui.painter().galley(at + Vec2::new(22.0, -galley.size().y / 2.0), galley, word_color);
    22.0 + width
}

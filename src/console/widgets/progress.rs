//! Progress that is known.

use crate::console::theme::{self, Tone};
use eframe::egui::{self, CornerRadius, Rect, Sense, Ui, Vec2, WidgetInfo};

/// A bar of `share` (0 to 1) in `tone`; `name` says of what.
pub fn progress_ui(ui: &mut Ui, share: f32, tone: Tone, height: f32, name: &str) {
    let palette = theme::palette(ui);
    let share = share.clamp(0.0, 1.0);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name);
        info.value = Some(f64::from(share * 100.0));
        info
    });
    let corners = CornerRadius::same((height / 2.0) as u8);
    ui.painter().rect_filled(rect, corners, palette.selected);
    if share > 0.0 {
        let filled = Rect::from_min_size(rect.min, Vec2::new((rect.width() * share).max(height), height));
        ui.painter().rect_filled(filled, corners, palette.tone(tone));
    }
}

/// A bar of parts side by side, each a share of the whole.
pub fn parts_ui(ui: &mut Ui, parts: &[(usize, Tone)], name: &str) {
    let palette = theme::palette(ui);
    let total: usize = parts.iter().map(|(count, _)| count).sum();
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 8.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, name));
    ui.painter().rect_filled(rect, 4.0, palette.selected);
    if total == 0 {
        return;
    }
    let shown: Vec<_> = parts.iter().filter(|(count, _)| *count > 0).collect();
    let gap = 2.0;
    let room = rect.width() - gap * (shown.len() as f32 - 1.0);
    let mut x = rect.left();
    for (count, tone) in shown {
        // A single bad object among thousands must not vanish.
        let width = (room * *count as f32 / total as f32).max(4.0);
        let part =
            Rect::from_min_max(egui::pos2(x, rect.top()), egui::pos2((x + width).min(rect.right()), rect.bottom()));
        ui.painter().rect_filled(part, 3.0, palette.tone(*tone));
        x += width + gap;
    }
}

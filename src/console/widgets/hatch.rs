//! Hatching over data that is too old to be believed.

use crate::console::theme;
use eframe::egui::{Rect, Stroke, Ui, pos2};

/// Draws thin diagonals over `rect`.
pub fn paint_hatch(ui: &Ui, rect: Rect) {
    let palette = theme::palette(ui);
    let painter = ui.painter().with_clip_rect(rect);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        painter.line_segment(
            [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())],
            Stroke::new(1.5, palette.hatch),
        );
        x += 14.0;
    }
}

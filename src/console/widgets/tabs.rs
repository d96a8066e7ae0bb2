//! A strip of tabs, and a row of choices of which one is on.

use super::{button, text};
use crate::console::theme::{self, Role, Tone, radius, space};
use eframe::egui::{self, CornerRadius, CursorIcon, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

/// One tab.
pub struct Tab<'a, T> {
    /// What it shows.
    pub value: T,
    /// Its word.
    pub label: &'a str,
    /// How many things are in it, where that matters, and how much they matter.
    pub count: Option<(usize, Tone)>,
}

/// Draws the tabs over a hairline; the one that was pressed.
pub fn tabs_ui<T: Copy + PartialEq>(ui: &mut Ui, current: T, tabs: &[Tab<'_, T>]) -> Option<T> {
    let palette = theme::palette(ui);
    let mut pressed = None;
    let height = 38.0;
    let (strip, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    ui.painter().hline(strip.x_range(), strip.bottom() - 0.5, Stroke::new(1.0, palette.border));
    let mut x = strip.left();
    for tab in tabs {
        let on = tab.value == current;
        let role = Role::Strong;
        let word = text::line(ui, role, palette.text_soft, tab.label, f32::INFINITY);
        let count = tab.count.filter(|(count, _)| *count > 0).map(|(count, tone)| {
            let color = if tone == Tone::Quiet { palette.text_soft } else { palette.tone(tone) };
            (text::line(ui, Role::Label, color, &crate::console::format::count(count as u64), f32::INFINITY), tone)
        });
        let count_width = count.as_ref().map_or(0.0, |(galley, _)| galley.size().x + 14.0 + 6.0);
        let rect = Rect::from_min_size(egui::pos2(x, strip.top()), Vec2::new(word.size().x + count_width, height));
        let response = ui.interact(rect, ui.scope_id().with(("tab", tab.label)), Sense::click());
        let name = match tab.count {
            Some((count, _)) if count > 0 => format!("{} {count}", tab.label),
            _ => tab.label.to_owned(),
        };
        response.widget_info(|| WidgetInfo::selected(egui::Role::Tab, true, on, &name));
        let color = if on || response.hovered() { palette.text } else { palette.text_soft };
        let word_width = word.size().x;
        ui.painter().galley_with_override_text_color(
            egui::pos2(rect.left(), rect.center().y - word.size().y / 2.0),
            word,
            color,
        );
        if let Some((galley, tone)) = count {
            let pill = Rect::from_min_size(
                egui::pos2(rect.left() + word_width + 6.0, rect.center().y - 9.0),
                Vec2::new(galley.size().x + 14.0, 18.0),
            );
            let fill = if tone == Tone::Quiet { palette.selected } else { palette.wash(tone) };
            ui.painter().rect_filled(pill, 9.0, fill);
            ui.painter().galley(pill.center() - galley.size() / 2.0, galley, palette.text);
        }
        if on {
            let bar = Rect::from_min_max(egui::pos2(rect.left(), rect.bottom() - 2.0), rect.max);
            ui.painter().rect_filled(bar, 1.0, palette.accent);
        }
        button::focus_ring(ui, &response, rect.shrink2(Vec2::new(0.0, 4.0)));
        if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
            pressed = Some(tab.value);
        }
        x = rect.right() + space::XL;
    }
    pressed
}

/// Draws choices side by side, one of them on; the one that was pressed.
pub fn segmented_ui<T: Copy + PartialEq>(ui: &mut Ui, name: &str, current: T, choices: &[(T, &str)]) -> Option<T> {
    let palette = theme::palette(ui);
    let galleys: Vec<_> =
        choices.iter().map(|(_, label)| text::line(ui, Role::Label, palette.text, label, f32::INFINITY)).collect();
    let widths: Vec<f32> = galleys.iter().map(|galley| galley.size().x + 24.0).collect();
    let height = 30.0;
    let (rect, _) = ui.allocate_exact_size(Vec2::new(widths.iter().sum::<f32>() + 4.0, height), Sense::hover());
    ui.painter().rect(
        rect,
        CornerRadius::same(radius::M),
        palette.hover,
        Stroke::new(1.0, palette.border),
        StrokeKind::Inside,
    );
    let mut x = rect.left() + 2.0;
    let mut pressed = None;
    for (((value, label), galley), width) in choices.iter().zip(galleys).zip(widths) {
        let part = Rect::from_min_size(egui::pos2(x, rect.top() + 2.0), Vec2::new(width, height - 4.0));
        let on = *value == current;
        let response = ui.interact(part, ui.scope_id().with((name, label)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, on, label));
        if on {
            ui.painter().rect(
                part,
                CornerRadius::same(radius::S),
                if palette.dark { palette.border_strong } else { palette.surface },
                Stroke::new(1.0, palette.border_strong),
                StrokeKind::Inside,
            );
        }
        let color = if on || response.hovered() { palette.text } else { palette.text_soft };
        ui.painter().galley_with_override_text_color(part.center() - galley.size() / 2.0, galley, color);
        button::focus_ring(ui, &response, part);
        if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
            pressed = Some(*value);
        }
        x += width;
    }
    pressed
}

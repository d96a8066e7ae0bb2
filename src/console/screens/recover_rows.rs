//! A few rows of salvaged commits, as a table that scrolls both ways.

use crate::console::format;
use crate::console::theme::{self, Icon, Role, radius, rich, space};
use crate::console::widgets::{card, text};
use crate::delta::RowsPreview;
use eframe::egui::{self, Align2, CornerRadius, Frame, Rect, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// How high the table may get before it scrolls.
const MOST_HEIGHT: f32 = 154.0;
/// Width of a column at least and at most.
const WIDTHS: std::ops::RangeInclusive<f32> = 64.0..=240.0;

/// How much is shown, in words.
pub fn heading(rows: &RowsPreview) -> String {
    let count = format::plural(rows.rows.len(), "row", "rows");
    if rows.more { format!("First {count}") } else { count }
}

/// A row as a screen reader says it: `id 7, name null`.
fn row_words(rows: &RowsPreview, row: &[Option<String>]) -> String {
    let cell = |(name, value): (&String, &Option<String>)| format!("{name} {}", value.as_deref().unwrap_or("null"));
    rows.columns.iter().zip(row).map(cell).collect::<Vec<_>>().join(", ")
}

/// The width of each column, by its name and its first values.
fn widths(ui: &Ui, rows: &RowsPreview) -> Vec<f32> {
    let letter = ui.fonts_mut(|fonts| fonts.glyph_width(&Role::MonoSmall.font(), '0')).max(1.0);
    let longest = |at: usize, name: &String| {
        let values = rows.rows.iter().take(40).filter_map(|row| row.get(at)?.as_deref());
        values.map(|value| value.chars().count()).chain([name.chars().count()]).max().unwrap_or(0)
    };
    let width = |letters: usize| (letters as f32 * letter + 2.0 * space::S).clamp(*WIDTHS.start(), *WIDTHS.end());
    rows.columns.iter().enumerate().map(|(at, name)| width(longest(at, name))).collect()
}

/// Draws the rows.
pub fn rows_ui(ui: &mut Ui, rows: &RowsPreview) {
    let palette = theme::palette(ui);
    ui.label(rich(Role::Label, heading(rows)).color(palette.text_soft));
    let frame = Frame::new()
        .fill(palette.well)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(CornerRadius::same(radius::M));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        if rows.rows.is_empty() {
            card::nothing_ui(ui, Icon::Archive, palette.text_weak, "No rows", "These commits add no rows.");
            return;
        }
        let widths = widths(ui, rows);
        let total: f32 = widths.iter().sum();
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        ScrollArea::horizontal().id_salt("rows across").auto_shrink([false, true]).show(ui, |ui| {
            let (rect, _) = ui.allocate_exact_size(Vec2::new(total, 28.0), Sense::hover());
            let names = rows.columns.iter().map(|name| (name.as_str(), palette.text_weak));
            paint_cells(ui, rect, &widths, Role::Label, names);
            ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border));
            let scroll = ScrollArea::vertical().id_salt("rows down").max_height(MOST_HEIGHT).auto_shrink([false, true]);
            scroll.show_rows(ui, 22.0, rows.rows.len(), |ui, range| {
                for row in rows.rows.get(range).unwrap_or_default() {
                    let (rect, response) = ui.allocate_exact_size(Vec2::new(total, 22.0), Sense::hover());
                    let cells = row.iter().map(|cell| match cell {
                        Some(value) => (value.as_str(), palette.text),
                        None => ("null", palette.text_weak),
                    });
                    paint_cells(ui, rect, &widths, Role::MonoSmall, cells);
                    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, row_words(rows, row)));
                }
            });
        });
    });
    for note in &rows.notes {
        ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
    }
}

fn paint_cells<'a>(
    ui: &Ui,
    rect: Rect,
    widths: &[f32],
    role: Role,
    cells: impl Iterator<Item = (&'a str, egui::Color32)>,
) {
    let mut left = rect.left();
    for (width, (value, ink)) in widths.iter().zip(cells) {
        let place = Rect::from_min_size(egui::pos2(left, rect.top()), Vec2::new(*width, rect.height()));
        text::paint(ui, place.shrink2(Vec2::new(space::S, 0.0)), Align2::LEFT_CENTER, role, ink, value);
        left += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_said_and_a_row_names_its_nulls() {
        let mut rows = RowsPreview {
            columns: vec!["id".to_owned(), "name".to_owned()],
            rows: vec![vec![Some("7".to_owned()), None]],
            ..RowsPreview::default()
        };
        assert_eq!((heading(&rows).as_str(), row_words(&rows, &rows.rows[0]).as_str()), ("1 row", "id 7, name null"));
        rows.more = true;
        assert_eq!(heading(&rows), "First 1 row");
    }
}

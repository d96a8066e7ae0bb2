//! A tile, drawn.

use super::LEAST;
use super::tiles::{Tile, Urgency};
use crate::console::scene::Scene;
use crate::console::theme::{self, Role, Tone};
use crate::console::widgets::{sparkline, text};
use eframe::egui::{self, Align2, CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

/// Sizes of text on a screen of 1080 points in height.
pub struct Sizes {
    name: f32,
    figure: f32,
    unit: f32,
    state: f32,
    detail: f32,
    pad: f32,
    /// Whether there is room for the direction and a chart.
    wide: bool,
}

/// Height of a line of text, by its size.
const LINE: f32 = 1.1;

/// Sizes where tiles of so many points stand in so many columns and rows. None falls below what is read from afar, and the
/// figure is as large as the fullest tile lets it be, the same in every tile.
pub fn sizes<'a>(
    ui: &Ui,
    tiles: impl Iterator<Item = &'a Tile>,
    size: Vec2,
    (columns, rows): (usize, usize),
    scale: f32,
) -> Sizes {
    let (least, most, mut sizes) = match (columns, rows) {
        (1, _) => (
            250.0,
            250.0,
            Sizes { name: 92.0, figure: 0.0, unit: 84.0, state: 76.0, detail: 60.0, pad: 56.0, wide: true },
        ),
        (2, _) => (
            96.0,
            150.0,
            Sizes { name: 62.0, figure: 0.0, unit: 56.0, state: 52.0, detail: 48.0, pad: 34.0, wide: true },
        ),
        _ => (
            LEAST,
            96.0,
            Sizes { name: LEAST, figure: 0.0, unit: LEAST, state: LEAST, detail: LEAST, pad: 10.0, wide: false },
        ),
    };
    let room = size / scale - Vec2::splat(2.0 * sizes.pad);
    let fullest = tiles.map(|tile| sizes.text_height(ui, tile, room.x, scale)).fold(0.0, f32::max);
    sizes.figure = ((room.y - fullest) / LINE).clamp(least, most);
    sizes
}

impl Sizes {
    /// Height of everything in a tile but its figure, on a screen of 1080 points.
    fn text_height(&self, ui: &Ui, tile: &Tile, width: f32, scale: f32) -> f32 {
        let state = state_parts(ui, self, tile, width * scale, scale).len() as f32 * self.state;
        let detail = if tile.detail.is_empty() { 0.0 } else { self.detail };
        let direction = if self.wide { self.detail } else { 0.0 };
        (self.name + state + detail + direction + self.detail) * LINE
    }
}

/// The state's word, broken after the underscore where it is too wide.
fn state_parts<'a>(ui: &Ui, sizes: &Sizes, tile: &'a Tile, width: f32, scale: f32) -> Vec<&'a str> {
    let size = sizes.state * scale;
    let state = tile.state.as_str();
    let ink = theme::palette(ui).text;
    let whole = ui.painter().layout_no_wrap(state.to_owned(), Role::Strong.font_at(size), ink).size().x;
    match state.find('_') {
        Some(at) if whole + size * INDENT > width => {
            let (first, rest) = state.split_at(at + 1);
            vec![first, rest]
        }
        _ => vec![state],
    }
}

/// How far the state stands from the left, for its sign, by its size.
const INDENT: f32 = 1.25;

/// Draws the tile.
pub fn tile_ui(ui: &mut Ui, rect: Rect, scene: &Scene<'_>, tile: &Tile, sizes: &Sizes, scale: f32) {
    let palette = theme::palette(ui);
    let response = ui.interact(rect, ui.scope_id().with(("wall tile", tile.id.as_str())), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, tile.spoken()));
    let calm = tile.urgency == Urgency::Well;
    let (fill, outline) = match tile.urgency {
        Urgency::Failed | Urgency::Attention => (palette.wash(tile.tone), palette.line(tile.tone)),
        Urgency::UnderWay | Urgency::Well => (palette.hover, palette.border_strong),
    };
    let corners = CornerRadius::same((14.0 * scale).clamp(4.0, 24.0) as u8);
    ui.painter().rect(rect, corners, fill, Stroke::new((2.0 * scale).max(1.0), outline), StrokeKind::Inside);
    let mut column = Column { room: rect.shrink(sizes.pad * scale), scale };
    column.line(ui, Role::Strong, sizes.name, palette.text, tile.id.as_str());
    let ink = if calm { palette.text } else { palette.tone(tile.tone) };
    column.figure(ui, sizes, ink, tile);
    column.state(ui, sizes, palette.tone(if calm { Tone::Good } else { tile.tone }), palette.text, tile);
    if !tile.detail.is_empty() {
        column.line(ui, Role::Strong, sizes.detail, palette.text, &tile.detail);
    }
    if sizes.wide {
        column.line(ui, Role::Body, sizes.detail, palette.text_soft, &tile.direction);
    }
    let ink = if tile.proof_is_old { palette.tone(Tone::Warn) } else { palette.text_soft };
    column.line(ui, Role::Body, sizes.detail, ink, &tile.proven);
    let left = column.room;
    if let Some(view) = scene.group(&tile.id)
        && sizes.wide
        && left.height() > 90.0 * scale
    {
        let chart = left.with_min_y(left.top() + 24.0 * scale);
        let tone = if calm { Tone::Busy } else { tile.tone };
        sparkline::paint_sparkline(ui, chart, &view.lag_history, tone);
    }
}

/// What is left of a tile, from the top down.
struct Column {
    room: Rect,
    scale: f32,
}

impl Column {
    /// Takes a row of `size` text; None if there is no more room.
    fn take(&mut self, size: f32) -> Option<Rect> {
        let height = size * LINE * self.scale;
        if self.room.height() + 1.0 < height {
            return None;
        }
        let (row, rest) = self.room.split_top_bottom_at_y(self.room.top() + height);
        self.room = rest;
        Some(row)
    }

    fn line(&mut self, ui: &Ui, role: Role, size: f32, color: egui::Color32, words: &str) {
        if let Some(row) = self.take(size) {
            text::paint_font(ui, row, Align2::LEFT_CENTER, role.font_at(size * self.scale), color, words);
        }
    }

    fn figure(&mut self, ui: &Ui, sizes: &Sizes, color: egui::Color32, tile: &Tile) {
        let Some(row) = self.take(sizes.figure) else { return };
        let soft = theme::palette(ui).text_soft;
        let font = Role::Figure.font_at(sizes.figure * self.scale);
        let figure = text::paint_font(ui, row, Align2::LEFT_CENTER, font, color, &tile.figure);
        let unit = row
            .with_min_x(figure.right() + 14.0 * self.scale)
            .translate(Vec2::new(0.0, sizes.figure * 0.12 * self.scale));
        let font = Role::Unit.font_at(sizes.unit * self.scale);
        text::paint_font(ui, unit, Align2::LEFT_CENTER, font, soft, &tile.unit);
    }

    /// The state with its sign.
    fn state(&mut self, ui: &Ui, sizes: &Sizes, sign: egui::Color32, ink: egui::Color32, tile: &Tile) {
        let size = sizes.state * self.scale;
        let font = Role::Strong.font_at(size);
        let indent = size * INDENT;
        let parts = state_parts(ui, sizes, tile, self.room.width(), self.scale);
        for (index, part) in parts.into_iter().enumerate() {
            let Some(row) = self.take(sizes.state) else { return };
            if index == 0 {
                tile.icon.paint(ui.painter(), row.left_center() + Vec2::new(size / 2.0, 0.0), size, sign);
            }
            text::paint_font(ui, row.with_min_x(row.left() + indent), Align2::LEFT_CENTER, font.clone(), ink, part);
        }
    }
}

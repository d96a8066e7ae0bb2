//! The wall display: at most twelve failover groups, worst first, to be read from three metres away.
//!
//! It changes nothing. It has the whole window, keeps to sizes that follow the screen's, and moves a pixel or two a minute,
//! so that nothing burns in. While no news comes, it is hatched and its ages stand still; with the first news it goes on.

mod tile;
mod tiles;

pub use tiles::{Tile, Urgency, tiles};

use super::action::Action;
use super::format;
use super::preferences::WallSchedule;
use super::scene::Scene;
use super::theme::{self, Icon, Role, Tone, space};
use super::widgets::{Button, hatch, text};
use crate::domain::Timestamp;
use chrono::Timelike;
use eframe::egui::{self, Align2, Key, Modifiers, Rect, Sense, Ui, UiBuilder, Vec2, WidgetInfo};

/// Tiles at most; more could not be read from afar.
pub const MOST: usize = 12;
/// The height of a screen for which sizes are given.
const DESIGNED_FOR: Vec2 = Vec2::new(1920.0, 1080.0);
/// Text of this size has capitals of 31 pixels, the least that is read at three metres on a panel of 55 inches.
pub(super) const LEAST: f32 = 43.0;

/// How far everything is moved at this minute, in points.
pub fn shift(now: Timestamp) -> Vec2 {
    let steps = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1)];
    let minute = now.timestamp().div_euclid(60).rem_euclid(steps.len() as i64);
    let (x, y) = steps.get(usize::try_from(minute).unwrap_or(0)).copied().unwrap_or((0, 0));
    Vec2::new(x as f32, y as f32)
}

/// Columns and rows for so many tiles.
pub fn grid(tiles: usize) -> (usize, usize) {
    match tiles {
        0 | 1 => (1, 1),
        2 => (2, 1),
        3 | 4 => (2, 2),
        5 | 6 => (3, 2),
        7..=9 => (3, 3),
        _ => (4, 3),
    }
}

/// Draws the display over the whole window. `wall` is the wall clock's time, which goes on while the data stands still.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, wall: Timestamp, schedule: WallSchedule) -> Vec<Action> {
    let is_dark = schedule.is_dark(wall.with_timezone(&scene.local_offset(wall)).hour());
    theme::set_night(ui, is_dark);
    let palette = theme::palette(ui);
    let whole = ui.max_rect();
    ui.painter().rect_filled(whole, 0.0, palette.canvas);
    let scale = (whole.size() / DESIGNED_FOR).min_elem().max(0.35);
    let inner = whole.shrink(20.0 * scale).translate(shift(wall) * scale.max(1.0));
    let mut leave = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| {
        if is_dark {
            ui.set_opacity(theme::DIMMED);
        }
        let (head, body) = inner.split_top_bottom_at_y(inner.top() + 70.0 * scale);
        let all = tiles(scene);
        leave |= head_ui(ui, head, scene, wall, &all, scale);
        let unread = scene.snapshot.deployment.unread.as_deref();
        match unread {
            Some(error) => unread_ui(ui, body, error, scale),
            None if all.is_empty() => nothing_ui(ui, body, scale),
            None => tiles_ui(ui, body, scene, &all, scale),
        }
        if scene.stale_ms.is_some() || unread.is_some() {
            hatch::paint_hatch(ui, body);
        }
    });
    theme::set_night(ui, false);
    if leave { vec![Action::ShowWall(false)] } else { Vec::new() }
}

fn tiles_ui(ui: &mut Ui, body: Rect, scene: &Scene<'_>, all: &[Tile], scale: f32) {
    let shown = all.iter().take(MOST);
    let (columns, rows) = grid(all.len());
    let gap = 14.0 * scale;
    let size = Vec2::new(
        (body.width() - gap * (columns - 1) as f32) / columns as f32,
        (body.height() - gap * (rows - 1) as f32) / rows as f32,
    );
    let sizes = tile::sizes(ui, all.iter().take(MOST), size, (columns, rows), scale);
    for (index, one) in shown.enumerate() {
        let at = Vec2::new((index % columns) as f32 * (size.x + gap), (index / columns) as f32 * (size.y + gap));
        tile::tile_ui(ui, Rect::from_min_size(body.min + at, size), scene, one, &sizes, scale);
    }
}

/// The strip above the tiles; whether its button was pressed.
fn head_ui(ui: &mut Ui, rect: Rect, scene: &Scene<'_>, wall: Timestamp, all: &[Tile], scale: f32) -> bool {
    let palette = theme::palette(ui);
    let font = Role::Strong.font_at(LEAST * scale);
    let rect = rect.with_max_y(rect.bottom() - 16.0 * scale);
    let (icon, tone, words) = summary(scene, all);
    let response = ui.interact(rect, ui.scope_id().with("wall summary"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &words));
    let size = LEAST * scale;
    icon.paint(ui.painter(), rect.left_center() + Vec2::new(size / 2.0, 0.0), size, palette.tone(tone));
    let button = Rect::from_center_size(rect.right_center() - Vec2::new(15.0, 0.0), Vec2::splat(30.0));
    let clock = rect.with_max_x(button.left() - space::M);
    let time = format!("{} UTC", wall.format("%H:%M"));
    let time = text::paint_font(ui, clock, Align2::RIGHT_CENTER, Role::Mono.font_at(size), palette.text_soft, &time);
    let room = rect.with_min_x(rect.left() + size * 1.4).with_max_x(time.left() - space::L);
    text::paint_font(ui, room, Align2::LEFT_CENTER, font, palette.text, &words);
    ui.put(button, Button::icon_only(Icon::Close, "Leave the wall display").small()).clicked()
}

/// What stands at the top: how many groups are well, or how old the data is.
fn summary(scene: &Scene<'_>, all: &[Tile]) -> (Icon, Tone, String) {
    if scene.snapshot.deployment.unread.is_some() {
        return (Icon::Offline, Tone::Bad, "No data yet".to_owned());
    }
    if let Some(age) = scene.stale_ms {
        return (Icon::Offline, Tone::Bad, format!("DATA {} OLD", format::short_age(age)));
    }
    let bad = all.iter().filter(|tile| tile.urgency <= Urgency::Attention).count();
    let groups = format::plural(all.len(), "group", "groups");
    let hidden = all.len().saturating_sub(MOST);
    let more = if hidden > 0 { format!(" · {hidden} not shown, none worse") } else { String::new() };
    match bad {
        0 => (Icon::Good, Tone::Good, format!("{groups}, all well{more}")),
        1 => (Icon::Warn, Tone::Warn, format!("1 of {groups} needs attention{more}")),
        bad => (Icon::Warn, Tone::Warn, format!("{bad} of {groups} need attention{more}")),
    }
}

fn nothing_ui(ui: &mut Ui, body: Rect, scale: f32) {
    let palette = theme::palette(ui);
    let words = "Nothing is protected yet";
    let response = ui.interact(body, ui.scope_id().with("wall nothing"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, words));
    text::paint_font(ui, body, Align2::CENTER_CENTER, Role::Title.font_at(72.0 * scale), palette.text_soft, words);
}

/// Instead of tiles, while the machine that is to be shown has never responded.
fn unread_ui(ui: &mut Ui, body: Rect, error: &str, scale: f32) {
    let palette = theme::palette(ui);
    let words = format!("Waiting for the account. {error} The display goes on by itself.");
    let response = ui.interact(body, ui.scope_id().with("wall unread"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &words));
    let format = egui::TextFormat {
        font_id: Role::Strong.font_at(LEAST * scale),
        color: palette.text_soft,
        ..egui::TextFormat::default()
    };
    let mut job = egui::text::LayoutJob::single_section(words, format);
    job.halign = egui::Align::Center;
    job.wrap.max_width = body.width() * 0.7;
    let galley = ui.painter().layout_job(job);
    let top = body.center().y - galley.size().y / 2.0;
    ui.painter().galley(egui::pos2(body.center().x, top), galley, palette.text_soft);
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    #[test]
    fn everything_moves_every_minute_and_stays_within_two_points() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let week: Vec<Vec2> = (0..7 * 24 * 60).map(|minute| shift(start + TimeDelta::minutes(minute))).collect();
        assert!(week.windows(2).all(|pair| (pair[0] - pair[1]).length() == 1.0));
        assert!(week.iter().all(|at| at.min_elem() >= 0.0 && at.max_elem() <= 2.0));
    }

    #[test]
    fn a_grid_has_room_for_every_tile() {
        for tiles in 1..=MOST {
            let (columns, rows) = grid(tiles);
            assert!(columns * rows >= tiles, "{tiles}");
        }
    }
}

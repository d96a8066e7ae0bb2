//! Two regions and what flows between them, drawn at one moment of a failover.

use super::moment::{Access, Moment};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Palette, Role, Tone, radius, space};
use crate::console::widgets::text;
use crate::control::view::{OperationOutcome, OperationView, StableUrlView};
use crate::domain::Region;
use crate::domain::Timestamp;
use eframe::egui::{
    self, Align2, Color32, CornerRadius, Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
};

/// Height of the two regions.
const REGIONS: f32 = 132.0;
/// Height of a stable URL's track.
const TRACK: f32 = 40.0;
/// Stable URLs that are drawn; more are counted.
const TRACKS: usize = 4;
/// Between two dots on the arrow, in points.
const DOTS: f32 = 26.0;

/// Draws the picture.
pub fn flow_ui(ui: &mut Ui, scene: &Scene<'_>, operation: &OperationView, moment: &Moment, urls: &[&StableUrlView]) {
    let palette = theme::palette(ui);
    let tracks = urls.len().min(TRACKS);
    let height = REGIONS + if tracks > 0 { space::M + TRACK * tracks as f32 } else { 0.0 };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, spoken(scene, operation, moment)));
    let width = (rect.width() * 0.3).clamp(200.0, 340.0);
    let left = Rect::from_min_size(rect.min, Vec2::new(width, REGIONS));
    let right = Rect::from_min_size(pos2(rect.right() - width, rect.top()), Vec2::new(width, REGIONS));
    let primary_is_right = moment.turned >= 0.5;
    for (place, name, access, is_primary) in [
        (left, &operation.from_region, moment.from_access, !primary_is_right),
        (right, &operation.to_region, moment.to_access, primary_is_right),
    ] {
        region_ui(ui, place, &palette, name, access_words(scene, name, access, moment), is_primary);
    }
    let between = Rect::from_min_max(pos2(left.right(), rect.top()), pos2(right.left(), left.bottom()));
    arrow_ui(ui, scene, between, &palette, moment, &flow_words(operation, moment));
    for (index, url) in urls.iter().take(tracks).enumerate() {
        let y = rect.top() + REGIONS + space::M + TRACK * (index as f32 + 0.5);
        let track = Rect::from_min_max(pos2(left.center().x, y - TRACK / 2.0), pos2(right.center().x, y + TRACK / 2.0));
        let rest = urls.len() - tracks;
        let more = if rest > 0 && index + 1 == tracks { format!("and {rest} more") } else { String::new() };
        track_ui(ui, track, &palette, moment, url, &held_words(operation, moment, url), &more);
    }
}

/// What a region lets its clients do, as a sign and in words.
fn access_words(scene: &Scene<'_>, region: &Region, access: Access, moment: &Moment) -> (Icon, String) {
    let away = scene.region(region).and_then(|region| region.unreachable_since).filter(|_| moment.present.is_some());
    match (away, access) {
        (Some(since), _) => (Icon::Offline, format!("Hasn't responded for {}", format::age(scene.age_ms(since)))),
        (None, Access::Writes) => (Icon::Edit, "Accepts writes".to_owned()),
        (None, Access::ReadOnly) => (Icon::Block, "Read-only".to_owned()),
        (None, Access::NotFenced) => (Icon::Warn, "Not fenced".to_owned()),
    }
}

/// What happens between the regions, in words.
fn flow_words(operation: &OperationView, moment: &Moment) -> String {
    let waits = moment.present.and_then(|present| match (present.from_is_away, present.to_is_away) {
        (true, _) => Some(&operation.from_region),
        (_, true) => Some(&operation.to_region),
        _ => None,
    });
    let is_over = matches!(moment.outcome, OperationOutcome::Succeeded | OperationOutcome::RolledBack);
    match (moment.flows, waits) {
        (true, _) => "Replicating".to_owned(),
        (false, Some(region)) if is_over => format!("Waits until {region} responds"),
        (false, _) if moment.present.is_some_and(|present| present.is_unprotected) && is_over => {
            format!("Waits until {} is reclaimed", operation.from_region)
        }
        (false, _) if moment.outcome == OperationOutcome::Succeeded => "Not turned around yet".to_owned(),
        (false, _) if moment.holds => "Nothing is written".to_owned(),
        (false, _) => "Paused".to_owned(),
    }
}

/// The picture as a sentence.
fn spoken(scene: &Scene<'_>, operation: &OperationView, moment: &Moment) -> String {
    let (from, to) = (&operation.from_region, &operation.to_region);
    let (primary, secondary) = if moment.turned >= 0.5 { (to, from) } else { (from, to) };
    let flows = if moment.flows { "Commits flow" } else { "No commits flow" };
    let of = |name: &Region, access| access_words(scene, name, access, moment).1.to_lowercase();
    format!(
        "{primary} is the primary. {flows} from {primary} to {secondary}. {from}: {}. {to}: {}.",
        of(from, moment.from_access),
        of(to, moment.to_access)
    )
}

fn region_ui(ui: &Ui, rect: Rect, palette: &Palette, name: &Region, (icon, access): (Icon, String), is_primary: bool) {
    let painter = ui.painter();
    let (fill, outline, width) = if is_primary {
        (palette.wash(Tone::Busy), palette.accent, 2.0)
    } else {
        (palette.canvas, palette.border_strong, 1.0)
    };
    painter.rect(rect, CornerRadius::same(radius::L), fill, Stroke::new(width, outline), StrokeKind::Inside);
    let inner = rect.shrink(space::L);
    Icon::Region.paint(painter, inner.min + Vec2::new(10.0, 12.0), 20.0, palette.text_soft);
    let head = Rect::from_min_size(inner.min + Vec2::new(28.0, 0.0), Vec2::new(inner.width() - 28.0, 24.0));
    text::paint_cut(ui, head, Role::Title, palette.text, name.as_str());
    let role = head.translate(Vec2::new(-28.0, 34.0)).with_max_x(inner.right());
    let word = if is_primary { "Primary" } else { "Secondary" };
    let ink = if is_primary { palette.accent } else { palette.text_soft };
    text::paint(ui, role, Align2::LEFT_CENTER, Role::Strong, ink, word);
    let line = role.translate(Vec2::new(0.0, 30.0));
    icon.paint(painter, line.left_center() + Vec2::new(8.0, 0.0), 16.0, palette.text_soft);
    text::paint_cut(ui, line.with_min_x(line.left() + 24.0), Role::Body, palette.text, &access);
}

/// The arrow between the regions, which turns at the cutover, and dots on it while commits flow.
fn arrow_ui(ui: &Ui, scene: &Scene<'_>, rect: Rect, palette: &Palette, moment: &Moment, words: &str) {
    let painter = ui.painter();
    let center = rect.center() + Vec2::new(0.0, 6.0);
    // The ease makes the turn begin and end softly.
    let turned = moment.turned * moment.turned * (3.0 - 2.0 * moment.turned);
    let angle = std::f32::consts::PI * turned;
    let along = Vec2::angled(angle);
    let reach = (rect.width() / 2.0 - space::L).max(20.0);
    // While it swings it must not leave the picture.
    let upright = along.y.abs();
    let reach = reach * (1.0 - upright) + (REGIONS / 2.0 - 14.0).min(reach) * upright;
    let (tail, tip) = (center - along * reach, center + along * reach);
    let color = if moment.flows { palette.accent } else { palette.text_weak };
    let stroke = Stroke::new(3.0, color);
    if moment.flows {
        painter.line_segment([tail, tip], stroke);
    } else {
        painter.extend(Shape::dashed_line(&[tail, tip - along * 10.0], stroke, 8.0, 7.0));
    }
    painter.add(head(tip, along, color));
    if moment.flows && moment.outcome == OperationOutcome::Running {
        let phase = (moment.elapsed_ms.rem_euclid(600) as f32 / 600.0) * DOTS;
        let mut at = phase;
        while at < 2.0 * reach - 12.0 {
            painter.circle_filled(tail + along * at, 4.5, palette.text);
            at += DOTS;
        }
        scene.moving();
    } else if (0.01..0.99).contains(&moment.turned) {
        scene.moving();
    }
    let line = Rect::from_min_size(pos2(rect.left(), rect.top() + 4.0), Vec2::new(rect.width(), 22.0));
    if moment.turned <= 0.01 || moment.turned >= 0.99 {
        text::paint(ui, line, Align2::CENTER_CENTER, Role::Small, palette.text_soft, words);
    }
}

fn head(tip: Pos2, along: Vec2, color: Color32) -> Shape {
    let side = along.rot90() * 9.0;
    let base = tip - along * 15.0;
    Shape::convex_polygon(vec![tip, base + side, base - side], color, Stroke::NONE)
}

/// Requests of a stable URL that wait, or waited at its switch.
pub fn held_words(operation: &OperationView, moment: &Moment, url: &StableUrlView) -> String {
    let Some(traffic) = &url.traffic else { return String::new() };
    let until: Option<Timestamp> = operation.ended;
    let during = |at: Timestamp| at >= operation.started && until.is_none_or(|until| at <= until);
    let switched = traffic.switches.iter().find(|switch| during(switch.at));
    let count = |held: u64, verb: &str| format!("{} {verb}", format::plural(held as usize, "request", "requests"));
    match switched {
        Some(switch) if moment.led_over > 0.0 => count(switch.held, "waited"),
        Some(switch) if moment.holds => count(switch.held, "held"),
        None if moment.holds && operation.ended.is_none() => count(traffic.held, "held"),
        _ => String::new(),
    }
}

/// A stable URL on its way between the regions.
fn track_ui(ui: &mut Ui, rect: Rect, palette: &Palette, moment: &Moment, url: &StableUrlView, held: &str, more: &str) {
    let painter = ui.painter();
    let y = rect.center().y;
    painter.line_segment([pos2(rect.left(), y), pos2(rect.right(), y)], Stroke::new(1.0, palette.border_strong));
    for end in [rect.left(), rect.right()] {
        painter.circle_filled(pos2(end, y), 3.0, palette.border_strong);
    }
    let share = if moment.outcome == OperationOutcome::RolledBack { 0.0 } else { moment.led_over };
    let word = text::line(ui, Role::Strong, palette.text, &url.id, 220.0);
    let size = Vec2::new(word.size().x + 44.0, 28.0);
    let center = pos2(egui::lerp(rect.left() + size.x / 2.0 - 20.0..=rect.right() - size.x / 2.0 + 20.0, share), y);
    let pill = Rect::from_center_size(center, size);
    let waits = moment.holds;
    let (fill, outline) =
        if waits { (palette.wash(Tone::Warn), palette.warn) } else { (palette.selected, palette.border_strong) };
    ui.painter().rect(pill, CornerRadius::same(14), fill, Stroke::new(1.0, outline), StrokeKind::Inside);
    let icon = if waits { Icon::Pause } else { Icon::Link };
    icon.paint(ui.painter(), pos2(pill.left() + 18.0, y), 16.0, palette.text_soft);
    ui.painter().galley(pos2(pill.left() + 32.0, y - word.size().y / 2.0), word, palette.text);
    let response = ui.interact(pill, ui.scope_id().with(("url track", &url.id)), Sense::hover());
    let name =
        if held.is_empty() { format!("Stable URL {}", url.id) } else { format!("Stable URL {}: {held}", url.id) };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    let note = [held, more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    let (beside, align) = if share < 0.5 {
        (
            Rect::from_min_max(pos2(pill.right() + space::S, rect.top()), pos2(rect.right(), y - 1.0)),
            Align2::LEFT_BOTTOM,
        )
    } else {
        (Rect::from_min_max(rect.min, pos2(pill.left() - space::S, y - 1.0)), Align2::RIGHT_BOTTOM)
    };
    text::paint(ui, beside, align, Role::Small, palette.text_soft, &note);
}

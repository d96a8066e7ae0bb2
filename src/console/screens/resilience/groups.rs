//! The list of failover groups, as it is drawn.

use super::create_button::create_button_ui;
use super::empty::empty_ui;
use super::rows::{Filter, GroupQuery, Row, SortBy, rows};
use crate::console::action::{Action, GroupTab, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Palette, Role, Tone, space};
use crate::console::widgets::filter::filter_ui;
use crate::console::widgets::{button, card, chip, copy, field, sparkline, text};
use crate::control::view::GroupView;
use crate::domain::Timestamp;
use chrono::SecondsFormat;
use eframe::egui::{self, Align, Align2, CursorIcon, Layout, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// Draws search, filters and rows.
pub fn list_ui(ui: &mut Ui, scene: &Scene<'_>, query: &mut GroupQuery, actions: &mut Vec<Action>) {
    if scene.account().groups.is_empty() {
        empty_ui(ui, scene, actions);
        return;
    }
    let (rows, counts) = rows(scene, query);
    tools_ui(ui, query, counts, actions);
    card::flush_card_ui(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        header_ui(ui, query);
        for (index, row) in rows.iter().enumerate() {
            if let Some(view) = scene.group(&row.id)
                && row_ui(ui, row, view, index > 0)
            {
                actions.push(Action::Go(Route::Group(row.id.clone(), GroupTab::Overview)));
            }
        }
        if rows.is_empty() {
            let palette = theme::palette(ui);
            let note = "Clear the search, or choose All.";
            card::nothing_ui(ui, Icon::Search, palette.text_weak, "No failover group matches", note);
        }
    });
}

fn tools_ui(ui: &mut Ui, query: &mut GroupQuery, counts: [usize; 4], actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.set_min_height(theme::metrics(ui).control);
        ui.spacing_mut().item_spacing.x = 6.0;
        let narrow = ui.available_width() < 900.0;
        field::search_ui(ui, "Search failover groups", &mut query.search, if narrow { 180.0 } else { 260.0 });
        ui.add_space(space::XS);
        for (filter, count) in Filter::EVERY.into_iter().zip(counts) {
            let sign = (filter == Filter::NeedsPerson && count > 0).then_some((Icon::Warn, Tone::Warn));
            if filter_ui(ui, filter.label(), count, sign, query.filter == filter) {
                query.filter = filter;
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| create_button_ui(ui, actions));
    });
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    State,
    Direction,
    Point,
    Lag,
    Proven,
    Errors,
    StableUrl,
}

/// Left edges of the columns, as shares of the width.
const WIDE: [(f32, Part); 8] = [
    (0.0, Part::Name),
    (0.155, Part::State),
    (0.345, Part::Direction),
    (0.49, Part::Point),
    (0.64, Part::Lag),
    (0.74, Part::Proven),
    (0.82, Part::Errors),
    (0.88, Part::StableUrl),
];

/// The same where there is less room: the direction stands below the name.
const NARROW: [(f32, Part); 7] = [
    (0.0, Part::Name),
    (0.195, Part::State),
    (0.45, Part::Point),
    (0.645, Part::Lag),
    (0.735, Part::Proven),
    (0.835, Part::Errors),
    (0.9, Part::StableUrl),
];

impl Part {
    fn head(self) -> (&'static str, Option<SortBy>) {
        match self {
            Self::Name => ("Name", Some(SortBy::Name)),
            Self::State => ("State", Some(SortBy::State)),
            Self::Direction => ("Direction", Some(SortBy::Direction)),
            Self::Point => ("Replication point", Some(SortBy::Point)),
            Self::Lag => ("Lag, 1 h", None),
            Self::Proven => ("Last proven", Some(SortBy::Proven)),
            Self::Errors => ("Errors", Some(SortBy::Errors)),
            Self::StableUrl => ("Stable URL", Some(SortBy::StableUrl)),
        }
    }
}

fn is_narrow(rect: Rect) -> bool {
    rect.width() < 1180.0
}

fn columns(rect: Rect) -> &'static [(f32, Part)] {
    if is_narrow(rect) { &NARROW } else { &WIDE }
}

/// The columns with their places in `rect`.
fn cells(rect: Rect) -> impl Iterator<Item = (Part, Rect)> {
    let inner = rect.shrink2(Vec2::new(space::L, 0.0));
    let columns = columns(rect);
    let edge = move |share: f32| inner.left() + share * inner.width();
    columns.iter().enumerate().map(move |(index, (share, part))| {
        let right = columns.get(index + 1).map_or(inner.right(), |next| edge(next.0) - space::M);
        (*part, Rect::from_min_max(egui::pos2(edge(*share), rect.top()), egui::pos2(right, rect.bottom())))
    })
}

fn header_ui(ui: &mut Ui, query: &mut GroupQuery) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 36.0), Sense::hover());
    for (part, place) in cells(rect) {
        let (head, sort) = part.head();
        let Some(sort) = sort else {
            text::paint(ui, place, Align2::LEFT_CENTER, Role::Label, palette.text_weak, head);
            continue;
        };
        let on = query.sort == sort;
        let order = match (on, query.reversed) {
            (false, _) => "",
            (true, false) => ", sorted",
            (true, true) => ", sorted backwards",
        };
        let response = ui.interact(place, ui.scope_id().with(("sort", head)), Sense::click());
        let name = format!("Sort by {}{order}", head.to_lowercase());
        response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, on, &name));
        let ink = if on || response.hovered() { palette.text } else { palette.text_weak };
        let words = text::paint(ui, place, Align2::LEFT_CENTER, Role::Label, ink, head);
        if on {
            let icon = if query.reversed { Icon::Up } else { Icon::Down };
            icon.paint(ui.painter(), egui::pos2(words.right() + 9.0, place.center().y), 15.0, ink);
        }
        button::focus_ring(ui, &response, words.expand2(Vec2::new(3.0, 2.0)));
        if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
            query.press(sort);
        }
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border));
}

/// Draws one row; whether it was pressed.
fn row_ui(ui: &mut Ui, row: &Row, view: &GroupView, ruled: bool) -> bool {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).tall_row;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, row.spoken()));
    copy::copy_menu(&response, || {
        let exact = |point: Timestamp| ("the replication point", point.to_rfc3339_opts(SecondsFormat::Millis, true));
        [("the name", row.id.to_string())].into_iter().chain(view.group.replication_point.map(exact)).collect()
    });
    if !ui.is_rect_visible(rect) {
        return response.clicked();
    }
    if ruled {
        ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, palette.border));
    }
    if response.hovered() {
        ui.painter().rect_filled(rect.shrink(1.0), 6.0, palette.hover);
    }
    button::focus_ring(ui, &response, rect.shrink(3.0));
    let narrow = is_narrow(rect);
    for (part, place) in cells(rect) {
        match part {
            Part::Name => {
                let direction = format!("{} → {}", row.primary, row.secondary);
                let below = if narrow { &direction } else { &row.scope };
                if two_lines(ui, place, &palette, Role::Strong, row.id.as_str(), below) {
                    text::tip(ui, place, &format!("{}\n{below}", row.id));
                }
            }
            Part::State => {
                let (icon, tone) = chip::group_sign(&view.group);
                let fits = chip::chip_width(ui, tone, row.state.as_str(), &row.state_age) <= place.width();
                let age = if fits { row.state_age.as_str() } else { "" };
                chip::paint_chip(ui, place.left_center(), icon, tone, row.state.as_str(), age);
            }
            Part::Direction => direction_ui(ui, place, &palette, row),
            Part::Point => point_ui(ui, place, &palette, row),
            Part::Lag => {
                let tone = if row.blocked || row.over_target.is_some() { Tone::Bad } else { Tone::Busy };
                let lag = place.shrink2(Vec2::new(0.0, height * 0.28));
                sparkline::paint_sparkline(ui, lag, &view.lag_history, tone);
            }
            Part::Proven => {
                let ink = if row.proof_is_old { palette.tone(Tone::Warn) } else { palette.text_soft };
                text::paint(ui, place, Align2::LEFT_CENTER, Role::Body, ink, &row.proven);
            }
            Part::Errors => errors_ui(ui, place, &palette, row),
            Part::StableUrl => urls_ui(ui, place, &palette, row),
        }
    }
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

fn errors_ui(ui: &Ui, place: Rect, palette: &Palette, row: &Row) {
    if row.errors == 0 {
        text::paint(ui, place, Align2::LEFT_CENTER, Role::Body, palette.text_weak, "—");
        return;
    }
    let (icon, tone) = if row.blocked { (Icon::Bad, Tone::Bad) } else { (Icon::Warn, Tone::Warn) };
    let count = format::count(row.errors as u64);
    text::paint_sign(ui, place.left_center(), icon, palette.tone(tone), Role::Label, palette.text, &count);
}

fn urls_ui(ui: &Ui, place: Rect, palette: &Palette, row: &Row) {
    match row.stable_urls.as_slice() {
        [] => {
            text::paint(ui, place, Align2::LEFT_CENTER, Role::Body, palette.text_weak, "—");
        }
        [only] => {
            if text::paint_cut(ui, place, Role::Body, palette.text_soft, only) {
                text::tip(ui, place, only);
            }
        }
        [first, more @ ..] => {
            two_lines(ui, place, palette, Role::Body, first, &format!("and {} more", more.len()));
            text::tip(ui, place, &row.stable_urls.join("\n"));
        }
    }
}

fn direction_ui(ui: &Ui, rect: Rect, palette: &Palette, row: &Row) {
    let middle = rect.center().y;
    let primary = text::line(ui, Role::Body, palette.text, row.primary.as_str(), rect.width() / 2.0 - 12.0);
    let arrow = rect.left() + primary.size().x + 14.0;
    ui.painter().galley(egui::pos2(rect.left(), middle - primary.size().y / 2.0), primary, palette.text);
    Icon::Arrow.paint(ui.painter(), egui::pos2(arrow, middle), 15.0, palette.text_weak);
    let rest = rect.with_min_x(arrow + 14.0);
    text::paint(ui, rest, Align2::LEFT_CENTER, Role::Body, palette.text_soft, row.secondary.as_str());
}

fn point_ui(ui: &Ui, rect: Rect, palette: &Palette, row: &Row) {
    match (row.behind_ms, &row.point, row.progress) {
        (_, Some(point), Some(percent)) => {
            two_lines(ui, rect, palette, Role::Strong, &format!("Unprotected · {percent}%"), point);
        }
        (_, None, Some(percent)) => {
            let line = format!("{percent}% arrived");
            two_lines(ui, rect, palette, Role::Strong, &line, "No replication point yet");
        }
        (Some(behind), Some(point), None) => {
            let (upper, lower) = halves(rect);
            let ink = if row.over_target.is_some() { palette.bad } else { palette.text };
            let behind = format!("{} behind", format::age(behind));
            text::paint(ui, upper, Align2::LEFT_BOTTOM, Role::Mono, ink, &behind);
            let below = match &row.over_target {
                Some(target) => format!("Target {target} · {point}"),
                None => point.clone(),
            };
            if text::paint_cut_at(ui, lower, Align2::LEFT_TOP, Role::Small, palette.text_weak, &below) {
                text::tip(ui, rect, &below);
            }
        }
        _ => {
            text::paint(ui, rect, Align2::LEFT_CENTER, Role::Small, palette.text_weak, "No replication point yet");
        }
    }
}

fn halves(rect: Rect) -> (Rect, Rect) {
    let (upper, lower) = rect.split_top_bottom_at_y(rect.center().y);
    (upper.with_max_y(upper.max.y - 1.0), lower.with_min_y(lower.min.y + 2.0))
}

/// Paints two lines; whether one of them was cut.
fn two_lines(ui: &Ui, rect: Rect, palette: &Palette, role: Role, first: &str, second: &str) -> bool {
    let (upper, lower) = halves(rect);
    let cut = text::paint_cut_at(ui, upper, Align2::LEFT_BOTTOM, role, palette.text, first);
    text::paint_cut_at(ui, lower, Align2::LEFT_TOP, Role::Small, palette.text_weak, second) || cut
}

//! The list of failover groups.

use super::{page_ui, title_ui};
use crate::console::action::{Action, GroupTab, Route};
use crate::console::command::Command;
use crate::console::format;
use crate::console::palette::key_words;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Palette, Role, Tone, rich, space};
use crate::console::widgets::{Button, button, card, chip, sparkline, text};
use crate::control::view::{GroupView, RegionView};
use crate::domain::{GroupId, GroupState, validation};
use eframe::egui::{self, Align2, CursorIcon, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// What one row shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The group.
    pub id: GroupId,
    /// What it covers: `3 catalogs · 128 objects`.
    pub scope: String,
    /// Its state.
    pub state: GroupState,
    /// How long it has been so.
    pub state_age: String,
    /// The primary region.
    pub primary: String,
    /// The secondary region.
    pub secondary: String,
    /// How far the replica is behind, in words; None until bootstrap ends.
    pub behind: Option<String>,
    /// The replication point.
    pub point: Option<String>,
    /// What happens meanwhile, where there is no point: a percentage.
    pub progress: Option<u8>,
    /// Objects with errors.
    pub errors: usize,
    /// Whether an error holds the replication point back.
    pub blocked: bool,
}

/// What the list shows, worst first, then by name.
pub fn rows(scene: &Scene<'_>) -> Vec<Row> {
    let mut views: Vec<_> = scene.account().groups.iter().collect();
    views.sort_by_key(|view| (urgency(view), view.group.spec.id.clone()));
    views.into_iter().map(|view| row(scene, view)).collect()
}

/// What needs a person comes first.
fn urgency(view: &GroupView) -> u8 {
    match view.group.state {
        GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed => 0,
        GroupState::FailingOver => 1,
        _ if view.group.has_replication_point_blocking_errors || chip::is_unprotected(&view.group) => 2,
        _ => 3,
    }
}

fn row(scene: &Scene<'_>, view: &GroupView) -> Row {
    let group = &view.group;
    let catalogs = format::plural(group.catalogs().len(), "catalog", "catalogs");
    let objects = format::plural(view.objects.len(), "object", "objects");
    Row {
        id: group.spec.id.clone(),
        scope: if view.objects.is_empty() { catalogs } else { format!("{catalogs} · {objects}") },
        state: group.state,
        state_age: format::short_age(scene.age_ms(view.state_since)),
        primary: group.effective_primary_region.clone(),
        secondary: group.effective_secondary_region().to_owned(),
        behind: group.replication_point.map(|point| format::age(scene.age_ms(point))),
        point: group.replication_point.map(format::utc),
        progress: group.initial_replication_progress,
        errors: view.errors.len(),
        blocked: group.has_replication_point_blocking_errors,
    }
}

/// Draws the screen.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    let rows = rows(scene);
    if rows.is_empty() {
        page_ui(ui, "no groups", 1240.0, |ui| empty_ui(ui, scene, &mut actions));
        return actions;
    }
    page_ui(ui, "groups", 1240.0, |ui| {
        let taken: usize = scene.account().groups.iter().map(|view| view.group.catalogs().len()).sum();
        let note = format!(
            "{} of {} · {taken} of {} catalogs protected",
            rows.len(),
            format::plural(validation::MAX_GROUPS, "group", "groups"),
            validation::MAX_CATALOGS
        );
        title_ui(ui, "Failover groups", &note, |ui| create_button_ui(ui, &mut actions));
        card::flush_card_ui(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            header_ui(ui);
            for (index, row) in rows.iter().enumerate() {
                if let Some(view) = scene.group(&row.id)
                    && row_ui(ui, row, view, index > 0)
                {
                    actions.push(Action::Go(Route::Group(row.id.clone(), GroupTab::Overview)));
                }
            }
        });
    });
    actions
}

fn create_button_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let command = Command::CreateGroup;
    let hint = command.shortcut().map(|keys| key_words(ui.ctx(), &keys)).unwrap_or_default();
    let hint = format!("{} ({hint})", command.tooltip());
    if ui.add(Button::primary(&command.text()).icon(command.icon()).hint(&hint)).clicked() {
        actions.push(Action::Go(Route::CreateGroup));
    }
}

/// Left edges of the columns, as shares of the width, and their heads.
const WIDE: [(f32, &str); 6] = [
    (0.0, "Name"),
    (0.215, "State"),
    (0.425, "Direction"),
    (0.605, "Replication point"),
    (0.775, "Lag, last hour"),
    (0.925, "Errors"),
];

/// The same where there is less room: the direction stands below the name.
const NARROW: [(f32, &str); 6] = [
    (0.0, "Name"),
    (0.245, "State"),
    (0.55, ""),
    (0.55, "Replication point"),
    (0.775, "Lag, last hour"),
    (0.91, "Errors"),
];

fn is_narrow(rect: Rect) -> bool {
    rect.width() < 1000.0
}

fn columns(rect: Rect) -> &'static [(f32, &'static str); 6] {
    if is_narrow(rect) { &NARROW } else { &WIDE }
}

fn cell(rect: Rect, column: usize) -> Rect {
    let inner = rect.shrink2(Vec2::new(space::L, 0.0));
    let edge = |share: f32| inner.left() + share * inner.width();
    let columns = columns(rect);
    let left = edge(columns.get(column).map_or(0.0, |c| c.0));
    let right = columns.get(column + 1).map_or(inner.right(), |c| edge(c.0) - space::M);
    Rect::from_min_max(egui::pos2(left, rect.top()), egui::pos2(right, rect.bottom()))
}

fn header_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 36.0), Sense::hover());
    for (column, (_, head)) in columns(rect).iter().enumerate() {
        text::paint(ui, cell(rect, column), Align2::LEFT_CENTER, Role::Label, palette.text_weak, head);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border));
}

/// Draws one row; whether it was pressed.
fn row_ui(ui: &mut Ui, row: &Row, view: &GroupView, ruled: bool) -> bool {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).tall_row;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, row_name(row)));
    if ruled {
        ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, palette.border));
    }
    if response.hovered() {
        ui.painter().rect_filled(rect.shrink(1.0), 6.0, palette.hover);
    }
    button::focus_ring(ui, &response, rect.shrink(3.0));

    let direction = format!("{} → {}", row.primary, row.secondary);
    let below = if is_narrow(rect) { &direction } else { &row.scope };
    two_lines(ui, cell(rect, 0), &palette, Role::Strong, row.id.as_str(), below);

    let (icon, tone) = chip::group_sign(&view.group);
    chip::paint_chip(ui, cell(rect, 1).left_center(), icon, tone, row.state.as_str(), &row.state_age);

    if !is_narrow(rect) {
        direction_ui(ui, cell(rect, 2), &palette, row);
    }

    point_ui(ui, cell(rect, 3), &palette, row);

    let lag = cell(rect, 4).shrink2(Vec2::new(0.0, height * 0.28));
    sparkline::paint_sparkline(ui, lag, &view.lag_history, if row.blocked { Tone::Bad } else { Tone::Busy });
    if row.errors > 0 {
        let (icon, tone) = if row.blocked { (Icon::Bad, Tone::Bad) } else { (Icon::Warn, Tone::Warn) };
        let count = format::count(row.errors as u64);
        text::paint_sign(ui, cell(rect, 5).left_center(), icon, palette.tone(tone), Role::Label, palette.text, &count);
    }
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

fn direction_ui(ui: &Ui, rect: Rect, palette: &Palette, row: &Row) {
    let middle = rect.center().y;
    let primary = text::line(ui, Role::Body, palette.text, &row.primary, rect.width() / 2.0 - 12.0);
    let arrow = rect.left() + primary.size().x + 14.0;
    ui.painter().galley(egui::pos2(rect.left(), middle - primary.size().y / 2.0), primary, palette.text);
    Icon::Arrow.paint(ui.painter(), egui::pos2(arrow, middle), 15.0, palette.text_weak);
    let rest = rect.with_min_x(arrow + 14.0);
    text::paint(ui, rest, Align2::LEFT_CENTER, Role::Body, palette.text_soft, &row.secondary);
}

fn point_ui(ui: &Ui, rect: Rect, palette: &Palette, row: &Row) {
    match (&row.behind, &row.point, row.progress) {
        (_, Some(point), Some(percent)) => {
            two_lines(ui, rect, palette, Role::Strong, &format!("Unprotected · {percent}%"), point);
        }
        (_, None, Some(percent)) => {
            let line = format!("{percent}% arrived");
            two_lines(
                ui,
                rect,
                palette,
                Role::Strong,
                &line,
                row.point.as_deref().unwrap_or("No replication point yet"),
            );
        }
        (Some(behind), Some(point), None) => {
            two_lines(ui, rect, palette, Role::Mono, &format!("{behind} behind"), point);
        }
        _ => {
            text::paint(ui, rect, Align2::LEFT_CENTER, Role::Small, palette.text_weak, "No replication point yet");
        }
    }
}

fn two_lines(ui: &Ui, rect: Rect, palette: &Palette, role: Role, first: &str, second: &str) {
    let (upper, lower) = rect.split_top_bottom_at_y(rect.center().y);
    let upper = upper.with_max_y(upper.max.y - 1.0);
    let lower = lower.with_min_y(lower.min.y + 2.0);
    text::paint(ui, upper, Align2::LEFT_BOTTOM, role, palette.text, first);
    text::paint(ui, lower, Align2::LEFT_TOP, Role::Small, palette.text_weak, second);
}

fn row_name(row: &Row) -> String {
    let behind = row.behind.as_ref().map_or_else(String::new, |behind| format!(", {behind} behind"));
    let errors =
        if row.errors > 0 { format!(", {}", format::plural(row.errors, "error", "errors")) } else { String::new() };
    format!("Open {}, {}, {} to {}{behind}{errors}", row.id, row.state, row.primary, row.secondary)
}

fn empty_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    title_ui(ui, "Failover groups", "", |_| {});
    card::card_ui(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(space::XL);
            picture_ui(ui, scene, &palette);
            ui.add_space(space::L);
            ui.label(rich(Role::Title, "Nothing is protected yet").color(palette.text));
            ui.add_space(space::XS);
            ui.scope(|ui| {
                ui.set_max_width(560.0);
                let sentence = "A failover group keeps the catalogs you choose complete in a second region, with their data \
                     and history, so that the second region can take over.";
                ui.label(rich(Role::Body, sentence).color(palette.text_soft));
            });
            ui.add_space(space::L);
            create_button_ui(ui, actions);
            ui.add_space(space::XL);
        });
    });
    if scene.snapshot.sandbox.is_some() {
        card::card_ui(ui, |ui| sandbox_ui(ui, actions));
    }
}

/// The two regions and the arrow that is missing between them.
fn picture_ui(ui: &mut Ui, scene: &Scene<'_>, palette: &Palette) {
    let (rect, _) = ui.allocate_exact_size(Vec2::new(620.0, 104.0), Sense::hover());
    let box_size = Vec2::new(250.0, 88.0);
    let regions = &scene.account().regions;
    let places = [
        Rect::from_min_size(egui::pos2(rect.left(), rect.center().y - 44.0), box_size),
        Rect::from_min_size(egui::pos2(rect.right() - 250.0, rect.center().y - 44.0), box_size),
    ];
    for (index, place) in places.into_iter().enumerate() {
        let painter = ui.painter();
        painter.rect(place, 10.0, palette.canvas, Stroke::new(1.0, palette.border_strong), egui::StrokeKind::Inside);
        let region = regions.get(index);
        let name = region.map_or("A region", |region| region.name.as_str());
        Icon::Region.paint(painter, egui::pos2(place.left() + 24.0, place.top() + 27.0), 18.0, palette.text_soft);
        let line = Rect::from_min_size(place.min + Vec2::new(42.0, 16.0), Vec2::new(196.0, 22.0));
        text::paint(ui, line, Align2::LEFT_CENTER, Role::Strong, palette.text, name);
        let note = line.translate(Vec2::new(-26.0, 30.0)).with_max_x(place.right() - 12.0);
        text::paint(
            ui,
            note,
            Align2::LEFT_CENTER,
            Role::Small,
            palette.text_weak,
            &region.map(contents).unwrap_or_default(),
        );
    }
    let (from, to) = (places[0].right() + 14.0, places[1].left() - 14.0);
    let y = rect.center().y;
    let dashes = egui::Shape::dashed_line(
        &[egui::pos2(from, y), egui::pos2(to - 6.0, y)],
        Stroke::new(1.5, palette.text_weak),
        5.0,
        5.0,
    );
    ui.painter().extend(dashes);
    Icon::Right.paint(ui.painter(), egui::pos2(to - 4.0, y), 18.0, palette.text_weak);
}

/// What a region holds, in a line.
pub fn contents(region: &RegionView) -> String {
    if region.read_at.is_none() {
        return "Not read yet".to_owned();
    }
    if region.catalogs.is_empty() {
        return "No catalogs".to_owned();
    }
    let tables: usize = region.catalogs.iter().flat_map(|c| &c.schemas).map(|s| s.tables.len()).sum();
    format!(
        "{} · {}",
        format::plural(region.catalogs.len(), "catalog", "catalogs"),
        format::plural(tables, "table or view", "tables and views")
    )
}

fn sandbox_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    card::section_ui(ui, "This is a sandbox", "");
    let facts = [
        (
            Icon::Region,
            "Two regions run inside this program and serve HTTP, as real ones do. Nothing leaves this machine.",
        ),
        (
            Icon::Table,
            "Their tables are real Delta tables on disk. Jobs in the first region write to them continuously.",
        ),
        (Icon::Power, "Break it freely: take a region down under Regions, fail over, bring it back."),
    ];
    ui.add_space(space::XS);
    for (icon, fact) in facts {
        ui.horizontal(|ui| {
            text::icon_ui(ui, icon, 18.0, palette.text_weak);
            ui.add_space(space::XS);
            ui.label(rich(Role::Body, fact).color(palette.text_soft));
        });
    }
    ui.add_space(space::XS);
    if ui.add(Button::ordinary("Show the regions").icon(Icon::Region)).clicked() {
        actions.push(Action::Go(Route::Regions));
    }
}

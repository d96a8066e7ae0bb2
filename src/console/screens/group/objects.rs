//! Every object in scope with what is known of its replica.

use super::assets::assets_ui;
use super::overview::tally;
use super::page::tab_page_ui;
use super::remedy::put_back;
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::filter::filter_ui;
use crate::console::widgets::{Button, card, chip, copy, field, text};
use crate::control::view::{GroupView, ObjectView};
use crate::domain::Region;
use crate::domain::failover_group::kinds_not_replicated;
use crate::domain::{AssetKind, ObjectStatus, Timestamp};
use eframe::egui::{self, Align, Align2, Layout, Sense, Stroke, Ui, Vec2, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use std::sync::Arc;

/// What the list is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectFilter {
    /// Part of a name, or of an id in either region.
    pub search: String,
    /// One status only.
    pub status: Option<ObjectStatus>,
    /// One kind only.
    pub kind: Option<AssetKind>,
}

/// Search, filter, and the order that they last gave.
#[derive(Debug, Default)]
pub struct ObjectsTab {
    filter: ObjectFilter,
    shown: Option<Shown>,
}

/// The answer to a filter on one published list; kept so that an unchanged list is not sorted again.
#[derive(Debug)]
struct Shown {
    of: Arc<Vec<ObjectView>>,
    filter: ObjectFilter,
    rows: Vec<usize>,
}

/// Indices of the objects that `filter` leaves, those that need a person first.
pub fn visible_objects(objects: &[ObjectView], filter: &ObjectFilter) -> Vec<usize> {
    let needle = filter.search.trim().to_lowercase();
    let mut rows: Vec<usize> = objects
        .iter()
        .enumerate()
        .filter(|(_, object)| filter.status.is_none_or(|status| status == object.status))
        .filter(|(_, object)| filter.kind.is_none_or(|kind| kind == object.kind))
        .filter(|(_, object)| needle.is_empty() || object.is_called(&needle))
        .map(|(index, _)| index)
        .collect();
    rows.sort_by_key(|index| objects.get(*index).map_or(u8::MAX, |object| urgency(object.status)));
    rows
}

/// Kinds that a group has objects of, each with how many, in the order of lists.
pub fn kinds(objects: &[ObjectView]) -> Vec<(AssetKind, usize)> {
    let count = |kind: AssetKind| (kind, objects.iter().filter(|object| object.kind == kind).count());
    AssetKind::ALL.into_iter().map(count).filter(|(_, count)| *count > 0).collect()
}

fn urgency(status: ObjectStatus) -> u8 {
    match status {
        ObjectStatus::Failed | ObjectStatus::Drifted => 0,
        ObjectStatus::Missing | ObjectStatus::LeftBehind => 1,
        ObjectStatus::Unsupported | ObjectStatus::Unverifiable => 2,
        ObjectStatus::Unknown => 3,
        ObjectStatus::Lagging | ObjectStatus::Excluded => 4,
        ObjectStatus::InSync => 5,
    }
}

impl ObjectsTab {
    /// Narrows the list to a part of a name or id.
    pub fn find(&mut self, search: String) {
        self.filter = ObjectFilter { search, ..ObjectFilter::default() };
    }

    /// Draws the tab.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
        tab_page_ui(ui, |ui| {
            self.filters_ui(ui, view);
            self.kinds_ui(ui, view);
            asks_ui(ui, view, actions);
            out_of_scope_ui(ui, scene, view, actions);
            assets_ui(ui, scene, view, actions);
            as_of_ui(ui, scene, view);
            let rows = self.rows(view);
            let left = ui.available_height() - 52.0;
            card::flush_card_ui(ui, |ui| {
                ui.set_height(left.max(120.0));
                if rows.is_empty() {
                    nothing_ui(ui, view.objects.is_empty());
                } else {
                    table_ui(ui, view, &rows, scene);
                }
            });
            not_replicated_ui(ui, view);
        });
    }

    fn rows(&mut self, view: &GroupView) -> Vec<usize> {
        let fresh = |shown: &Shown| Arc::ptr_eq(&shown.of, &view.objects) && shown.filter == self.filter;
        if !self.shown.as_ref().is_some_and(fresh) {
            let rows = visible_objects(&view.objects, &self.filter);
            self.shown = Some(Shown { of: view.objects.clone(), filter: self.filter.clone(), rows });
        }
        self.shown.as_ref().map(|shown| shown.rows.clone()).unwrap_or_default()
    }

    /// One filter a kind, with its count.
    fn kinds_ui(&mut self, ui: &mut Ui, view: &GroupView) {
        let found = kinds(&view.objects);
        if found.len() < 2 {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for (kind, count) in found {
                let on = self.filter.kind == Some(kind);
                let sign = Some((Icon::of_kind(kind), Tone::Quiet));
                let words = format::capitalised(&format!("{}s", kind.label()));
                if filter_ui(ui, &words, count, sign, on) {
                    self.filter.kind = (!on).then_some(kind);
                }
            }
        });
    }

    fn filters_ui(&mut self, ui: &mut Ui, view: &GroupView) {
        ui.horizontal_wrapped(|ui| {
            field::search_ui(ui, "Search objects", &mut self.filter.search, 260.0);
            ui.add_space(space::XS);
            ui.spacing_mut().item_spacing.x = 6.0;
            if filter_ui(ui, "All", view.objects.len(), None, self.filter.status.is_none()) {
                self.filter.status = None;
            }
            for (status, count) in tally(view) {
                let on = self.filter.status == Some(status);
                if filter_ui(ui, status.label(), count, Some(chip::status_sign_in(status, view.group.state)), on) {
                    self.filter.status = (!on).then_some(status);
                }
            }
        });
    }
}

/// One workspace asset's ids, in words; nothing for an object of a catalog.
fn ids_of(object: &ObjectView) -> Option<String> {
    let ids = [("primary", &object.source_id), ("secondary", &object.replica_id)];
    let known = ids.into_iter().filter_map(|(side, id)| Some(format!("Id in the {side}: {}", id.as_deref()?)));
    let known: Vec<String> = known.collect();
    (!known.is_empty()).then(|| known.join("\n"))
}

/// When the statuses were found, where a region is away now.
fn as_of_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
    let palette = theme::palette(ui);
    let Some(as_of) = view.as_of else { return };
    let away = |name: &&Region| scene.region(name).is_some_and(|region| region.unreachable_since.is_some());
    let why = match view.group.spec.regions.iter().find(away) {
        Some(region) => format!("{region} doesn't respond"),
        None => "no cycle has finished since".to_owned(),
    };
    ui.horizontal(|ui| {
        text::icon_ui(ui, Icon::Clock, 16.0, palette.warn);
        let line = format!("Every status is as of {}: {why}.", format::utc(as_of));
        text::line_ui(ui, Role::Body, palette.text_soft, &line);
    });
}

/// A status in words; dated, where a region is away.
fn status_words(object: &ObjectView, as_of: Option<Timestamp>) -> String {
    match as_of {
        Some(as_of) => format!("{} as of {}", object.status.label(), format::utc_time(as_of)),
        None => object.status.label().to_owned(),
    }
}

/// What can be asked of the replica as a whole.
fn asks_ui(ui: &mut Ui, view: &GroupView, actions: &mut Vec<Action>) {
    let id = &view.group.spec.id;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        let mendable = view.group.state.replicates() && !view.group.salvage_pending;
        let hint = if mendable {
            "Compares every object with its source and repairs the replica"
        } else {
            "You can repair the replica while the group replicates"
        };
        if ui.add(Button::ordinary("Repair…").icon(Icon::Sync).small().enabled(mendable).hint(hint)).clicked() {
            actions.push(Action::AskRepair(id.clone()));
        }
        let hint = "Table versions of the replica at an earlier time";
        if ui.add(Button::ordinary("Points in time…").icon(Icon::History).small().hint(hint)).clicked() {
            actions.push(Action::AskPoints(id.clone()));
        }
    });
}

/// What was taken out of the scope by name, each with the way back.
fn out_of_scope_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let excluded = &view.group.spec.rules.excluded;
    if excluded.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        text::line_ui(ui, Role::Body, palette.text_soft, "Taken out of the scope by name:");
        for name in excluded {
            let intent = put_back(view, name);
            let waits = scene.awaits(|sent| *sent == intent);
            let hint = format!("Puts {name} back into the scope");
            text::line_ui(ui, Role::MonoSmall, palette.text, name);
            if ui.add(Button::ordinary("Put back").small().enabled(!waits).hint(&hint)).clicked() {
                actions.push(Action::Send(intent));
            }
        }
    });
}

fn nothing_ui(ui: &mut Ui, none_at_all: bool) {
    let palette = theme::palette(ui);
    ui.vertical_centered(|ui| {
        ui.add_space(56.0);
        let sentence = if none_at_all {
            "The first cycle lists the objects when it has read the primary's catalogs."
        } else {
            "No object matches. Clear the search or choose All."
        };
        ui.label(rich(Role::Body, sentence).color(palette.text_weak));
    });
}

fn table_ui(ui: &mut Ui, view: &GroupView, rows: &[usize], scene: &Scene<'_>) {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row;
    ui.spacing_mut().item_spacing = Vec2::new(0.0, 0.0);
    let narrow = ui.available_width() < 900.0;
    let columns: &[Part] = if narrow {
        &[Part::Name, Part::Status, Part::Source, Part::Replica, Part::Lag]
    } else {
        &[Part::Name, Part::Kind, Part::Status, Part::Source, Part::Replica, Part::Lag, Part::Bytes]
    };
    let dated = view.as_of.is_some();
    let fixed: f32 = columns.iter().map(|part| part.width(dated)).sum();
    let flexible = (ui.available_width() - fixed).max(180.0);
    let mut table =
        TableBuilder::new(ui).id_salt("objects").cell_layout(Layout::left_to_right(Align::Center)).auto_shrink(false);
    for part in columns {
        let width = if *part == Part::Name { flexible } else { part.width(dated) };
        table = table.column(Column::exact(width).clip(true));
    }
    let table = table.header(36.0, |mut header| {
        for part in columns {
            header.col(|ui| {
                let rect = padded(ui.max_rect(), *part);
                text::paint(ui, rect, part.align(), Role::Label, palette.text_weak, part.head());
                let edge = ui.max_rect();
                ui.painter().hline(edge.x_range(), edge.bottom() - 0.5, Stroke::new(1.0, palette.border));
            });
        }
    });
    table.body(|body| {
        body.rows(height, rows.len(), |mut row| {
            let object = rows.get(row.index()).and_then(|index| view.objects.get(*index));
            let Some(object) = object else { return };
            for part in columns {
                row.col(|ui| match part {
                    Part::Name => name_ui(ui, object, view.as_of),
                    Part::Status => status_ui(ui, object, scene, view),
                    // How far behind it is now is not known.
                    Part::Lag if dated => cell_ui(ui, *part, "—"),
                    part => cell_ui(ui, *part, &part.words(object)),
                });
            }
        });
    });
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    Kind,
    Status,
    Source,
    Replica,
    Lag,
    Bytes,
}

impl Part {
    fn head(self) -> &'static str {
        match self {
            Self::Name => "Object",
            Self::Kind => "Type",
            Self::Status => "Status",
            Self::Source => "Source",
            Self::Replica => "Replica",
            Self::Lag => "Lag",
            Self::Bytes => "Size",
        }
    }

    fn width(self, dated: bool) -> f32 {
        match self {
            Self::Name => 0.0,
            Self::Kind => 96.0,
            Self::Status if dated => 210.0,
            Self::Status => 140.0,
            Self::Source | Self::Replica => 78.0,
            Self::Lag | Self::Bytes => 84.0,
        }
    }

    fn align(self) -> Align2 {
        match self {
            Self::Name | Self::Kind | Self::Status => Align2::LEFT_CENTER,
            _ => Align2::RIGHT_CENTER,
        }
    }

    fn words(self, object: &ObjectView) -> String {
        let version = |version: Option<i64>| version.map(|version| format::count(version.max(0) as u64));
        let words = match self {
            Self::Name => Some(object.name.clone()),
            Self::Kind => Some(format::capitalised(object.kind.label())),
            Self::Status => Some(object.status.label().to_owned()),
            Self::Source => version(object.source_version).or_else(|| short(object.source_id.as_deref())),
            Self::Replica => version(object.replica_version).or_else(|| short(object.replica_id.as_deref())),
            Self::Lag => object.lag_ms.map(format::lag),
            Self::Bytes => object.bytes.map(format::bytes),
        };
        words.unwrap_or_else(|| "—".to_owned())
    }
}

/// The end of an id, as far as a column holds it.
fn short(id: Option<&str>) -> Option<String> {
    let id = id?;
    let from = id.char_indices().rev().nth(6).map_or(0, |(index, _)| index);
    Some(if from == 0 { id.to_owned() } else { format!("…{}", &id[from..]) })
}

fn padded(rect: egui::Rect, part: Part) -> egui::Rect {
    let left = if part == Part::Name { space::L } else { 6.0 };
    let right = if matches!(part, Part::Bytes | Part::Lag) { space::L } else { 6.0 };
    egui::Rect::from_min_max(
        egui::pos2(rect.left() + left, rect.top()),
        egui::pos2(rect.right() - right, rect.bottom()),
    )
}

fn ruled(ui: &Ui) {
    let palette = theme::palette(ui);
    let edge = ui.max_rect();
    ui.painter().hline(edge.x_range(), edge.bottom() - 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
}

fn cell_ui(ui: &mut Ui, part: Part, value: &str) {
    let palette = theme::palette(ui);
    ruled(ui);
    let role = if part == Part::Kind { Role::Small } else { Role::MonoSmall };
    let ink = if value == "—" { palette.text_weak } else { palette.text_soft };
    text::paint(ui, padded(ui.max_rect(), part), part.align(), role, ink, value);
}

fn name_ui(ui: &mut Ui, object: &ObjectView, as_of: Option<Timestamp>) {
    let palette = theme::palette(ui);
    ruled(ui);
    let rect = padded(ui.max_rect(), Part::Name);
    let icon = Icon::of_kind(object.kind);
    icon.paint(ui.painter(), egui::pos2(rect.left() + 8.0, rect.center().y), 16.0, palette.text_weak);
    let words = rect.with_min_x(rect.left() + 26.0);
    let galley = text::line(ui, Role::Body, palette.text, &object.name, words.width());
    let cut = galley.elided;
    ui.painter().galley(egui::pos2(words.left(), words.center().y - galley.size().y / 2.0), galley, palette.text);
    let response = ui.interact(rect, ui.scope_id().with(("name", &object.name)), Sense::click());
    copy::copy_menu(&response, || {
        let ids = [("the id in the primary", &object.source_id), ("the id in the secondary", &object.replica_id)];
        let ids = ids.into_iter().filter_map(|(what, id)| Some((what, id.clone()?)));
        std::iter::once(("the name", object.name.clone())).chain(ids).collect()
    });
    response.widget_info(|| {
        WidgetInfo::labeled(egui::Role::Label, true, format!("{}, {}", object.name, status_words(object, as_of)))
    });
    match (ids_of(object), cut) {
        (Some(ids), _) => drop(response.on_hover_text(format!("{}\n{ids}", object.name))),
        (None, true) => drop(response.on_hover_text(&object.name)),
        (None, false) => {}
    }
}

fn status_ui(ui: &mut Ui, object: &ObjectView, scene: &Scene<'_>, view: &GroupView) {
    let palette = theme::palette(ui);
    ruled(ui);
    let rect = padded(ui.max_rect(), Part::Status);
    let (icon, tone) = chip::status_sign_in(object.status, view.group.state);
    // Only what needs a person is written in colour.
    let ink = if tone == Tone::Bad { palette.bad } else { palette.text_soft };
    text::paint_sign(
        ui,
        rect.left_center(),
        icon,
        palette.tone(tone),
        Role::Small,
        ink,
        &status_words(object, view.as_of),
    );
    if object.error.is_none()
        && let Some(note) = &object.note
    {
        ui.interact(rect, ui.scope_id().with(("note", &object.name)), Sense::hover()).on_hover_text(note);
    }
    if let Some(error) = &object.error {
        let response = ui.interact(rect, ui.scope_id().with(("why", &object.name)), Sense::hover());
        let age = format::age(format::since(error.since, scene.now));
        response.on_hover_text(format!("{}\n{}\nSince {age}.", error.message, error.class.resolution()));
    }
}

fn not_replicated_ui(ui: &mut Ui, view: &GroupView) {
    let palette = theme::palette(ui);
    let kinds: Vec<_> = kinds_not_replicated().map(|kind| format!("{}s", kind.label())).collect();
    if view.assets.is_none() {
        ui.horizontal(|ui| {
            text::icon_ui(ui, Icon::Info, 16.0, palette.text_weak);
            let line = "This group doesn't replicate workspace assets. Edit the group to add notebooks, jobs, compute and dashboards.";
            text::line_ui(ui, Role::Small, palette.text_weak, line);
        });
    }
    if kinds.is_empty() {
        return;
    }
    ui.horizontal(|ui| {
        text::icon_ui(ui, Icon::Info, 16.0, palette.text_weak);
        let line = format!("Not replicated yet: {}.", kinds.join(", "));
        text::line_ui(ui, Role::Small, palette.text_weak, &line);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, status: ObjectStatus) -> ObjectView {
        ObjectView::named(AssetKind::Table, name.to_owned(), status)
    }

    #[test]
    fn what_needs_a_person_comes_first_and_filters_add_up() {
        let objects = [
            object("main.sales.orders", ObjectStatus::InSync),
            object("main.sales.broken", ObjectStatus::Failed),
            object("hr.people.orders", ObjectStatus::Lagging),
        ];
        let all = visible_objects(&objects, &ObjectFilter::default());
        assert_eq!(all, [1, 2, 0]);
        let narrowed = ObjectFilter { search: "ORDERS".to_owned(), status: Some(ObjectStatus::InSync), kind: None };
        assert_eq!(visible_objects(&objects, &narrowed), [0]);
        let mut job = object("nightly", ObjectStatus::InSync);
        (job.kind, job.source_id, job.replica_id) = (AssetKind::Job, Some("4711".to_owned()), Some("0815".to_owned()));
        let objects = [objects[0].clone(), job];
        for id in ["471", "0815"] {
            let by_id = ObjectFilter { search: id.to_owned(), ..ObjectFilter::default() };
            assert_eq!(visible_objects(&objects, &by_id), [1], "an asset is found by either of its ids");
        }
        let jobs = ObjectFilter { kind: Some(AssetKind::Job), ..ObjectFilter::default() };
        assert_eq!(visible_objects(&objects, &jobs), [1]);
        assert_eq!(kinds(&objects), [(AssetKind::Table, 1), (AssetKind::Job, 1)]);
    }
}

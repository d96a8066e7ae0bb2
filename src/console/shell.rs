//! What stands around every screen: the sidebar with its places, and how fresh the data is.

use super::action::{Action, GroupTab, Route};
use super::command::Command;
use super::format;
use super::palette::key_words;
use super::scene::Scene;
use super::theme::{self, Icon, Role, Tone, radius, rich, space};
use super::widgets::{button, chip, text};
use crate::control::view::{AccountView, RegionView};
use crate::domain::clock_skew;
use eframe::egui::{
    self, Align2, CornerRadius, CursorIcon, Frame, Margin, Panel, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo,
};

/// Groups that the sidebar lists; more are found in the list itself.
const LISTED: usize = 12;

/// Draws the sidebar.
pub fn sidebar_ui(ui: &mut Ui, scene: &Scene<'_>, route: &Route) -> Vec<Action> {
    let palette = theme::palette(ui);
    let mut actions = Vec::new();
    let frame = Frame::new().fill(palette.sidebar).inner_margin(Margin { left: 12, right: 12, top: 16, bottom: 12 });
    Panel::left("sidebar").exact_size(236.0).resizable(false).frame(frame).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        brand_ui(ui);
        ui.add_space(space::M);
        if search_ui(ui) {
            actions.push(Action::ShowPalette);
        }
        ui.add_space(space::L);
        Panel::bottom("sidebar foot").frame(Frame::NONE).show_separator_line(false).resizable(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            let on = *route == Route::Settings;
            place_ui(ui, Icon::Settings, "Settings", on, None, || actions.push(Action::Go(Route::Settings)));
            place_ui(ui, Icon::Keyboard, "Keys", false, None, || actions.push(Action::ShowKeys));
            ui.add_space(space::S);
            freshness_ui(ui, scene);
        });
        ScrollArea::vertical().id_salt("places").auto_shrink(false).show(ui, |ui| {
            let on = matches!(route, Route::Groups | Route::StableUrls | Route::CreateGroup);
            place_ui(ui, Icon::Shield, "Resilience", on, None, || actions.push(Action::Go(Route::Groups)));
            groups_ui(ui, scene, route, &mut actions);
            ui.add_space(space::L);
            heading_ui(ui, "Account");
            let on = *route == Route::Workspaces;
            place_ui(ui, Icon::Workspace, "Workspaces", on, None, || actions.push(Action::Go(Route::Workspaces)));
            let down = scene.account().regions.iter().filter(|region| region.unreachable_since.is_some()).count();
            let sign = (down > 0).then_some((Icon::Offline, Tone::Bad));
            let on = *route == Route::Regions;
            place_ui(ui, Icon::Region, "Regions", on, sign, || actions.push(Action::Go(Route::Regions)));
            let on = *route == Route::Activity;
            place_ui(ui, Icon::History, "Activity", on, None, || actions.push(Action::Go(Route::Activity)));
        });
    });
    actions
}

fn brand_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 30.0), Sense::hover());
    let mark = Rect::from_min_size(egui::pos2(rect.left() + 6.0, rect.center().y - 13.0), Vec2::splat(26.0));
    ui.painter().rect_filled(mark, CornerRadius::same(7), palette.accent_fill);
    Icon::Shield.paint(ui.painter(), mark.center(), 17.0, palette.on_accent);
    let words = rect.with_min_x(mark.right() + 10.0);
    text::paint(ui, words, Align2::LEFT_CENTER, Role::Heading, palette.text, "Resilience Console");
}

/// The field that opens the palette; whether it was pressed.
fn search_ui(ui: &mut Ui) -> bool {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 32.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Search commands"));
    let fill = if response.hovered() { palette.hover } else { palette.canvas };
    let corners = CornerRadius::same(radius::M);
    ui.painter().rect(rect, corners, fill, Stroke::new(1.0, palette.border), StrokeKind::Inside);
    Icon::Search.paint(ui.painter(), egui::pos2(rect.left() + 17.0, rect.center().y), 16.0, palette.text_weak);
    let words = rect.with_min_x(rect.left() + 32.0);
    text::paint(ui, words, Align2::LEFT_CENTER, Role::Body, palette.text_weak, "Search…");
    if let Some(keys) = Command::ShowPalette.shortcut() {
        let keys = key_words(ui.ctx(), &keys);
        let place = rect.with_max_x(rect.right() - 10.0);
        text::paint(ui, place, Align2::RIGHT_CENTER, Role::MonoSmall, palette.text_weak, &keys);
    }
    button::focus_ring(ui, &response, rect);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

fn heading_ui(ui: &mut Ui, heading: &str) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.add_space(10.0);
        ui.label(rich(Role::Label, heading).color(palette.text_weak));
    });
    ui.add_space(2.0);
}

fn place_ui(ui: &mut Ui, icon: Icon, label: &str, on: bool, sign: Option<(Icon, Tone)>, mut pressed: impl FnMut()) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 32.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Link, true, on, label));
    row_fill(ui, rect, &response, on);
    let ink = if on { palette.text } else { palette.text_soft };
    icon.paint(ui.painter(), egui::pos2(rect.left() + 19.0, rect.center().y), 18.0, ink);
    let role = if on { Role::Strong } else { Role::Body };
    text::paint(ui, rect.with_min_x(rect.left() + 38.0), Align2::LEFT_CENTER, role, ink, label);
    if let Some((sign, tone)) = sign {
        sign.paint(ui.painter(), egui::pos2(rect.right() - 18.0, rect.center().y), 16.0, palette.tone(tone));
    }
    if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
        pressed();
    }
}

fn row_fill(ui: &Ui, rect: Rect, response: &egui::Response, on: bool) {
    let palette = theme::palette(ui);
    if on || response.hovered() {
        let fill = if on { palette.selected } else { palette.hover };
        ui.painter().rect_filled(rect, CornerRadius::same(radius::M), fill);
    }
    button::focus_ring(ui, response, rect.shrink(2.0));
}

fn groups_ui(ui: &mut Ui, scene: &Scene<'_>, route: &Route, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let groups = &scene.account().groups;
    for view in groups.iter().take(LISTED) {
        let id = &view.group.spec.id;
        let on = matches!(route, Route::Group(shown, _) | Route::Run(shown, _) if shown == id);
        let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 30.0), Sense::click());
        let name = format!("{id}, {}", view.group.state);
        response.widget_info(|| WidgetInfo::selected(egui::Role::Link, true, on, &name));
        row_fill(ui, rect, &response, on);
        let (icon, tone) = if view.group.has_replication_point_blocking_errors {
            (Icon::Bad, Tone::Bad)
        } else {
            chip::group_sign(&view.group)
        };
        icon.paint(ui.painter(), egui::pos2(rect.left() + 46.0, rect.center().y), 15.0, palette.tone(tone));
        let ink = if on { palette.text } else { palette.text_soft };
        let words = rect.with_min_x(rect.left() + 62.0).with_max_x(rect.right() - 8.0);
        text::paint(ui, words, Align2::LEFT_CENTER, Role::Body, ink, id.as_str());
        if response.on_hover_cursor(CursorIcon::PointingHand).clicked() {
            actions.push(Action::Go(Route::Group(id.clone(), GroupTab::Overview)));
        }
    }
    if groups.len() > LISTED {
        ui.horizontal(|ui| {
            ui.add_space(38.0);
            let more = format!("and {} more", groups.len() - LISTED);
            ui.label(rich(Role::Small, more).color(palette.text_weak));
        });
    }
}

/// Whether the data is live, in one line.
fn freshness_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 24.0), Sense::hover());
    let (icon, color, words) = match scene.stale_ms {
        Some(age) => (Icon::Offline, palette.text, format!("Data {} old", format::short_age(age))),
        None => (Icon::Circle, palette.good, "Live".to_owned()),
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Status, true, &words));
    let center = egui::pos2(rect.left() + 19.0, rect.center().y);
    match scene.stale_ms {
        Some(_) => icon.paint(ui.painter(), center, 16.0, color),
        None => {
            ui.painter().circle_filled(center, 3.5, color);
        }
    }
    let kind = if scene.snapshot.sandbox.is_some() { " · sandbox" } else { "" };
    let session = &scene.snapshot.session;
    let by = match (session.signed_in, session.token_required) {
        (true, _) => format!(" · {} ({})", session.name, session.role),
        (false, true) => " · not signed in".to_owned(),
        (false, false) => String::new(),
    };
    let words = format!("{words}{kind}{by}");
    text::paint(ui, rect.with_min_x(rect.left() + 38.0), Align2::LEFT_CENTER, Role::Small, palette.text_weak, &words);
}

/// The band over everything when no news has come for too long.
pub fn stale_band_ui(ui: &mut Ui, age_ms: i64) {
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.selected).inner_margin(Margin::symmetric(space::XXL as i8, 9));
    Panel::top("stale band").frame(frame).resizable(false).show(ui, |ui| {
        ui.horizontal(|ui| {
            text::icon_ui(ui, Icon::Offline, 18.0, palette.text);
            let words = format!("DATA {} OLD", format::short_age(age_ms));
            ui.label(rich(Role::Strong, words).color(palette.text));
            let note = "No news from the runtime. What is shown was true then; ages stand still.";
            ui.label(rich(Role::Body, note).color(palette.text_soft));
        });
    });
}

/// Says that the window is a client of another account, and what that doesn't tell.
pub fn account_band_ui(ui: &mut Ui, url: &str) {
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.selected).inner_margin(Margin::symmetric(space::XXL as i8, 9));
    Panel::top("account band").frame(frame).resizable(false).show(ui, |ui| {
        ui.horizontal(|ui| {
            text::icon_ui(ui, Icon::Info, 18.0, palette.text);
            ui.label(rich(Role::Strong, format!("Account at {url}")).color(palette.text));
            let note =
                "Its API tells groups and stable URLs, not objects, steps, loss or activity. A failover is forced.";
            ui.label(rich(Role::Body, note).color(palette.text_soft));
        });
    });
}

/// What there is to know about clocks, as sentences.
pub fn clock_notes(account: &AccountView) -> Vec<String> {
    let moved = account.clock_move.iter().map(ToString::to_string);
    moved.chain(account.regions.iter().flat_map(region_clock_notes)).collect()
}

/// The same of one region.
pub fn region_clock_notes(region: &RegionView) -> Vec<String> {
    let own = region.clock_skew_s.map(|seconds| clock_skew::in_words(region.name.as_str(), seconds));
    let storage = region.storage_skew_s.map(|s| clock_skew::in_words(&format!("the storage in {}", region.name), s));
    own.into_iter().chain(storage).collect()
}

/// The band that says that clocks are not right.
pub fn clock_band_ui(ui: &mut Ui, notes: &[String]) {
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.wash(Tone::Warn)).inner_margin(Margin::symmetric(space::XXL as i8, 9));
    Panel::top("clock band").frame(frame).resizable(false).show(ui, |ui| {
        for note in notes {
            ui.horizontal(|ui| {
                text::icon_ui(ui, Icon::Clock, 18.0, palette.tone(Tone::Warn));
                ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text)).wrap());
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClockMove;
    use crate::domain::Region;
    use std::sync::Arc;

    #[test]
    fn the_band_tells_a_jump_of_the_clock_and_every_region_whose_clock_differs() {
        let region = |name: &str, clock_skew_s| RegionView {
            name: Region::new(name),
            unreachable_since: None,
            clock_skew_s,
            storage_skew_s: clock_skew_s.map(|_| -90),
            read_at: None,
            storage_root: None,
            offers: None,
            metastore_root: None,
            catalogs: Vec::new(),
            external_locations: Vec::new(),
            workloads: Vec::new(),
        };
        assert_eq!(clock_notes(&AccountView::default()), Vec::<String>::new());
        let account = AccountView {
            clock_move: Some(ClockMove { at: chrono::DateTime::UNIX_EPOCH, by_ms: 7_200_000, end: None }),
            regions: Arc::new(vec![region("us-east-1", None), region("us-west-2", Some(3_600))]),
            ..AccountView::default()
        };
        let notes = clock_notes(&account);
        assert!(notes[0].starts_with("This machine's clock jumped 2 h forward at 00:00:00 UTC."), "{notes:?}");
        assert!(notes[1].starts_with("The clock of us-west-2 is about 1 h ahead of this machine's clock"), "{notes:?}");
        assert!(notes[2].starts_with("The clock of the storage in us-west-2 is about 1 min 30 s behind"), "{notes:?}");
        assert_eq!(notes.len(), 3);
    }
}

//! What the list of failover groups says while there is none.

use super::create_button::create_button_ui;
use crate::console::action::{Action, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Palette, Role, rich, space};
use crate::console::widgets::{Button, card, text};
use crate::control::view::RegionView;
use eframe::egui::{self, Align2, Rect, Sense, Stroke, Ui, Vec2};

/// Draws what stands there while there is no group.
pub fn empty_ui(ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
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

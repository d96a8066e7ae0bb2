//! What forced failovers left behind on the old primary, kept aside.

use super::tab_page_ui;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, rich, space};
use crate::console::widgets::{card, copy, text};
use crate::control::view::{GroupView, SalvageView};
use eframe::egui::{self, Align2, Rect, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// One failover's remains.
#[derive(Debug, Clone, PartialEq)]
pub struct Remains<'a> {
    /// The epoch that the failover began.
    pub epoch: u64,
    /// What it left, a table each.
    pub tables: Vec<&'a SalvageView>,
}

/// Remains by failover, newest first.
pub fn remains(salvage: &[SalvageView]) -> Vec<Remains<'_>> {
    let mut found: Vec<Remains<'_>> = Vec::new();
    for table in salvage {
        match found.iter_mut().find(|remains| remains.epoch == table.epoch) {
            Some(remains) => remains.tables.push(table),
            None => found.push(Remains { epoch: table.epoch, tables: vec![table] }),
        }
    }
    found
}

/// Versions that never arrived: `118–121`, `118`, or all.
pub fn versions(salvage: &SalvageView) -> String {
    match salvage.first_version {
        Some(first) if first == salvage.last_version => first.to_string(),
        Some(first) => format!("{first}–{}", salvage.last_version),
        None => format!("all, to {}", salvage.last_version),
    }
}

/// Draws the tab.
pub fn left_behind_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
    ScrollArea::vertical().id_salt("left behind").auto_shrink(false).show(ui, |ui| {
        tab_page_ui(ui, |ui| {
            let found = remains(&view.salvage);
            if found.is_empty() {
                nothing_ui(ui, view.group.salvage_pending, view.group.effective_secondary_region());
                return;
            }
            for remains in found {
                card::flush_card_ui(ui, |ui| remains_ui(ui, scene, &remains));
            }
        });
    });
}

fn nothing_ui(ui: &mut Ui, pending: bool, secondary: &str) {
    let palette = theme::palette(ui);
    card::card_ui(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(48.0);
            text::icon_ui(ui, Icon::Archive, 28.0, palette.text_weak);
            let (heading, note) = if pending {
                (
                    "Not known yet",
                    format!("What the last failover left behind is on {secondary}; it is set aside when that region answers."),
                )
            } else {
                ("Nothing was left behind", "Commits that a forced failover leaves on the old primary are kept aside and listed here.".to_owned())
            };
            ui.label(rich(Role::Heading, heading).color(palette.text));
            ui.label(rich(Role::Body, note).color(palette.text_weak));
            ui.add_space(48.0);
        });
    });
}

const COLUMNS: [(f32, &str); 6] =
    [(0.0, "Table"), (0.26, "Versions"), (0.37, "Commits"), (0.45, "Rows"), (0.54, "Size"), (0.62, "Folder")];

fn cell(rect: Rect, column: usize) -> Rect {
    let inner = rect.shrink2(Vec2::new(space::L, 0.0));
    let edge = |share: f32| inner.left() + share * inner.width();
    let left = edge(COLUMNS.get(column).map_or(0.0, |c| c.0));
    let right = COLUMNS.get(column + 1).map_or(inner.right(), |c| edge(c.0) - space::S);
    Rect::from_min_max(egui::pos2(left, rect.top()), egui::pos2(right, rect.bottom()))
}

fn remains_ui(ui: &mut Ui, scene: &Scene<'_>, remains: &Remains<'_>) {
    let palette = theme::palette(ui);
    let commits: u64 = remains.tables.iter().map(|table| table.commits).sum();
    let bytes: u64 = remains.tables.iter().map(|table| table.bytes).sum();
    egui::Frame::new().inner_margin(egui::Margin::same(space::L as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let when = remains.tables.first().map_or_else(String::new, |table| {
            format!("set aside {} ago, {}", format::short_age(scene.age_ms(table.at)), format::utc(table.at))
        });
        let heading = format!(
            "{} in {}, {}",
            format::plural(commits as usize, "commit", "commits"),
            format::plural(remains.tables.len(), "table", "tables"),
            format::bytes(bytes)
        );
        card::section_ui(ui, &heading, &format!("By the failover that began epoch {}; {when}", remains.epoch));
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 30.0), Sense::hover());
    for (column, (_, head)) in COLUMNS.iter().enumerate() {
        text::paint(ui, cell(rect, column), Align2::LEFT_CENTER, Role::Label, palette.text_weak, head);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border));
    for table in &remains.tables {
        table_ui(ui, table);
    }
}

fn table_ui(ui: &mut Ui, table: &SalvageView) {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
    let values = [
        (0, Role::Body, table.table.clone()),
        (1, Role::MonoSmall, versions(table)),
        (2, Role::MonoSmall, format::count(table.commits)),
        (3, Role::MonoSmall, table.rows.map_or_else(|| "unknown".to_owned(), format::count)),
        (4, Role::MonoSmall, format::bytes(table.bytes)),
    ];
    for (column, role, value) in values {
        let ink = if column == 0 { palette.text } else { palette.text_soft };
        text::paint(ui, cell(rect, column), Align2::LEFT_CENTER, role, ink, &value);
    }
    response.widget_info(|| {
        WidgetInfo::labeled(egui::Role::Label, true, format!("{}, versions {}", table.table, versions(table)))
    });
    let place = Rect::from_center_size(cell(rect, 5).center(), Vec2::new(cell(rect, 5).width(), 26.0));
    let mut folder = ui.new_child(egui::UiBuilder::new().max_rect(place).id_salt(("folder", &table.table)));
    copy::path_ui(&mut folder, &format!("the folder of {}", table.table), &table.folder);
}

//! Where the system tables are, and queries to begin with.

use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use crate::console::widgets::{banner, card, copy, tabs};
use crate::system_tables::{Reader, SystemTable};
use eframe::egui::{self, CornerRadius, Frame, Margin, ScrollArea, Ui};

/// Which query is shown: the window's memory, which nothing else looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice {
    table: SystemTable,
    reader: Reader,
}

const TABLES: [(SystemTable, &str); 2] = [(SystemTable::States, "States"), (SystemTable::Objects, "Objects")];
const READERS: [(Reader, &str); 3] =
    [(Reader::DuckDb, "DuckDB SQL"), (Reader::Python, "Python"), (Reader::Spark, "Spark SQL")];

/// Draws the card.
pub fn card_ui(ui: &mut Ui, scene: &Scene<'_>) {
    let tables = &scene.snapshot.deployment.system_tables;
    if let Some(sentence) = &tables.write_error {
        banner::banner_ui(ui, Icon::Warn, Tone::Warn, "A system table is not written now", sentence, |_| {});
    }
    let id = ui.scope_id().with("system table query");
    let mut choice = ui
        .data(|data| data.get_temp::<Choice>(id))
        .unwrap_or(Choice { table: SystemTable::States, reader: Reader::DuckDb });
    card::card_ui(ui, |ui| {
        let note = "What happened to groups and objects, as Delta tables that any reader opens while they are written";
        card::section_ui(ui, "System tables", note);
        super::fact_ui(ui, "States", "the path of the states", &tables.states);
        super::fact_ui(ui, "Objects", "the path of the objects", &tables.objects);
        card::hairline_ui(ui);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(space::S, space::S);
            if let Some(table) = tabs::segmented_ui(ui, "Table", choice.table, &TABLES) {
                choice.table = table;
            }
            if let Some(reader) = tabs::segmented_ui(ui, "Reader", choice.reader, &READERS) {
                choice.reader = reader;
            }
        });
        let path = match choice.table {
            SystemTable::States => &tables.states,
            SystemTable::Objects => &tables.objects,
        };
        let word = READERS.iter().find(|(reader, _)| *reader == choice.reader).map_or("", |(_, word)| word);
        query_ui(ui, choice.table.question(), word, &choice.table.query(choice.reader, path));
    });
    ui.data_mut(|data| data.insert_temp(id, choice));
}

fn query_ui(ui: &mut Ui, question: &str, reader: &str, query: &str) {
    let palette = theme::palette(ui);
    card::sides_ui(
        ui,
        26.0,
        |ui| ui.label(rich(Role::Small, question).color(palette.text_weak)),
        |ui| copy::copy_ui(ui, &format!("the {reader} query"), query),
    );
    Frame::new()
        .fill(palette.hover)
        .corner_radius(CornerRadius::same(radius::M))
        .inner_margin(Margin::same(space::M as i8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            // Broken lines would not be the query that is copied.
            ScrollArea::horizontal().id_salt(("query", query)).show(ui, |ui| {
                let text = rich(Role::MonoSmall, query).color(palette.text);
                ui.add(egui::Label::new(text).selectable(true).wrap_mode(egui::TextWrapMode::Extend));
            });
        });
}

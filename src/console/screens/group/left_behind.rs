//! What failovers left behind on the old primary: the only copies, each with its release, and what was salvaged.

use super::page::tab_page_ui;
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, card, copy, text};
use crate::control::SalvageRef;
use crate::control::view::{GroupView, SalvageView};
use crate::domain::{Recovery, RecoveryOutcome, Region};
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

/// When the commits were made, in UTC: one time, a span of a day, or from one day to another.
pub fn committed(salvage: &SalvageView) -> String {
    match salvage.committed {
        None => "unknown".to_owned(),
        Some((first, last)) if format::utc_time(first) == format::utc_time(last) => format::utc(first),
        Some((first, last)) if first.date_naive() == last.date_naive() => {
            format!("{}–{}", format::utc(first).trim_end_matches(" UTC"), format::utc_time(last))
        }
        Some((first, last)) => format!("{} – {}", format::utc(first), format::utc(last)),
    }
}

/// What a failover left in all: `7 commits in 4 tables, 1 920 rows, 4.2 MB`.
pub fn in_all(remains: &Remains<'_>) -> String {
    let commits: u64 = remains.tables.iter().map(|table| table.commits).sum();
    let bytes: u64 = remains.tables.iter().map(|table| table.bytes).fold(0, u64::saturating_add);
    let rows: u64 = remains.tables.iter().filter_map(|table| table.rows).fold(0, u64::saturating_add);
    let known = if remains.tables.iter().all(|table| table.rows.is_some()) { "" } else { "at least " };
    format!(
        "{} in {}, {known}{}, {}",
        format::plural(commits as usize, "commit", "commits"),
        format::plural(remains.tables.len(), "table", "tables"),
        format::plural(rows as usize, "row", "rows"),
        format::bytes(bytes)
    )
}

/// How many lines the tab has, and how much they matter: what waits for a person matters most.
pub fn count(view: &GroupView) -> (usize, Tone) {
    match view.left_behind.len() {
        0 => (view.salvage.len(), Tone::Quiet),
        waiting => (waiting, Tone::Bad),
    }
}

/// Draws what waits for a person, each with its release.
fn waiting_ui(ui: &mut Ui, view: &GroupView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    card::card_ui(ui, |ui| {
        let objects = format::plural(view.left_behind.len(), "object", "objects");
        let note = "Only the old primary has these. Copy what you need, then release them.";
        card::section_ui(ui, &format!("{objects} left behind"), note);
        for left in view.left_behind.iter() {
            card::hairline_ui(ui);
            ui.horizontal_top(|ui| {
                let name = format!("Release {}…", left.lost.object);
                if ui.add(Button::ordinary(&name).small()).clicked() {
                    actions.push(Action::AskReleaseLeftBehind(view.group.spec.id.clone(), left.lost.object.clone()));
                }
                ui.add(egui::Label::new(rich(Role::Body, left.sentence()).color(palette.text)).wrap());
            });
            ui.add(egui::Label::new(rich(Role::Small, &left.lost.why).color(palette.text_weak)).wrap());
            if let Some(place) = left.place() {
                copy::path_ui(ui, &format!("the place of {}", left.lost.object), place);
            }
        }
    });
}

/// Draws the tab.
pub fn left_behind_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
    ScrollArea::vertical().id_salt("left behind").auto_shrink(false).show(ui, |ui| {
        tab_page_ui(ui, |ui| {
            if !view.left_behind.is_empty() {
                waiting_ui(ui, view, actions);
            }
            let found = remains(&view.salvage);
            if found.is_empty() && view.left_behind.is_empty() {
                nothing_ui(ui, view.group.salvage_pending, view.group.effective_secondary_region());
                return;
            }
            for remains in found {
                card::flush_card_ui(ui, |ui| remains_ui(ui, scene, view, &remains, actions));
            }
        });
    });
}

fn nothing_ui(ui: &mut Ui, pending: bool, secondary: &Region) {
    let palette = theme::palette(ui);
    let (heading, note) = if pending {
        let note = format!(
            "The unreplicated commits of the last failover are in {secondary}. They are salvaged when it responds."
        );
        ("Not known yet", note)
    } else {
        let note = "Commits that a forced failover leaves on the old primary are salvaged and listed here.";
        ("Nothing was left behind", note.to_owned())
    };
    card::card_ui(ui, |ui| card::nothing_ui(ui, Icon::Archive, palette.text_weak, heading, &note));
}

const COLUMNS: [(f32, &str); 6] =
    [(0.0, "Table"), (0.25, "Versions"), (0.36, "Committed"), (0.64, "Rows"), (0.72, "Size"), (0.80, "Recovered")];
const DONE: usize = 5;
/// Room of the buttons at the end of a row.
const BUTTONS: f32 = 160.0;

/// What became of a line, in a few words, and all of it.
pub fn state(table: &SalvageView) -> (String, Tone, String) {
    let all: Vec<String> = table.recovered.iter().map(Recovery::sentence).collect();
    match (&table.released, table.recovered.last()) {
        (Some(released), _) => (
            format!("Released by {}", released.by),
            Tone::Quiet,
            format!("{} Released by {}.", all.join(" "), released.by),
        ),
        (None, Some(last)) => {
            let word = match last.how {
                RecoveryOutcome::Appended { .. } => "Appended",
                RecoveryOutcome::MadeTable { .. } => "Table made",
                RecoveryOutcome::Exported { .. } => "Exported",
            };
            (word.to_owned(), Tone::Good, all.join(" "))
        }
        (None, None) => ("Not yet".to_owned(), Tone::Quiet, "Nothing was recovered from these commits yet.".to_owned()),
    }
}

fn cell(rect: Rect, column: usize) -> Rect {
    let inner = rect.shrink2(Vec2::new(space::L, 0.0));
    let edge = |share: f32| inner.left() + share * inner.width();
    let left = edge(COLUMNS.get(column).map_or(0.0, |c| c.0));
    let right = COLUMNS.get(column + 1).map_or(inner.right(), |c| edge(c.0) - space::S);
    Rect::from_min_max(egui::pos2(left, rect.top()), egui::pos2(right, rect.bottom()))
}

fn remains_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, remains: &Remains<'_>, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    egui::Frame::new().inner_margin(egui::Margin::same(space::L as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let when = remains.tables.first().map_or_else(String::new, |table| {
            format!("salvaged {} ago, {}", format::short_age(scene.age_ms(table.at)), format::utc(table.at))
        });
        let heading = in_all(remains);
        card::section_ui(ui, &heading, &format!("By the failover to epoch {}, {when}", remains.epoch));
    });
    ui.spacing_mut().item_spacing.y = 0.0;
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 30.0), Sense::hover());
    for (column, (_, head)) in COLUMNS.iter().enumerate() {
        text::paint(ui, cell(rect, column), Align2::LEFT_CENTER, Role::Label, palette.text_weak, head);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border));
    for table in &remains.tables {
        table_ui(ui, view, table, actions);
    }
}

fn table_ui(ui: &mut Ui, view: &GroupView, table: &SalvageView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
    let values = [
        (0, Role::Body, table.table.clone()),
        (1, Role::MonoSmall, versions(table)),
        (2, Role::MonoSmall, committed(table)),
        (3, Role::MonoSmall, table.rows.map_or_else(|| "unknown".to_owned(), format::count)),
        (4, Role::MonoSmall, format::bytes(table.bytes)),
    ];
    for (column, role, value) in values {
        let ink = if column == 0 { palette.text } else { palette.text_soft };
        text::paint(ui, cell(rect, column), Align2::LEFT_CENTER, role, ink, &value);
    }
    response.widget_info(|| {
        WidgetInfo::labeled(
            egui::Role::Label,
            true,
            format!(
                "{}, versions {}, committed {}, {}",
                table.table,
                versions(table),
                committed(table),
                state(table).0
            ),
        )
    });
    done_ui(ui, view, table, cell(rect, DONE), actions);
}

/// Draws what became of a line, and its buttons.
fn done_ui(ui: &mut Ui, view: &GroupView, table: &SalvageView, place: Rect, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let of = SalvageRef { group: view.group.spec.id.clone(), table: table.table.clone(), epoch: table.epoch };
    let (word, tone, all) = state(table);
    let ink = if tone == Tone::Good { palette.tone(tone) } else { palette.text_weak };
    let words = Rect::from_min_max(place.min, egui::pos2(place.right() - BUTTONS, place.bottom()));
    text::paint(ui, words, Align2::LEFT_CENTER, Role::Small, ink, &word);
    ui.interact(words, ui.scope_id().with(("done", &of.table, of.epoch)), Sense::hover()).on_hover_text(all);
    let room = Rect::from_min_max(egui::pos2(words.right(), place.top()), place.max);
    let row = egui::UiBuilder::new().max_rect(room).layout(egui::Layout::right_to_left(egui::Align::Center));
    let mut row = ui.new_child(row.id_salt(("recover", &of.table, of.epoch)));
    row.spacing_mut().item_spacing.x = 4.0;
    let (release, recover) = (format!("Release {}…", table.table), format!("Recover {}…", table.table));
    if table.released.is_none() && row.add(Button::icon_only(Icon::Check, &release).small()).clicked() {
        actions.push(Action::AskReleaseSalvage(of.clone()));
    }
    if row.add(Button::ordinary("Recover…").name(&recover).small()).clicked() {
        actions.push(Action::AskRecover(of));
    }
    copy::copy_ui(&mut row, &format!("the folder of {}", table.table), &table.folder);
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn line(first: Option<i64>, rows: Option<u64>, span: Option<TimeDelta>) -> SalvageView {
        let at = Utc.with_ymd_and_hms(2026, 11, 22, 8, 49, 31).single().expect("a time");
        SalvageView {
            table: "sales.x.orders".into(),
            epoch: 2,
            first_version: first,
            last_version: 121,
            commits: 4,
            rows,
            bytes: 1_840,
            committed: span.map(|span| (at, at + span)),
            folder: "file:///e/_salvage/core/epoch-2/sales.x.orders".into(),
            at,
            of: None,
            after: None,
            recovered: Vec::new(),
            released: None,
        }
    }

    #[test]
    fn a_line_tells_versions_and_times_and_says_what_is_not_known() {
        let known = line(Some(118), Some(12), Some(TimeDelta::seconds(3)));
        assert_eq!(versions(&known), "118–121");
        assert_eq!(committed(&known), "2026-11-22 08:49:31–08:49:34");
        assert_eq!(committed(&line(None, None, Some(TimeDelta::zero()))), "2026-11-22 08:49:31 UTC");
        assert_eq!(committed(&line(None, None, None)), "unknown");
    }

    #[test]
    fn the_sum_of_rows_says_when_some_are_not_known() {
        let (known, unknown) = (line(Some(118), Some(12), None), line(Some(118), None, None));
        assert_eq!(in_all(&Remains { epoch: 2, tables: vec![&known] }), "4 commits in 1 table, 12 rows, 1.8 kB");
        let both = Remains { epoch: 2, tables: vec![&known, &unknown] };
        assert_eq!(in_all(&both), "8 commits in 2 tables, at least 12 rows, 3.7 kB");
    }
}

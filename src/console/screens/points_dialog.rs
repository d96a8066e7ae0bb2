//! The dialog that reads a replication point back: a time in, each table's version out.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, copy, field, text};
use crate::control::{PointReport, PointTable};
use crate::domain::{GroupId, Timestamp};
use crate::runtime::{Intent, IntentError};
use chrono::{DateTime, NaiveDateTime};
use eframe::egui::{self, Align, Context, Layout, Ui};
use egui_extras::{Column, TableBuilder};

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct PointsDialog {
    /// The group.
    pub id: GroupId,
    typed: String,
    report: Option<Box<PointReport>>,
    refusal: Option<String>,
}

/// The time that a person typed: with its zone, or in UTC.
pub fn typed_time(typed: &str) -> Option<Timestamp> {
    let typed = typed.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(typed) {
        return Some(time.to_utc());
    }
    let plain = typed.trim_end_matches("UTC").trim_end();
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(plain, form).ok()).map(|time| time.and_utc())
}

/// What stands beside a table: whether its version can be read.
pub fn standing(table: &PointTable) -> (Icon, Tone, &'static str) {
    match table.held {
        Some(true) => (Icon::Good, Tone::Good, "Held"),
        Some(false) => (Icon::Missing, Tone::Warn, "Not held"),
        None => (Icon::Unknown, Tone::Quiet, "Unknown"),
    }
}

impl PointsDialog {
    /// A dialog that begins with `now`.
    pub fn open(id: GroupId, now: Timestamp) -> Self {
        Self { id, typed: now.format("%Y-%m-%d %H:%M:%S").to_string(), report: None, refusal: None }
    }

    /// Takes the answer of this dialog's intent.
    pub fn answered(&mut self, report: &PointReport) {
        self.refusal = None;
        self.report = Some(Box::new(report.clone()));
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::ReadPoint { id, .. } if *id == self.id));
        let title = format!("Points in time of {}", self.id);
        let response = dialog_ui(
            ctx,
            "points in time",
            &title,
            760.0,
            self,
            |ui, dialog| dialog.contents_ui(ui),
            |ui, dialog| {
                let words = if waits { "Reading…" } else { "Show versions" };
                let time = typed_time(&dialog.typed);
                let button = Button::primary(words).enabled(!waits && time.is_some());
                (ui.add(button).clicked().then_some(time).flatten(), ui.add(Button::ordinary("Close")).clicked())
            },
        );
        let (asked, closed) = response.inner;
        if let Some(at) = asked {
            return vec![Action::Send(Intent::ReadPoint { id: self.id.clone(), at })];
        }
        if response.close || closed { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn contents_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't read the replication point", refusal, |_| {});
        }
        let note = "The newest replication point at or before a time in UTC. It lists, for each table, the version that the replica has from then.";
        ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text_soft)).wrap());
        field::named_text_ui(ui, "Time in UTC", &mut self.typed, "2026-11-22 09:00:00");
        if typed_time(&self.typed).is_none() {
            field::problems_ui(ui, ["Enter a time such as 2026-11-22 09:00:00."]);
        }
        let Some(report) = &self.report else { return };
        ui.add_space(space::XS);
        if let Some(point) = report.point {
            ui.label(rich(Role::Strong, format!("Replication point {}", format::utc(point))).color(palette.text));
            versions_ui(ui, &report.tables);
        }
        for note in &report.notes {
            ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
        }
    }
}

fn versions_ui(ui: &mut Ui, tables: &[PointTable]) {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row;
    let name = (ui.available_width() - 90.0 - 130.0 - 40.0).max(160.0);
    TableBuilder::new(ui)
        .id_salt("versions")
        .cell_layout(Layout::left_to_right(Align::Center))
        .auto_shrink([false, true])
        .max_scroll_height(320.0)
        .column(Column::exact(name).clip(true))
        .column(Column::exact(90.0))
        .column(Column::exact(130.0))
        .column(Column::exact(40.0))
        .body(|body| {
            body.rows(height, tables.len(), |mut row| {
                let Some(table) = tables.get(row.index()) else { return };
                row.col(|ui| {
                    text::line_ui(ui, Role::Body, palette.text, &table.name).on_hover_text(&table.location);
                });
                row.col(|ui| {
                    let version =
                        table.version.map_or_else(|| "—".to_owned(), |version| format::count(version.max(0) as u64));
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        ui.add_space(space::S);
                        ui.label(rich(Role::MonoSmall, version).color(palette.text_soft));
                    });
                });
                row.col(|ui| {
                    let (icon, tone, word) = standing(table);
                    text::icon_ui(ui, icon, 16.0, palette.tone(tone));
                    let response = ui.label(rich(Role::Small, word).color(palette.text_soft));
                    if let Some(message) = &table.message {
                        response.on_hover_text(message);
                    }
                });
                row.col(|ui| {
                    copy::copy_ui(ui, &format!("the location of {}", table.name), &table.location);
                });
            });
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    #[test]
    fn a_time_is_read_with_a_zone_and_without_one() {
        let nine = Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).single();
        for typed in
            ["2026-11-22T09:00:00Z", "2026-11-22T10:00:00+01:00", "2026-11-22 09:00", " 2026-11-22 09:00:00 UTC"]
        {
            assert_eq!(typed_time(typed), nine, "{typed}");
        }
        assert_eq!(typed_time("yesterday"), None);
    }
}

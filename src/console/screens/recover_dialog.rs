//! The dialog that recovers salvaged commits of a table: what they hold, and what is to be done with them.

use super::recover_rows::rows_ui;
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, copy, field, text};
use crate::control::view::SalvageView;
use crate::control::{SalvageRef, SalvageReport};
use crate::delta::{RowsPreview, SalvagedCommit};
use crate::domain::RecoveryRequest;
use crate::runtime::{Intent, IntentError, NoticeDetail};
use eframe::egui::{self, Context, ScrollArea, Ui, Vec2};

/// How high the list of commits may get before it scrolls.
const MOST_HEIGHT: f32 = 152.0;

/// What is done with the commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Append them.
    Append,
    /// Make a table of them.
    Table,
    /// Export them.
    Export,
}

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoverDialog {
    /// The line of the salvage list.
    pub of: SalvageRef,
    report: Option<Box<SalvageReport>>,
    rows: Option<Box<RowsPreview>>,
    /// The commit that is looked at; None for all of them.
    version: Option<i64>,
    way: Way,
    table: String,
    folder: String,
    asked: bool,
    refusal: Option<String>,
}

/// The commits that are chosen.
pub fn chosen(report: &SalvageReport, version: Option<i64>) -> Vec<&SalvagedCommit> {
    report.commits.iter().filter(|commit| version.is_none_or(|version| commit.version == version)).collect()
}

/// Why the chosen commits can't be appended; None where they can.
pub fn unfit(report: &SalvageReport, version: Option<i64>) -> Option<String> {
    chosen(report, version).into_iter().find_map(|commit| commit.unfit.clone())
}

/// What a commit is, in one line: `MERGE, 12 rows, 3.4 kB, 2026-11-22 09:00:00 UTC`.
pub fn commit_words(commit: &SalvagedCommit) -> String {
    let time = chrono::DateTime::from_timestamp_millis(commit.time_ms).map_or_else(String::new, format::utc);
    let rows = match commit.rows {
        Some(rows) => format::plural(rows as usize, "row", "rows"),
        None => "rows unknown".to_owned(),
    };
    let operation = commit.operation.as_deref().unwrap_or("commit");
    format!("{operation}, {rows}, {}, {time}", format::bytes(commit.bytes))
}

impl RecoverDialog {
    /// A dialog for a line of the list; an export goes to a new folder in the data dir unless another one is typed.
    pub fn open(scene: &Scene<'_>, of: SalvageRef) -> Self {
        let data_dir = scene.snapshot.deployment.data_dir.trim_end_matches('/');
        let folder = format!("{data_dir}/exports/{}-{}", of.table, scene.now.format("%Y%m%dT%H%M%SZ"));
        let table = format!("{}_recovered", of.table.trim_end_matches(" (dropped)"));
        Self {
            of,
            report: None,
            rows: None,
            version: None,
            way: Way::Append,
            table,
            folder,
            asked: false,
            refusal: None,
        }
    }

    /// Whether `intent` came from this dialog.
    pub fn asked_for(&self, intent: &Intent) -> bool {
        match intent {
            Intent::ReadSalvage { of } | Intent::PreviewSalvage { of, .. } | Intent::RecoverSalvage { of, .. } => {
                *of == self.of
            }
            _ => false,
        }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Takes an answer; whether the dialog stays open to show it.
    pub fn done(&mut self, detail: &NoticeDetail) -> bool {
        self.refusal = None;
        match detail {
            NoticeDetail::Salvage(report) => {
                if unfit(report, None).is_some() {
                    self.way = if report.live.is_some() { Way::Table } else { Way::Export };
                }
                self.report = Some(report.clone());
                true
            }
            NoticeDetail::Rows(rows) => {
                self.rows = Some(rows.clone());
                true
            }
            _ => false,
        }
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let Some(view) = scene.group(&self.of.group) else { return vec![Action::CloseDialog] };
        let line = view.salvage.iter().find(|line| line.epoch == self.of.epoch && line.table == self.of.table);
        let Some(line) = line else { return vec![Action::CloseDialog] };
        let mut actions = self.ask(scene);
        let waits = scene.awaits(|intent| matches!(intent, Intent::RecoverSalvage { of, .. } if *of == self.of));
        let title = format!("Recover {}", self.of.table);
        let response = dialog_ui(
            ctx,
            "recover",
            &title,
            860.0,
            self,
            |ui, dialog| dialog.contents_ui(ui, scene, line),
            |ui, dialog| {
                let (words, ready) = dialog.button();
                let words = if waits { "Recovering…".to_owned() } else { words };
                let ready = ready && !waits && scene.stale_ms.is_none();
                let pressed = ui.add(Button::primary(&words).icon(Icon::Check).enabled(ready)).clicked();
                (pressed && ready, ui.add(Button::ordinary("Close")).clicked())
            },
        );
        let (pressed, closed) = response.inner;
        if let (true, Some(report)) = (pressed, &self.report) {
            let versions = chosen(report, self.version).into_iter().map(|commit| commit.version).collect();
            let request = match self.way {
                Way::Append => RecoveryRequest::Append,
                Way::Table => RecoveryRequest::MakeTable { table: self.table.trim().to_owned() },
                Way::Export => RecoveryRequest::Export { folder: self.folder.trim().to_owned() },
            };
            self.refusal = None;
            actions.push(Action::Send(Intent::RecoverSalvage { of: self.of.clone(), versions, request }));
        } else if response.close || closed {
            actions.push(Action::CloseDialog);
        }
        actions
    }

    /// Asks for the commits once, then for the rows of those that are chosen.
    fn ask(&mut self, scene: &Scene<'_>) -> Vec<Action> {
        let busy = scene.awaits(
            |intent| matches!(intent, Intent::ReadSalvage { of } | Intent::PreviewSalvage { of, .. } if *of == self.of),
        );
        if busy || self.refusal.is_some() || scene.stale_ms.is_some() {
            return Vec::new();
        }
        match &self.report {
            None if !self.asked => {
                self.asked = true;
                vec![Action::Send(Intent::ReadSalvage { of: self.of.clone() })]
            }
            Some(report) if self.rows.is_none() => {
                let versions: Vec<i64> = chosen(report, self.version).into_iter().map(|c| c.version).collect();
                vec![Action::Send(Intent::PreviewSalvage { of: self.of.clone(), versions })]
            }
            _ => Vec::new(),
        }
    }

    /// The button's words, and whether it can be pressed.
    fn button(&self) -> (String, bool) {
        let Some(report) = &self.report else { return ("Recover".to_owned(), false) };
        let some = !report.commits.is_empty();
        match self.way {
            Way::Append => {
                let count = chosen(report, self.version).len();
                let words = format!("Append {}", format::plural(count, "commit", "commits"));
                (words, some && report.live.is_some() && unfit(report, self.version).is_none())
            }
            Way::Table => ("Make table".to_owned(), some && self.table.trim().split('.').count() == 3),
            Way::Export => ("Export".to_owned(), some && self.folder.trim().starts_with('/')),
        }
    }

    fn contents_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, line: &SalvageView) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            let again = banner_ui(ui, Icon::Bad, Tone::Bad, "Nothing was recovered", refusal, |ui| {
                ui.add(Button::ordinary("Read again").icon(Icon::Refresh)).clicked()
            });
            if again {
                let Self { of, way, table, folder, .. } = self.clone();
                *self = Self { way, table, folder, ..Self::open(scene, of) };
            }
        }
        for done in &line.recovered {
            let words = format!("{} {} ago", done.sentence(), format::short_age(scene.age_ms(done.at)));
            ui.horizontal_top(|ui| {
                text::icon_ui(ui, Icon::Good, 17.0, palette.tone(Tone::Good));
                ui.add(egui::Label::new(rich(Role::Body, words).color(palette.text)).wrap());
            });
        }
        let Some(report) = self.report.clone() else {
            if self.refusal.is_none() {
                ui.label(rich(Role::Body, "Reading the salvaged commits…").color(palette.text_weak));
            }
            return;
        };
        self.commits_ui(ui, &report, &line.folder);
        ui.add_space(space::XS);
        match &self.rows {
            Some(rows) => rows_ui(ui, rows),
            None if self.refusal.is_none() => {
                ui.label(rich(Role::Body, "Reading rows…").color(palette.text_weak));
            }
            None => {}
        }
        ui.add_space(space::XS);
        self.ways_ui(ui, &report);
    }

    fn commits_ui(&mut self, ui: &mut Ui, report: &SalvageReport, folder: &str) {
        let palette = theme::palette(ui);
        copy::path_ui(ui, "the folder", folder);
        ui.label(rich(Role::Label, format!("Commits in {}", report.region)).color(palette.text_soft));
        let scroll = ScrollArea::vertical().id_salt("commits").max_height(MOST_HEIGHT);
        scroll.auto_shrink([false, true]).show(ui, |ui| {
            let mut pick = |ui: &mut Ui, version: Option<i64>, label: &str, note: &str, unfit: Option<&str>| {
                ui.horizontal(|ui| {
                    if field::radio_ui(ui, self.version == version, label).clicked() && self.version != version {
                        self.version = version;
                        self.rows = None;
                    }
                    ui.label(rich(Role::Small, note).color(palette.text_weak));
                    if let Some(why) = unfit {
                        let icon = ui.scope(|ui| text::icon_ui(ui, Icon::Warn, 16.0, palette.tone(Tone::Warn)));
                        icon.response.on_hover_text(why);
                    }
                });
            };
            if report.commits.len() != 1 {
                let all = format::plural(report.commits.len(), "commit", "commits");
                pick(ui, None, &format!("All {all}"), "in their order", None);
            }
            for commit in &report.commits {
                let alone = report.commits.len() == 1;
                let version = (!alone).then_some(commit.version);
                let label = format!("Version {}", commit.version);
                pick(ui, version, &label, &commit_words(commit), commit.unfit.as_deref());
            }
        });
    }

    fn ways_ui(&mut self, ui: &mut Ui, report: &SalvageReport) {
        let palette = theme::palette(ui);
        let unfit = unfit(report, self.version);
        let append = match (&report.live, &unfit) {
            (_, Some(why)) => why.clone(),
            (Some((region, table)), None) => {
                format!("As ordinary commits of {table} in {region}. Existing rows stay as they are.")
            }
            (None, None) => "The primary has no such table.".to_owned(),
        };
        let table = "A new managed table in the primary, of these rows alone.";
        let export = "Parquet files on this machine, and CSV files where the columns are simple.";
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let width = (ui.available_width() - 2.0 * space::M) / 3.0;
            let high = [append.as_str(), table, export].map(|words| field::choice_height(ui, width, words));
            let size = Vec2::new(width, high.into_iter().fold(0.0, f32::max));
            let can_append = report.live.is_some() && unfit.is_none();
            let ways = [
                (Way::Append, can_append, "Append to the live table", append.as_str()),
                (Way::Table, true, "Make a table", table),
                (Way::Export, true, "Export", export),
            ];
            for (way, enabled, heading, sentence) in ways {
                if field::choice_ui(ui, size, self.way == way, enabled, None, heading, sentence).clicked() {
                    self.way = way;
                }
            }
        });
        match self.way {
            Way::Append => {
                if let Some(why) = &unfit {
                    field::problems_ui(ui, [why.as_str()]);
                }
            }
            Way::Table => {
                ui.label(rich(Role::Label, "Full name of the new table").color(palette.text_soft));
                field::named_text_ui(ui, "Full name of the new table", &mut self.table, "catalog.schema.name");
            }
            Way::Export => {
                ui.label(rich(Role::Label, "New folder on this machine").color(palette.text_soft));
                field::path_text_ui(ui, "New folder on this machine", &mut self.folder, "/home/ada/recovered");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_told_by_what_its_writer_called_it_and_what_isnt_known_is_said() {
        let commit = SalvagedCommit {
            version: 7,
            time_ms: 0,
            operation: Some("MERGE".to_owned()),
            rows: None,
            bytes: 3_400,
            files: 1,
            removed_files: 0,
            unfit: None,
        };
        assert_eq!(commit_words(&commit), "MERGE, rows unknown, 3.4 kB, 1970-01-01 00:00:00 UTC");
    }
}

//! What a failover would lose, in figures, as far as is known.

use super::checks::names;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, radius, rich, space};
use crate::console::widgets::text;
use crate::control::view::{GroupView, LikelyLoss, LossEstimate};
use crate::domain::{FailoverKind, Region, Timestamp};
use eframe::egui::{self, CornerRadius, Frame, Margin, Stroke, Ui, Vec2};

/// One figure of what would be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossFigure {
    /// Of what.
    pub head: &'static str,
    /// How much; `unknown` where it is.
    pub value: String,
    /// Whether it is known.
    pub known: bool,
}

fn figure(head: &'static str, value: Option<String>) -> LossFigure {
    LossFigure { head, known: value.is_some(), value: value.unwrap_or_else(|| "unknown".to_owned()) }
}

/// What a forced failover would lose, as far as was looked at.
pub fn loss_figures(loss: &LossEstimate) -> [LossFigure; 5] {
    // Where something could not be counted the sum is the least that is lost, and a sum of nothing says nothing.
    let least = |value: Option<u64>, words: fn(u64) -> String| match (value, loss.unknown.is_empty()) {
        (Some(0), false) | (None, _) => None,
        (Some(value), true) => Some(words(value)),
        (Some(value), false) => Some(format!("at least {}", words(value))),
    };
    // Tables are named by the commits; where those aren't known, an empty list says nothing.
    let tables = loss.commits.map(|_| loss.tables.len() as u64);
    let seconds = loss.seconds.filter(|_| loss.unknown.is_empty() || loss.commits > Some(0));
    [
        figure("Writes of", seconds.map(format::duration)),
        figure("Commits", least(loss.commits, format::count)),
        figure("Rows", least(loss.rows, format::count)),
        figure("Data", least(loss.bytes, format::bytes)),
        figure("Tables", least(tables, format::count)),
    ]
}

/// What was probably committed since the last look.
pub fn likely_figures(likely: &LikelyLoss, now: Timestamp) -> [LossFigure; 4] {
    let (seconds, commits, rows, bytes) = likely.at(now);
    let about = |value: String| format!("≈ {value}");
    [
        figure("Writes of", Some(format::short_age((seconds * 1000.0) as i64))),
        figure("Commits", Some(about(format::count(commits)))),
        figure("Rows", rows.map(|rows| about(format::count(rows)))),
        figure("Data", bytes.map(|bytes| about(format::bytes(bytes)))),
    ]
}

/// What the estimate covers, and what it is taken from.
fn likely_heading(likely: &LikelyLoss, age_ms: i64) -> String {
    let span = format::age((likely.span * 1000.0) as i64);
    let since = format::utc_time(likely.since);
    format!("Estimate of the {} since {since} UTC, from the rate of the {span} before", format::age(age_ms))
}

/// The lines around the figures: when the source was looked at, and what the figures leave out.
pub fn loss_notes(loss: &LossEstimate, primary: &Region, away: bool) -> (String, Vec<String>) {
    let at = |at: Timestamp| format!("{} UTC", format::utc_time(at));
    let heading = match (loss.as_of, away) {
        (Some(as_of), false) => format!("At {primary} and not yet in the replica, as of {}", at(as_of)),
        (Some(as_of), true) => format!("Known: the last look at {primary}, as of {}", at(as_of)),
        (None, false) => format!("{primary} has not been asked yet"),
        (None, true) => format!("The console hasn't looked at {primary} since it started"),
    };
    let mut notes = Vec::new();
    if !loss.tables.is_empty() {
        let tables: Vec<_> = loss.tables.iter().map(String::as_str).collect();
        notes.push(format!("In {}.", names(&tables)));
    }
    if loss.rows.is_none() && loss.commits > Some(0) {
        notes.push("Rows are unknown, because some commits have no row counts.".to_owned());
    }
    notes.extend(loss.unknown.iter().take(3).cloned());
    if loss.unknown.len() > 3 {
        notes.push(format!("{} more could not be counted.", loss.unknown.len() - 3));
    }
    if loss.as_of.is_some() && !away {
        notes.push(format!("Commits that {primary} accepts until the cutover are lost too."));
    }
    (heading, notes)
}

/// Draws what a failover of `kind` would lose.
pub fn loss_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, kind: FailoverKind) {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(CornerRadius::same(radius::M + 2))
        .inner_margin(Margin::symmetric(14, 12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            if kind == FailoverKind::Planned {
                ui.horizontal(|ui| {
                    text::icon_ui(ui, Icon::Good, 18.0, palette.good);
                    let sentence =
                        "Nothing. The failover cuts over only if source and replica are equal. Otherwise it rolls back.";
                    ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text)).wrap());
                });
                return;
            }
            forced_ui(ui, scene, view);
        });
}

fn forced_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
    let palette = theme::palette(ui);
    let loss = &view.loss_estimate;
    let primary = &view.group.effective_primary_region;
    let away = scene.region(primary).is_some_and(|region| region.unreachable_since.is_some());
    let line = |ui: &mut Ui, words: &str| {
        ui.add(egui::Label::new(rich(Role::Small, words).color(palette.text_weak)).wrap());
    };
    let (heading, notes) = loss_notes(loss, primary, away);
    line(ui, &heading);
    figures_ui(ui, &loss_figures(loss));
    if let Some((done, total)) = loss.asking.filter(|(_, total)| *total > 0) {
        line(ui, &format!("Asking {primary}: {} of {} tables.", format::count(done), format::count(total)));
    }
    if let Some(likely) = loss.likely.as_ref().filter(|_| away) {
        ui.add_space(space::XS);
        // Its age grows while it is looked at.
        line(ui, &likely_heading(likely, scene.age_ms(likely.since)));
        figures_ui(ui, &likely_figures(likely, scene.now));
    }
    for note in &notes {
        line(ui, note);
    }
}

fn figures_ui(ui: &mut Ui, figures: &[LossFigure]) {
    let palette = theme::palette(ui);
    ui.horizontal_top(|ui| {
        // As many columns whether the tables are told or not, so that both rows stand below each other.
        let width = ui.available_width() / 5.0 - 8.0;
        for figure in figures {
            ui.allocate_ui_with_layout(Vec2::new(width, 44.0), egui::Layout::top_down(egui::Align::Min), |ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.y = 3.0;
                ui.label(rich(Role::Small, figure.head).color(palette.text_weak));
                let role = if figure.known { Role::FigureSmall } else { Role::Body };
                let ink = if figure.known { palette.text } else { palette.text_soft };
                ui.label(rich(role, &figure.value).color(ink));
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn values(figures: &[LossFigure]) -> Vec<&str> {
        figures.iter().map(|figure| figure.value.as_str()).collect()
    }

    #[test]
    fn what_is_not_known_is_shown_as_unknown_and_never_as_zero() {
        let unknown = loss_figures(&LossEstimate::default());
        assert!(unknown.iter().all(|figure| figure.value == "unknown" && !figure.known));
        let mut known = LossEstimate {
            seconds: Some(1.4),
            commits: Some(0),
            rows: None,
            bytes: Some(0),
            ..LossEstimate::default()
        };
        assert_eq!(values(&loss_figures(&known)), ["1.4 s", "0", "unknown", "0 B", "0"]);
        known.unknown = vec!["main.sales.orders could not be read.".to_owned()];
        assert_eq!(values(&loss_figures(&known)), ["unknown"; 5]);
        known.commits = Some(4);
        known.tables = vec!["main.sales.items".to_owned()];
        assert_eq!(values(&loss_figures(&known)), ["1.4 s", "at least 4", "unknown", "unknown", "at least 1"]);
    }

    #[test]
    fn an_estimate_is_marked_and_dated() {
        let since = Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).single().expect("a time");
        let likely = LikelyLoss { since, span: 3600.0, commits: 2.0, rows: Some(10.0), bytes: None };
        let figures = likely_figures(&likely, since + TimeDelta::seconds(30));
        assert_eq!(values(&figures), ["30 s", "≈ 60", "≈ 300", "unknown"]);
        assert_eq!(
            likely_heading(&likely, 90_000),
            "Estimate of the 1 min 30 s since 12:00:00 UTC, from the rate of the 1 h 00 min before"
        );
        let loss = LossEstimate { as_of: Some(since), ..LossEstimate::default() };
        assert_eq!(
            loss_notes(&loss, &Region::new("us-east-1"), true).0,
            "Known: the last look at us-east-1, as of 12:00:00 UTC"
        );
    }
}

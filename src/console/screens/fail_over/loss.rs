//! What a failover would lose, in figures, as far as is known.

use super::checks::names;
use crate::console::format;
use crate::console::theme::{self, Icon, Role, radius, rich};
use crate::console::widgets::text;
use crate::control::view::{GroupView, LossEstimate};
use crate::domain::FailoverKind;
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

/// What a forced failover would lose, as far as is known.
pub fn loss_figures(loss: &LossEstimate) -> [LossFigure; 5] {
    let figure = |head, value: Option<String>| LossFigure {
        head,
        known: value.is_some(),
        value: value.unwrap_or_else(|| "unknown".to_owned()),
    };
    // Tables are named by the commits; where those aren't known, an empty list says nothing.
    let tables = (loss.commits.is_some() || !loss.tables.is_empty()).then(|| format::count(loss.tables.len() as u64));
    [
        figure("Writes of", loss.seconds.map(format::duration)),
        figure("Commits", loss.commits.map(format::count)),
        figure("Rows", loss.rows.map(format::count)),
        figure("Data", loss.bytes.map(format::bytes)),
        figure("Tables", tables),
    ]
}

/// Draws what a failover of `kind` would lose.
pub fn loss_ui(ui: &mut Ui, view: &GroupView, kind: FailoverKind) {
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
                        "Nothing. It ends only when source and replica compare equal, and is undone if they don't.";
                    ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text)).wrap());
                });
                return;
            }
            ui.horizontal_top(|ui| {
                let figures = loss_figures(&view.loss_estimate);
                let width = ui.available_width() / figures.len() as f32 - 8.0;
                for figure in figures {
                    ui.allocate_ui_with_layout(
                        Vec2::new(width, 44.0),
                        egui::Layout::top_down(egui::Align::Min),
                        |ui| {
                            ui.set_width(width);
                            ui.spacing_mut().item_spacing.y = 3.0;
                            ui.label(rich(Role::Small, figure.head).color(palette.text_weak));
                            let role = if figure.known { Role::FigureSmall } else { Role::Body };
                            let ink = if figure.known { palette.text } else { palette.text_soft };
                            ui.label(rich(role, figure.value).color(ink));
                        },
                    );
                }
            });
            let tables: Vec<_> = view.loss_estimate.tables.iter().map(String::as_str).collect();
            let note = if tables.is_empty() {
                "As the last cycle knew it. What was written since is not in these numbers.".to_owned()
            } else {
                format!(
                    "In {}. As the last cycle knew it; what was written since is not in these numbers.",
                    names(&tables)
                )
            };
            ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_shown_as_unknown_and_never_as_zero() {
        let unknown = loss_figures(&LossEstimate::default());
        assert!(unknown.iter().all(|figure| figure.value == "unknown" && !figure.known));
        let known = loss_figures(&LossEstimate {
            seconds: Some(1.4),
            commits: Some(0),
            rows: None,
            bytes: Some(0),
            tables: Vec::new(),
        });
        let values: Vec<_> = known.iter().map(|figure| figure.value.as_str()).collect();
        assert_eq!(values, ["1.4 s", "0", "unknown", "0 B", "0"]);
    }
}

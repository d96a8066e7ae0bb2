//! What was done and by whom.

use super::{page_ui, title_ui};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, rich, space};
use crate::console::widgets::{button, card, field, text};
use crate::control::view::ActivityEntry;
use crate::domain::Timestamp;
use eframe::egui::{self, Align2, CursorIcon, Frame, Margin, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Half-typed search, and the entry that is unfolded.
#[derive(Debug, Default)]
pub struct ActivityScreen {
    search: String,
    open: Option<(Timestamp, String)>,
}

/// One field that an action changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its path, such as `spec.unity_catalog_assets.catalogs`.
    pub field: String,
    /// Its value before; None where it was not there.
    pub before: Option<String>,
    /// Its value after; None where it is not there any more.
    pub after: Option<String>,
}

/// The fields in which before and after differ, by path. What is no JSON object differs as a whole.
pub fn changed_fields(before: Option<&str>, after: Option<&str>) -> Vec<Changed> {
    let fields = |text: Option<&str>| {
        let mut found = BTreeMap::new();
        if let Some(value) = text.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            leaves(String::new(), &value, &mut found);
        }
        found
    };
    let (before, after) = (fields(before), fields(after));
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    all.into_iter()
        .filter(|field| before.get(*field) != after.get(*field))
        .map(|field| Changed {
            field: field.clone(),
            before: before.get(field).cloned(),
            after: after.get(field).cloned(),
        })
        .collect()
}

fn leaves(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(below, value, found);
            }
        }
        Value::Null => {}
        Value::String(text) => {
            found.insert(path, text.clone());
        }
        // A list is read as a whole: what is in it has no name of its own.
        other => {
            found.insert(path, other.to_string());
        }
    }
}

/// Entries whose action, actor, target or sentence holds `search`.
pub fn matching<'a>(entries: &'a [ActivityEntry], search: &str) -> Vec<&'a ActivityEntry> {
    let needle = search.trim().to_lowercase();
    let holds = |text: &str| text.to_lowercase().contains(&needle);
    entries
        .iter()
        .filter(|entry| {
            needle.is_empty()
                || [&entry.action, &entry.actor, &entry.target, &entry.message].into_iter().any(|t| holds(t))
        })
        .collect()
}

impl ActivityScreen {
    /// Draws the screen.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let palette = theme::palette(ui);
        page_ui(ui, "activity", 1240.0, |ui| {
            title_ui(ui, "Activity", "What was done and by whom, newest first", |ui| {
                field::search_ui(ui, "Search activity", &mut self.search, 260.0);
            });
            let entries = matching(&scene.account().activity, &self.search);
            card::flush_card_ui(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                if entries.is_empty() {
                    ui.vertical_centered(|ui| {
                        ui.add_space(56.0);
                        text::icon_ui(ui, Icon::History, 28.0, palette.text_weak);
                        ui.add_space(space::S);
                        let nothing = if self.search.trim().is_empty() {
                            "No activity yet."
                        } else {
                            "Nothing matches the search."
                        };
                        ui.label(rich(Role::Body, nothing).color(palette.text_weak));
                        ui.add_space(56.0);
                    });
                }
                let mut day = String::new();
                for entry in entries {
                    let of = entry.at.format("%A, %-d %B %Y · UTC").to_string();
                    if of != day {
                        day_ui(ui, &of);
                        day = of;
                    }
                    let this = (entry.at, entry.message.clone());
                    let on = self.open.as_ref() == Some(&this);
                    if entry_ui(ui, entry, on) {
                        self.open = (!on).then_some(this);
                    }
                    if on {
                        changes_ui(ui, entry);
                    }
                }
            });
        });
    }
}

fn day_ui(ui: &mut Ui, day: &str) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 38.0), Sense::hover());
    let inner = rect.shrink2(Vec2::new(space::L, 4.0));
    text::paint(ui, inner, Align2::LEFT_CENTER, Role::Label, palette.text_weak, day);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border));
}

/// What the action changed, field by field.
fn changes_ui(ui: &mut Ui, entry: &ActivityEntry) {
    let palette = theme::palette(ui);
    let frame = Frame::new().fill(palette.well).inner_margin(Margin { left: 100, right: 16, top: 10, bottom: 12 });
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = space::XS;
        let changes = changed_fields(entry.before.as_deref(), entry.after.as_deref());
        if changes.is_empty() {
            ui.label(rich(Role::Small, "Before and after are the same.").color(palette.text_weak));
        }
        for change in changes {
            let words = match (&change.before, &change.after) {
                (Some(before), Some(after)) => format!("{before}  →  {after}"),
                (None, Some(after)) => after.clone(),
                (Some(before), None) => format!("{before}  →  gone"),
                (None, None) => String::new(),
            };
            ui.horizontal_top(|ui| {
                let (rect, _) = ui.allocate_exact_size(Vec2::new(290.0, 18.0), Sense::hover());
                text::paint(ui, rect, Align2::LEFT_CENTER, Role::MonoSmall, palette.text_weak, &change.field);
                ui.add(egui::Label::new(rich(Role::MonoSmall, words).color(palette.text)).wrap());
            });
        }
    });
}

/// Draws one entry; whether it is to be unfolded or folded.
fn entry_ui(ui: &mut Ui, entry: &ActivityEntry, on: bool) -> bool {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row + 2.0;
    let tells = entry.before.is_some() || entry.after.is_some();
    let sense = if tells { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), sense);
    if tells && (on || response.hovered()) {
        ui.painter().rect_filled(rect, 0.0, palette.hover);
    }
    if tells {
        let icon = if on { Icon::Down } else { Icon::Right };
        icon.paint(ui.painter(), egui::pos2(rect.left() + 9.0, rect.center().y), 15.0, palette.text_weak);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
    let inner = rect.shrink2(Vec2::new(space::L, 0.0));
    let column = |from: f32, to: f32| {
        Rect::from_min_max(
            egui::pos2(inner.left() + from, rect.top()),
            egui::pos2(inner.left() + to - space::S, rect.bottom()),
        )
    };
    let actor_from = inner.width() - 120.0;
    text::paint(
        ui,
        column(0.0, 84.0),
        Align2::LEFT_CENTER,
        Role::MonoSmall,
        palette.text_weak,
        &format::utc_time(entry.at),
    );
    let galley = text::line(ui, Role::Body, palette.text, &entry.message, actor_from - 84.0 - 220.0 - space::L);
    let cut = galley.elided;
    ui.painter().galley(egui::pos2(inner.left() + 84.0, rect.center().y - galley.size().y / 2.0), galley, palette.text);
    let action = column(actor_from - 220.0, actor_from);
    text::paint(ui, action, Align2::LEFT_CENTER, Role::MonoSmall, palette.text_weak, &entry.action);
    let actor = column(actor_from, inner.width() + space::S);
    text::paint(ui, actor, Align2::RIGHT_CENTER, Role::Small, palette.text_soft, &entry.actor);
    let kind = if tells { egui::Role::Button } else { egui::Role::Label };
    response.widget_info(|| WidgetInfo::labeled(kind, true, format!("{} by {}", entry.message, entry.actor)));
    button::focus_ring(ui, &response, rect.shrink(2.0));
    let pressed = response.clicked();
    if tells {
        response.clone().on_hover_cursor(CursorIcon::PointingHand);
    }
    if cut {
        response.on_hover_text(&entry.message);
    }
    pressed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_that_differ_are_told() {
        let before = r#"{"role": "viewer", "spec": {"catalogs": ["a"], "id": "x"}, "revoked": null}"#;
        let after = r#"{"role": "viewer", "spec": {"catalogs": ["a", "b"], "id": "x"}, "revoked": "2026-11-22"}"#;
        let told: Vec<_> = changed_fields(Some(before), Some(after))
            .into_iter()
            .map(|change| (change.field, change.before, change.after))
            .collect();
        let list = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("revoked".to_owned(), None, list("2026-11-22")),
                ("spec.catalogs".to_owned(), list(r#"["a"]"#), list(r#"["a","b"]"#)),
            ]
        );
        assert_eq!(changed_fields(None, Some(before)).len(), 3, "what is made has all its fields");
        assert!(changed_fields(Some(after), Some(after)).is_empty());
    }
}

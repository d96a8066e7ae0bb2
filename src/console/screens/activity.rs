//! What was done and by whom.

use super::{page_ui, title_ui};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, rich, space};
use crate::console::widgets::{card, field, text};
use crate::control::view::ActivityEntry;
use eframe::egui::{self, Align2, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// Half-typed search.
#[derive(Debug, Default)]
pub struct ActivityScreen {
    search: String,
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
                            "Nothing has been done yet."
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
                    entry_ui(ui, entry);
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

fn entry_ui(ui: &mut Ui, entry: &ActivityEntry) {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row + 2.0;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
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
    response
        .widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{} by {}", entry.message, entry.actor)));
    if cut {
        response.on_hover_text(&entry.message);
    }
}

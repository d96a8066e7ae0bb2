//! Errors grouped by cause: what happened, whether it holds the replication point back, what to do.

use super::page::tab_page_ui;
use super::remedy::{Remedy, remedy};
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use crate::console::widgets::{Button, button, card, chip, copy, text};
use crate::control::view::GroupView;
use crate::domain::{ErrorClass, ObjectError};
use crate::runtime::Intent;
use crate::store::ErrorRow;
use eframe::egui::{
    self, Align, Align2, CornerRadius, CursorIcon, Layout, Rect, ScrollArea, Sense, Stroke, Ui, Vec2, WidgetInfo,
};

/// Which cause is open.
#[derive(Debug, Default)]
pub struct ErrorsTab {
    open: Option<ErrorClass>,
}

/// One cause and the errors that it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The class.
    pub class: ErrorClass,
    /// In words.
    pub words: String,
    /// Whether it holds the replication point back.
    pub blocks: bool,
    /// Indices of its errors in the published list.
    pub errors: Vec<usize>,
}

/// Errors by cause: blocking ones first, then by how many.
pub fn causes(errors: &[ObjectError]) -> Vec<Cause> {
    let mut found: Vec<Cause> = Vec::new();
    for (index, error) in errors.iter().enumerate() {
        match found.iter_mut().find(|cause| cause.class == error.class) {
            Some(cause) => cause.errors.push(index),
            None => found.push(Cause {
                class: error.class,
                words: words(error.class),
                blocks: error.blocks_replication_point(),
                errors: vec![index],
            }),
        }
    }
    found.sort_by_key(|cause| (!cause.blocks, std::cmp::Reverse(cause.errors.len())));
    found
}

fn words(class: ErrorClass) -> String {
    format::capitalised(&class.as_str().to_lowercase().replace('_', " "))
}

impl ErrorsTab {
    /// Draws the tab.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
        let causes = causes(&view.errors);
        let palette = theme::palette(ui);
        tab_page_ui(ui, |ui| {
            let ended: Vec<&ErrorRow> = view.error_history.iter().filter(|row| row.ended.is_some()).collect();
            if causes.is_empty() {
                let note = "Everything in scope is replicated, or is of a kind that isn't replicated yet.";
                card::card_ui(ui, |ui| card::nothing_ui(ui, Icon::Good, palette.good, "No object fails", note));
                ended_ui(ui, scene, &ended, ui.available_height() - 4.0);
                return;
            }
            let open = causes.iter().find(|cause| Some(cause.class) == self.open).or_else(|| causes.first());
            let Some(open) = open else { return };
            // What ended has a strip of its own below.
            let strip = if ended.is_empty() { 0.0 } else { 150.0 };
            let height = ui.available_height() - 4.0 - strip;
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = space::L;
                ui.allocate_ui_with_layout(Vec2::new(280.0, height), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(280.0);
                    ui.spacing_mut().item_spacing.y = 6.0;
                    ScrollArea::vertical().id_salt("causes").auto_shrink([false, true]).show(ui, |ui| {
                        for cause in &causes {
                            if cause_ui(ui, cause, cause.class == open.class) {
                                self.open = Some(cause.class);
                            }
                        }
                    });
                });
                ui.allocate_ui_with_layout(ui.available_size(), Layout::top_down(Align::Min), |ui| {
                    card::flush_card_ui(ui, |ui| {
                        ui.set_height(height - 2.0);
                        detail_ui(ui, scene, view, open, actions);
                    });
                });
            });
            ended_ui(ui, scene, &ended, strip - 8.0);
        });
    }
}

/// Errors that ended, newest first: what it was, how often, from when to when.
fn ended_ui(ui: &mut Ui, scene: &Scene<'_>, ended: &[&ErrorRow], height: f32) {
    if ended.is_empty() {
        return;
    }
    let palette = theme::palette(ui);
    ui.add_space(space::S);
    let heading = format!("Ended within a year: {}", format::plural(ended.len(), "error", "errors"));
    ui.label(rich(Role::Strong, heading).color(palette.text));
    ScrollArea::vertical().id_salt("ended errors").max_height((height - 30.0).max(60.0)).auto_shrink(false).show(
        ui,
        |ui| {
            for row in ended {
                let times = if row.count > 1 { format!(", {} times", row.count) } else { String::new() };
                let ago = row.ended.map(|ended| format::short_age(scene.age_ms(ended))).unwrap_or_default();
                let line = format!("{}: {}{times}. Ended {ago} ago.", row.error.object, words(row.error.class));
                text::line_ui(ui, Role::Small, palette.text_soft, &line);
            }
        },
    );
}

fn cause_ui(ui: &mut Ui, cause: &Cause, on: bool) -> bool {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 56.0), Sense::click());
    let (one, many) =
        if cause.class == ErrorClass::RegionUnreachable { ("region", "regions") } else { ("object", "objects") };
    let name = format!("{}, {}", cause.words, format::plural(cause.errors.len(), one, many));
    response.widget_info(|| WidgetInfo::selected(egui::Role::Tab, true, on, &name));
    let (fill, outline) = match (on, response.hovered()) {
        (true, _) => (palette.surface, palette.text_weak),
        (false, true) => (palette.hover, palette.border),
        (false, false) => (palette.canvas, palette.border),
    };
    let corners = CornerRadius::same(radius::M + 2);
    ui.painter().rect(rect, corners, fill, Stroke::new(1.0, outline), egui::StrokeKind::Inside);
    let (icon, tone) = if cause.blocks { (Icon::Bad, Tone::Bad) } else { (Icon::Block, Tone::Warn) };
    icon.paint(ui.painter(), egui::pos2(rect.left() + 22.0, rect.center().y), 18.0, palette.tone(tone));
    let words = Rect::from_min_max(rect.min + Vec2::new(42.0, 8.0), rect.max - Vec2::new(48.0, 8.0));
    let (upper, lower) = words.split_top_bottom_at_fraction(0.5);
    text::paint(ui, upper, Align2::LEFT_CENTER, Role::Strong, palette.text, &cause.words);
    let effect = if cause.blocks { "Holds the replication point back" } else { "Doesn't hold it back" };
    text::paint(ui, lower, Align2::LEFT_CENTER, Role::Small, palette.text_weak, effect);
    let number = Rect::from_min_max(egui::pos2(rect.right() - 60.0, rect.top()), rect.max - Vec2::new(14.0, 0.0));
    let count = format::count(cause.errors.len() as u64);
    text::paint(ui, number, Align2::RIGHT_CENTER, Role::Mono, palette.text_soft, &count);
    button::focus_ring(ui, &response, rect);
    response.on_hover_cursor(CursorIcon::PointingHand).clicked()
}

fn detail_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, cause: &Cause, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    egui::Frame::new().inner_margin(egui::Margin::same(space::L as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.horizontal(|ui| {
            ui.label(rich(Role::Heading, &cause.words).color(palette.text));
            if cause.blocks {
                chip::chip_ui(ui, Icon::Bad, Tone::Bad, "Blocking", "");
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                copy::copy_ui(ui, "the class", cause.class.as_str());
                ui.label(rich(Role::MonoSmall, cause.class.as_str()).color(palette.text_weak));
            });
        });
        let resolution = cause.class.resolution();
        ui.add(egui::Label::new(rich(Role::Body, resolution).color(palette.text_soft)).wrap());
    });
    card::hairline_ui(ui);
    // Where lines are short a message gets two of them.
    let height = if ui.available_width() < 700.0 { 84.0 } else { 66.0 };
    ScrollArea::vertical().id_salt(("errors", cause.class.as_str())).auto_shrink(false).show_rows(
        ui,
        height,
        cause.errors.len(),
        |ui, range| {
            for index in range {
                if let Some(error) = cause.errors.get(index).and_then(|at| view.errors.get(*at)) {
                    let known = view.error_history.iter().find(|row| {
                        row.ended.is_none() && row.error.object == error.object && row.error.class == error.class
                    });
                    let times = known.map_or(1, |row| row.count);
                    error_ui(ui, scene, error, (height, times), remedy(view, error), actions);
                }
            }
        },
    );
}

fn error_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    error: &ObjectError,
    (height, times): (f32, u64),
    remedy: Option<(Remedy, Intent)>,
    actions: &mut Vec<Action>,
) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
    let button = if remedy.is_some() { 152.0 } else { 0.0 };
    let inner = rect.shrink2(Vec2::new(space::L, 10.0)).with_max_x(rect.right() - 54.0 - button);
    let (upper, lower) = inner.split_top_bottom_at_y(inner.top() + 21.0);
    let times = if times > 1 { format!("{times} times, ") } else { String::new() };
    let age = format!("{times}since {}", format::short_age(scene.age_ms(error.since)));
    let stamp = text::paint(ui, upper, Align2::RIGHT_CENTER, Role::Small, palette.text_weak, &age);
    let name = upper.with_max_x(stamp.left() - space::M);
    text::paint(ui, name, Align2::LEFT_CENTER, Role::Strong, palette.text, &error.object);
    let rows = (lower.height() / 16.0) as usize;
    let galley = text::lines(ui, Role::Small, palette.text_soft, &error.message, lower.width(), rows);
    let cut = galley.elided;
    ui.painter().galley(egui::pos2(lower.left(), lower.center().y - galley.size().y / 2.0), galley, palette.text_soft);
    response
        .widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{}: {}", error.object, error.message)));
    if cut {
        response.on_hover_text(&error.message);
    }
    let place = Rect::from_center_size(egui::pos2(rect.right() - 29.0, rect.center().y), Vec2::splat(26.0));
    let mut corner = ui.new_child(egui::UiBuilder::new().max_rect(place).id_salt(("copy", &error.object)));
    let story = format!("{} {}: {}", error.class.as_str(), error.object, error.message);
    copy::copy_ui(&mut corner, &format!("the error of {}", error.object), &story);
    if let Some((remedy, intent)) = remedy {
        let left = rect.right() - 50.0 - button;
        let place =
            Rect::from_center_size(egui::pos2(left + button / 2.0, rect.center().y), Vec2::new(button - 8.0, 28.0));
        let mut side = ui.new_child(egui::UiBuilder::new().max_rect(place).id_salt(("remedy", &error.object)));
        let waits = scene.awaits(|sent| *sent == intent);
        let button = Button::ordinary(remedy.label).small().enabled(!waits).hint(&remedy.hint);
        if side.add(button).clicked() {
            actions.push(Action::Send(intent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AssetKind;
    use chrono::{TimeZone, Utc};

    #[test]
    fn causes_that_hold_the_point_back_come_first() {
        let error = |class, object: &str| ObjectError {
            class,
            parameters: Default::default(),
            message: "It failed.".to_owned(),
            kind: AssetKind::Table,
            object: object.to_owned(),
            since: Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time"),
        };
        let errors = [
            error(ErrorClass::UnsupportedObject, "a"),
            error(ErrorClass::UnsupportedObject, "b"),
            error(ErrorClass::LogGap, "c"),
        ];
        let found = causes(&errors);
        let shown: Vec<_> = found.iter().map(|cause| (cause.words.as_str(), cause.errors.len())).collect();
        assert_eq!(shown, [("Log gap", 1), ("Unsupported object", 2)]);
    }
}

//! Going through a failover again: play, pause, and a bar of its steps to choose a moment on.

use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, space};
use crate::console::widgets::tabs::segmented_ui;
use crate::console::widgets::{Button, button, text};
use crate::control::view::OperationView;
use crate::domain::Timestamp;
use eframe::egui::{self, Align2, EventFilter, Key, Modifiers, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2};

/// Where a replay is.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The moment at which it was last started, paused or moved, in milliseconds.
    at_ms: i64,
    /// Since when it has been playing; None while it stands.
    since: Option<Timestamp>,
    /// How many times faster than it was.
    speed: u8,
}

impl Replay {
    /// A replay that stands at the end.
    pub fn at_end(length_ms: i64) -> Self {
        Self { at_ms: length_ms, since: None, speed: 1 }
    }

    /// The moment that is shown at `now`, in milliseconds after the confirmation.
    pub fn position(&self, now: Timestamp, length_ms: i64) -> i64 {
        let played = self.since.map_or(0, |since| format::since(since, now) * i64::from(self.speed));
        (self.at_ms + played).clamp(0, length_ms)
    }

    /// Whether it moves at `now`.
    pub fn is_playing(&self, now: Timestamp, length_ms: i64) -> bool {
        self.since.is_some() && self.position(now, length_ms) < length_ms
    }

    fn seek(&mut self, to_ms: i64, now: Timestamp) {
        self.at_ms = to_ms;
        self.since = self.since.map(|_| now);
    }

    fn toggle(&mut self, now: Timestamp, length_ms: i64) {
        let at = self.position(now, length_ms);
        *self = match self.is_playing(now, length_ms) {
            true => Self { at_ms: at, since: None, speed: self.speed },
            false => Self { at_ms: if at >= length_ms { 0 } else { at }, since: Some(now), speed: self.speed },
        };
    }

    /// Draws the controls.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, operation: &OperationView, length_ms: i64) {
        let now = scene.now;
        let playing = self.is_playing(now, length_ms);
        if playing {
            scene.moving();
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            let (icon, words) = if playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
            if ui.add(Button::ordinary(words).icon(icon).name(&format!("{words} the replay"))).clicked() {
                self.toggle(now, length_ms);
            }
            let choices = [(1, "1×"), (4, "4×"), (16, "16×")];
            if let Some(speed) = segmented_ui(ui, "Speed", self.speed, &choices) {
                let at = self.position(now, length_ms);
                self.speed = speed;
                self.seek(at, now);
            }
            let words = format!("{} of {}", seconds(self.position(now, length_ms)), seconds(length_ms));
            let palette = theme::palette(ui);
            let (rect, response) = ui.allocate_exact_size(Vec2::new(130.0, 30.0), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &words));
            text::paint(ui, rect, Align2::RIGHT_CENTER, Role::Mono, palette.text_soft, &words);
            self.bar_ui(ui, now, operation, length_ms);
        });
    }

    fn bar_ui(&mut self, ui: &mut Ui, now: Timestamp, operation: &OperationView, length_ms: i64) {
        let palette = theme::palette(ui);
        let size = Vec2::new(ui.available_width().max(80.0), 30.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let at = self.position(now, length_ms);
        response.widget_info(|| WidgetInfo::slider(true, at as f64 / 1000.0, "Moment of the replay"));
        let bar = Rect::from_center_size(rect.center(), Vec2::new(rect.width(), 10.0));
        let x_of = |ms: i64| bar.left() + bar.width() * (ms as f32 / length_ms.max(1) as f32);
        ui.painter().rect_filled(bar, 5.0, palette.selected);
        let starts = starts(operation);
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(length_ms);
            let part = Rect::from_min_max(pos2(x_of(*start), bar.top()), pos2(x_of(end), bar.bottom()));
            let passed = part.with_max_x(part.right().min(x_of(at)));
            if passed.width() > 0.0 {
                ui.painter().rect_filled(passed, 0.0, palette.accent);
            }
            if index > 0 {
                ui.painter().vline(part.left(), bar.y_range(), Stroke::new(1.5, palette.surface));
            }
        }
        ui.painter().circle_filled(pos2(x_of(at), bar.center().y), 7.0, palette.text);
        button::focus_ring(ui, &response, rect.shrink2(Vec2::new(0.0, 4.0)));
        if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) {
            let share = ((pointer.x - bar.left()) / bar.width()).clamp(0.0, 1.0);
            self.seek((f64::from(share) * length_ms as f64) as i64, now);
        }
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
            let to = [
                (Key::ArrowRight, starts.iter().copied().find(|start| *start > at).unwrap_or(length_ms)),
                (Key::ArrowLeft, starts.iter().rev().copied().find(|start| *start < at).unwrap_or(0)),
                (Key::Home, 0),
                (Key::End, length_ms),
            ];
            if let Some((_, to)) = to.into_iter().find(|(key, _)| pressed(*key)) {
                self.seek(to, now);
            }
        }
        response.on_hover_text("Drag to any moment. Left and right go from step to step.");
    }
}

/// When each step began, in milliseconds after the confirmation.
fn starts(operation: &OperationView) -> Vec<i64> {
    let begun = operation.steps.iter().filter_map(|step| step.started);
    begun.map(|at| (at - operation.started).num_milliseconds().max(0)).collect()
}

fn seconds(ms: i64) -> String {
    if ms < 60_000 { format!("{:.1} s", ms as f64 / 1000.0) } else { format::age(ms) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    #[test]
    fn it_plays_from_the_start_pauses_and_stops_at_the_end() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let later = |seconds| start + TimeDelta::seconds(seconds);
        let mut replay = Replay::at_end(9_000);
        assert!(!replay.is_playing(start, 9_000));
        replay.toggle(start, 9_000);
        assert_eq!(replay.position(later(3), 9_000), 3_000);
        replay.toggle(later(3), 9_000);
        assert_eq!(replay.position(later(60), 9_000), 3_000);
        replay.speed = 4;
        replay.toggle(later(60), 9_000);
        assert_eq!(replay.position(later(61), 9_000), 7_000);
        assert!(!replay.is_playing(later(70), 9_000));
    }
}

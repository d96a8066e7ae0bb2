//! The steps of a failover with a timer each, and what each took before.

use super::moment::{Moment, StepAt};
use crate::console::format;
use crate::console::theme::{self, Role, Tone, space};
use crate::console::widgets::{chip, text};
use crate::domain::StepStatus;
use eframe::egui::{self, Align2, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// Draws the steps from top to bottom.
pub fn steps_ui(ui: &mut Ui, moment: &Moment) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let has_medians = moment.steps.iter().any(|step| step.median.is_some());
        for (index, step) in moment.steps.iter().enumerate() {
            let usual = if has_medians { 118.0 } else { 0.0 };
            step_ui(ui, step, index + 1 < moment.steps.len(), usual);
        }
    });
}

/// What a step took, and what it takes as a rule.
pub fn times(step: &StepAt) -> (String, String) {
    let time = match (step.status, step.seconds) {
        (StepStatus::Skipped, _) => "skipped".to_owned(),
        (StepStatus::Running, Some(seconds)) => format!("{seconds:.1} s"),
        (_, Some(seconds)) => format::duration(seconds),
        _ => String::new(),
    };
    let median = step.median.map_or_else(String::new, |seconds| format!("median {}", format::duration(seconds)));
    (time, median)
}

fn step_ui(ui: &mut Ui, step: &StepAt, more: bool, usual: f32) {
    let palette = theme::palette(ui);
    let height = if step.note.is_some() { 46.0 } else { 34.0 };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    let (icon, tone) = chip::step_sign(step.status);
    let row = rect.with_max_y(rect.top() + 34.0);
    let center = egui::pos2(rect.left() + 10.0, row.center().y);
    if more {
        let done = step.status.is_done();
        let line = if done { palette.line(Tone::Good) } else { palette.border_strong };
        ui.painter().vline(center.x, center.y + 11.0..=center.y + height - 11.0, Stroke::new(1.5, line));
    }
    icon.paint(ui.painter(), center, 18.0, palette.tone(tone));
    let (time, median) = times(step);
    let pending = matches!(step.status, StepStatus::Pending | StepStatus::Skipped);
    let ink = if pending { palette.text_weak } else { palette.text };
    let role = if step.status == StepStatus::Running { Role::Strong } else { Role::Body };
    let words = row.with_min_x(rect.left() + 32.0);
    let usual = words.with_min_x(words.right() - usual);
    text::paint(ui, usual, Align2::RIGHT_CENTER, Role::Small, palette.text_weak, &median);
    let stamp = words.with_max_x(usual.left() - space::S);
    // Slower than it has been: said by weight and colour, and by the two figures.
    let slow = step.seconds.zip(step.median).is_some_and(|(now, usual)| now > usual * 2.0 && now > usual + 1.0);
    let color = if slow { palette.warn } else { palette.text };
    let stamp = text::paint(ui, stamp, Align2::RIGHT_CENTER, Role::Mono, color, &time);
    let label = words.with_max_x(stamp.left() - space::S);
    text::paint_cut(ui, label, role, ink, step.step.label());
    if let Some(note) = &step.note {
        let color = if step.status == StepStatus::Failed { palette.bad } else { palette.text_weak };
        let below = Rect::from_min_max(egui::pos2(words.left(), row.bottom() - 6.0), rect.max);
        text::paint_cut_at(ui, below, Align2::LEFT_TOP, Role::Small, color, note);
    }
    let said = [time.as_str(), median.as_str(), step.note.as_deref().unwrap_or_default()];
    let said: Vec<&str> = said.into_iter().filter(|part| !part.is_empty()).collect();
    let name = format!("{} {:?} {}", step.step.label(), step.status, said.join(", "));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, name.trim_end()));
    if let Some(note) = &step.note {
        response.on_hover_text(note);
    }
}

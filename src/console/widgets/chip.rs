//! Signs of a state: an icon, a word, a colour and an age, so that colour is never alone.

use super::text;
use crate::console::theme::{self, Icon, Palette, Role, Tone, radius};
use crate::domain::{FailoverGroup, GroupState, ObjectStatus, StepStatus};
use eframe::egui::{self, Color32, CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

/// The sign of a group's state.
pub fn state_sign(state: GroupState) -> (Icon, Tone) {
    match state {
        GroupState::Active => (Icon::Good, Tone::Good),
        GroupState::Creating => (Icon::Clock, Tone::Busy),
        GroupState::InitialReplication => (Icon::Sync, Tone::Busy),
        GroupState::FailingOver => (Icon::Failover, Tone::Warn),
        GroupState::Deleting => (Icon::Delete, Tone::Warn),
        GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed => (Icon::Bad, Tone::Bad),
    }
}

/// The sign of a group: its state's, unless nothing could take over from it now.
pub fn group_sign(group: &FailoverGroup) -> (Icon, Tone) {
    let (icon, tone) = state_sign(group.state);
    if is_unprotected(group) && tone == Tone::Busy { (Icon::Warn, Tone::Warn) } else { (icon, tone) }
}

/// Whether a failover has left the group without a whole replica.
pub fn is_unprotected(group: &FailoverGroup) -> bool {
    group.salvage_pending || (group.state == GroupState::InitialReplication && group.epoch > 1)
}

/// The sign of an object's status.
pub fn status_sign(status: ObjectStatus) -> (Icon, Tone) {
    match status {
        ObjectStatus::InSync => (Icon::Good, Tone::Good),
        ObjectStatus::Lagging => (Icon::Lagging, Tone::Busy),
        ObjectStatus::Drifted => (Icon::Drift, Tone::Bad),
        ObjectStatus::Missing => (Icon::Missing, Tone::Bad),
        ObjectStatus::Failed => (Icon::Bad, Tone::Bad),
        ObjectStatus::Unsupported => (Icon::Block, Tone::Warn),
        ObjectStatus::LeftBehind => (Icon::Archive, Tone::Bad),
        ObjectStatus::Unverifiable => (Icon::Info, Tone::Warn),
        ObjectStatus::Unknown => (Icon::Unknown, Tone::Quiet),
        ObjectStatus::Excluded => (Icon::Block, Tone::Quiet),
    }
}

/// The sign of an object's status in a group: until everything has arrived once, what is missing is on its way.
pub fn status_sign_in(status: ObjectStatus, state: GroupState) -> (Icon, Tone) {
    let filling = matches!(state, GroupState::Creating | GroupState::InitialReplication);
    if status == ObjectStatus::Missing && filling { (Icon::Circle, Tone::Quiet) } else { status_sign(status) }
}

/// The sign of a step.
pub fn step_sign(status: StepStatus) -> (Icon, Tone) {
    match status {
        StepStatus::Pending => (Icon::Circle, Tone::Quiet),
        StepStatus::Running => (Icon::Busy, Tone::Busy),
        StepStatus::Done => (Icon::Good, Tone::Good),
        StepStatus::Partly => (Icon::Warn, Tone::Warn),
        StepStatus::Skipped => (Icon::Missing, Tone::Quiet),
        StepStatus::Failed => (Icon::Bad, Tone::Bad),
    }
}

struct Layout {
    word: std::sync::Arc<egui::Galley>,
    age: Option<std::sync::Arc<egui::Galley>>,
    size: Vec2,
}

fn layout(ui: &Ui, palette: &Palette, tone: Tone, word: &str, age: &str) -> Layout {
    let word_color = if matches!(tone, Tone::Good | Tone::Quiet) { palette.text } else { palette.tone(tone) };
    let word = text::line(ui, Role::Label, word_color, word, f32::INFINITY);
    let age =
        (!age.is_empty()).then(|| text::line(ui, Role::Small, palette.text_soft, &format!("· {age}"), f32::INFINITY));
    let width = 8.0 + 15.0 + 6.0 + word.size().x + age.as_ref().map_or(0.0, |age| 5.0 + age.size().x) + 10.0;
    Layout { word, age, size: Vec2::new(width, 24.0) }
}

fn paint_layout(ui: &Ui, rect: Rect, palette: &Palette, icon: Icon, tone: Tone, layout: Layout) {
    // Good news is grey: strong colour is for what needs a person.
    let (fill, outline) = match tone {
        Tone::Good | Tone::Quiet => (palette.hover, palette.border),
        _ => (palette.wash(tone), palette.line(tone)),
    };
    ui.painter().rect(rect, CornerRadius::same(radius::M), fill, Stroke::new(1.0, outline), StrokeKind::Inside);
    let middle = rect.center().y;
    icon.paint(ui.painter(), egui::pos2(rect.left() + 15.5, middle), 15.0, palette.tone(tone));
    let mut x = rect.left() + 29.0;
    let word_width = layout.word.size().x;
    ui.painter().galley(egui::pos2(x, middle - layout.word.size().y / 2.0), layout.word, Color32::PLACEHOLDER);
    x += word_width + 5.0;
    if let Some(age) = layout.age {
        ui.painter().galley(egui::pos2(x, middle - age.size().y / 2.0), age, Color32::PLACEHOLDER);
    }
}

/// How wide a chip will be.
pub fn chip_width(ui: &Ui, tone: Tone, word: &str, age: &str) -> f32 {
    layout(ui, &theme::palette(ui), tone, word, age).size.x
}

/// A chip in the flow of a layout. `age` may be empty.
pub fn chip_ui(ui: &mut Ui, icon: Icon, tone: Tone, word: &str, age: &str) -> egui::Response {
    let palette = theme::palette(ui);
    let chip = layout(ui, &palette, tone, word, age);
    let (rect, response) = ui.allocate_exact_size(chip.size, Sense::hover());
    let name = if age.is_empty() { word.to_owned() } else { format!("{word} · {age}") };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    paint_layout(ui, rect, &palette, icon, tone, chip);
    response
}

/// A chip painted at a place, for rows that have a name of their own; its width.
pub fn paint_chip(ui: &Ui, left_center: egui::Pos2, icon: Icon, tone: Tone, word: &str, age: &str) -> f32 {
    let palette = theme::palette(ui);
    let chip = layout(ui, &palette, tone, word, age);
    let size = chip.size;
    let rect = Rect::from_min_size(left_center - Vec2::new(0.0, size.y / 2.0), size);
    paint_layout(ui, rect, &palette, icon, tone, chip);
    size.x
}

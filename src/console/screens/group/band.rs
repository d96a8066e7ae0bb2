//! What a group was over time: a band over the same axis as its lag.

use super::past::{Standing, Stretch};
use crate::console::format;
use crate::console::theme::{self, Icon, Palette, Role, Tone, radius, rich, space};
use crate::console::widgets::text;
use crate::domain::Timestamp;
use eframe::egui::{self, CornerRadius, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2};

/// The band's height, in points.
const HEIGHT: f32 = 18.0;

/// The word of a standing.
pub fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Filling => "INITIAL_REPLICATION",
        Standing::Replicating => "ACTIVE",
        Standing::FailingOver => "FAILING_OVER",
        Standing::Unknown => "Not recorded",
    }
}

fn color(palette: &Palette, standing: Standing) -> egui::Color32 {
    match standing {
        Standing::Filling => palette.tone(Tone::Busy),
        Standing::Replicating => palette.tone(Tone::Quiet),
        Standing::FailingOver => palette.tone(Tone::Warn),
        Standing::Unknown => palette.selected,
    }
}

/// Draws the band between the times of the axis, from `left` on, and what its colours mean.
pub fn band_ui(ui: &mut Ui, stretches: &[Stretch], from: Timestamp, until: Timestamp, left: f32) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, spoken(stretches)));
    let rect = rect.with_min_x(rect.left() + left);
    let span = (until - from).num_milliseconds().max(1) as f32;
    let x_of =
        |at: Timestamp| rect.left() + rect.width() * ((at - from).num_milliseconds() as f32 / span).clamp(0.0, 1.0);
    ui.painter().rect_filled(rect, CornerRadius::same(radius::S), palette.selected);
    for stretch in stretches {
        // A failover of seconds must not vanish in a year.
        let least = if stretch.standing == Standing::FailingOver { 2.0 } else { 0.0 };
        let (start, end) = (x_of(stretch.from), x_of(stretch.until));
        let part = Rect::from_min_max(pos2(start, rect.top()), pos2(end.max(start + least), rect.bottom()));
        ui.painter().rect_filled(part, CornerRadius::ZERO, color(&palette, stretch.standing));
        if stretch.standing == Standing::Unknown {
            hatch(ui, part, &palette);
        }
    }
    if let Some(pointer) = response.hover_pos().filter(|pointer| rect.contains(*pointer)) {
        let share = (pointer.x - rect.left()) / rect.width();
        let at = from + (until - from).mul_f32_share(share);
        if let Some(stretch) = stretches.iter().find(|stretch| stretch.from <= at && at <= stretch.until) {
            let long = format::age(format::since(stretch.from, stretch.until));
            let words = format!(
                "{} for {long}\n{} to {}",
                word(stretch.standing),
                format::utc(stretch.from),
                format::utc(stretch.until)
            );
            response.on_hover_text(words);
        }
    }
    legend_ui(ui, stretches, left);
}

/// A share of a length of time.
trait Share {
    fn mul_f32_share(self, share: f32) -> Self;
}

impl Share for chrono::TimeDelta {
    fn mul_f32_share(self, share: f32) -> Self {
        chrono::TimeDelta::milliseconds((self.num_milliseconds() as f64 * f64::from(share)) as i64)
    }
}

fn hatch(ui: &Ui, rect: Rect, palette: &Palette) {
    let painter = ui.painter().with_clip_rect(rect);
    let mut x = rect.left() - rect.height();
    while x < rect.right() {
        let line = [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())];
        painter.line_segment(line, Stroke::new(1.0, palette.border_strong));
        x += 7.0;
    }
}

fn legend_ui(ui: &mut Ui, stretches: &[Stretch], left: f32) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.add_space((left - space::S).max(0.0));
        for standing in [Standing::Replicating, Standing::Filling, Standing::FailingOver, Standing::Unknown] {
            if !stretches.iter().any(|stretch| stretch.standing == standing) {
                continue;
            }
            let (mark, _) = ui.allocate_exact_size(Vec2::splat(10.0), Sense::hover());
            ui.painter().rect_filled(mark, 2.0, color(&palette, standing));
            if standing == Standing::FailingOver {
                text::icon_ui(ui, Icon::Failover, 14.0, palette.text_weak);
            }
            ui.label(rich(Role::Small, word(standing)).color(palette.text_weak));
            ui.add_space(space::XS);
        }
    });
}

/// The band as a sentence: how much of the time the group was what.
fn spoken(stretches: &[Stretch]) -> String {
    let total = |standing: Standing| -> i64 {
        let of = stretches.iter().filter(|stretch| stretch.standing == standing);
        of.map(|stretch| format::since(stretch.from, stretch.until)).sum()
    };
    let parts = [Standing::Replicating, Standing::Filling, Standing::FailingOver, Standing::Unknown].map(|standing| {
        let time = total(standing);
        (time > 0).then(|| format!("{} for {}", word(standing), format::age(time)))
    });
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "States: nothing recorded".to_owned() } else { format!("States: {}", parts.join(", ")) }
}

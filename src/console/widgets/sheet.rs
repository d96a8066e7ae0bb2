//! A region's capability sheet, line by line.

use super::text;
use crate::connect::{CapabilitySheet, SheetMark};
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use eframe::egui::{self, Ui};

/// Draws every line: what was found, what follows from it, and what mends it.
pub fn sheet_ui(ui: &mut Ui, sheet: &CapabilitySheet) {
    let palette = theme::palette(ui);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = space::S;
        for line in &sheet.lines {
            let (icon, tone) = sign(line.mark);
            ui.horizontal_top(|ui| {
                text::icon_ui(ui, icon, 17.0, palette.tone(tone));
                ui.add_space(space::XS);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    let head = format!("{} — {}", capital(line.topic), line.mark.word());
                    ui.label(rich(Role::Strong, head).color(palette.text));
                    ui.add(egui::Label::new(rich(Role::Body, &line.finding).color(palette.text_soft)).wrap());
                    for more in [&line.consequence, &line.remedy].into_iter().filter(|more| !more.is_empty()) {
                        ui.add(egui::Label::new(rich(Role::Small, more).color(palette.text_weak)).wrap());
                    }
                });
            });
        }
    });
}

/// How many lines pass, warn and fail, in words.
pub fn verdict(sheet: &CapabilitySheet) -> String {
    let of = |mark| sheet.lines.iter().filter(|line| line.mark == mark).count();
    format!("{} pass · {} warn · {} fail", of(SheetMark::Pass), of(SheetMark::Warn), of(SheetMark::Fail))
}

/// The sign and colour of a mark.
pub fn sign(mark: SheetMark) -> (Icon, Tone) {
    match mark {
        SheetMark::Pass => (Icon::Good, Tone::Good),
        SheetMark::Warn => (Icon::Warn, Tone::Warn),
        SheetMark::Fail => (Icon::Bad, Tone::Bad),
    }
}

fn capital(topic: &str) -> String {
    let mut letters = topic.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

//! What a planned failover would leave behind: a tick for each object, without which it is refused.

use crate::console::format;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use crate::console::widgets::{field, text};
use crate::control::view::GroupView;
use crate::domain::Region;
use crate::domain::Shortfall;
use crate::domain::same_name;
use crate::replicate;
use eframe::egui::{self, CornerRadius, Frame, Margin, ScrollArea, Stroke, Ui};
use std::collections::BTreeSet;

/// How high the list may get before it scrolls.
const MOST_HEIGHT: f32 = 190.0;

/// What the secondary does not have, as the last cycle knows it.
pub fn shortfalls(view: &GroupView) -> Vec<Shortfall> {
    replicate::shortfalls(&view.objects)
}

/// What stands in the way of a planned failover; None when every object is ticked or nothing would be lost.
pub fn in_the_way(lost: &[Shortfall], accepted: &BTreeSet<String>) -> Option<String> {
    let open = lost.iter().filter(|lost| !is_accepted(accepted, &lost.object)).count();
    (open > 0).then(|| {
        let count = format::plural(open, "object has", "objects have");
        format!("{count} commits that would be left behind. Fix what fails, or tick what you give up.")
    })
}

/// Those of `accepted` that would still be left behind, for the call.
pub fn asked_for(lost: &[Shortfall], accepted: &BTreeSet<String>) -> Vec<String> {
    lost.iter().filter(|lost| is_accepted(accepted, &lost.object)).map(|lost| lost.object.clone()).collect()
}

fn is_accepted(accepted: &BTreeSet<String>, object: &str) -> bool {
    accepted.iter().any(|name| same_name(name, object))
}

/// Draws the list of what would be left in `region`, each with a tick.
pub fn left_behind_ui(ui: &mut Ui, region: &Region, lost: &[Shortfall], accepted: &mut BTreeSet<String>) {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.tone(Tone::Bad)))
        .corner_radius(CornerRadius::same(radius::M + 2))
        .inner_margin(Margin::symmetric(14, 12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                text::icon_ui(ui, Icon::Bad, 18.0, palette.tone(Tone::Bad));
                let count = format::plural(lost.len(), "object", "objects");
                let sentence = format!(
                    "Commits of {count} haven't arrived. They stay in {region} and are listed under Left behind. Tick each object you leave behind."
                );
                ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text)).wrap());
            });
            ui.add_space(space::XS);
            ScrollArea::vertical().id_salt("left behind").max_height(MOST_HEIGHT).show(ui, |ui| {
                for lost in lost {
                    let ticked = is_accepted(accepted, &lost.object);
                    if field::check_ui(ui, ticked, true, &format!("Leave {} behind", lost.object)).clicked() {
                        if ticked {
                            accepted.retain(|name| !same_name(name, &lost.object));
                        } else {
                            accepted.insert(lost.object.clone());
                        }
                    }
                    let note = format!("{}: {}. {}", lost.class.as_str(), lost.amount(), lost.why);
                    ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
                }
            });
        });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AssetKind, ErrorClass};

    fn lost(name: &str) -> Shortfall {
        Shortfall {
            object: name.into(),
            kind: AssetKind::Table,
            class: ErrorClass::LogGap,
            why: "Version 2 is missing.".into(),
            location: None,
            first_version: Some(2),
            last_version: None,
            commits: None,
            rows: None,
            bytes: None,
        }
    }

    #[test]
    fn each_object_must_be_ticked_and_only_those_that_are_still_flagged_are_asked_for() {
        let all = [lost("c.s.a"), lost("c.s.b")];
        let mut accepted: BTreeSet<String> = ["C.S.A".to_owned(), "c.s.mended".to_owned()].into();
        assert!(in_the_way(&all, &accepted).is_some_and(|sentence| sentence.starts_with("1 object has")));
        accepted.insert("c.s.b".to_owned());
        assert_eq!(in_the_way(&all, &accepted), None);
        assert_eq!(asked_for(&all, &accepted), ["c.s.a", "c.s.b"]);
    }
}

//! What is looked at before a failover: what stands in its way, and what is to be weighed.

use crate::console::command;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich};
use crate::console::widgets::text;
use crate::control::view::GroupView;
use crate::domain::{FailoverKind, ObjectStatus, Region};
use eframe::egui::{self, Ui};

/// One thing that is looked at before a failover.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Good, to be weighed, or in the way.
    pub tone: Tone,
    /// What was found.
    pub sentence: String,
}

/// What is looked at before a failover of `kind`; a [`Tone::Bad`] one is in the way.
pub fn checks(scene: &Scene<'_>, view: &GroupView, kind: FailoverKind) -> Vec<Check> {
    let group = &view.group;
    let (primary, secondary) = (&group.effective_primary_region, group.effective_secondary_region());
    let mut found = Vec::new();
    let mut add = |tone, sentence: String| found.push(Check { tone, sentence });
    match command::can_fail_over(scene, &group.spec.id) {
        Ok(()) => add(Tone::Good, format!("The group is {}.", group.state)),
        Err(reason) => add(Tone::Bad, reason),
    }
    let down = |region: &Region| scene.region(region).and_then(|region| region.unreachable_since);
    match down(secondary) {
        None => add(Tone::Good, format!("{secondary} responds.")),
        Some(since) => add(
            Tone::Bad,
            format!("{secondary} hasn't responded for {}, so it can't take over.", format::age(scene.age_ms(since))),
        ),
    }
    match (down(primary), kind) {
        (None, FailoverKind::Planned) => add(Tone::Good, format!("{primary} responds, so nothing needs to be lost.")),
        (None, FailoverKind::Forced) => add(
            Tone::Warn,
            format!("{primary} responds. A planned failover loses nothing. A forced one leaves late commits behind."),
        ),
        (Some(since), FailoverKind::Planned) => add(
            Tone::Bad,
            format!(
                "{primary} hasn't responded for {}. Only a forced failover is possible.",
                format::age(scene.age_ms(since))
            ),
        ),
        (Some(since), FailoverKind::Forced) => add(
            Tone::Warn,
            format!(
                "{primary} hasn't responded for {}. Its unreplicated commits are salvaged when it responds again.",
                format::age(scene.age_ms(since))
            ),
        ),
    }
    add_wholeness(view, &mut add);
    let unsupported = view.objects.iter().filter(|object| object.status == ObjectStatus::Unsupported).count();
    if unsupported > 0 {
        let count = format::plural(unsupported, "object is", "objects are");
        add(Tone::Warn, format!("{count} not replicated and won't be in {secondary}."));
    }
    found
}

/// Whether the objects are whole in the secondary; as of when, where a region is away.
fn add_wholeness(view: &GroupView, add: &mut impl FnMut(Tone, String)) {
    let secondary = view.group.effective_secondary_region();
    let time = |at| format!("{} UTC", format::utc_time(at));
    if view.objects.is_empty() {
        let point = view.group.replication_point;
        let known = point.map(|point| format!(" {secondary} has what arrived by {}.", time(point)));
        let sentence = "The console hasn't checked any object since it started.".to_owned();
        return add(Tone::Warn, sentence + &known.unwrap_or_default());
    }
    let of = |all: &[ObjectStatus]| -> Vec<&str> {
        let objects = view.objects.iter().filter(|object| !object.is_only_in_secondary());
        objects.filter(|object| all.contains(&object.status)).map(|o| o.name.as_str()).collect()
    };
    let failing = of(&[ObjectStatus::Failed, ObjectStatus::Missing, ObjectStatus::Drifted, ObjectStatus::LeftBehind]);
    let unknown = of(&[ObjectStatus::Unknown]);
    if failing.is_empty() && unknown.is_empty() {
        add(
            Tone::Good,
            match (view.as_of, view.group.replication_point) {
                (Some(_), Some(point)) => {
                    format!("Every replicated object is whole in {secondary} as of {}.", time(point))
                }
                (Some(as_of), None) => format!("Every object had a whole replica at {}.", time(as_of)),
                (None, _) => "Every replicated object has a whole replica.".to_owned(),
            },
        );
    }
    if !failing.is_empty() {
        let count = format::plural(failing.len(), "object", "objects");
        let names = names(&failing);
        add(
            Tone::Warn,
            match view.as_of {
                Some(as_of) => format!("{count} not whole in {secondary} as of {}: {names}.", time(as_of)),
                None => format!("{count} would not be whole in {secondary}: {names}."),
            },
        );
    }
    if !unknown.is_empty() {
        let count = format::plural(unknown.len(), "object", "objects");
        add(Tone::Warn, format!("The status of {count} is unknown: {}.", names(&unknown)));
    }
}

/// A few names and how many more there are.
pub fn names(all: &[&str]) -> String {
    match all {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

/// Draws one check.
pub fn check_ui(ui: &mut Ui, check: &Check) {
    let palette = theme::palette(ui);
    let icon = match check.tone {
        Tone::Good => Icon::Good,
        Tone::Bad => Icon::Bad,
        _ => Icon::Warn,
    };
    ui.horizontal_top(|ui| {
        text::icon_ui(ui, icon, 17.0, palette.tone(check.tone));
        let ink = if check.tone == Tone::Good { palette.text_soft } else { palette.text };
        ui.add(egui::Label::new(rich(Role::Body, &check.sentence).color(ink)).wrap());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_names_are_cut() {
        assert_eq!(names(&["a", "b", "c"]), "a, b, c");
        assert_eq!(names(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}

//! What is looked at before a failover: what stands in its way, and what is to be weighed.

use crate::console::command;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich};
use crate::console::widgets::text;
use crate::control::view::GroupView;
use crate::domain::{FailoverKind, ObjectStatus};
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
    let down = |region: &str| scene.region(region).and_then(|region| region.unreachable_since);
    match down(secondary) {
        None => add(Tone::Good, format!("{secondary} answers.")),
        Some(since) => add(
            Tone::Bad,
            format!("{secondary} has not answered for {}, so it cannot take over.", format::age(scene.age_ms(since))),
        ),
    }
    match (down(primary), kind) {
        (None, FailoverKind::Planned) => add(Tone::Good, format!("{primary} answers, so nothing needs to be lost.")),
        (None, FailoverKind::Forced) => add(
            Tone::Warn,
            format!(
                "{primary} answers. A planned failover would lose nothing; a forced one leaves late commits behind."
            ),
        ),
        (Some(since), FailoverKind::Planned) => add(
            Tone::Bad,
            format!(
                "{primary} has not answered for {}. Only a forced failover is possible.",
                format::age(scene.age_ms(since))
            ),
        ),
        (Some(since), FailoverKind::Forced) => add(
            Tone::Warn,
            format!(
                "{primary} has not answered for {}. What it accepted meanwhile is set aside when it answers again.",
                format::age(scene.age_ms(since))
            ),
        ),
    }
    let broken = |status| {
        matches!(status, ObjectStatus::Failed | ObjectStatus::Missing | ObjectStatus::Drifted | ObjectStatus::Unknown)
    };
    let failing: Vec<_> = view.objects.iter().filter(|object| broken(object.status)).map(|o| o.name.as_str()).collect();
    if failing.is_empty() {
        add(Tone::Good, "Every object in scope has a whole replica.".to_owned());
    } else {
        let count = format::plural(failing.len(), "object", "objects");
        add(Tone::Warn, format!("{count} would not be whole in {secondary}: {}.", names(&failing)));
    }
    let unsupported = view.objects.iter().filter(|object| object.status == ObjectStatus::Unsupported).count();
    if unsupported > 0 {
        let count = format::plural(unsupported, "object is", "objects are");
        add(Tone::Warn, format!("{count} not replicated and will not be in {secondary}."));
    }
    found
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

//! The dialog that fails a group over: where to, how, what it would cost, and the group's name as the key.

use crate::console::action::Action;
use crate::console::command;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field, text};
use crate::control::view::{GroupView, LossEstimate};
use crate::domain::{FailoverKind, GroupId, ObjectStatus, Region};
use crate::runtime::{Intent, Refusal};
use eframe::egui::{self, Context, CornerRadius, Frame, Margin, Stroke, Ui, Vec2};

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct FailOverDialog {
    /// The group.
    pub id: GroupId,
    etag: String,
    target: Region,
    kind: Option<FailoverKind>,
    typed: String,
    refusal: Option<String>,
}

/// One thing that is looked at before a failover.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Good, to be weighed, or in the way.
    pub tone: Tone,
    /// What was found.
    pub sentence: String,
}

/// One figure of what would be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossFigure {
    /// Of what.
    pub head: &'static str,
    /// How much; `unknown` where it is.
    pub value: String,
    /// Whether it is known.
    pub known: bool,
}

/// What a forced failover would lose, as far as is known.
pub fn loss_figures(loss: &LossEstimate) -> [LossFigure; 5] {
    let figure = |head, value: Option<String>| LossFigure {
        head,
        known: value.is_some(),
        value: value.unwrap_or_else(|| "unknown".to_owned()),
    };
    // Tables are named by the commits; where those aren't known, an empty list says nothing.
    let tables = (loss.commits.is_some() || !loss.tables.is_empty()).then(|| format::count(loss.tables.len() as u64));
    [
        figure("Writes of", loss.seconds.map(format::duration)),
        figure("Commits", loss.commits.map(format::count)),
        figure("Rows", loss.rows.map(format::count)),
        figure("Data", loss.bytes.map(format::bytes)),
        figure("Tables", tables),
    ]
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

fn names(all: &[&str]) -> String {
    match all {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

impl FailOverDialog {
    /// A dialog for the group as it is now.
    pub fn open(scene: &Scene<'_>, view: &GroupView) -> Self {
        let group = &view.group;
        let primary_down = scene.region(&group.effective_primary_region).is_some_and(|r| r.unreachable_since.is_some());
        Self {
            id: group.spec.id.clone(),
            etag: group.etag.clone(),
            target: group.effective_secondary_region().to_owned(),
            kind: (!primary_down).then_some(FailoverKind::Planned),
            typed: String::new(),
            refusal: None,
        }
    }

    /// Takes the refusal of this dialog's intent: the name must be typed again.
    pub fn refused(&mut self, refusal: &Refusal) {
        self.typed.clear();
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(view) = scene.group(&self.id) else { return vec![Action::CloseDialog] };
        let title = format!("Fail over {}", self.id);
        let waits = scene.awaits(|intent| matches!(intent, Intent::FailOver { id, .. } if *id == self.id));
        let ready = !waits && self.is_ready(scene, view);
        let response = dialog_ui(
            ctx,
            "fail over",
            &title,
            680.0,
            self,
            |ui, dialog| dialog.contents_ui(ui, scene, view),
            |ui, dialog| {
                let words = if waits { "Starting…".to_owned() } else { format!("Fail over to {}", dialog.target) };
                let button = match dialog.kind {
                    Some(FailoverKind::Forced) => Button::danger(&words),
                    _ => Button::primary(&words),
                };
                let confirmed = ui.add(button.icon(Icon::Failover).enabled(ready)).clicked();
                let cancelled = ui.add(Button::ordinary("Cancel")).clicked();
                (confirmed, cancelled)
            },
        );
        let (confirmed, cancelled) = response.inner;
        if let (true, Some(kind)) = (confirmed && ready, self.kind) {
            self.refusal = None;
            actions.push(Action::Send(Intent::FailOver {
                id: self.id.clone(),
                target_primary_region: self.target.clone(),
                kind,
                etag: self.etag.clone(),
            }));
        } else if response.close || cancelled {
            actions.push(Action::CloseDialog);
        }
        actions
    }

    fn moved(&self, view: &GroupView) -> bool {
        view.group.etag != self.etag
    }

    fn is_ready(&self, scene: &Scene<'_>, view: &GroupView) -> bool {
        let Some(kind) = self.kind else { return false };
        let clear = checks(scene, view, kind).iter().all(|check| check.tone != Tone::Bad);
        clear && scene.stale_ms.is_none() && !self.moved(view) && self.typed.trim() == self.id.as_str()
    }

    fn contents_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
        let palette = theme::palette(ui);
        self.warnings_ui(ui, scene, view);
        ui.label(rich(Role::Label, "New primary region").color(palette.text_soft));
        self.regions_ui(ui, view);
        ui.add_space(space::XS);
        ui.label(rich(Role::Label, "How").color(palette.text_soft));
        self.kinds_ui(ui, scene, view);
        let Some(kind) = self.kind else { return };
        ui.add_space(space::XS);
        ui.label(rich(Role::Label, "What would be lost").color(palette.text_soft));
        loss_ui(ui, view, kind);
        ui.add_space(space::XS);
        ui.label(rich(Role::Label, "Checks").color(palette.text_soft));
        for check in checks(scene, view, kind) {
            check_ui(ui, &check);
        }
        ui.add_space(space::XS);
        let label = field::label_ui(ui, &format!("Type {} to confirm", self.id));
        let response = field::text_ui(ui, label, &mut self.typed, self.id.as_str(), true, false);
        if response.changed() {
            self.refusal = None;
        }
    }

    fn warnings_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
        if let Some(age) = scene.stale_ms {
            let sentence = "Nothing can be confirmed until news arrives.";
            banner_ui(
                ui,
                Icon::Offline,
                Tone::Warn,
                &format!("The data is {} old", format::age(age)),
                sentence,
                |_| {},
            );
        }
        let waits = scene.awaits(|intent| matches!(intent, Intent::FailOver { id, .. } if *id == self.id));
        if self.moved(view) && !waits {
            let heading = "The group changed while this dialog was open";
            let sentence = "What is shown below is true now. Look at it again before you confirm.";
            let again = banner_ui(ui, Icon::Warn, Tone::Warn, heading, sentence, |ui| {
                ui.add(Button::ordinary("Look again").icon(Icon::Refresh)).clicked()
            });
            if again {
                let kind = self.kind;
                *self = Self { kind, ..Self::open(scene, view) };
            }
        }
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "The failover was not started", refusal, |_| {});
        }
    }

    fn regions_ui(&mut self, ui: &mut Ui, view: &GroupView) {
        let group = &view.group;
        let secondary = group.effective_secondary_region().to_owned();
        if self.target != secondary {
            // The roles were turned around meanwhile.
            self.target = secondary.clone();
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let size = Vec2::new((ui.available_width() - space::M) / 2.0, 58.0);
            if field::choice_ui(ui, size, true, true, None, &secondary, "Secondary now; becomes primary").clicked() {
                self.target = secondary.clone();
            }
            let primary = &group.effective_primary_region;
            field::choice_ui(ui, size, false, false, None, primary, "Is primary already");
        });
    }

    fn kinds_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
        let primary = &view.group.effective_primary_region;
        let down = scene.region(primary).is_some_and(|region| region.unreachable_since.is_some());
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let width = (ui.available_width() - space::M) / 2.0;
            let planned = if down {
                format!("Not possible: {primary} does not answer.")
            } else {
                format!(
                    "Stops the writers in {primary}, catches up, compares every table, then cuts over. Loses nothing."
                )
            };
            let forced = format!("Cuts over now. What never arrived is set aside when {primary} answers again.");
            let high = |sentence: &str| field::choice_height(ui, width, sentence);
            let size = Vec2::new(width, high(&planned).max(high(&forced)));
            let on = self.kind == Some(FailoverKind::Planned);
            if field::choice_ui(ui, size, on, !down, None, "Planned", &planned).clicked() {
                self.kind = Some(FailoverKind::Planned);
            }
            let on = self.kind == Some(FailoverKind::Forced);
            if field::choice_ui(ui, size, on, true, None, "Forced", &forced).clicked() {
                self.kind = Some(FailoverKind::Forced);
            }
        });
    }
}

fn loss_ui(ui: &mut Ui, view: &GroupView, kind: FailoverKind) {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.surface)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(CornerRadius::same(radius::M + 2))
        .inner_margin(Margin::symmetric(14, 12))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            if kind == FailoverKind::Planned {
                ui.horizontal(|ui| {
                    text::icon_ui(ui, Icon::Good, 18.0, palette.good);
                    let sentence =
                        "Nothing. It ends only when source and replica compare equal, and is undone if they don't.";
                    ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text)).wrap());
                });
                return;
            }
            ui.horizontal_top(|ui| {
                let figures = loss_figures(&view.loss_estimate);
                let width = ui.available_width() / figures.len() as f32 - 8.0;
                for figure in figures {
                    ui.allocate_ui_with_layout(
                        Vec2::new(width, 44.0),
                        egui::Layout::top_down(egui::Align::Min),
                        |ui| {
                            ui.set_width(width);
                            ui.spacing_mut().item_spacing.y = 3.0;
                            ui.label(rich(Role::Small, figure.head).color(palette.text_weak));
                            let role = if figure.known { Role::FigureSmall } else { Role::Body };
                            let ink = if figure.known { palette.text } else { palette.text_soft };
                            ui.label(rich(role, figure.value).color(ink));
                        },
                    );
                }
            });
            let tables: Vec<_> = view.loss_estimate.tables.iter().map(String::as_str).collect();
            let note = if tables.is_empty() {
                "As the last cycle knew it. What was written since is not in these numbers.".to_owned()
            } else {
                format!(
                    "In {}. As the last cycle knew it; what was written since is not in these numbers.",
                    names(&tables)
                )
            };
            ui.add(egui::Label::new(rich(Role::Small, note).color(palette.text_weak)).wrap());
        });
}

fn check_ui(ui: &mut Ui, check: &Check) {
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
    fn what_is_not_known_is_shown_as_unknown_and_never_as_zero() {
        let unknown = loss_figures(&LossEstimate::default());
        assert!(unknown.iter().all(|figure| figure.value == "unknown" && !figure.known));
        let known = loss_figures(&LossEstimate {
            seconds: Some(1.4),
            commits: Some(0),
            rows: None,
            bytes: Some(0),
            tables: Vec::new(),
        });
        let values: Vec<_> = known.iter().map(|figure| figure.value.as_str()).collect();
        assert_eq!(values, ["1.4 s", "0", "unknown", "0 B", "0"]);
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        assert_eq!(names(&["a", "b", "c"]), "a, b, c");
        assert_eq!(names(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}

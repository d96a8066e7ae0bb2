//! The dialog that fails a group over: where to, how, what it would cost, and the group's name as the key.

mod checks;
mod left_behind;
mod loss;
mod options;

pub use checks::{Check, checks};
pub use loss::{LossFigure, likely_figures, loss_figures};
pub use options::Options;

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::control::view::GroupView;
use crate::domain::{FailoverKind, GroupId, Region, Timestamp};
use crate::runtime::{Intent, IntentError, NoticeDetail};
use checks::check_ui;
use eframe::egui::{Context, Ui, Vec2};
use loss::loss_ui;
use std::collections::BTreeSet;

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
    /// When it last asked what would be lost, and whether the primary was away then.
    asked: Option<(Timestamp, bool)>,
    /// What a planned failover may leave behind, as ticked.
    accepted: BTreeSet<String>,
    /// An earlier instant, and whether it is provisional.
    options: Options,
}

/// While the dialog is open what would be lost is asked for again this often.
const ASK_AGAIN_MS: i64 = 5_000;

impl FailOverDialog {
    /// A dialog for the group as it is now.
    pub fn open(scene: &Scene<'_>, view: &GroupView) -> Self {
        let group = &view.group;
        let primary_down = scene.region(&group.effective_primary_region).is_some_and(|r| r.unreachable_since.is_some());
        Self {
            id: group.spec.id.clone(),
            etag: group.etag.clone(),
            target: group.effective_secondary_region().clone(),
            kind: (!primary_down).then_some(FailoverKind::Planned),
            typed: String::new(),
            refusal: None,
            asked: None,
            accepted: BTreeSet::new(),
            options: Options::new(group.replication_point.unwrap_or(scene.now), false),
        }
    }

    /// A dialog that proposes to go back to `at`.
    pub fn open_at(scene: &Scene<'_>, view: &GroupView, at: Timestamp) -> Self {
        Self { options: Options::new(at, true), ..Self::open(scene, view) }
    }

    /// Whether `intent` came from this dialog.
    pub fn asked_for(&self, intent: &Intent) -> bool {
        matches!(intent, Intent::FailOver { id, .. } | Intent::ReadAsOf { id, .. } if *id == self.id)
    }

    /// Takes an answer; whether the dialog stays open to show it.
    pub fn done(&mut self, detail: &NoticeDetail) -> bool {
        let NoticeDetail::AsOf(report) = detail else { return false };
        self.options.answered(report);
        true
    }

    /// Takes the refusal of what it asked about an earlier instant.
    pub fn refused_instant(&mut self, refusal: &IntentError) {
        self.options.refused(refusal);
    }

    /// Takes the refusal of this dialog's intent: the name must be typed again.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.typed.clear();
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(view) = scene.group(&self.id) else { return vec![Action::CloseDialog] };
        actions.extend(self.ask(scene, view));
        actions.extend(self.options.ask(scene, &self.id));
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
                accept_left_behind: match kind {
                    FailoverKind::Planned => left_behind::asked_for(&left_behind::shortfalls(view), &self.accepted),
                    FailoverKind::Forced => Vec::new(),
                },
                as_of: self.options.as_of(),
                provisional_minutes: self.options.provisional_minutes(),
            }));
        } else if response.close || cancelled {
            actions.push(Action::CloseDialog);
        }
        actions
    }

    /// Asks what would be lost: at once, when the primary goes away or comes back, and every few seconds.
    fn ask(&mut self, scene: &Scene<'_>, view: &GroupView) -> Option<Action> {
        let primary = &view.group.effective_primary_region;
        let away = scene.region(primary).is_some_and(|region| region.unreachable_since.is_some());
        // Draws again by itself, so that the next time is not missed.
        let old = |at: Timestamp| scene.age_ms(at) >= ASK_AGAIN_MS;
        let due = self.asked.is_none_or(|(at, was_away)| old(at) || away != was_away);
        let waits = scene.awaits(|intent| matches!(intent, Intent::EstimateLoss { id } if *id == self.id));
        if !due || waits || scene.stale_ms.is_some() {
            return None;
        }
        self.asked = Some((scene.now, away));
        Some(Action::Send(Intent::EstimateLoss { id: self.id.clone() }))
    }

    fn moved(&self, view: &GroupView) -> bool {
        view.group.etag != self.etag
    }

    fn is_ready(&self, scene: &Scene<'_>, view: &GroupView) -> bool {
        let Some(kind) = self.kind else { return false };
        let clear = checks(scene, view, kind).iter().all(|check| check.tone != Tone::Bad);
        let asked = kind == FailoverKind::Forced
            || left_behind::in_the_way(&left_behind::shortfalls(view), &self.accepted).is_none();
        clear
            && asked
            && self.options.is_ready()
            && scene.stale_ms.is_none()
            && !self.moved(view)
            && self.typed.trim() == self.id.as_str()
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
        self.options.show(ui, view.group.effective_primary_region.as_str());
        ui.add_space(space::XS);
        ui.label(rich(Role::Label, "What would be lost").color(palette.text_soft));
        let lost = left_behind::shortfalls(view);
        if kind == FailoverKind::Planned && !lost.is_empty() {
            let region = &view.group.effective_primary_region;
            left_behind::left_behind_ui(ui, region, &lost, &mut self.accepted);
        } else if kind == FailoverKind::Planned && self.options.as_of().is_some() {
            let sentence = "Only what was committed after the chosen instant. It is salvaged.".to_owned();
            check_ui(ui, &Check { tone: Tone::Warn, sentence });
        } else {
            loss_ui(ui, scene, view, kind);
        }
        ui.add_space(space::XS);
        ui.label(rich(Role::Label, "Checks").color(palette.text_soft));
        for check in checks(scene, view, kind) {
            check_ui(ui, &check);
        }
        if let Some(sentence) = left_behind::in_the_way(&lost, &self.accepted).filter(|_| kind == FailoverKind::Planned)
        {
            check_ui(ui, &Check { tone: Tone::Bad, sentence });
        }
        ui.add_space(space::XS);
        let label = field::label_ui(ui, &format!("Type {} to confirm", self.id));
        let response = field::text_ui(ui, label, &mut self.typed, "", true, false);
        if response.changed() {
            self.refusal = None;
        }
    }

    fn warnings_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
        if let Some(age) = scene.stale_ms {
            let sentence = "You can confirm when fresh data arrives.";
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
            let sentence = "The dialog now shows the current state. Review it before you confirm.";
            let again = banner_ui(ui, Icon::Warn, Tone::Warn, heading, sentence, |ui| {
                ui.add(Button::ordinary("Look again").icon(Icon::Refresh)).clicked()
            });
            if again {
                let (kind, options) = (self.kind, self.options.clone());
                *self = Self { kind, options, ..Self::open(scene, view) };
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
            // The roles have changed since then.
            self.target = secondary.clone().clone();
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let size = Vec2::new((ui.available_width() - space::M) / 2.0, 58.0);
            if field::choice_ui(ui, size, true, true, None, secondary.as_str(), "Secondary now, becomes primary")
                .clicked()
            {
                self.target = secondary.clone().clone();
            }
            let primary = &group.effective_primary_region;
            field::choice_ui(ui, size, false, false, None, primary.as_str(), "Already primary");
        });
    }

    fn kinds_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
        let primary = &view.group.effective_primary_region;
        let down = scene.region(primary).is_some_and(|region| region.unreachable_since.is_some());
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let width = (ui.available_width() - space::M) / 2.0;
            let planned = if down {
                format!("Not possible: {primary} doesn't respond.")
            } else {
                format!(
                    "Stops the writers in {primary}, catches up, compares every table, then cuts over. {}",
                    match left_behind::shortfalls(view).is_empty() {
                        true => "Loses nothing.",
                        false => "Loses only what you tick.",
                    }
                )
            };
            let forced = format!("Cuts over now. Unreplicated commits are salvaged when {primary} responds again.");
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

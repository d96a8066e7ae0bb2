//! The dialog that sets whether failovers of a group wait for a second person.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::domain::{ApprovalPolicy, GroupId};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context, Ui};

/// What the dialog holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalDialog {
    /// The group.
    pub id: GroupId,
    required: bool,
    forced_exempt: bool,
    minutes: String,
    refusal: Option<String>,
}

impl ApprovalDialog {
    /// A dialog with what holds now.
    pub fn open(id: GroupId, now: ApprovalPolicy) -> Self {
        let minutes = now.expires_minutes.to_string();
        Self { id, required: now.required, forced_exempt: now.forced_exempt, minutes, refusal: None }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// What is entered; None while it can't hold.
    fn policy(&self) -> Option<ApprovalPolicy> {
        let expires_minutes = self.minutes.trim().parse().ok()?;
        let policy = ApprovalPolicy { required: self.required, forced_exempt: self.forced_exempt, expires_minutes };
        policy.problem().is_none().then_some(policy)
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::SetApproval { id, .. } if *id == self.id));
        let title = format!("Approval of {}", self.id);
        let response = dialog_ui(
            ctx,
            "approval",
            &title,
            520.0,
            self,
            |ui, dialog| dialog.contents_ui(ui),
            |ui, dialog| {
                let words = if waits { "Setting…" } else { "Set approval" };
                let ready = !waits && dialog.policy().is_some() && scene.stale_ms.is_none();
                let set = ui.add(Button::primary(words).enabled(ready)).clicked();
                (set, ui.add(Button::quiet("Cancel")).clicked())
            },
        );
        let (set, cancelled) = response.inner;
        if let Some(policy) = self.policy().filter(|_| set) {
            self.refusal = None;
            return vec![Action::Send(Intent::SetApproval { id: self.id.clone(), policy })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn contents_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "The approval was not changed", refusal, |_| {});
        }
        let note = "A failover that one token asks for then waits until another one approves it: here, over the API, or on the page that the webhook links to.";
        ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text_soft)).wrap());
        ui.add_space(space::XS);
        if field::check_ui(ui, self.required, true, "Failovers wait for a second person").clicked() {
            self.required = !self.required;
        }
        let exempt = "A forced failover goes ahead at once";
        if field::check_ui(ui, self.forced_exempt, self.required, exempt).clicked() {
            self.forced_exempt = !self.forced_exempt;
        }
        ui.add_space(space::XS);
        let label = field::label_ui(ui, "Minutes until a request expires");
        let wrong = self.policy().is_none();
        field::text_ui(ui, label, &mut self.minutes, "60", false, wrong);
        if wrong {
            field::problems_ui(ui, ["Enter a number of minutes from 1 to 10080."]);
        }
    }
}

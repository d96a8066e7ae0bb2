//! The dialog that deletes a group.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field, text};
use crate::control::view::GroupView;
use crate::domain::{Event, GroupId, group_state};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context, Ui};

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq)]
pub struct DeleteDialog {
    /// The group.
    pub id: GroupId,
    etag: String,
    typed: String,
    gives_up: bool,
    refusal: Option<String>,
}

/// What deleting does and does not do, a sentence each.
pub fn consequences(view: &GroupView) -> Vec<String> {
    let group = &view.group;
    let catalogs = format::plural(group.catalogs().len(), "catalog", "catalogs");
    let (primary, secondary) = (&group.effective_primary_region, group.effective_secondary_region());
    let replica = match &view.unsettled_region {
        Some(region) if region == secondary => {
            format!(
                "{secondary} has no whole replica, because it wasn't reclaimed after the last failover. It stays as it is."
            )
        }
        _ => format!("The replica in {secondary} stays whole, listed and read-only until an admin releases it."),
    };
    let stays = match &view.unsettled_region {
        Some(region) if region == primary => {
            format!("Schedules and compute that the rolled-back failover stopped in {primary} stay stopped.")
        }
        _ => format!("Nothing in {primary} changes."),
    };
    vec![
        format!("Replication of {catalogs} from {primary} stops."),
        replica,
        "What forced failovers left behind stays in its folders.".to_owned(),
        stays,
    ]
}

/// What a user must say who deletes a group that still waits for a region.
pub fn acknowledgement(view: &GroupView) -> Option<String> {
    let region = view.unsettled_region.as_ref()?;
    Some(if view.group.salvage_pending {
        format!("{region} is lost for good: give up its unreplicated commits")
    } else {
        format!("{region} is lost for good: leave its schedules and compute stopped")
    })
}

impl DeleteDialog {
    /// A dialog for the group as it is now.
    pub fn open(view: &GroupView) -> Self {
        Self {
            id: view.group.spec.id.clone(),
            etag: view.group.etag.clone(),
            typed: String::new(),
            gives_up: false,
            refusal: None,
        }
    }

    /// Takes the refusal of this dialog's intent: the name must be typed again.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.typed.clear();
        self.gives_up = false;
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let Some(view) = scene.group(&self.id) else { return vec![Action::CloseDialog] };
        let waits = scene.awaits(|intent| matches!(intent, Intent::DeleteGroup { id, .. } if *id == self.id));
        let allowed = group_state::apply(view.group.state, Event::DeleteRequested).map(|_| ()).map_err(|r| r.reason);
        let moved = view.group.etag != self.etag;
        let typed = self.typed.trim() == self.id.as_str();
        let asked = acknowledgement(view);
        let acknowledged = asked.is_none() || self.gives_up;
        let ready = acknowledged && allowed.is_ok() && !waits && !moved && typed && scene.stale_ms.is_none();
        let title = format!("Delete {}", self.id);
        let response = dialog_ui(
            ctx,
            "delete group",
            &title,
            560.0,
            self,
            |ui, dialog| {
                if let Err(reason) = &allowed {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "You can't delete it now", reason, |_| {});
                }
                if moved && !waits {
                    let heading = "The group changed while this dialog was open";
                    let again = banner_ui(ui, Icon::Warn, Tone::Warn, heading, "Review it before you confirm.", |ui| {
                        ui.add(Button::ordinary("Look again").icon(Icon::Refresh)).clicked()
                    });
                    if again {
                        *dialog = Self::open(view);
                    }
                }
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "The group was not deleted", refusal, |_| {});
                }
                consequences_ui(ui, view);
                ui.add_space(space::S);
                if let Some(asked) = &asked {
                    if field::check_ui(ui, dialog.gives_up, true, asked).clicked() {
                        dialog.gives_up = !dialog.gives_up;
                    }
                    ui.add_space(space::S);
                }
                let label = field::label_ui(ui, &format!("Type {} to confirm", dialog.id));
                field::text_ui(ui, label, &mut dialog.typed, "", true, false);
            },
            |ui, _| {
                let words = if waits { "Deleting…" } else { "Delete failover group" };
                let confirmed = ui.add(Button::danger(words).icon(Icon::Delete).enabled(ready)).clicked();
                (confirmed, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (confirmed, cancelled) = response.inner;
        if confirmed && ready {
            self.refusal = None;
            let given_up_region = view.unsettled_region.clone();
            let intent = Intent::DeleteGroup { id: self.id.clone(), etag: self.etag.clone(), given_up_region };
            return vec![Action::Send(intent)];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

fn consequences_ui(ui: &mut Ui, view: &GroupView) {
    let palette = theme::palette(ui);
    for sentence in consequences(view) {
        ui.horizontal_top(|ui| {
            text::icon_ui(ui, Icon::Right, 17.0, palette.text_weak);
            ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text_soft)).wrap());
        });
    }
}

//! The dialogs that create a stable URL and attach one to a group.

use super::attaching;
use crate::console::action::Action;
use crate::console::command;
use crate::console::scene::Scene;
use crate::console::screens::create::workspace_ui;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, field};
use crate::domain::{GroupId, StableUrl, WorkspaceId};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{Context, Ui, Vec2};

/// What the dialog that creates one remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewUrlDialog {
    id: String,
    workspace: Option<WorkspaceId>,
    refusal: Option<String>,
}

impl NewUrlDialog {
    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// What is wrong with the id as typed; None where nothing is, or nothing was typed yet.
    pub fn problem(&self, scene: &Scene<'_>) -> Option<String> {
        let id = self.id.trim();
        if id.is_empty() {
            return None;
        }
        if let Err(problem) = StableUrl::check_id(id) {
            return Some(problem.to_string());
        }
        let taken = scene.account().stable_urls.iter().any(|url| url.id == id);
        taken.then(|| format!("A stable URL named {id} already exists. Choose another id."))
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| matches!(intent, Intent::CreateStableUrl { .. }));
        let problem = self.problem(scene);
        let typed = !self.id.trim().is_empty() && problem.is_none();
        let ready = !waits && typed && self.workspace.is_some() && scene.stale_ms.is_none();
        let response = dialog_ui(
            ctx,
            "new stable url",
            "Create stable URL",
            520.0,
            self,
            |ui, dialog| dialog.form_ui(ui, scene, problem.as_deref()),
            |ui, _| {
                let words = if waits { "Creating…" } else { "Create" };
                let create = ui.add(Button::primary(words).enabled(ready)).clicked();
                (create, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (create, cancelled) = response.inner;
        if let (true, Some(workspace_id)) = (create, self.workspace.clone()) {
            self.refusal = None;
            return vec![Action::Send(Intent::CreateStableUrl { id: self.id.trim().to_owned(), workspace_id })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn form_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>, problem: Option<&str>) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "The stable URL was not created", refusal, |_| {});
        }
        let label = field::label_ui(ui, "Stable URL id");
        field::text_ui(ui, label, &mut self.id, "shop", false, problem.is_some());
        match problem {
            Some(problem) => field::problems_ui(ui, [problem]),
            None => {
                let note = "Up to 63 letters, digits, hyphens and underscores. You can't change it later.";
                ui.label(rich(Role::Small, note).color(palette.text_weak));
            }
        }
        ui.add_space(space::S);
        let width = ui.available_width();
        if let Some(id) = workspace_ui(ui, scene, "Points first to", width, &self.workspace, None) {
            self.workspace = Some(id);
        }
        let note = "After you attach it to a failover group, it points to the group's primary workspace.";
        ui.label(rich(Role::Small, note).color(palette.text_weak));
    }
}

/// What the dialog that attaches one remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachDialog {
    id: String,
    chosen: Option<(GroupId, String)>,
    refusal: Option<String>,
}

/// A workspace set that a stable URL can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    group: GroupId,
    set: String,
    heading: String,
    sentence: String,
    free: bool,
}

fn targets(scene: &Scene<'_>) -> Vec<Target> {
    let of = |view: &std::sync::Arc<crate::control::view::GroupView>| {
        let group = &view.group;
        let allowed = command::can_edit(scene, &group.spec.id);
        let many = group.spec.workspace_sets.len() > 1;
        let all = group.spec.workspace_sets.iter().map(|set| {
            let primary = set.workspace_ids.iter().find_map(|id| {
                let known = scene.account().workspaces.iter().find(|workspace| workspace.id == *id)?;
                (known.region == group.effective_primary_region).then(|| known.name.clone())
            });
            let leads = primary.unwrap_or_else(|| group.effective_primary_region.to_string());
            Target {
                group: group.spec.id.clone(),
                set: set.name.clone(),
                heading: match many {
                    true => format!("{} · {}", group.spec.id, set.name),
                    false => group.spec.id.to_string(),
                },
                sentence: match &allowed {
                    Ok(()) => format!("It then points to {leads} in {}.", group.effective_primary_region),
                    Err(reason) => reason.clone(),
                },
                free: allowed.is_ok(),
            }
        });
        all.collect::<Vec<_>>()
    };
    scene.account().groups.iter().flat_map(of).collect()
}

impl AttachDialog {
    /// A dialog for one stable URL.
    pub fn open(id: String) -> Self {
        Self { id, chosen: None, refusal: None }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let found = scene.account().stable_urls.iter().find(|url| url.id == self.id);
        let Some(url) = found else { return vec![Action::CloseDialog] };
        let waits = scene.awaits(|intent| matches!(intent, Intent::UpdateGroup { .. }));
        let targets = targets(scene);
        let intent = self.chosen.as_ref().and_then(|(id, set)| {
            let group = &scene.group(id)?.group;
            Some(attaching(group, group.spec.workspace_sets.iter().find(|known| known.name == *set)?, url))
        });
        let title = format!("Attach {}", self.id);
        let ready = intent.is_some() && !waits && scene.stale_ms.is_none();
        let response = dialog_ui(
            ctx,
            "attach stable url",
            &title,
            520.0,
            self,
            |ui, dialog| dialog.targets_ui(ui, &targets),
            |ui, _| {
                let words = if waits { "Attaching…" } else { "Attach" };
                let attach = ui.add(Button::primary(words).enabled(ready)).clicked();
                (attach, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (attach, cancelled) = response.inner;
        if let (true, Some(intent)) = (attach, intent) {
            self.refusal = None;
            return vec![Action::Send(intent)];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn targets_ui(&mut self, ui: &mut Ui, targets: &[Target]) {
        let palette = theme::palette(ui);
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't attach it", refusal, |_| {});
        }
        let head = match targets.is_empty() {
            true => "There is no failover group to follow. Create one first.",
            false => "Failover group to follow:",
        };
        ui.label(rich(Role::Body, head).color(palette.text_soft));
        for target in targets {
            let this = (target.group.clone(), target.set.clone());
            let width = ui.available_width();
            let size = Vec2::new(width, field::choice_height(ui, width, &target.sentence));
            let on = self.chosen.as_ref() == Some(&this);
            if field::choice_ui(ui, size, on, target.free, None, &target.heading, &target.sentence).clicked() {
                self.chosen = Some(this);
            }
        }
    }
}

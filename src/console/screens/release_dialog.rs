//! The dialog that releases a replica which a deleted group left.

use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, text};
use crate::control::view::CatalogView;
use crate::domain::{CatalogName, Region};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context};

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseDialog {
    /// The region that holds the replica.
    pub region: Region,
    /// The catalog.
    pub catalog: CatalogName,
    refusal: Option<String>,
}

/// Catalogs of a region that deleted groups left, each with the group's name.
pub fn left_replicas(catalogs: &[CatalogView]) -> impl Iterator<Item = (&str, &str)> {
    catalogs.iter().filter_map(|catalog| Some((catalog.name.as_str(), catalog.left_by.as_deref()?)))
}

impl ReleaseDialog {
    /// A dialog for one replica.
    pub fn open(region: Region, catalog: CatalogName) -> Self {
        Self { region, catalog, refusal: None }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let (region, catalog) = (self.region.clone(), self.catalog.clone());
        let catalogs = scene.region(&region).map_or(&[] as &[CatalogView], |view| &view.catalogs);
        let Some((_, group)) = left_replicas(catalogs).find(|(name, _)| catalog == *name) else {
            return vec![Action::CloseDialog];
        };
        let waits = scene.awaits(|intent| {
            matches!(intent, Intent::ReleaseReplica { region: r, catalog: c } if *r == region && *c == catalog)
        });
        let sentences = [
            format!("Failover group {group} left this replica when it was deleted. It has been read-only since then."),
            format!("After the release, the workspace in {region} can write to it."),
            "A new failover group can't reuse it as its replica.".to_owned(),
        ];
        let title = format!("Release {catalog} in {region}");
        let response = dialog_ui(
            ctx,
            "release replica",
            &title,
            520.0,
            self,
            |ui, dialog| {
                let palette = theme::palette(ui);
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't release the replica", refusal, |_| {});
                }
                for sentence in sentences {
                    ui.horizontal_top(|ui| {
                        text::icon_ui(ui, Icon::Right, 17.0, palette.text_weak);
                        ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text_soft)).wrap());
                    });
                }
            },
            |ui, _| {
                let words = if waits { "Releasing…" } else { "Release" };
                let confirmed = ui.add(Button::danger(words).enabled(!waits && scene.stale_ms.is_none())).clicked();
                (confirmed, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (confirmed, cancelled) = response.inner;
        if confirmed {
            self.refusal = None;
            return vec![Action::Send(Intent::ReleaseReplica { region, catalog })];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }
}

//! What another account doesn't tell: its screens say so, instead of showing nothing as if there were nothing.

use crate::console::action::{GroupTab, Route};
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon};
use crate::console::widgets::card;
use eframe::egui::Ui;

/// Why a place can't be shown for the account of this window; None where it can.
pub fn untold(scene: &Scene<'_>, route: &Route) -> Option<String> {
    let url = scene.snapshot.deployment.account_url.as_ref()?;
    if let Some(error) = &scene.snapshot.deployment.unread {
        return Some(format!(
            "Nothing could be read of the account at {url} yet. {error} The console tries again by itself."
        ));
    }
    let what = match route {
        Route::Group(_, GroupTab::Objects) | Route::Object(..) => "which objects a group holds and how far each one is",
        Route::Group(_, GroupTab::Errors) => "which objects fail, and why. The overview says whether some do",
        Route::Group(_, GroupTab::Operations) | Route::Run(..) => "the steps and times of a failover",
        Route::Group(_, GroupTab::Drills) => "which drills ran and when one is due",
        Route::Group(_, GroupTab::LeftBehind) => "what a failover left behind",
        Route::Activity => "who did what",
        Route::Regions => "what its regions hold and run",
        Route::CreateGroup | Route::EditGroup(_) => {
            return Some(
                "The account API doesn't tell what the regions hold, so there is nothing to choose from here. Use 'account create' or 'account update' on the command line.".to_owned(),
            );
        }
        Route::Group(_, GroupTab::Overview)
        | Route::Groups
        | Route::StableUrls
        | Route::Workspaces
        | Route::Settings => return None,
    };
    Some(format!("The account API at {url} doesn't tell {what}. Look where that account's runtime runs."))
}

/// Draws the sentence in the place of a screen; whether there is one to draw.
pub fn untold_ui(ui: &mut Ui, scene: &Scene<'_>, route: &Route) -> bool {
    let Some(sentence) = untold(scene, route) else { return false };
    let palette = theme::palette(ui);
    super::page_ui(ui, "untold", 860.0, |ui| {
        card::card_ui(ui, |ui| card::nothing_ui(ui, Icon::Info, palette.text_weak, "Not told", &sentence));
    });
    true
}

//! The section Resilience: failover groups and stable URLs, a tab each with its own search and create button.

mod create_button;
mod empty;
mod groups;
mod rows;

pub use empty::contents;
pub use rows::{Filter, GroupQuery, Row, SortBy, rows};

use super::stable_urls::UrlList;
use super::{page_ui, title_ui};
use crate::console::action::{Action, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::widgets::tabs::{Tab, tabs_ui};
use crate::domain::validation;
use eframe::egui::Ui;

/// Half-typed searches, filters and the order of both lists.
#[derive(Debug, Default)]
pub struct ResilienceScreen {
    groups: GroupQuery,
    urls: UrlList,
}

/// A tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The failover groups.
    Groups,
    /// The stable URLs.
    StableUrls,
}

impl ResilienceScreen {
    /// Draws the section with `on` as its tab.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, on: Section) -> Vec<Action> {
        let mut actions = Vec::new();
        page_ui(ui, "resilience", 1320.0, |ui| {
            title_ui(ui, "Resilience", &note(scene), |_| {});
            let tab = |value, label| Tab { value, label, count: None };
            let tabs = [tab(Section::Groups, "Failover groups"), tab(Section::StableUrls, "Stable URLs")];
            match tabs_ui(ui, on, &tabs) {
                Some(Section::Groups) => actions.push(Action::Go(Route::Groups)),
                Some(Section::StableUrls) => actions.push(Action::Go(Route::StableUrls)),
                None => {}
            }
            match on {
                Section::Groups => groups::list_ui(ui, scene, &mut self.groups, &mut actions),
                Section::StableUrls => self.urls.show(ui, scene, &mut actions),
            }
        });
        actions
    }
}

/// How much of the account is in use, in a line.
fn note(scene: &Scene<'_>) -> String {
    let account = scene.account();
    let taken: usize = account.groups.iter().map(|view| view.group.catalogs().len()).sum();
    format!(
        "{} of {} · {taken} of {} catalogs protected · {}",
        account.groups.len(),
        format::plural(validation::MAX_GROUPS, "group", "groups"),
        validation::MAX_CATALOGS,
        format::plural(account.stable_urls.len(), "stable URL", "stable URLs")
    )
}

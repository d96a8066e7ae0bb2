//! Stable URLs: addresses that lead to a workspace, and follow the primary of the group that they are attached to.

mod dialogs;
mod logins;
mod repoint;
mod tokens_dialog;
mod traffic;

pub use dialogs::{AttachDialog, NewUrlDialog};
pub use tokens_dialog::TokensDialog;

use crate::console::action::{Action, GroupTab, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, rich};
use crate::console::widgets::{Button, button, card, copy, field, text};
use crate::control::view::StableUrlView;
use crate::control::{GroupPatch, SetPatch};
use crate::domain::{FailoverGroup, GroupId, WorkspaceSet};
use crate::net::TrafficView;
use crate::runtime::{GatewayView, Intent};
use eframe::egui::{self, Align, Layout, Ui};

/// Switches that are shown, the newest first.
const SWITCHES: usize = 5;

/// Where a stable URL leads now, in words.
pub fn led_to(scene: &Scene<'_>, url: &StableUrlView) -> String {
    let known = scene.account().workspaces.iter().find(|workspace| workspace.id == url.effective_workspace_id);
    known.map_or_else(
        || format!("workspace {}", url.effective_workspace_id),
        |workspace| format!("{} in {}", workspace.name, workspace.region),
    )
}

/// What changes the names that follow one workspace set of a group, with the etag that is shown.
fn renaming(group: &FailoverGroup, set: &WorkspaceSet, names: Vec<String>) -> Intent {
    let set = SetPatch { name: set.name.clone(), stable_url_names: Some(names), ..SetPatch::default() };
    Intent::UpdateGroup {
        id: group.spec.id.clone(),
        patch: GroupPatch { sets: vec![set], ..GroupPatch::default() },
        etag: group.etag.clone(),
    }
}

/// What detaches a stable URL from its group.
pub fn detaching(scene: &Scene<'_>, url: &StableUrlView) -> Option<Intent> {
    let group = &scene.group(url.group.as_ref()?)?.group;
    let set = logins::set_of(group, url)?;
    let names = set.stable_url_names.iter().filter(|name| **name != url.name).cloned().collect();
    Some(renaming(group, set, names))
}

/// What attaches a stable URL to a set of a group.
pub fn attaching(group: &FailoverGroup, set: &WorkspaceSet, url: &StableUrlView) -> Intent {
    let mut names = set.stable_url_names.clone();
    names.push(url.name.clone());
    renaming(group, set, names)
}

/// What the list is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UrlList {
    search: String,
}

/// Whether the words of `search` are all found in the URL's id, its group or where it leads.
fn is_found(scene: &Scene<'_>, url: &StableUrlView, search: &str) -> bool {
    let group = url.group.as_ref().map_or("", GroupId::as_str);
    let text = format!("{} {} {group} {}", url.id, url.url, led_to(scene, url)).to_lowercase();
    search.split_whitespace().all(|word| text.contains(&word.to_lowercase()))
}

impl UrlList {
    /// Draws the tab.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let urls = &scene.account().stable_urls;
        ui.horizontal(|ui| {
            ui.set_min_height(theme::metrics(ui).control);
            if !urls.is_empty() {
                field::search_ui(ui, "Search stable URLs", &mut self.search, 260.0);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(Button::primary("Create stable URL…").icon(Icon::Add)).clicked() {
                    actions.push(Action::AskNewUrl);
                }
            });
        });
        if urls.is_empty() {
            let heading = "There is no stable URL yet";
            let note = "A stable URL always points clients to the primary workspace, before and after a failover.";
            card::card_ui(ui, |ui| card::nothing_ui(ui, Icon::Link, palette.text_weak, heading, note));
        }
        let mut found = urls.iter().filter(|url| is_found(scene, url, &self.search)).peekable();
        if !urls.is_empty() && found.peek().is_none() {
            let note = "Clear the search to see all of them.";
            card::card_ui(ui, |ui| {
                card::nothing_ui(ui, Icon::Search, palette.text_weak, "No stable URL matches", note)
            });
        }
        for url in found {
            card::card_ui(ui, |ui| url_ui(ui, scene, url, actions));
        }
        if let Some(gateway) = &scene.snapshot.deployment.gateway {
            card::card_ui(ui, |ui| gateway_ui(ui, gateway));
        }
    }
}

fn gateway_ui(ui: &mut Ui, gateway: &GatewayView) {
    fact_ui(ui, "Gateway", |ui| copy::path_ui(ui, "the gateway's URL", &gateway.url));
    if let Some(fingerprint) = &gateway.fingerprint {
        fact_ui(ui, "Certificate", |ui| copy::path_ui(ui, "the certificate's sha256", fingerprint));
    }
}

fn url_ui(ui: &mut Ui, scene: &Scene<'_>, url: &StableUrlView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    card::sides_ui(
        ui,
        34.0,
        |ui| {
            text::icon_ui(ui, Icon::Link, 20.0, palette.text_soft);
            text::line_ui(ui, Role::Heading, palette.text, &url.id);
        },
        |ui| {
            let free = url.group.is_none();
            let hint = if free { "It stops working" } else { "Detach it from its group first" };
            let name = format!("Delete {}…", url.id);
            let delete = Button::quiet("Delete…").icon(Icon::Delete).name(&name).hint(hint).enabled(free);
            if ui.add(delete).clicked() {
                actions.push(Action::AskDeleteUrl(url.id.clone()));
            }
            let (word, hint) = match free {
                true => ("Attach…", "Makes it follow a failover group's primary"),
                false => ("Detach…", "It keeps pointing where it points now"),
            };
            let name = format!("{} {}…", word.trim_end_matches('…'), url.id);
            let change = Button::ordinary(word).name(&name).hint(hint);
            if ui.add(change).clicked() {
                actions.push(Action::AskAttach(url.id.clone()));
            }
        },
    );
    fact_ui(ui, "URL", |ui| copy::path_ui(ui, &format!("the URL of {}", url.id), &url.url));
    if let Some(address) = scene.snapshot.deployment.gateway.as_ref().and_then(|at| traffic::by_host_name(at, &url.id))
    {
        fact_ui(ui, "Host name", |ui| copy::path_ui(ui, &format!("the host name of {}", url.id), &address));
    }
    fact_ui(ui, "Leads to", |ui| {
        let words = format!("{} · {}", led_to(scene, url), url.effective_workspace_id);
        ui.label(rich(Role::Body, words).color(palette.text_soft));
    });
    fact_ui(ui, "Follows", |ui| match &url.group {
        Some(group) => {
            if button::link_ui(ui, group.as_str(), &format!("Open {group}, which {} follows", url.id)).clicked() {
                actions.push(Action::Go(Route::Group(group.clone(), GroupTab::Overview)));
            }
        }
        None => {
            let words = "no failover group: it stays there until you attach it";
            ui.label(rich(Role::Body, words).color(palette.text_weak));
        }
    });
    if let Some(counted) = &url.traffic {
        traffic_ui(ui, counted);
    }
    logins_ui(ui, scene, url, actions);
    if url.moved_ids > 0 {
        let ids = format::plural(url.moved_ids, "asset has another id", "assets have other ids");
        let words = format!("{ids} in this workspace; addresses with the other workspace's ids open the same asset");
        fact_ui(ui, "Ids", |ui| drop(ui.label(rich(Role::Body, words).color(palette.text_soft))));
    }
    for (index, line) in to_repoint(scene, url).into_iter().enumerate() {
        let head = if index == 0 { "To repoint" } else { "" };
        fact_ui(ui, head, |ui| drop(ui.label(rich(Role::Body, line).color(palette.warn))));
    }
}

fn logins_ui(ui: &mut Ui, scene: &Scene<'_>, url: &StableUrlView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let ids = logins::workspaces(scene, url);
    let names: Vec<String> = ids.iter().map(|id| scene.workspace_name(id)).collect();
    let clients: Vec<String> = url.token_clients.iter().map(|known| known.client.clone()).collect();
    // Another account's API doesn't tell whether its gateway exchanges tokens, so what doesn't survive isn't known either.
    let told = if scene.is_of_another_account() { 1 } else { usize::MAX };
    for (index, line) in logins::lines(&names, &clients).into_iter().take(told).enumerate() {
        let head = if index == 0 { "Logins" } else { "" };
        fact_ui(ui, head, |ui| drop(ui.label(rich(Role::Body, line).color(palette.text_soft))));
    }
    if scene.is_of_another_account() {
        return;
    }
    fact_ui(ui, "Exchange", |ui| {
        let words = match clients.len() {
            0 => "off: the gateway passes every token as it is".to_owned(),
            some => format!("tokens of {}", format::plural(some, "client", "clients")),
        };
        ui.label(rich(Role::Body, words).color(palette.text_soft));
        // A pair belongs to the two workspaces between which a group moves the URL.
        if ids.len() == 2 {
            let name = format!("Exchange tokens at {}…", url.id);
            if ui.add(Button::quiet("Add tokens…").icon(Icon::Key).name(&name)).clicked() {
                actions.push(Action::AskTokens(url.id.clone()));
            }
        }
    });
    for client in clients {
        fact_ui(ui, "", |ui| {
            text::line_ui(ui, Role::Body, palette.text_soft, &client);
            let name = format!("Remove the tokens of {client} from {}…", url.id);
            if ui.add(Button::quiet("Remove…").icon(Icon::Delete).name(&name)).clicked() {
                actions.push(Action::AskRemoveTokens(url.id.clone(), client));
            }
        });
    }
}

/// Who would stay behind at a failover of the group that a URL follows.
fn to_repoint(scene: &Scene<'_>, url: &StableUrlView) -> Vec<String> {
    let group = url.group.as_ref().and_then(|id| scene.group(id));
    let views = scene.snapshot.sandbox.as_deref();
    match (group, views) {
        (Some(view), Some(sandbox)) => repoint::lines(&sandbox.regions, &view.group.spec.regions),
        // Only the runtime's own gateway sees clients at all.
        (Some(view), None) if url.traffic.is_some() => vec![repoint::untold(&view.group.spec.regions)],
        _ => Vec::new(),
    }
}

fn traffic_ui(ui: &mut Ui, counted: &TrafficView) {
    let palette = theme::palette(ui);
    let mut words_ui = |head: &str, words: String| {
        fact_ui(ui, head, |ui| drop(ui.label(rich(Role::Body, words).color(palette.text_soft))));
    };
    words_ui("Traffic", traffic::requests(counted));
    if let Some(times) = traffic::times(counted) {
        words_ui("Answers", times);
    }
    for (index, switch) in counted.switches.iter().take(SWITCHES).enumerate() {
        words_ui(if index == 0 { "Switches" } else { "" }, traffic::switch(switch));
    }
    for (index, client) in repoint::seen(counted).into_iter().enumerate() {
        words_ui(if index == 0 { "Clients" } else { "" }, client);
    }
    if counted.late > 0 {
        let words = format!("{} were answered by the old region after the switch.", counted.late);
        words_ui("Late", words);
    }
}

fn fact_ui(ui: &mut Ui, head: &str, value: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(egui::vec2(90.0, 26.0), egui::Sense::hover());
        text::paint(ui, rect, egui::Align2::LEFT_CENTER, Role::Body, palette.text_weak, head);
        ui.with_layout(Layout::left_to_right(Align::Center), value);
    });
}

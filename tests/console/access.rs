//! Every control of every screen has a name and a role, and can be reached with the keyboard.

use crate::desk::Desk;
use crate::fixture;
use eframe::egui::accesskit::Action;
use eframe::egui::{Key, Modifiers, Role, Theme, Vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use resilience::console::action::{GroupTab, Route};
use resilience::domain::GroupId;
use resilience::runtime::Snapshot;

fn full() -> Snapshot {
    let groups = vec![
        fixture::active("core", &["main", "clickstream"]),
        fixture::crowded("clicks"),
        fixture::filling("ml", 43),
        fixture::failing_over("payments"),
        fixture::unprotected("risk"),
    ];
    fixture::attached(fixture::with_tokens_and_urls(fixture::with_groups(groups)), "shop", "core")
}

fn group(id: &str) -> GroupId {
    GroupId::new(id).expect("a valid id")
}

fn every_route() -> Vec<Route> {
    let tabs = [GroupTab::Overview, GroupTab::Objects, GroupTab::Errors, GroupTab::Operations, GroupTab::LeftBehind];
    let mut routes = vec![
        Route::Groups,
        Route::StableUrls,
        Route::CreateGroup,
        Route::EditGroup(group("core")),
        Route::Workspaces,
        Route::Regions,
        Route::Activity,
        Route::Settings,
        Route::Run(group("payments"), None),
        Route::Run(group("risk"), None),
        Route::Run(group("core"), Some("no such failover".to_owned())),
    ];
    for id in ["core", "clicks", "ml", "payments", "risk"] {
        routes.extend(tabs.map(|tab| Route::Group(group(id), tab)));
    }
    routes
}

/// What can be pressed, typed into or chosen and has no name, no role, or no way to it with the keyboard.
fn nameless(desk: &Desk) -> Vec<String> {
    let mut found = Vec::new();
    let all = desk.window.query_all(egui_kittest::kittest::by().recursive(true));
    for node in all {
        let node = node.accesskit_node();
        let data = node.data();
        let pressable = data.supports_action(Action::Click);
        let has_role = !matches!(node.role(), Role::Unknown | Role::GenericContainer);
        let takes_input = matches!(
            node.role(),
            Role::Button
                | Role::Link
                | Role::CheckBox
                | Role::RadioButton
                | Role::Switch
                | Role::Tab
                | Role::TextInput
                | Role::MultilineTextInput
                | Role::Slider
                | Role::SpinButton
                | Role::ComboBox
                | Role::MenuItem
        );
        let named = node.label().is_some_and(|label| !label.trim().is_empty());
        let keyboard = data.supports_action(Action::Focus) || node.is_disabled();
        if takes_input && !named {
            found.push(format!("{:?} at {:?} has no name", node.role(), data.bounds()));
        }
        if takes_input && !keyboard {
            found.push(format!("{:?} {:?} can't have the focus", node.role(), node.label()));
        }
        // A dialog's backdrop takes clicks and isn't a control.
        if pressable && named && !has_role {
            found.push(format!("{:?} has no role", node.label()));
        }
    }
    found
}

#[test]
fn every_control_on_every_screen_has_a_name_a_role_and_a_way_to_it() {
    for route in every_route() {
        let mut desk = Desk::new(full());
        desk.go(route.clone());
        assert_eq!(nameless(&desk), Vec::<String>::new(), "{route:?}");
    }
    let empty = [Route::Groups, Route::StableUrls, Route::Regions, Route::Activity, Route::Settings];
    for route in empty {
        let mut desk = Desk::new(fixture::empty());
        desk.go(route.clone());
        assert_eq!(nameless(&desk), Vec::<String>::new(), "{route:?}, empty");
    }
}

#[test]
fn every_control_of_every_dialog_has_a_name_a_role_and_a_way_to_it() {
    let at = |tab| Route::Group(group("core"), tab);
    let dialogs: [(&str, Route, &[&str]); 10] = [
        ("fail over", at(GroupTab::Overview), &["Fail over…", "Forced"]),
        ("delete", at(GroupTab::Overview), &["Delete…"]),
        ("targets", at(GroupTab::Overview), &["Targets…"]),
        ("export", at(GroupTab::Overview), &["Export…"]),
        ("repair", at(GroupTab::Objects), &["Repair…"]),
        ("points", at(GroupTab::Objects), &["Points in time…"]),
        ("new url", Route::StableUrls, &["Create stable URL…"]),
        ("detach", Route::StableUrls, &["Detach shop…"]),
        ("new token", Route::Settings, &["Create token…"]),
        ("keys", Route::Settings, &["Keys"]),
    ];
    for (name, route, presses) in dialogs {
        let mut desk = Desk::new(full());
        desk.go(route);
        for press in presses {
            desk.click(press);
        }
        assert_eq!(nameless(&desk), Vec::<String>::new(), "{name}");
    }
    let mut desk = Desk::new(full());
    desk.keys(Modifiers::COMMAND, Key::K);
    assert_eq!(nameless(&desk), Vec::<String>::new(), "palette");
    desk.key(Key::Escape);
    desk.key(Key::F11);
    assert_eq!(nameless(&desk), Vec::<String>::new(), "wall display");
}

#[test]
fn tab_goes_through_the_list_and_enter_opens_what_has_the_focus() {
    let mut desk = Desk::sized(full(), Theme::Light, Vec2::new(1280.0, 800.0));
    let mut seen = Vec::new();
    for _ in 0..60 {
        desk.key(Key::Tab);
        let all = desk.window.query_all(egui_kittest::kittest::by().recursive(true));
        let on: Vec<_> =
            all.filter(|node| node.is_focused()).filter_map(|node| node.accesskit_node().label()).collect();
        seen.extend(on.into_iter().next());
        if seen.last().is_some_and(|name| name.starts_with("Open core,")) {
            break;
        }
    }
    for name in ["Search commands", "Resilience", "Search failover groups", "Create failover group", "Sort by name"] {
        assert!(seen.iter().any(|seen| seen == name), "{name} was passed over: {seen:#?}");
    }
    desk.key(Key::Enter);
    assert_eq!(desk.window.state().route(), &Route::Group(group("core"), GroupTab::Overview));
}

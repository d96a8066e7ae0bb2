//! Every action that the palette and the keyboard know: one enum owns text, explanation, icon and key.

use super::action::{Action, GroupTab, Route};
use super::preferences::Preferences;
use super::scene::Scene;
use super::theme::{Density, Icon, ThemeChoice};
use crate::domain::{Event, GroupId, GroupState, Region, Right, group_state};
use crate::runtime::Intent;
use eframe::egui::{Key, KeyboardShortcut, Modifiers};

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    /// Shows the palette.
    ShowPalette,
    /// Shows the keys.
    ShowKeys,
    /// Turns the wall display on.
    ShowWall,
    /// Shows the failover groups.
    ShowGroups,
    /// Shows the stable URLs.
    ShowStableUrls,
    /// Shows the workspaces.
    ShowWorkspaces,
    /// Shows the regions.
    ShowRegions,
    /// Shows the activity.
    ShowActivity,
    /// Shows the settings.
    ShowSettings,
    /// Opens the form for a new group.
    CreateGroup,
    /// Opens the form that changes a group.
    EditGroup(GroupId),
    /// Asks for a new stable URL.
    CreateStableUrl,
    /// Asks for a new token.
    CreateToken,
    /// Reads the regions again.
    RefreshRegions,
    /// Shows one group.
    OpenGroup(GroupId),
    /// Shows one object of a group.
    FindObject(GroupId, FoundObject),
    /// Asks how to fail over a group.
    FailOver(GroupId),
    /// Resumes what ran in the old primary.
    Resume(GroupId),
    /// Tries a failed phase again.
    Retry(GroupId),
    /// Asks whether to delete a group.
    Delete(GroupId),
    /// Stops a sandbox region.
    TakeDown(Region),
    /// Starts a sandbox region.
    BringUp(Region),
    /// Changes the theme.
    UseTheme(ThemeChoice),
    /// Changes the density.
    UseDensity(Density),
}

/// An object as the palette finds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FoundObject {
    pub name: String,
    /// A workspace asset's ids in the primary and the secondary.
    pub ids: [Option<String>; 2],
}

impl FoundObject {
    /// What the list of objects is narrowed to: an id stands for one asset, a name may not.
    fn search(self) -> String {
        self.ids.into_iter().flatten().next().unwrap_or(self.name)
    }
}

/// Letters that must be typed before objects are looked for.
const FEWEST_LETTERS: usize = 3;
/// Objects that the palette lists.
const MOST_OBJECTS: usize = 20;

const CTRL: Modifiers = Modifiers::COMMAND;

impl Command {
    /// Every command that makes sense now.
    pub fn all(scene: &Scene<'_>) -> Vec<Command> {
        let mut all = vec![
            Self::CreateGroup,
            Self::ShowGroups,
            Self::ShowWorkspaces,
            Self::ShowStableUrls,
            Self::ShowRegions,
            Self::ShowActivity,
            Self::ShowSettings,
            Self::CreateStableUrl,
            Self::CreateToken,
            Self::ShowWall,
        ];
        for view in &scene.account().groups {
            let id = &view.group.spec.id;
            all.push(Self::OpenGroup(id.clone()));
            all.push(Self::FailOver(id.clone()));
            if !view.to_resume.is_empty() {
                all.push(Self::Resume(id.clone()));
            }
            if is_failed(view.group.state) {
                all.push(Self::Retry(id.clone()));
            }
            all.push(Self::EditGroup(id.clone()));
            all.push(Self::Delete(id.clone()));
        }
        for region in scene.snapshot.sandbox.iter().flat_map(|sandbox| &sandbox.regions) {
            all.push(if region.up {
                Self::TakeDown(region.region.clone())
            } else {
                Self::BringUp(region.region.clone())
            });
        }
        all.extend([
            Self::RefreshRegions,
            Self::UseTheme(ThemeChoice::Light),
            Self::UseTheme(ThemeChoice::Dark),
            Self::UseTheme(ThemeChoice::System),
            Self::UseDensity(Density::Comfortable),
            Self::UseDensity(Density::Compact),
            Self::ShowKeys,
        ]);
        all
    }

    /// Objects whose name, or an id of either region, contains what is typed.
    pub fn objects(scene: &Scene<'_>, typed: &str) -> Vec<Command> {
        let typed = typed.trim().to_lowercase();
        if typed.chars().count() < FEWEST_LETTERS {
            return Vec::new();
        }
        let groups = scene.account().groups.iter();
        let all = groups.flat_map(|view| view.objects.iter().map(move |object| (&view.group.spec.id, object)));
        all.filter(|(_, object)| object.is_called(&typed))
            .take(MOST_OBJECTS)
            .map(|(id, object)| {
                let ids = [object.source_id.clone(), object.replica_id.clone()];
                Self::FindObject(id.clone(), FoundObject { name: object.name.clone(), ids })
            })
            .collect()
    }

    /// Commands that a key reaches from everywhere.
    pub const WITH_KEY: [Command; 11] = [
        Self::ShowPalette,
        Self::ShowKeys,
        Self::ShowWall,
        Self::ShowGroups,
        Self::ShowStableUrls,
        Self::ShowWorkspaces,
        Self::ShowRegions,
        Self::ShowActivity,
        Self::ShowSettings,
        Self::CreateGroup,
        Self::RefreshRegions,
    ];

    /// Its words.
    pub fn text(&self) -> String {
        match self {
            Self::ShowPalette => "Search commands".to_owned(),
            Self::ShowKeys => "Keyboard shortcuts".to_owned(),
            Self::ShowWall => "Show the wall display".to_owned(),
            Self::ShowGroups => "Go to failover groups".to_owned(),
            Self::ShowStableUrls => "Go to stable URLs".to_owned(),
            Self::ShowWorkspaces => "Go to workspaces".to_owned(),
            Self::ShowRegions => "Go to regions".to_owned(),
            Self::ShowActivity => "Go to activity".to_owned(),
            Self::ShowSettings => "Go to settings".to_owned(),
            Self::CreateGroup => "Create failover group".to_owned(),
            Self::EditGroup(id) => format!("Edit {id}"),
            Self::CreateStableUrl => "Create stable URL…".to_owned(),
            Self::CreateToken => "Create token…".to_owned(),
            Self::RefreshRegions => "Refresh regions".to_owned(),
            Self::OpenGroup(id) => format!("Open {id}"),
            Self::FindObject(_, FoundObject { name, ids }) => {
                let ids: Vec<&str> = ids.iter().flatten().map(String::as_str).collect();
                if ids.is_empty() { format!("Show {name}") } else { format!("Show {name} ({})", ids.join(", ")) }
            }
            Self::FailOver(id) => format!("Fail over {id}…"),
            Self::Resume(id) => format!("Resume schedules and compute of {id}"),
            Self::Retry(id) => format!("Retry {id}"),
            Self::Delete(id) => format!("Delete {id}…"),
            Self::TakeDown(region) => format!("Take {region} down"),
            Self::BringUp(region) => format!("Bring {region} up"),
            Self::UseTheme(ThemeChoice::Light) => "Use the light theme".to_owned(),
            Self::UseTheme(ThemeChoice::Dark) => "Use the dark theme".to_owned(),
            Self::UseTheme(ThemeChoice::System) => "Use the system's theme".to_owned(),
            Self::UseDensity(Density::Comfortable) => "Use comfortable rows".to_owned(),
            Self::UseDensity(Density::Compact) => "Use compact rows".to_owned(),
        }
    }

    /// What it does, in a few words more.
    pub fn tooltip(&self) -> &'static str {
        match self {
            Self::ShowPalette => "Find and run any command",
            Self::ShowKeys => "Every keyboard shortcut of this window",
            Self::ShowWall => "At most 12 groups, worst first, legible from afar",
            Self::ShowGroups => "State, direction and lag of every failover group",
            Self::ShowStableUrls => "Addresses that follow a failover group's primary",
            Self::ShowWorkspaces => "Workspaces and their add-ons",
            Self::ShowRegions => "What each region holds, and whether it responds",
            Self::ShowActivity => "What was done and by whom",
            Self::ShowSettings => "Appearance, tokens and paths",
            Self::CreateGroup => "Choose workspaces, catalogs and storage mappings",
            Self::EditGroup(_) => "Its scope, storage mappings and stable URLs",
            Self::CreateStableUrl => "Choose an id and the first workspace it points to",
            Self::CreateToken => "For the account API; you see its secret once",
            Self::RefreshRegions => "Ask both regions for their catalogs, jobs and compute",
            Self::FindObject(..) => "An object of a failover group",
            Self::OpenGroup(_) => "State, replication point and objects",
            Self::FailOver(_) => "Planned or forced. You confirm in the next step.",
            Self::Resume(_) => "Start in the new primary what was running in the old one",
            Self::Retry(_) => "Try the failed phase again",
            Self::Delete(_) => "Stops replication. The replica stays, read-only.",
            Self::TakeDown(_) => "Sandbox: the region and its jobs stop",
            Self::BringUp(_) => "Sandbox: the region responds again",
            Self::UseTheme(_) => "Appearance",
            Self::UseDensity(_) => "Appearance",
        }
    }

    /// Its sign.
    pub fn icon(&self) -> Icon {
        match self {
            Self::ShowPalette => Icon::Search,
            Self::ShowKeys => Icon::Keyboard,
            Self::ShowWall => Icon::System,
            Self::ShowGroups | Self::OpenGroup(_) => Icon::Shield,
            Self::ShowStableUrls | Self::CreateStableUrl => Icon::Link,
            Self::CreateToken => Icon::Key,
            Self::EditGroup(_) => Icon::Edit,
            Self::ShowWorkspaces => Icon::Workspace,
            Self::ShowRegions => Icon::Region,
            Self::ShowActivity => Icon::History,
            Self::ShowSettings => Icon::Settings,
            Self::CreateGroup => Icon::Add,
            Self::RefreshRegions => Icon::Refresh,
            Self::FindObject(..) => Icon::Search,
            Self::FailOver(_) => Icon::Failover,
            Self::Resume(_) => Icon::Play,
            Self::Retry(_) => Icon::Retry,
            Self::Delete(_) => Icon::Delete,
            Self::TakeDown(_) | Self::BringUp(_) => Icon::Power,
            Self::UseTheme(ThemeChoice::Light) => Icon::Light,
            Self::UseTheme(ThemeChoice::Dark) => Icon::Dark,
            Self::UseTheme(ThemeChoice::System) => Icon::System,
            Self::UseDensity(_) => Icon::Density,
        }
    }

    /// The key that runs it from everywhere.
    pub fn shortcut(&self) -> Option<KeyboardShortcut> {
        let key = |key| Some(KeyboardShortcut::new(CTRL, key));
        match self {
            Self::ShowPalette => key(Key::K),
            Self::ShowKeys => Some(KeyboardShortcut::new(Modifiers::NONE, Key::Questionmark)),
            Self::ShowWall => Some(KeyboardShortcut::new(Modifiers::NONE, Key::F11)),
            Self::ShowGroups => key(Key::Num1),
            Self::ShowStableUrls => key(Key::Num5),
            Self::ShowWorkspaces => key(Key::Num2),
            Self::ShowRegions => key(Key::Num3),
            Self::ShowActivity => key(Key::Num4),
            Self::ShowSettings => key(Key::Comma),
            Self::CreateGroup => key(Key::N),
            Self::RefreshRegions => Some(KeyboardShortcut::new(Modifiers::NONE, Key::F5)),
            _ => None,
        }
    }

    /// Whether it can be run now; else why not, as a sentence.
    pub fn available(&self, scene: &Scene<'_>) -> Result<(), String> {
        match self {
            Self::FailOver(id) => can_fail_over(scene, id),
            Self::EditGroup(id) => can_edit(scene, id),
            Self::CreateGroup | Self::CreateStableUrl | Self::Delete(_) | Self::Retry(_) => may(scene, Right::Change),
            Self::TakeDown(_) | Self::BringUp(_) => may(scene, Right::Change),
            Self::CreateToken => may(scene, Right::ManageTokens),
            Self::Resume(_) => may(scene, Right::FailOver),
            _ => Ok(()),
        }
    }

    /// What running it asks of the window.
    pub fn action(&self, preferences: &Preferences) -> Action {
        match self.clone() {
            Self::ShowPalette => Action::ShowPalette,
            Self::ShowKeys => Action::ShowKeys,
            Self::ShowWall => Action::ShowWall(true),
            Self::ShowGroups => Action::Go(Route::Groups),
            Self::ShowStableUrls => Action::Go(Route::StableUrls),
            Self::EditGroup(id) => Action::Go(Route::EditGroup(id)),
            Self::CreateStableUrl => Action::AskNewUrl,
            Self::CreateToken => Action::AskNewToken,
            Self::ShowWorkspaces => Action::Go(Route::Workspaces),
            Self::ShowRegions => Action::Go(Route::Regions),
            Self::ShowActivity => Action::Go(Route::Activity),
            Self::ShowSettings => Action::Go(Route::Settings),
            Self::CreateGroup => Action::Go(Route::CreateGroup),
            Self::RefreshRegions => Action::Send(Intent::RefreshRegions),
            Self::OpenGroup(id) => Action::Go(Route::Group(id, GroupTab::Overview)),
            Self::FindObject(id, object) => Action::Go(Route::Object(id, object.search())),
            Self::FailOver(id) => Action::AskFailOver(id),
            Self::Resume(id) => Action::Send(Intent::ResumeWorkloads { id }),
            Self::Retry(id) => Action::Send(Intent::RetryGroup { id }),
            Self::Delete(id) => Action::AskDelete(id),
            Self::TakeDown(region) => Action::Send(Intent::TakeRegionDown { region }),
            Self::BringUp(region) => Action::Send(Intent::BringRegionUp { region }),
            Self::UseTheme(theme) => Action::Prefer(Preferences { theme, ..preferences.clone() }),
            Self::UseDensity(density) => Action::Prefer(Preferences { density, ..preferences.clone() }),
        }
    }
}

fn may(scene: &Scene<'_>, right: Right) -> Result<(), String> {
    scene.refusal(right).map_or(Ok(()), Err)
}

/// Whether a state waits for a person to try again.
pub fn is_failed(state: GroupState) -> bool {
    matches!(state, GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed)
}

/// Whether a group's state allows a failover; else why not.
pub fn can_fail_over(scene: &Scene<'_>, id: &GroupId) -> Result<(), String> {
    if let Some(refusal) = scene.refusal(Right::FailOver) {
        return Err(refusal);
    }
    let Some(view) = scene.group(id) else { return Err(format!("Failover group {id} no longer exists.")) };
    if let Some(provisional) = &view.provisional {
        return Err(format!("The failover to {} is provisional. Keep it or undo it first.", provisional.primary));
    }
    let event = Event::FailoverRequested { bootstrapped: view.group.bootstrapped };
    group_state::apply(view.group.state, event).map(|_| ()).map_err(|refusal| refusal.reason)
}

/// Whether a group's state allows a change of its scope; else why not.
pub fn can_edit(scene: &Scene<'_>, id: &GroupId) -> Result<(), String> {
    if let Some(refusal) = scene.refusal(Right::Change) {
        return Err(refusal);
    }
    let Some(view) = scene.group(id) else { return Err(format!("Failover group {id} no longer exists.")) };
    let group = &view.group;
    match group.state {
        _ if view.provisional.is_some() => Err("Its failover is provisional. Keep it or undo it first.".to_owned()),
        _ if group.salvage_pending => Err("It is waiting for its old primary to respond and be reclaimed.".to_owned()),
        GroupState::InitialReplication | GroupState::Active | GroupState::CreationFailed => Ok(()),
        state => Err(format!("It can't be changed in {state}. Wait until it is ACTIVE.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_belongs_to_one_command() {
        let keys: Vec<_> = Command::WITH_KEY.iter().filter_map(Command::shortcut).collect();
        assert_eq!(keys.len(), Command::WITH_KEY.len());
        let unique: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(unique.len(), keys.len());
    }
}

//! What a screen asks of the window, as plain data.

use super::preferences::Preferences;
use crate::control::SalvageRef;
use crate::domain::{CatalogName, GroupId, Region, Right, Timestamp};
use crate::runtime::Intent;

/// A place in the window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Route {
    /// The list of failover groups.
    Groups,
    /// The form that creates one.
    CreateGroup,
    /// The form that changes one.
    EditGroup(GroupId),
    /// The list of stable URLs.
    StableUrls,
    /// One group.
    Group(GroupId, GroupTab),
    /// The objects of a group, narrowed to this part of a name or id.
    Object(GroupId, String),
    /// A failover of a group as it runs or ran, by its id; the newest one where none is named.
    Run(GroupId, Option<String>),
    /// Workspaces and their add-ons.
    Workspaces,
    /// The two regions.
    Regions,
    /// What was done and by whom.
    Activity,
    /// Settings.
    Settings,
}

/// A part of a group's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GroupTab {
    /// State, replication point, chart.
    #[default]
    Overview,
    /// Every object.
    Objects,
    /// Errors by cause.
    Errors,
    /// Failovers and their steps.
    Operations,
    /// Rehearsals.
    Drills,
    /// What failovers left behind.
    LeftBehind,
}

/// A text that is to become a file.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedText {
    /// The dialog's title.
    pub title: String,
    /// The file's name in the folder that is proposed.
    pub name: String,
    /// What the file is.
    pub note: String,
    /// Its contents.
    pub text: String,
}

/// What a screen asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send an intent to the runtime.
    Send(Intent),
    /// Show another place.
    Go(Route),
    /// Ask how and where to fail over a group.
    AskFailOver(GroupId),
    /// Ask how to fail over a group to an earlier instant.
    AskFailOverAt(GroupId, Timestamp),
    /// Ask whether to undo a provisional failover of a group.
    AskUndo(GroupId),
    /// Ask whether to delete a group.
    AskDelete(GroupId),
    /// Ask whether to compare and repair a group's replica.
    AskRepair(GroupId),
    /// Ask what a group should reach.
    AskTargets(GroupId),
    /// Ask what the run-book of a group's drills is to say.
    AskRunBook(GroupId),
    /// Ask what would happen to a group.
    AskWhatIf(GroupId),
    /// Ask where to save a group's chart: the group, the range, the table, and a PNG if the window gave one.
    AskExport(GroupId, &'static str, String, Option<Vec<u8>>),
    /// Ask where to save a text.
    AskSave(SavedText),
    /// Ask which of a group's points in time to read back.
    AskPoints(GroupId),
    /// Ask whether to delete workspace assets that only a group's secondary has.
    AskDeleteSecondaryOnly(GroupId),
    /// Ask whether to release the replica of a deleted group.
    AskRelease(Region, CatalogName),
    /// Ask before releasing what a failover left behind of an object.
    AskReleaseLeftBehind(GroupId, String),
    /// Ask what to do with salvaged commits of a table.
    AskRecover(SalvageRef),
    /// Ask before taking salvaged commits of a table off what waits for a person.
    AskReleaseSalvage(SalvageRef),
    /// Ask whether failovers of a group wait for a second person.
    AskApproval(GroupId),
    /// Ask whether to approve the failover of a group that waits.
    AskApprove(GroupId),
    /// Ask for the token that the window is to act with.
    AskSignIn,
    /// Ask a region of one's own, by its connection, what it can do.
    AskCapabilities(String),
    /// Ask for the name and role of a new token.
    AskNewToken,
    /// Ask whether to revoke a token or client.
    AskRevoke(String),
    /// Ask for the id and workspace of a new stable URL.
    AskNewUrl,
    /// Ask which group a stable URL follows.
    AskAttach(String),
    /// Ask for tokens that the gateway exchanges at a stable URL.
    AskTokens(String),
    /// Ask whether to remove a client's tokens from a stable URL.
    AskRemoveTokens(String, String),
    /// Ask whether to delete a stable URL.
    AskDeleteUrl(String),
    /// Show the command palette.
    ShowPalette,
    /// Turn the wall display on or off.
    ShowWall(bool),
    /// Show the keys.
    ShowKeys,
    /// Close the dialog that is open.
    CloseDialog,
    /// Throw a half-filled form away.
    Discard,
    /// Change the preferences.
    Prefer(Preferences),
}

impl Action {
    /// The right that what it leads to needs; None for what only looks.
    pub fn right(&self) -> Option<Right> {
        match self {
            Self::Send(intent) => Some(intent.right()),
            Self::Go(Route::CreateGroup | Route::EditGroup(_))
            | Self::AskDelete(_)
            | Self::AskRepair(_)
            | Self::AskRelease(..)
            | Self::AskTargets(_)
            | Self::AskRunBook(_)
            | Self::AskDeleteSecondaryOnly(_)
            | Self::AskReleaseLeftBehind(..)
            | Self::AskRecover(_)
            | Self::AskReleaseSalvage(_)
            | Self::AskNewUrl
            | Self::AskAttach(_)
            | Self::AskDeleteUrl(_) => Some(Right::Change),
            Self::AskFailOver(_) | Self::AskFailOverAt(..) | Self::AskUndo(_) | Self::AskApprove(_) => {
                Some(Right::FailOver)
            }
            Self::AskNewToken | Self::AskRevoke(_) | Self::AskTokens(_) | Self::AskRemoveTokens(..) => {
                Some(Right::ManageTokens)
            }
            Self::AskApproval(_) => Some(Right::SetApproval),
            Self::Go(_)
            | Self::AskWhatIf(_)
            | Self::AskExport(..)
            | Self::AskSave(_)
            | Self::AskPoints(_)
            | Self::AskSignIn
            | Self::AskCapabilities(_)
            | Self::ShowPalette
            | Self::ShowWall(_)
            | Self::ShowKeys
            | Self::CloseDialog
            | Self::Discard
            | Self::Prefer(_) => None,
        }
    }
}

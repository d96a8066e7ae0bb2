//! The dialog that is open, of which there is one at most, and whose answer is whose.

use super::action::{Action, Route, SavedText};
use super::format;
use super::palette::{PaletteState, keys_dialog_ui};
use super::preferences::Preferences;
use super::scene::Scene;
use super::screens::approval_dialog::ApprovalDialog;
use super::screens::confirm_dialog::{Confirm, ConfirmDialog};
use super::screens::delete_dialog::DeleteDialog;
use super::screens::export_dialog::ExportDialog;
use super::screens::fail_over::FailOverDialog;
use super::screens::points_dialog::PointsDialog;
use super::screens::recover_dialog::RecoverDialog;
use super::screens::release_dialog::ReleaseDialog;
use super::screens::repair_dialog::RepairDialog;
use super::screens::run_book_dialog::RunBookDialog;
use super::screens::secondary_only_dialog::SecondaryOnlyDialog;
use super::screens::settings::NewTokenDialog;
use super::screens::sheet_dialog::SheetDialog;
use super::screens::sign_in_dialog::SignInDialog;
use super::screens::stable_urls::{AttachDialog, NewUrlDialog, TokensDialog};
use super::screens::targets_dialog::TargetsDialog;
use super::screens::what_if_dialog::WhatIfDialog;
use super::theme::{self, Icon, Role, rich};
use super::widgets::Button;
use super::widgets::dialog::dialog_ui;
use crate::domain::GroupId;
use crate::runtime::{Intent, IntentError, NoticeDetail};
use eframe::egui::Context;

/// The dialog that is open.
#[derive(Debug)]
pub enum Dialog {
    /// How and where to fail over a group.
    FailOver(FailOverDialog),
    /// Whether to delete a group.
    Delete(DeleteDialog),
    /// Whether to release a left replica.
    Release(ReleaseDialog),
    /// Whether to delete what only the secondary has.
    SecondaryOnly(SecondaryOnlyDialog),
    /// Whether to verify and repair a replica.
    Repair(RepairDialog),
    /// What to do with salvaged commits.
    Recover(RecoverDialog),
    /// What a replication point held.
    Points(PointsDialog),
    /// What a group should reach.
    Targets(TargetsDialog),
    /// What the run-book of a group's drills is to say.
    RunBook(RunBookDialog),
    /// What would happen to a group.
    WhatIf(WhatIfDialog),
    /// Whether failovers of a group wait for a second person.
    Approval(ApprovalDialog),
    /// The token that the window is to act with.
    SignIn(SignInDialog),
    /// Where to save numbers.
    Export(ExportDialog),
    /// Whether to remove a token, a stable URL or its attachment.
    Confirm(ConfirmDialog),
    /// What a region can do.
    Sheet(SheetDialog),
    /// A new token.
    NewToken(NewTokenDialog),
    /// A new stable URL.
    NewUrl(NewUrlDialog),
    /// Which group a stable URL follows.
    Attach(AttachDialog),
    /// Tokens that the gateway exchanges at a stable URL.
    Tokens(TokensDialog),
    /// The command palette.
    Palette(PaletteState),
    /// The keys.
    Keys,
    /// Whether to leave a half-filled form for this place.
    Discard(Route),
}

impl Dialog {
    /// Where to save a group's chart, as numbers or as a picture.
    pub fn export(scene: &Scene<'_>, id: &GroupId, range: &str, text: String, png: Option<Vec<u8>>) -> Self {
        let name = format!("{id}-lag-{}-{}.csv", range.replace(' ', ""), scene.now.format("%Y%m%dT%H%M%SZ"));
        let title = format!("Export the lag of {id}, {range}");
        let rows = format::plural(text.lines().count().saturating_sub(1), "row", "rows");
        let note = format!("{rows} with its time in UTC.");
        Self::Export(ExportDialog::open(scene, title, &name, note, text).with_picture(png))
    }

    /// Where to save a text.
    pub fn save(scene: &Scene<'_>, file: SavedText) -> Self {
        Self::Export(ExportDialog::open(scene, file.title, &file.name, file.note, file.text))
    }

    /// What a replication point held.
    pub fn points(scene: &Scene<'_>, id: GroupId) -> Self {
        Self::Points(PointsDialog::open(id, scene.now))
    }

    /// What a group should reach.
    pub fn targets(scene: &Scene<'_>, id: GroupId) -> Self {
        let now = scene.targets(&id);
        Self::Targets(TargetsDialog::open(id, now))
    }

    /// Whether failovers of a group wait for a second person; None where the group is gone.
    pub fn approval(scene: &Scene<'_>, id: GroupId) -> Option<Self> {
        let policy = scene.group(&id)?.approval;
        Some(Self::Approval(ApprovalDialog::open(id, policy)))
    }

    /// What the run-book of a group's drills is to say; None where the group is gone.
    pub fn run_book(scene: &Scene<'_>, id: GroupId) -> Option<Self> {
        let book = scene.group(&id)?.rehearsals.run_book.clone();
        Some(Self::RunBook(RunBookDialog::open(id, &book)))
    }

    /// What would happen to a group; None where it is gone.
    pub fn what_if(scene: &Scene<'_>, id: &GroupId) -> Option<Self> {
        Some(Self::WhatIf(WhatIfDialog::open(scene.group(id)?)))
    }

    /// Whether to delete what only a group's secondary has.
    pub fn secondary_only(id: GroupId) -> Self {
        Self::SecondaryOnly(SecondaryOnlyDialog::open(id))
    }

    /// Which group a stable URL follows, or whether it follows its group no longer.
    pub fn attach(scene: &Scene<'_>, id: String) -> Self {
        match scene.account().stable_urls.iter().any(|url| url.id == id && url.group.is_some()) {
            true => Self::Confirm(ConfirmDialog::open(Confirm::DetachUrl(id))),
            false => Self::Attach(AttachDialog::open(id)),
        }
    }

    /// Whether `intent` came from this dialog.
    pub fn asked_for(&self, intent: &Intent) -> bool {
        match (self, intent) {
            (Self::FailOver(dialog), intent) => dialog.asked_for(intent),
            (Self::Delete(dialog), Intent::DeleteGroup { id, .. }) => dialog.id == *id,
            (Self::Release(dialog), Intent::ReleaseReplica { catalog, .. }) => dialog.catalog == *catalog,
            (Self::Repair(dialog), Intent::Repair { id, .. }) => dialog.id == *id,
            (Self::SecondaryOnly(dialog), Intent::DeleteSecondaryOnly { id, .. }) => dialog.id == *id,
            (Self::Points(dialog), Intent::ReadPoint { id, .. }) => dialog.id == *id,
            (Self::Recover(dialog), intent) => dialog.asked_for(intent),
            (Self::WhatIf(dialog), intent) => dialog.asked_for(intent),
            (Self::Approval(dialog), Intent::SetApproval { id, .. }) => dialog.id == *id,
            (Self::RunBook(dialog), Intent::SetRunBook { id, .. }) => dialog.id == *id,
            (Self::Targets(dialog), Intent::SetTargets { id, .. }) => dialog.id == *id,
            (Self::SignIn(_), Intent::SignIn { .. }) => true,
            (Self::Sheet(dialog), Intent::AskCapabilities { name }) => dialog.name == *name,
            (Self::Confirm(dialog), intent) => dialog.asks_for(intent),
            (Self::Export(_), Intent::SaveText { .. } | Intent::SavePicture { .. })
            | (Self::NewToken(_), Intent::CreateToken { .. })
            | (Self::NewUrl(_), Intent::CreateStableUrl { .. })
            | (Self::Tokens(_), Intent::AddTokenPair { .. })
            | (Self::Attach(_), Intent::UpdateGroup { .. }) => true,
            _ => false,
        }
    }

    /// Takes the refusal of `intent`, which it asked for, to be shown in it.
    pub fn refused(&mut self, intent: &Intent, refusal: &IntentError) {
        match self {
            Self::FailOver(dialog) if matches!(intent, Intent::ReadAsOf { .. }) => dialog.refused_instant(refusal),
            Self::FailOver(dialog) => dialog.refused(refusal),
            Self::Delete(dialog) => dialog.refused(refusal),
            Self::Release(dialog) => dialog.refused(refusal),
            Self::Repair(dialog) => dialog.refused(refusal),
            Self::Approval(dialog) => dialog.refused(refusal),
            Self::WhatIf(dialog) => dialog.refused(refusal),
            Self::RunBook(dialog) => dialog.refused(refusal),
            Self::SignIn(dialog) => dialog.refused(refusal),
            Self::SecondaryOnly(dialog) => dialog.refused(refusal),
            Self::Recover(dialog) => dialog.refused(refusal),
            Self::Points(dialog) => dialog.refused(refusal),
            Self::Confirm(dialog) => dialog.refused(refusal),
            Self::Sheet(dialog) => dialog.refused(refusal),
            Self::NewToken(dialog) => dialog.refused(refusal),
            Self::NewUrl(dialog) => dialog.refused(refusal),
            Self::Attach(dialog) => dialog.refused(refusal),
            Self::Tokens(dialog) => dialog.refused(refusal),
            Self::Export(dialog) => dialog.refused(refusal),
            Self::Targets(dialog) => dialog.refused(refusal),
            Self::Palette(_) | Self::Keys | Self::Discard(_) => {}
        }
    }

    /// Takes what it asked for as done; whether it stays open to show what came of it.
    pub fn done(&mut self, detail: &NoticeDetail) -> bool {
        match (self, detail) {
            (Self::NewToken(dialog), NoticeDetail::NewToken { token, secret }) => {
                dialog.made(token.clone(), secret.clone());
                true
            }
            (Self::FailOver(dialog), detail) => dialog.done(detail),
            (Self::Recover(dialog), detail) => dialog.done(detail),
            (Self::WhatIf(dialog), detail) => dialog.done(detail),
            (Self::Sheet(dialog), NoticeDetail::Capabilities(sheet)) => {
                dialog.answered(sheet);
                true
            }
            (Self::Points(dialog), detail) => {
                if let NoticeDetail::Point(report) = detail {
                    dialog.answered(report);
                }
                true
            }
            _ => false,
        }
    }

    /// Draws the dialog; `editing` tells what a form that is left would lose.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>, preferences: &Preferences, editing: bool) -> Vec<Action> {
        match self {
            Self::FailOver(dialog) => dialog.show(ctx, scene),
            Self::Delete(dialog) => dialog.show(ctx, scene),
            Self::Release(dialog) => dialog.show(ctx, scene),
            Self::Repair(dialog) => dialog.show(ctx, scene),
            Self::Approval(dialog) => dialog.show(ctx, scene),
            Self::WhatIf(dialog) => dialog.show(ctx, scene),
            Self::RunBook(dialog) => dialog.show(ctx, scene),
            Self::SignIn(dialog) => dialog.show(ctx, scene),
            Self::SecondaryOnly(dialog) => dialog.show(ctx, scene),
            Self::Recover(dialog) => dialog.show(ctx, scene),
            Self::Points(dialog) => dialog.show(ctx, scene),
            Self::Confirm(dialog) => dialog.show(ctx, scene),
            Self::Targets(dialog) => dialog.show(ctx, scene),
            Self::Export(dialog) => dialog.show(ctx, scene),
            Self::Sheet(dialog) => dialog.show(ctx, scene),
            Self::NewToken(dialog) => dialog.show(ctx, scene),
            Self::NewUrl(dialog) => dialog.show(ctx, scene),
            Self::Attach(dialog) => dialog.show(ctx, scene),
            Self::Tokens(dialog) => dialog.show(ctx, scene),
            Self::Palette(palette) => palette.show(ctx, scene, preferences),
            Self::Keys => keys_dialog_ui(ctx),
            Self::Discard(_) => discard_ui(ctx, editing),
        }
    }
}

fn discard_ui(ctx: &Context, editing: bool) -> Vec<Action> {
    let (title, sentence) = match editing {
        true => ("Discard your changes?", "Your changes aren't saved yet. They would be lost."),
        false => ("Discard this failover group?", "The group isn't created yet. What you entered would be lost."),
    };
    let response = dialog_ui(
        ctx,
        "discard",
        title,
        440.0,
        &mut (),
        |ui, ()| {
            let palette = theme::palette(ui);
            ui.label(rich(Role::Body, sentence).color(palette.text_soft));
        },
        |ui, ()| {
            let discard = ui.add(Button::danger("Discard").icon(Icon::Delete)).clicked();
            (discard, ui.add(Button::ordinary("Keep editing")).clicked())
        },
    );
    match response.inner {
        (true, _) => vec![Action::Discard],
        (_, true) => vec![Action::CloseDialog],
        _ if response.close => vec![Action::CloseDialog],
        _ => Vec::new(),
    }
}

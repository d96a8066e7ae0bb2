//! What each intent needs of the role of whoever sends it: the same as the account API's calls.

use super::Intent;
use crate::domain::Right;

impl Intent {
    /// The right that it needs.
    pub fn right(&self) -> Right {
        match self {
            Self::EstimateLoss { .. }
            | Self::AskWhatIf { .. }
            | Self::CheckReadiness { .. }
            | Self::CheckReadinessOf { .. }
            | Self::ReadPoint { .. }
            | Self::ReadHistory { .. }
            | Self::ReadSalvage { .. }
            | Self::ReadAsOf { .. }
            | Self::SaveText { .. }
            | Self::SavePicture { .. }
            | Self::AskCapabilities { .. }
            | Self::RefreshRegions
            | Self::SignIn { .. }
            | Self::SignOut => Right::Look,
            Self::FailOver { .. }
            | Self::StartDrill { .. }
            | Self::LetDrillGoOn { .. }
            | Self::ResumeWorkloads { .. }
            | Self::KeepFailover { .. }
            | Self::UndoFailover { .. }
            | Self::Approve { .. }
            | Self::RefuseApproval { .. } => Right::FailOver,
            Self::AddTokenPair { .. }
            | Self::RemoveTokenPair { .. }
            | Self::CreateToken { .. }
            | Self::RevokeToken { .. }
            | Self::SetSignInRequired { .. } => Right::ManageTokens,
            Self::SetAlerts { .. } | Self::TestAlerts => Right::SetNotifications,
            Self::SetApproval { .. } => Right::SetApproval,
            Self::CreateGroup { .. }
            | Self::UpdateGroup { .. }
            | Self::ConfirmReadiness { .. }
            | Self::SetTargets { .. }
            | Self::SetRunBook { .. }
            | Self::SetDrillSchedule { .. }
            | Self::ReleaseLeftBehind { .. }
            | Self::PreviewSalvage { .. }
            | Self::RecoverSalvage { .. }
            | Self::ReleaseSalvage { .. }
            | Self::Repair { .. }
            | Self::RetryGroup { .. }
            | Self::DeleteGroup { .. }
            | Self::DeleteSecondaryOnly { .. }
            | Self::ReleaseReplica { .. }
            | Self::CreateStableUrl { .. }
            | Self::DeleteStableUrl { .. }
            | Self::SetMissionCritical { .. }
            | Self::SetTransferLimit { .. }
            | Self::TakeRegionDown { .. }
            | Self::BringRegionUp { .. } => Right::Change,
        }
    }
}

//! What the holder of a token may do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A token's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May look.
    Viewer,
    /// May also create, change and delete failover groups and stable URLs.
    Operator,
    /// May look and fail over, and change nothing else.
    Failover,
    /// Can do everything, including managing tokens.
    Admin,
}

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// To read.
    Look,
    /// To create, change or delete.
    Change,
    /// To fail a group over.
    FailOver,
    /// To make and revoke tokens.
    ManageTokens,
    /// To say whether a second person must approve.
    SetApproval,
    /// To say where notifications go.
    SetNotifications,
}

impl Role {
    /// Every role, from the one that may do least.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Failover, Role::Admin];

    /// Whether the role holds a right.
    pub fn may(self, right: Right) -> bool {
        match right {
            Right::Look => true,
            Right::Change => matches!(self, Self::Operator | Self::Admin),
            Right::FailOver => matches!(self, Self::Failover | Self::Admin),
            Right::ManageTokens | Right::SetApproval | Right::SetNotifications => self == Self::Admin,
        }
    }

    /// The role as other programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Failover => "failover",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Right {
    /// What the right allows, to end the sentence "this token may not …".
    pub fn label(self) -> &'static str {
        match self {
            Self::Look => "read",
            Self::Change => "create, change or delete",
            Self::FailOver => "fail over",
            Self::ManageTokens => "create or revoke tokens",
            Self::SetApproval => "change who must approve",
            Self::SetNotifications => "change or test notifications",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_holds_what_its_name_says_and_no_more() {
        assert!(Role::ALL.into_iter().all(|role| role.may(Right::Look)));
        assert!(!Role::Viewer.may(Right::Change) && !Role::Viewer.may(Right::FailOver));
        assert!(Role::Operator.may(Right::Change) && !Role::Operator.may(Right::FailOver));
        assert!(Role::Failover.may(Right::FailOver) && !Role::Failover.may(Right::Change));
        assert!(
            [Right::Change, Right::FailOver, Right::ManageTokens, Right::SetNotifications]
                .into_iter()
                .all(|right| Role::Admin.may(right))
        );
        assert!(!Role::Operator.may(Right::SetNotifications) && !Role::Failover.may(Right::SetNotifications));
        assert!(!Role::Operator.may(Right::ManageTokens) && !Role::Failover.may(Right::ManageTokens));
    }
}

//! What is known of one object's replica.

use serde::{Deserialize, Serialize};

/// How an object's replica stands to its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectStatus {
    /// Equal to its source as of the replication point.
    InSync,
    /// A whole but older version of its source.
    Lagging,
    /// Holds something that its source does not: someone wrote to it out of band.
    Drifted,
    /// In scope and reachable on both sides, but not in the secondary.
    Missing,
    /// Flagged: its error says why it does not replicate.
    Failed,
    /// A kind or a feature that is not replicated.
    Unsupported,
    /// A failover left it, or its last commits, behind in the old primary, which alone holds them.
    LeftBehind,
    /// Log and files are byte-equal, but the reader doesn't have a table feature, which is named.
    Unverifiable,
    /// A region can't be reached, so nothing is claimed.
    Unknown,
    /// Taken out of the scope by name.
    Excluded,
}

impl ObjectStatus {
    /// The status as other programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Lagging => "lagging",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Unsupported => "unsupported",
            Self::LeftBehind => "left_behind",
            Self::Unverifiable => "unverifiable",
            Self::Unknown => "unknown",
            Self::Excluded => "excluded",
        }
    }

    /// The status in words, as screens show it.
    pub fn label(self) -> &'static str {
        match self {
            Self::InSync => "In sync",
            Self::Lagging => "Lagging",
            Self::Drifted => "Drifted",
            Self::Missing => "Missing",
            Self::Failed => "Failed",
            Self::Unsupported => "Unsupported",
            Self::LeftBehind => "Left behind",
            Self::Unverifiable => "Not verifiable",
            Self::Unknown => "Unknown",
            Self::Excluded => "Out of scope",
        }
    }

    /// Whether a comparison that finds this must say that the replica differs.
    pub fn is_difference(self) -> bool {
        matches!(self, Self::Lagging | Self::Drifted | Self::Missing | Self::Failed | Self::Unknown)
    }
}

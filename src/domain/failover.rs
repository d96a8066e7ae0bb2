//! A failover's kinds and steps.

use super::{Region, Timestamp};
use serde::{Deserialize, Serialize};

/// How a failover treats the old primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailoverKind {
    /// Both regions answer: nothing may be lost, and it ends only when source and replica compare equal.
    Planned,
    /// Cut over now. What never arrived is salvaged when the old primary answers again.
    Forced,
}

/// What a person asks a group to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverOrder {
    /// The region that becomes primary.
    pub target: Region,
    /// Planned or forced.
    pub kind: FailoverKind,
    /// What a planned one may leave behind, by name.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// The instant to whose versions the tables go back.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
    /// Minutes after which it is undone by itself unless a person keeps it.
    #[serde(default)]
    pub provisional_minutes: Option<u32>,
}

/// Minutes that a failover may be provisional, at least and at most.
pub const PROVISIONAL_MINUTES: std::ops::RangeInclusive<u32> = 1..=10_080;

/// A failover that goes back unless a person keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisional {
    /// The region that is primary for the time being.
    pub primary: Region,
    /// The region that becomes primary again.
    pub back_to: Region,
    /// Minutes from its end to its undoing.
    pub minutes: u32,
    /// When it is undone by itself; None until it has ended.
    pub until: Option<Timestamp>,
    /// Whether a person kept it.
    pub ended: bool,
}

impl FailoverOrder {
    /// A failover that leaves nothing behind knowingly.
    pub fn new(target: &Region, kind: FailoverKind) -> Self {
        Self { target: target.clone(), kind, accepted: Vec::new(), as_of: None, provisional_minutes: None }
    }

    /// What it is, to follow an article: `planned failover`.
    pub fn words(&self) -> String {
        let kind = match self.kind {
            FailoverKind::Planned => "planned failover",
            FailoverKind::Forced => "forced failover",
        };
        let provisional = if self.provisional_minutes.is_some() { "provisional " } else { "" };
        let as_of = self.as_of.map(|at| format!(" as of {}", at.format("%Y-%m-%d %H:%M:%S%.3f UTC")));
        format!("{provisional}{kind}{}", as_of.unwrap_or_default())
    }
}

/// One table and the version that it goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOfTable {
    /// Its full name.
    pub name: String,
    /// The version that was current then.
    pub version: i64,
    /// The newest version, which stays in the history.
    pub newest: i64,
}

/// One journaled, idempotent step of a failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailoverStep {
    /// Tells the webhook, where one is set.
    Notify,
    /// Pauses every schedule in the old primary's workspace and remembers which ran.
    PauseSchedules,
    /// Stops running clusters and warehouses there and remembers them.
    StopCompute,
    /// Makes the old primary read-only and waits until no commit lands any more.
    WaitForWrites,
    /// Ships what is left.
    CatchUp,
    /// Compares every table: version, file list, sizes, and the sha256 kept when copied.
    Compare,
    /// Lets no new request pass at the stable URLs until the new primary accepts writes.
    HoldRequests,
    /// Makes sure that the old primary refuses writes, as far as it answers.
    Fence,
    /// Finds which version each table goes back to, and that it can.
    CheckVersions,
    /// The one durable write that flips the primary: the point of no return.
    CutOver,
    /// Takes the tables back to their versions of the chosen instant; what was committed later is salvaged.
    RestoreVersions,
    /// Writes epoch marker and fence commit into every promoted table, then lets the new primary's workspace write.
    Rebind,
    /// Turns the direction of replication around.
    Reverse,
}

impl FailoverStep {
    /// The steps of a failover of `kind`, in their order.
    pub fn of(kind: FailoverKind) -> &'static [FailoverStep] {
        use FailoverStep::*;
        match kind {
            FailoverKind::Planned => &[
                Notify,
                PauseSchedules,
                StopCompute,
                WaitForWrites,
                CatchUp,
                Compare,
                HoldRequests,
                Fence,
                CutOver,
                Rebind,
                Reverse,
            ],
            FailoverKind::Forced => &[Notify, HoldRequests, Fence, CutOver, Rebind, Reverse],
        }
    }

    /// The steps of a failover of `kind` to an earlier instant, in their order: tables are looked at right before the cutover,
    /// and go back right after it.
    pub fn as_of(kind: FailoverKind) -> Vec<FailoverStep> {
        let mut steps = Self::of(kind).to_vec();
        if let Some(cut_over) = steps.iter().position(|step| *step == Self::CutOver) {
            steps.splice(cut_over..=cut_over, [Self::CheckVersions, Self::CutOver, Self::RestoreVersions]);
        }
        steps
    }

    /// The step's stable name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::PauseSchedules => "pause_schedules",
            Self::StopCompute => "stop_compute",
            Self::WaitForWrites => "wait_for_writes",
            Self::CatchUp => "catch_up",
            Self::Compare => "compare",
            Self::HoldRequests => "hold_requests",
            Self::Fence => "fence",
            Self::CheckVersions => "check_versions",
            Self::CutOver => "cut_over",
            Self::RestoreVersions => "restore_versions",
            Self::Rebind => "rebind",
            Self::Reverse => "reverse",
        }
    }

    /// The step in words, as screens show it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Notify => "Notify",
            Self::PauseSchedules => "Pause schedules",
            Self::StopCompute => "Stop clusters and warehouses",
            Self::WaitForWrites => "Wait until writes have stopped",
            Self::CatchUp => "Catch up",
            Self::Compare => "Compare source and replica",
            Self::HoldRequests => "Hold requests at the stable URLs",
            Self::Fence => "Fence the old primary",
            Self::CheckVersions => "Check the tables' earlier versions",
            Self::CutOver => "Cut over",
            Self::RestoreVersions => "Take the tables back",
            Self::Rebind => "Rebind catalogs and stable URLs",
            Self::Reverse => "Reverse replication",
        }
    }
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun and not ended.
    Running,
    /// Ended well.
    Done,
    /// Ended, and something of what it is for could not be done; the step's note says what.
    Partly,
    /// Not needed here; the step's note says why.
    Skipped,
    /// Ended badly; the step's note says how.
    Failed,
}

impl StepStatus {
    /// Whether it acted and ended, with all of what it is for or a part.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::Partly)
    }

    /// Whether the next step can begin.
    pub fn is_over(self) -> bool {
        self.is_done() || self == Self::Skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_in_the_order_of_their_variants_and_names_are_unique() {
        let steps = FailoverStep::as_of(FailoverKind::Planned);
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        let names: std::collections::HashSet<_> = steps.iter().map(|s| s.name()).collect();
        assert_eq!(names.len(), steps.len());
    }

    #[test]
    fn a_forced_failover_asks_nothing_of_the_old_primary() {
        let steps = FailoverStep::of(FailoverKind::Forced);
        assert!(!steps.contains(&FailoverStep::PauseSchedules) && !steps.contains(&FailoverStep::CatchUp));
        assert!(steps.contains(&FailoverStep::CutOver));
    }
}

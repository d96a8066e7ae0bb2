//! Rehearsals of a failover, and what they found.

use super::{CatalogName, GroupId, Region, RunBookStep, StepApproval, StepStatus, Timestamp};
use chrono::{Duration, Timelike};
use serde::{Deserialize, Serialize};

/// What is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DrillKind {
    /// A planned failover and the way back, with a comparison after each.
    Full,
    /// A copy of the replica at its replication point, under other catalog names. Neither the primary nor replication
    /// notices it.
    Isolated,
}

impl DrillKind {
    /// As a person calls it, in a sentence.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Full => "full drill",
            Self::Isolated => "isolated drill",
        }
    }
}

/// A step of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillStep {
    /// Looks whether the group can fail over.
    CheckGroup,
    /// Fails over to the secondary, planned.
    FailOver,
    /// Compares every object in the new direction.
    CompareOver,
    /// Waits for a person to try the new primary.
    WaitForPerson,
    /// Fails back, planned, and resumes what ran.
    FailBack,
    /// Compares every object in the first direction.
    CompareBack,
    /// Reads the replication point and the version of every table then.
    ChoosePoint,
    /// Creates catalogs and schemas for the copy.
    MakeCatalogs,
    /// Copies each table at its version.
    CopyTables,
    /// Checks the size and the Parquet footer of every file of the copy, and counts its rows.
    CheckFiles,
    /// Looks whether the views' tables are there.
    CheckViews,
    /// Commits to every copied table.
    WriteToCopies,
    /// Removes the copy.
    CleanUp,
}

impl DrillStep {
    /// The steps of a drill, in their order.
    pub const fn of(kind: DrillKind) -> &'static [Self] {
        match kind {
            DrillKind::Full => &[
                Self::CheckGroup,
                Self::FailOver,
                Self::CompareOver,
                Self::WaitForPerson,
                Self::FailBack,
                Self::CompareBack,
            ],
            DrillKind::Isolated => &[
                Self::ChoosePoint,
                Self::MakeCatalogs,
                Self::CopyTables,
                Self::CheckFiles,
                Self::CheckViews,
                Self::WriteToCopies,
                Self::CleanUp,
            ],
        }
    }

    /// As screens and reports call it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::CheckGroup => "Check the group",
            Self::FailOver => "Fail over",
            Self::CompareOver => "Compare in the new direction",
            Self::WaitForPerson => "Wait for a person",
            Self::FailBack => "Fail back",
            Self::CompareBack => "Compare in the first direction",
            Self::ChoosePoint => "Choose the replication point",
            Self::MakeCatalogs => "Create catalogs for the copy",
            Self::CopyTables => "Copy the tables",
            Self::CheckFiles => "Check every file",
            Self::CheckViews => "Check the views",
            Self::WriteToCopies => "Write to the copies",
            Self::CleanUp => "Remove the copy",
        }
    }
}

/// How a drill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DrillOutcome {
    /// It runs, or waits for a person.
    Running,
    /// Everything that it checked holds.
    Held,
    /// Something doesn't hold. The problems say what.
    NotHeld,
}

/// A step as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillStepRecord {
    pub step: DrillStep,
    pub status: StepStatus,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// What it did, or why it failed.
    pub note: Option<String>,
    /// What the run-book said of it when the drill began.
    #[serde(default)]
    pub book: Option<RunBookStep>,
    /// Who said go where it waited for a person.
    #[serde(default)]
    pub approved: Option<StepApproval>,
}

impl DrillStepRecord {
    /// Whether it waits for a person before it begins.
    pub fn is_gated(&self) -> bool {
        self.approved.is_none() && self.book.as_ref().is_some_and(|book| book.gate)
    }

    /// Seconds that the step took; None while it has not ended.
    pub fn seconds(&self) -> Option<f64> {
        Some((self.ended? - self.started?).num_milliseconds() as f64 / 1000.0)
    }
}

/// A table of an isolated drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrilledTable {
    /// Its full name in the group.
    pub name: String,
    /// The version that was current at the replication point.
    pub version: i64,
    /// Where the replica lies.
    #[serde(default)]
    pub replica: String,
    /// The full name of the copy.
    pub copy: String,
    /// Where the copy lies, once a place was given.
    #[serde(default)]
    pub location: Option<String>,
    /// The copy's id, once a place was given.
    #[serde(default)]
    pub id: Option<String>,
    /// Whether the copy is a table of its region's catalog.
    #[serde(default)]
    pub created: bool,
    pub files: u64,
    pub bytes: u64,
    /// Bytes that took no room, because the copy shares them with the replica.
    pub shared_bytes: u64,
    /// Rows in the files, deleted ones included, as Parquet footers count them.
    pub rows: Option<u64>,
}

/// A rehearsal, from its start to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drill {
    pub id: String,
    pub group: GroupId,
    pub kind: DrillKind,
    pub requested_by: String,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub outcome: DrillOutcome,
    /// The primary when it started.
    pub primary: Region,
    /// The secondary when it started: what is rehearsed is its part.
    pub secondary: Region,
    /// Whether a full drill stays in the secondary until a person lets it go on.
    pub waits_for_person: bool,
    /// Who let it go on.
    #[serde(default)]
    pub let_go_by: Option<String>,
    pub steps: Vec<DrillStepRecord>,
    /// The replication point that an isolated drill rehearses.
    #[serde(default)]
    pub point: Option<Timestamp>,
    /// Seconds by which that point was behind when the drill started: what a failover then would have lost at most.
    #[serde(default)]
    pub rpo_seconds: Option<f64>,
    /// Seconds from confirming the failover to the new primary accepting writes.
    #[serde(default)]
    pub rto_seconds: Option<f64>,
    /// The same of the way back.
    #[serde(default)]
    pub failback_rto_seconds: Option<f64>,
    /// Tables that compared equal, or whose copies hold.
    pub tables_verified: u64,
    /// The tables of the copy.
    #[serde(default)]
    pub tables: Vec<DrilledTable>,
    /// Catalogs that were created for the copy, and are removed again.
    #[serde(default)]
    pub catalogs: Vec<CatalogName>,
    /// What doesn't hold, a sentence each.
    pub problems: Vec<String>,
}

impl Drill {
    /// The first step that has not ended.
    pub fn next_step(&self) -> Option<DrillStep> {
        self.steps.iter().find(|record| record.ended.is_none()).map(|record| record.step)
    }

    pub fn is_running(&self) -> bool {
        self.outcome == DrillOutcome::Running
    }

    /// Whether it waits for a person now.
    pub fn is_waiting(&self) -> bool {
        let next = self.steps.iter().find(|record| record.ended.is_none());
        let waits = |record: &DrillStepRecord| match record.step {
            DrillStep::WaitForPerson => record.is_gated() || (self.waits_for_person && self.let_go_by.is_none()),
            _ => record.is_gated(),
        };
        self.is_running() && next.is_some_and(waits)
    }

    /// Takes over what a person said since this was read.
    pub fn heed(&mut self, newest: &Self) {
        if self.let_go_by.is_none() {
            self.let_go_by.clone_from(&newest.let_go_by);
        }
        for (mine, theirs) in self.steps.iter_mut().zip(&newest.steps) {
            if mine.approved.is_none() {
                mine.approved.clone_from(&theirs.approved);
            }
        }
    }

    /// A step's record.
    pub fn record(&mut self, step: DrillStep) -> Option<&mut DrillStepRecord> {
        self.steps.iter_mut().find(|record| record.step == step)
    }

    /// How it ended or stands, as a sentence.
    pub fn sentence(&self) -> String {
        let kind = self.kind.label();
        match self.outcome {
            DrillOutcome::Running if self.is_waiting() => {
                let step = self.next_step().map_or("the next step", DrillStep::label);
                format!("The {kind} waits for a person before: {step}.")
            }
            DrillOutcome::Running => format!("The {kind} runs."),
            DrillOutcome::Held => format!("The {kind} held: {} tables verified.", self.tables_verified),
            DrillOutcome::NotHeld => match self.problems.as_slice() {
                [] => format!("The {kind} did not hold."),
                [only] => format!("The {kind} did not hold. {only}"),
                [first, rest @ ..] => format!("The {kind} did not hold. {first} And {} more.", rest.len()),
            },
        }
    }
}

/// When a group was last shown to be able to fail over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub at: Timestamp,
    /// By what, such as `isolated drill`.
    pub by: String,
}

/// When drills of a group are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillSchedule {
    pub kind: DrillKind,
    /// Days between two drills, at least 1.
    pub every_days: u16,
    /// The hour of the day in UTC, 0 to 23.
    pub hour: u8,
    /// When the schedule was made.
    pub since: Timestamp,
}

impl DrillSchedule {
    /// When the next drill is due, with `last` as the start of the last one of this kind.
    pub fn due(&self, last: Option<Timestamp>) -> Timestamp {
        let from = last.filter(|last| *last > self.since);
        let day = from.unwrap_or(self.since)
            + Duration::days(if from.is_some() { i64::from(self.every_days.max(1)) } else { 0 });
        let hour = u32::from(self.hour.min(23));
        let at = day.with_hour(hour).and_then(|at| at.with_minute(0)).and_then(|at| at.with_second(0)).unwrap_or(day);
        // The first one is not due before the schedule was made.
        if at < self.since { at + Duration::days(1) } else { at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn the_first_drill_is_due_at_the_next_such_hour_and_later_ones_count_from_the_last() {
        let at = |day, hour| chrono::Utc.with_ymd_and_hms(2026, 3, day, hour, 0, 0).single().expect("a time");
        let since = at(1, 10) + Duration::minutes(5);
        let schedule = |hour| DrillSchedule { kind: DrillKind::Isolated, every_days: 7, hour, since };
        assert_eq!(schedule(3).due(None), at(2, 3));
        assert_eq!(schedule(12).due(None), at(1, 12));
        assert_eq!(schedule(3).due(Some(at(2, 3) + Duration::seconds(9))), at(9, 3));
        assert_eq!(
            schedule(3).due(Some(since - Duration::days(30))),
            at(2, 3),
            "a drill before the schedule doesn't count"
        );
    }

    #[test]
    fn what_a_person_said_while_a_step_was_written_stays_said() {
        let at = chrono::Utc.with_ymd_and_hms(2026, 3, 1, 10, 0, 0).single().expect("a time");
        let region = |name: &str| Region::new(name);
        let step = |step| DrillStepRecord {
            step,
            status: StepStatus::Pending,
            started: None,
            ended: None,
            note: None,
            book: None,
            approved: None,
        };
        let read = Drill {
            id: "d".to_owned(),
            group: GroupId::new("core").expect("an id"),
            kind: DrillKind::Full,
            requested_by: "ada".to_owned(),
            started: at,
            ended: None,
            outcome: DrillOutcome::Running,
            primary: region("us-east-1"),
            secondary: region("us-west-2"),
            waits_for_person: true,
            let_go_by: None,
            steps: DrillStep::of(DrillKind::Full).iter().map(|of| step(*of)).collect(),
            point: None,
            rpo_seconds: None,
            rto_seconds: None,
            failback_rto_seconds: None,
            tables_verified: 0,
            tables: Vec::new(),
            catalogs: Vec::new(),
            problems: Vec::new(),
        };
        let said = StepApproval { by: "bob".to_owned(), at };
        let mut newest = read.clone();
        newest.let_go_by = Some("bob".to_owned());
        if let Some(record) = newest.record(DrillStep::FailBack) {
            record.approved = Some(said.clone());
        }
        let mut written = read;
        if let Some(record) = written.record(DrillStep::WaitForPerson) {
            record.status = StepStatus::Running;
        }
        written.heed(&newest);
        assert_eq!(written.let_go_by.as_deref(), Some("bob"));
        let approved = |drill: &mut Drill| drill.record(DrillStep::FailBack).and_then(|record| record.approved.clone());
        assert_eq!(approved(&mut written), Some(said));
        assert_eq!(written.record(DrillStep::WaitForPerson).map(|record| record.status), Some(StepStatus::Running));
    }
}

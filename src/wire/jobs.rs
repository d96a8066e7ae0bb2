//! Jobs 2.2: what has to be read and paused. Everything else is kept as the server gave it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Prefix of the jobs calls.
pub const PREFIX: &str = "/api/2.2/jobs";
/// `pause_status`: it runs by itself.
pub const UNPAUSED: &str = "UNPAUSED";
/// `pause_status`: it does not.
pub const PAUSED: &str = "PAUSED";

/// A cron schedule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CronSchedule {
    /// When it runs, in Quartz syntax.
    pub quartz_cron_expression: String,
    /// The time zone of that.
    pub timezone_id: String,
    /// [`UNPAUSED`], which is also meant when absent, or [`PAUSED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_status: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Runs without a break, on a trigger, or as one of several triggers: a pause status and its particulars.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pausable {
    /// [`UNPAUSED`], which is also meant when absent, or [`PAUSED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_status: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A job's settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JobSettings {
    /// Its name; absent in an update that leaves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What a person wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its cron schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<CronSchedule>,
    /// Runs without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuous: Option<Pausable>,
    /// Runs when a file arrives, a table changes or a period is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Pausable>,
    /// Several of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Pausable>,
    /// Key-value pairs of its owner.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Its tasks; left out of a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JobInfo {
    /// Its id.
    pub job_id: i64,
    /// Its settings.
    #[serde(default)]
    pub settings: JobSettings,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator_user_name: Option<String>,
    /// When it was created, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
    /// Whether an array of the settings, such as the tasks, goes on in another page.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more: bool,
    /// Token of the next page of those arrays; only `GET /get` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Answer of `POST /create`, and body of `POST /delete`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobId {
    pub job_id: i64,
}

/// `POST /create`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateJob {
    /// The id that the job gets. Only a region that keeps ids reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<i64>,
    #[serde(flatten)]
    pub settings: JobSettings,
}

/// Arrays of a job's settings that `GET /get` gives in pages of 100, all of them at once.
pub const PAGED: [&str; 4] = ["tasks", "job_clusters", "parameters", "environments"];

/// One page of `GET /list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListJobs {
    /// The page.
    #[serde(default)]
    pub jobs: Vec<JobInfo>,
    /// Whether there is more.
    #[serde(default)]
    pub has_more: bool,
    /// Present when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// `POST /update`: top-level settings given here replace those of the job, whole; the others stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateJob {
    /// The job.
    pub job_id: i64,
    /// What replaces.
    #[serde(default)]
    pub new_settings: JobSettings,
}

impl JobSettings {
    /// Whether anything in it starts runs by itself.
    pub fn is_unpaused(&self) -> bool {
        let runs = |status: &Option<String>| status.as_deref() != Some(PAUSED);
        self.schedule.as_ref().is_some_and(|s| runs(&s.pause_status))
            || self.continuous.as_ref().is_some_and(|c| runs(&c.pause_status))
            || self.trigger.as_ref().is_some_and(|t| runs(&t.pause_status))
            || self.triggers.iter().any(|t| runs(&t.pause_status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_isnt_known_of_a_trigger_survives() {
        let text = r#"{"pause_status":"PAUSED","file_arrival":{"url":"s3://b/p/"}}"#;
        let trigger: Pausable = serde_json::from_str(text).expect("a trigger reads");
        assert_eq!(
            serde_json::to_value(&trigger).expect("a trigger writes"),
            serde_json::from_str::<Value>(text).expect("the text is JSON")
        );
    }

    #[test]
    fn a_schedule_without_a_status_runs() {
        let settings: JobSettings = serde_json::from_str(
            r#"{"schedule":{"quartz_cron_expression":"0 * * * * ?","timezone_id":"UTC"},"max_concurrent_runs":1}"#,
        )
        .expect("settings read");
        assert!(settings.is_unpaused());
        assert!(!JobSettings::default().is_unpaused());
    }
}

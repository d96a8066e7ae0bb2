//! Pausing what starts the runs of jobs, and resuming just that.

use super::RegionApi;
use crate::connect::ConnectError;
use crate::wire::jobs::{JobSettings, PAUSED, UNPAUSED, UpdateJob};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The places in a job's settings that start runs by themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnpausedPlaces {
    /// `schedule`.
    #[serde(default)]
    pub schedule: bool,
    /// `continuous`.
    #[serde(default)]
    pub continuous: bool,
    /// `trigger`.
    #[serde(default)]
    pub trigger: bool,
    /// Entries of `triggers[]`, each known by its particulars, since the list may be reordered in the meantime.
    #[serde(default)]
    pub triggers: Vec<Map<String, Value>>,
}

impl UnpausedPlaces {
    /// The places of `settings` that run. An absent pause status means that it runs.
    pub fn of(settings: &JobSettings) -> Self {
        let runs = |status: &Option<String>| status.as_deref() != Some(PAUSED);
        Self {
            schedule: settings.schedule.as_ref().is_some_and(|s| runs(&s.pause_status)),
            continuous: settings.continuous.as_ref().is_some_and(|c| runs(&c.pause_status)),
            trigger: settings.trigger.as_ref().is_some_and(|t| runs(&t.pause_status)),
            triggers: settings.triggers.iter().filter(|t| runs(&t.pause_status)).map(|t| t.other.clone()).collect(),
        }
    }

    /// Whether nothing runs.
    pub fn is_empty(&self) -> bool {
        !self.schedule && !self.continuous && !self.trigger && self.triggers.is_empty()
    }

    /// The change that gives these places `status`, each sent whole; None when there is nothing to change.
    fn change(&self, settings: &JobSettings, status: &str) -> Option<JobSettings> {
        // True when the status was another one.
        let set = |current: &mut Option<String>| {
            let differs = current.as_deref().unwrap_or(UNPAUSED) != status;
            if differs {
                *current = Some(status.to_owned());
            }
            differs
        };
        let schedule = settings.schedule.clone().filter(|_| self.schedule);
        let continuous = settings.continuous.clone().filter(|_| self.continuous);
        let trigger = settings.trigger.clone().filter(|_| self.trigger);
        // The list is replaced as a whole, so the entries that stay as they are go along.
        let mut triggers = settings.triggers.clone();
        let changed =
            triggers.iter_mut().filter(|t| self.triggers.contains(&t.other)).map(|t| set(&mut t.pause_status));
        if changed.filter(|differs| *differs).count() == 0 {
            triggers.clear();
        }
        let change = JobSettings {
            schedule: schedule.and_then(|mut s| set(&mut s.pause_status).then_some(s)),
            continuous: continuous.and_then(|mut c| set(&mut c.pause_status).then_some(c)),
            trigger: trigger.and_then(|mut t| set(&mut t.pause_status).then_some(t)),
            triggers,
            ..JobSettings::default()
        };
        (change != JobSettings::default()).then_some(change)
    }
}

/// A job that starts runs by itself, and by what. Kept by whoever pauses it, so that just that can be resumed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnpausedJob {
    /// The job.
    pub job_id: i64,
    /// Its name.
    pub name: String,
    /// What runs.
    pub places: UnpausedPlaces,
}

impl dyn RegionApi + '_ {
    /// Every job that starts runs by itself. Write this down before pausing: afterwards it can't be told any more.
    pub async fn unpaused_jobs(&self) -> Result<Vec<UnpausedJob>, ConnectError> {
        Ok(self
            .jobs()
            .await?
            .into_iter()
            .map(|job| UnpausedJob {
                job_id: job.job_id,
                places: UnpausedPlaces::of(&job.settings),
                name: job.settings.name.unwrap_or_default(),
            })
            .filter(|job| !job.places.is_empty())
            .collect())
    }

    /// Pauses what is named; a place that is paused or gone already stays so.
    pub async fn pause_job(&self, job: &UnpausedJob) -> Result<(), ConnectError> {
        self.set_pause_status(job, PAUSED).await
    }

    /// Resumes what is named; a place that runs or is gone already stays so.
    pub async fn resume_job(&self, job: &UnpausedJob) -> Result<(), ConnectError> {
        self.set_pause_status(job, UNPAUSED).await
    }

    async fn set_pause_status(&self, job: &UnpausedJob, status: &str) -> Result<(), ConnectError> {
        let current = self.job(job.job_id).await?;
        match job.places.change(&current.settings, status) {
            None => Ok(()),
            Some(new_settings) => {
                let update = UpdateJob { job_id: job.job_id, new_settings };
                self.update_job(&update).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::region_of;
    use axum::Router;
    use axum::response::Json;
    use axum::routing::{get, post};
    use serde_json::json;
    use std::sync::{Arc, Mutex};

    fn settings() -> Value {
        json!({
            "name": "nightly",
            "max_concurrent_runs": 3,
            "schedule": {"quartz_cron_expression": "0 0 3 * * ?", "timezone_id": "UTC", "sql_condition": {"x": 1}},
            "continuous": {"pause_status": "PAUSED"},
            "trigger": {"pause_status": "UNPAUSED", "file_arrival": {"url": "s3://b/in/"}},
            "triggers": [
                {"pause_status": "PAUSED", "periodic": {"interval": 1, "unit": "HOURS"}},
                {"periodic": {"interval": 2, "unit": "HOURS"}}
            ]
        })
    }

    /// A workspace with one job, which updates replace top-level settings of.
    fn workspace(job: Arc<Mutex<Value>>) -> Router {
        let (listed, got, updated) = (job.clone(), job.clone(), job);
        let one = |job: &Mutex<Value>| json!({"job_id": 7, "settings": *job.lock().expect("no panic")});
        Router::new()
            .route("/api/2.2/jobs/list", get(move || async move { Json(json!({"jobs": [one(&listed)]})) }))
            .route("/api/2.2/jobs/get", get(move || async move { Json(one(&got)) }))
            .route(
                "/api/2.2/jobs/update",
                post(move |Json(update): Json<Value>| async move {
                    assert_eq!(update["job_id"], 7);
                    let mut settings = updated.lock().expect("no panic");
                    for (key, value) in update["new_settings"].as_object().expect("settings") {
                        settings[key] = value.clone();
                    }
                    Json(json!({}))
                }),
            )
    }

    #[tokio::test]
    async fn just_what_ran_is_resumed() {
        let job = Arc::new(Mutex::new(settings()));
        let region = region_of(workspace(job.clone())).await;
        let unpaused = region.unpaused_jobs().await.expect("the list reads");
        assert_eq!(unpaused.len(), 1);

        region.pause_job(&unpaused[0]).await.expect("it pauses");
        let mut paused = settings();
        paused["schedule"]["pause_status"] = json!("PAUSED");
        paused["trigger"]["pause_status"] = json!("PAUSED");
        paused["triggers"][1]["pause_status"] = json!("PAUSED");
        assert_eq!(*job.lock().expect("no panic"), paused);
        assert_eq!(region.unpaused_jobs().await, Ok(Vec::new()));
        region.pause_job(&unpaused[0]).await.expect("pausing twice is pausing");

        region.resume_job(&unpaused[0]).await.expect("it resumes");
        let mut resumed = settings();
        resumed["schedule"]["pause_status"] = json!("UNPAUSED");
        resumed["triggers"][1]["pause_status"] = json!("UNPAUSED");
        assert_eq!(*job.lock().expect("no panic"), resumed);
    }

    #[test]
    fn a_place_that_went_away_is_not_made_again() {
        let before: JobSettings = serde_json::from_value(settings()).expect("settings read");
        let places = UnpausedPlaces::of(&before);
        assert_eq!(places.change(&JobSettings::default(), PAUSED), None);
        let kept: UnpausedPlaces =
            serde_json::from_str(&serde_json::to_string(&places).expect("it writes")).expect("it reads");
        assert_eq!(kept, places);
    }

    #[test]
    fn a_reordered_list_of_triggers_is_still_known() {
        let before: JobSettings = serde_json::from_value(settings()).expect("settings read");
        let mut now = before.clone();
        now.triggers.reverse();
        let change = UnpausedPlaces::of(&before).change(&now, PAUSED).expect("something runs");
        let statuses: Vec<_> = change.triggers.iter().map(|t| t.pause_status.as_deref()).collect();
        assert_eq!(statuses, [Some(PAUSED), Some(PAUSED)]);
        assert_eq!(change.triggers[0].other, before.triggers[1].other);
    }
}

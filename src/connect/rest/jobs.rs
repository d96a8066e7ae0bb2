//! Jobs.

use super::RegionClient;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::wire::jobs::{CreateJob, JobId, JobInfo, JobSettings, ListJobs, PAGED, PREFIX, UpdateJob};
use serde_json::{Value, json};

/// Pages of one job at most: 1,000 tasks are ten.
const MOST_PAGES: usize = 100;

impl RegionClient {
    /// Every job, without its tasks.
    pub async fn jobs(&self) -> Result<Vec<JobInfo>, ConnectError> {
        self.transport.list::<ListJobs>(Call::get(PREFIX, &["list"]).query("limit", 100)).await
    }

    /// Every job with all its settings. A list gives the first hundred elements of an array; only longer jobs cost a call each.
    pub async fn whole_jobs(&self) -> Result<Vec<JobInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["list"]).query("limit", 100).query("expand_tasks", true);
        let mut jobs = self.transport.list::<ListJobs>(call).await?;
        for job in jobs.iter_mut().filter(|job| job.has_more) {
            *job = self.whole_job(job.job_id).await?;
        }
        Ok(jobs)
    }

    /// One job with all pages of its settings' arrays.
    pub async fn whole_job(&self, job_id: i64) -> Result<JobInfo, ConnectError> {
        let mut whole = self.job(job_id).await?;
        let mut next = whole.next_page_token.take();
        for _ in 0..MOST_PAGES {
            let Some(token) = next.filter(|token| !token.is_empty()) else { break };
            let call = Call::get(PREFIX, &["get"]).query("job_id", job_id).query("page_token", token);
            let mut page: JobInfo = self.transport.send(call).await?;
            next = page.next_page_token.take();
            append(&mut whole.settings, page.settings);
        }
        whole.has_more = false;
        Ok(whole)
    }

    /// One job by its id, with the first hundred of its tasks.
    pub async fn job(&self, job_id: i64) -> Result<JobInfo, ConnectError> {
        self.transport.send(Call::get(PREFIX, &["get"]).query("job_id", job_id)).await
    }

    /// Replaces top-level settings of a job; those that aren't named stay.
    pub async fn update_job(&self, update: &UpdateJob) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(PREFIX, &["update"]).body(update)).await
    }

    /// Creates a job; its id.
    pub async fn create_job(&self, job: &CreateJob) -> Result<i64, ConnectError> {
        Ok(self.transport.send::<JobId>(Call::post(PREFIX, &["create"]).body(job)).await?.job_id)
    }

    /// Replaces all settings of a job.
    pub async fn reset_job(&self, update: &UpdateJob) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(PREFIX, &["reset"]).body(update)).await
    }

    /// Deletes a job.
    pub async fn delete_job(&self, job_id: i64) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(PREFIX, &["delete"]).body(&JobId { job_id })).await
    }
}

/// Adds the elements of a further page.
fn append(whole: &mut JobSettings, mut page: JobSettings) {
    whole.tasks.append(&mut page.tasks);
    for field in PAGED {
        let Some(Value::Array(more)) = page.other.remove(field) else { continue };
        if let Some(known) = whole.other.entry(field).or_insert_with(|| json!([])).as_array_mut() {
            known.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::client_of;
    use axum::Router;
    use axum::extract::Query;
    use axum::response::Json;
    use axum::routing::get;
    use std::collections::HashMap;

    #[tokio::test]
    async fn a_job_whose_arrays_come_in_pages_is_read_whole() {
        let list = || async {
            Json(json!({"jobs": [{"job_id": 1, "settings": {"tasks": [{"task_key": "a"}]}, "has_more": true},
                {"job_id": 2, "settings": {"tasks": [{"task_key": "z"}]}}]}))
        };
        let one = |Query(query): Query<HashMap<String, String>>| async move {
            Json(match query.get("page_token").map(String::as_str) {
                None => json!({"job_id": 1, "settings": {"tasks": [{"task_key": "a"}], "parameters": [1]},
                    "has_more": true, "next_page_token": "2"}),
                Some(_) => json!({"job_id": 1, "settings": {"tasks": [{"task_key": "b"}], "parameters": [2]}}),
            })
        };
        let router = Router::new().route("/api/2.2/jobs/list", get(list)).route("/api/2.2/jobs/get", get(one));
        let jobs = client_of(router).await.whole_jobs().await.expect("they read");
        let keys: Vec<usize> = jobs.iter().map(|job| job.settings.tasks.len()).collect();
        assert_eq!((keys, &jobs[0].settings.other["parameters"]), (vec![2, 1], &json!([1, 2])));
    }
}

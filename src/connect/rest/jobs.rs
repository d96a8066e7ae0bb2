//! Jobs.

use super::RegionClient;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::wire::jobs::{JobInfo, ListJobs, PREFIX, UpdateJob};

impl RegionClient {
    /// Every job, without its tasks.
    pub async fn jobs(&self) -> Result<Vec<JobInfo>, ConnectError> {
        self.transport.list::<ListJobs>(Call::get(PREFIX, &["list"]).query("limit", 100)).await
    }

    /// One job by its id, with the first hundred of its tasks.
    pub async fn job(&self, job_id: i64) -> Result<JobInfo, ConnectError> {
        self.transport.send(Call::get(PREFIX, &["get"]).query("job_id", job_id)).await
    }

    /// Replaces top-level settings of a job; those that aren't named stay.
    pub async fn update_job(&self, update: &UpdateJob) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(PREFIX, &["update"]).body(update)).await
    }
}

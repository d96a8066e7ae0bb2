//! How each group stands, for whoever writes it down: without what only screens show.

use super::Control;
use super::group::{GroupHandle, LAG_SAMPLES};
use super::view::{LagSample, ObjectView, OperationOutcome};
use crate::domain::{FailoverGroup, GroupId, ObjectError, Region, Timestamp};
use std::sync::Arc;

/// How one group stands.
#[derive(Debug, Clone)]
pub struct GroupStatus {
    /// The group.
    pub group: FailoverGroup,
    /// Every error, also what holds up the group as a whole.
    pub errors: Arc<Vec<ObjectError>>,
    /// Every object, as the last cycle found it; empty before the first one.
    pub objects: Arc<Vec<ObjectView>>,
    /// The newest failovers.
    pub operations: Vec<OperationStatus>,
}

/// How one failover stands.
#[derive(Debug, Clone)]
pub struct OperationStatus {
    /// Its id.
    pub id: String,
    /// The region that becomes secondary.
    pub from_region: Region,
    /// The region that becomes primary.
    pub to_region: Region,
    /// When it was confirmed.
    pub started: Timestamp,
    /// When it ended, either way.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub outcome: OperationOutcome,
    /// Why it was rolled back or failed.
    pub message: Option<String>,
}

impl Control {
    /// How every group stands.
    pub fn statuses(&self) -> Vec<GroupStatus> {
        self.handles().iter().map(|handle| handle.status()).collect()
    }

    /// Gives a group's chart the lag that was written down before this process started; oldest first.
    pub fn recall_lag(&self, id: &GroupId, samples: Vec<LagSample>) {
        let Ok(handle) = self.handle(id) else { return };
        let mut record = handle.record();
        let first = record.lag.front().map(|sample| sample.at);
        for sample in samples.into_iter().rev().filter(|sample| first.is_none_or(|first| sample.at < first)) {
            if record.lag.len() == LAG_SAMPLES {
                break;
            }
            record.lag.push_front(sample);
        }
        drop(record);
        self.touch();
    }
}

impl GroupHandle {
    fn status(&self) -> GroupStatus {
        let group = self.shown();
        let record = self.record();
        let mut operations: Vec<OperationStatus> = record
            .history
            .iter()
            .map(|operation| OperationStatus {
                id: operation.id.clone(),
                from_region: operation.from_region.clone(),
                to_region: operation.to_region.clone(),
                started: operation.started,
                ended: operation.ended,
                outcome: operation.outcome,
                message: operation.message.clone(),
            })
            .collect();
        if let Some(newest) = &record.operation {
            operations.retain(|operation| operation.id != newest.id);
            operations.push(OperationStatus {
                id: newest.id.clone(),
                from_region: newest.from_region.clone(),
                to_region: newest.to_region.clone(),
                started: newest.started,
                ended: newest.ended,
                outcome: newest.outcome,
                message: newest.message.clone(),
            });
        }
        GroupStatus { group, errors: record.all_errors(), objects: record.objects.clone(), operations }
    }
}

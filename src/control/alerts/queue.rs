//! What is to be told and wasn't yet, and what was told of each group.

use super::condition::Patience;
use super::sink::AlertState;
use super::watch::{Failover, Standing, Watched};
use crate::control::group::GroupHandle;
use crate::control::lock::lock;
use crate::control::{Control, ControlError};
use crate::domain::{Alert, GroupState, Timestamp};
use chrono::TimeDelta;
use std::collections::BTreeSet;

const KEPT: &str = "alerts.state";
/// Blocking errors that are counted.
const MOST_COUNTED: usize = 1_000;

impl Control {
    /// Reads what was told and what waits.
    pub(in crate::control) async fn recall_alerts(&self) -> Result<(), ControlError> {
        self.recall_alert_settings().await?;
        let kept: Option<AlertState> = self.setting(KEPT).await?.and_then(|text| serde_json::from_str(&text).ok());
        let kept = kept.unwrap_or_default();
        lock(&self.inner.alerts.sent).waiting = kept.queue.len();
        *self.inner.alerts.state.lock().await = kept;
        Ok(())
    }

    /// Edits what was told and what waits, and writes it down. A store that can't keep it, as on a full disk, is no reason
    /// to tell nothing.
    pub(super) async fn edit_alerts<T>(&self, edit: impl FnOnce(&mut AlertState) -> T) -> T {
        let mut state = self.inner.alerts.state.lock().await;
        let before = state.clone();
        let answer = edit(&mut state);
        if *state == before {
            return answer;
        }
        let (waiting, had) = (state.queue.len(), before.queue.len());
        let text = serde_json::to_string(&*state).unwrap_or_default();
        if let Err(error) = self.inner.store.run(move |tx| tx.set_value(KEPT, &text)).await {
            tracing::warn!(%error, "what was told couldn't be written down");
        }
        drop(state);
        lock(&self.inner.alerts.sent).waiting = waiting;
        if waiting != had {
            self.touch();
        }
        answer
    }

    /// Tells people of something, as soon as the webhook takes it.
    pub(in crate::control) async fn tell(&self, alert: Alert) {
        let Some((_, topics)) = self.webhook() else { return };
        if alert.event.topic().is_none_or(|topic| topics.contains(&topic)) {
            self.edit_alerts(|state| state.add(alert)).await;
            self.inner.alerts.wake.notify_one();
        }
    }

    fn standing(&self, handle: &GroupHandle, now: Timestamp) -> Standing {
        let group = handle.group();
        let rehearsals = self.rehearsals(&group);
        let record = handle.record();
        let blocking =
            record.blocking_error.iter().chain(record.errors.iter()).filter(|e| e.blocks_replication_point());
        // While a group fails over its errors are those of before.
        let holds = group.state.replicates();
        let mut blocking = blocking.take(MOST_COUNTED).peekable();
        let first = blocking.peek().map(|error| format!("{}: {}", error.object, error.message));
        let blocked = first.map(|first| (first, blocking.count())).filter(|_| holds);
        let operation = record.operation.as_ref().map(|operation| Failover {
            id: operation.id.clone(),
            kind: operation.kind,
            from: operation.from_region.to_string(),
            to: operation.to_region.to_string(),
            outcome: operation.outcome,
            message: operation.message.clone(),
            rto_seconds: operation.view().rto_seconds,
            commits_lost: operation.commits_lost,
            provisional_until: operation.provisional.as_ref().filter(|p| !p.ended).and_then(|p| p.until),
        });
        let knows_lag = !matches!(group.state, GroupState::Creating | GroupState::Deleting);
        Standing {
            id: group.spec.id,
            now,
            point: group.replication_point.filter(|_| knows_lag),
            targets: record.targets,
            blocked,
            operation,
            waits: record.approval.pending.as_ref().filter(|pending| pending.is_open(now)).map(|p| p.id.clone()),
            drill: rehearsals.drills.first().cloned(),
            next_drill: rehearsals.next,
        }
    }
}

/// Looks at every group again and again, and puts what is to be told into the queue.
pub async fn keep_watching(control: Control) {
    let times = control.inner.settings.alerts.clone();
    let delta = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
    let patience = Patience { settle: delta(times.settle), calm: delta(times.calm) };
    let mut stopping = control.stopping();
    loop {
        let now = control.now();
        let standings: Vec<Standing> = control.handles().iter().map(|handle| control.standing(handle, now)).collect();
        let heard: BTreeSet<_> = control.webhook().map(|(_, topics)| topics).unwrap_or_default();
        let tells = control
            .edit_alerts(|state| {
                let mut told = Vec::new();
                for standing in &standings {
                    match state.groups.get_mut(standing.id.as_str()) {
                        Some(watched) => told.extend(watched.step(standing, patience, &heard)),
                        None => _ = state.groups.insert(standing.id.to_string(), Watched::first(standing)),
                    }
                }
                let is_gone = |id: &String| !standings.iter().any(|standing| standing.id.as_str() == id);
                let gone: Vec<String> = state.groups.keys().filter(|id| is_gone(id)).cloned().collect();
                for id in gone {
                    told.extend(state.groups.remove(&id).into_iter().flat_map(|watched| watched.gone(&id, now)));
                }
                let tells = !told.is_empty();
                told.into_iter().for_each(|alert| state.add(alert));
                tells
            })
            .await;
        if tells {
            control.inner.alerts.wake.notify_one();
        }
        tokio::select! {
            () = tokio::time::sleep(times.look) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

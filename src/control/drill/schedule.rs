//! When drills are due.

use crate::control::lock::lock;
use crate::control::{Control, ControlError, audit};
use crate::domain::{Drill, DrillKind, DrillSchedule, GroupId, GroupState, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at the schedules.
const LOOK: Duration = Duration::from_secs(20);

impl Control {
    /// When drills of a group are due; None where no schedule is set.
    pub fn drill_schedule(&self, id: &GroupId) -> Option<DrillSchedule> {
        let made = self.made(id);
        let schedules = lock(&self.inner.drill_schedules);
        schedules.get(id).filter(|schedule| made.is_none_or(|made| schedule.since >= made)).copied()
    }

    /// When the next drill of a group is due.
    pub fn next_drill(&self, id: &GroupId) -> Option<(DrillKind, Timestamp)> {
        let schedule = self.drill_schedule(id)?;
        let of_kind = |drill: &&Arc<Drill>| drill.kind == schedule.kind;
        let last = self.drills(id).iter().find(of_kind).map(|drill| drill.started);
        Some((schedule.kind, schedule.due(last)))
    }

    /// Sets when drills of a group are due, or takes the schedule away.
    pub async fn set_drill_schedule(
        &self,
        actor: &str,
        id: &GroupId,
        wanted: Option<(DrillKind, u16, u8)>,
    ) -> Result<(), ControlError> {
        self.handle(id)?;
        let now = self.now();
        if let Some((_, every_days, hour)) = wanted
            && (every_days == 0 || every_days > 366 || hour > 23)
        {
            return Err(ControlError::BadArgument {
                sentence: format!(
                    "Every {every_days} days at {hour}:00 isn't a schedule. Give 1 to 366 days and an hour from 0 to 23."
                ),
            });
        }
        let schedule = wanted.map(|(kind, every_days, hour)| DrillSchedule { kind, every_days, hour, since: now });
        let (key, text) = (schedule_key(id), schedule.and_then(|s| serde_json::to_string(&s).ok()).unwrap_or_default());
        let message = match schedule {
            Some(s) => format!(
                "{actor} set the schedule of {id}: {} every {} days at {:02}:00 UTC.",
                s.kind.label(),
                s.every_days,
                s.hour
            ),
            None => format!("{actor} removed the drill schedule of {id}."),
        };
        let line = audit::line(now, actor, "drill.schedule", id.as_str(), message);
        let (stored, id) = (line.clone(), id.clone());
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.set_value(&key, &text)?;
            tx.add_activity(&stored)
        };
        self.durably((), work, move |control, ()| {
            let mut known = lock(&control.inner.drill_schedules);
            match schedule {
                Some(schedule) => _ = known.insert(id, schedule),
                None => _ = known.remove(&id),
            }
            drop(known);
            control.show_activity(line);
            control.touch();
        })
        .await
        .map(|_| ())
    }
}

/// Where a group's schedule is kept.
pub fn schedule_key(id: &GroupId) -> String {
    format!("drill_schedule.{id}")
}

/// Starts isolated drills that are due. A full one moves the primary, so it is only shown as due.
pub async fn keep_to_schedules(control: Control) {
    let mut stopping = control.stopping();
    loop {
        for handle in control.handles() {
            let due = control.next_drill(&handle.id).filter(|(_, at)| *at <= control.now());
            let Some((DrillKind::Isolated, _)) = due else { continue };
            if handle.group().state != GroupState::Active || control.drills(&handle.id).iter().any(|d| d.is_running()) {
                continue;
            }
            if let Err(error) = control.start_drill("schedule", &handle.id, DrillKind::Isolated, false).await {
                tracing::warn!(group = %handle.id, %error, "a drill that is due could not start");
            }
        }
        tokio::select! {
            _ = tokio::time::sleep(LOOK) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

//! When drills are due.

use crate::control::lock::lock;
use crate::control::{Control, ControlError, audit};
use crate::domain::{DrillKind, DrillSchedule, GroupId, GroupState};

impl Control {
    /// Sets when drills of a group are due, or takes the schedule away.
    pub async fn set_drill_schedule(
        &self,
        actor: &str,
        id: &GroupId,
        wanted: Option<(DrillKind, u16, u8)>,
    ) -> Result<(), ControlError> {
        self.handle(id)?;
        let now = self.now();
        if let Some((_, every_days, hour)) = wanted {
            check_drill_schedule(every_days, hour)?;
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

/// Whether drills can be due every so many days at an hour of UTC.
pub fn check_drill_schedule(every_days: u16, hour: u8) -> Result<(), ControlError> {
    if (1..=366).contains(&every_days) && hour <= 23 {
        return Ok(());
    }
    Err(ControlError::BadArgument {
        sentence: format!(
            "Every {every_days} days at {hour}:00 isn't a schedule. Give 1 to 366 days and an hour from 0 to 23."
        ),
    })
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
            let group = handle.group();
            let rehearsals = control.rehearsals(&group);
            let due = rehearsals.next.filter(|(_, at)| *at <= control.now());
            let Some((DrillKind::Isolated, _)) = due else { continue };
            if group.state != GroupState::Active || rehearsals.drills.iter().any(|drill| drill.is_running()) {
                continue;
            }
            if let Err(error) = control.start_drill("schedule", &handle.id, DrillKind::Isolated, false).await {
                tracing::warn!(group = %handle.id, %error, "a drill that is due could not start");
            }
        }
        tokio::select! {
            _ = tokio::time::sleep(control.inner.settings.drill_look) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

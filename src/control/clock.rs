//! The clock that everything here goes by, what is said when the machine's one jumps, and points that a wrong one timed.

use super::group::{GroupChange, GroupHandle};
use super::{Control, ControlError, audit};
use crate::domain::{Clock, ClockMove, SteadyClock, Timestamp, replication_point};
use chrono::{SecondsFormat, SubsecRound, TimeDelta};
use std::sync::Arc;

/// How long a jump of the clock is shown.
const SHOWN: TimeDelta = TimeDelta::hours(1);

/// A clock over the machine's that jumps don't move, and that logs them.
pub fn steady(machine: Arc<dyn Clock>) -> Arc<SteadyClock> {
    Arc::new(SteadyClock::new(machine, |moved| tracing::warn!("{moved}")))
}

impl Control {
    /// The clock that everything here goes by.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock.clone()
    }

    /// The newest jump of this machine's clock, while it is worth knowing.
    pub(super) fn clock_move(&self) -> Option<ClockMove> {
        let now = self.now();
        self.inner.clock.last_move().filter(|moved| {
            let last = moved.end.as_ref().map_or(moved.at, |end| end.at);
            moved.end.is_none() || now - last < SHOWN
        })
    }

    /// Withdraws a replication point that a wrong clock timed: it claims what was never seen to arrive.
    ///
    /// The point goes back to when everything had arrived last, in the time as it is now. It is the only way in which a point
    /// moves back within an epoch, and the audit log has a line of it.
    pub(super) async fn withdraw_false_point(&self, handle: &GroupHandle) -> Result<(), ControlError> {
        if self.false_point(handle).is_none() {
            return Ok(());
        }
        let mut change = GroupChange::of(handle).await;
        let Some((false_point, seen)) = self.false_point(handle) else { return Ok(()) };
        let now = self.now();
        let id = handle.id.clone();
        let to = match seen {
            Some(seen) => Some(seen.trunc_subsecs(3)),
            // After a start only what was recorded before is known.
            None => {
                let (id, epoch) = (id.clone(), change.group.epoch);
                let earlier = self.inner.store.run(move |tx| tx.point_at(&id, now)).await?;
                earlier.filter(|(of, _)| *of == epoch).map(|(_, point)| point)
            }
        };
        change.group.replication_point = to;
        change.renew_etag();
        let word = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let goes =
            to.map_or_else(|| "There is none until the next cycle".to_owned(), |to| format!("It is {} now", word(to)));
        let message = format!(
            "The replication point {} of failover group {id} was withdrawn, because a wrong clock set it too late. {goes}.",
            word(false_point)
        );
        tracing::warn!(group = %id, "{message}");
        change.log(audit::line(now, "runtime", "replication_point.withdraw", id.as_str(), message));
        change.also(move |tx| {
            tx.remove_points_after(&id, to.unwrap_or(now))?;
            tx.see_commits_earlier(&id, now, false_point - to.unwrap_or(now))
        });
        change.show(move |record| {
            record.point_without_failing = None;
            record.looked_at = record.looked_at.map(|at| at.min(now));
        });
        change.commit(self).await?;
        Ok(())
    }

    /// The group's replication point where it claims too much, with what was seen instead.
    fn false_point(&self, handle: &GroupHandle) -> Option<(Timestamp, Option<Timestamp>)> {
        let (now, monotonic) = (self.now(), self.inner.clock.monotonic());
        let record = handle.record();
        let point = record.group.replication_point?;
        let ago = |at| TimeDelta::from_std(monotonic.saturating_sub(at)).unwrap_or_default();
        let seen = record.whole_at.map(|at| now - ago(at));
        replication_point::claims_too_much(point, seen, now).then_some((point, seen))
    }
}

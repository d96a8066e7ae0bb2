//! Catch up: cycles until one finds nothing left to ship.

use super::{Failover, leave};
use crate::control::names::some;
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, assets};
use crate::domain::FailoverStep;
use crate::domain::left_behind::in_words;

/// Cycles before catching up is given up: nothing writes any more, so a second one should find nothing.
const MOST_CYCLES: usize = 20;

/// Cycles more for what fails for a reason that may pass by itself.
const MOST_WAITS: usize = 4;

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::CatchUp, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let (mut bytes, mut patience) = (0, MOST_WAITS);
    failover.cache.look_at_all(&failover.control, &failover.handle).await?;
    for _ in 0..MOST_CYCLES {
        let outcome = failover.cycle().await?;
        bytes += outcome.bytes_copied;
        if !outcome.complete || outcome.changed > 0 {
            failover.note(FailoverStep::CatchUp, format!("{bytes} bytes shipped."));
            continue;
        }
        let unasked = leave::unasked(failover, &outcome.objects)?;
        // A region that was busy for a moment loses nothing; it is asked again before the failover is given up.
        if patience > 0 && !unasked.is_empty() && unasked.iter().all(|lost| lost.class.is_transient()) {
            patience -= 1;
            failover.note(
                FailoverStep::CatchUp,
                format!("Waiting for {}.", some(&[unasked.first().map_or("", |lost| lost.object.as_str())])),
            );
            tokio::time::sleep(failover.control.inner.settings.retry_pause).await;
            continue;
        }
        let left = leave::journal(failover, &outcome.objects).await?;
        let assets = assets::catch_up(&failover.control, &failover.handle).await?;
        let without_commits: Vec<&str> = outcome
            .objects
            .iter()
            .filter(|o| o.blocks() && !left.iter().any(|lost| lost.object == o.name))
            .map(|o| o.name.as_str())
            .collect();
        let mut note = match left.as_slice() {
            [] => format!("Everything has arrived; {bytes} bytes shipped."),
            left => format!("{bytes} bytes shipped. Left behind, as accepted: {}.", in_words(left)),
        };
        if !without_commits.is_empty() {
            note.push_str(&format!(" Flagged, but without unreplicated commits: {}.", some(&without_commits)));
        }
        note.push_str(&assets);
        return Ok(StepEnd::Done(note));
    }
    Err(ControlError::Refused {
        sentence: format!(
            "{} kept changing while it was read-only, so the catch-up never finished. Find the writer that bypasses the catalog.",
            failover.group().effective_primary_region
        ),
    })
}

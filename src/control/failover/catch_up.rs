//! Catch up: cycles until one finds nothing left to ship.

use super::{StepContext, StepEnd, leave};
use crate::control::ControlError;
use crate::domain::left_behind::in_words;

/// Cycles before catching up is given up: nothing writes any more, so a second one should find nothing.
const MOST_CYCLES: usize = 20;

/// Cycles more for what fails for a reason that may pass by itself.
const MOST_WAITS: usize = 4;

pub async fn run(context: &mut StepContext<'_>) -> Result<StepEnd, ControlError> {
    let (mut bytes, mut patience) = (0, MOST_WAITS);
    for _ in 0..MOST_CYCLES {
        let outcome = context.cycle().await?;
        bytes += outcome.bytes_copied;
        if !outcome.complete || outcome.changed > 0 {
            context.note(format!("{bytes} bytes shipped."));
            continue;
        }
        let unasked = leave::unasked(context, &outcome.objects)?;
        // A region that was busy for a moment loses nothing; it is asked again before the failover is given up.
        if patience > 0 && !unasked.is_empty() && unasked.iter().all(|lost| lost.class.is_transient()) {
            patience -= 1;
            context.note(format!("Waiting for {}.", some(&[unasked.first().map_or("", |lost| lost.object.as_str())])));
            tokio::time::sleep(context.control.inner.settings.retry_pause).await;
            continue;
        }
        let left = leave::journal(context, &outcome.objects).await?;
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
        return Ok(StepEnd::Done(note));
    }
    Err(ControlError::Refused {
        sentence: format!(
            "{} kept changing while it was read-only, so the catch-up never finished. Find the writer that bypasses the catalog.",
            context.group().effective_primary_region
        ),
    })
}

/// A few names and how many more there are.
pub fn some(names: &[&str]) -> String {
    let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{shown} and {} more", names.len() - 3) } else { shown }
}

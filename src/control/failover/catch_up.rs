//! Catch up: cycles until one finds nothing left to ship.

use super::{StepContext, StepEnd};
use crate::control::ControlError;

/// Cycles before catching up is given up: nothing writes any more, so a second one should find nothing.
const MOST_CYCLES: usize = 20;

pub async fn run(context: &mut StepContext<'_>) -> Result<StepEnd, ControlError> {
    let mut bytes = 0;
    for _ in 0..MOST_CYCLES {
        let outcome = context.cycle().await?;
        bytes += outcome.bytes_copied;
        if !outcome.complete || outcome.changed > 0 {
            context.note(format!("{bytes} bytes shipped."));
            continue;
        }
        let left: Vec<String> = outcome.objects.iter().filter(|o| o.blocks()).map(|o| o.name.clone()).collect();
        context.journal(|operation| operation.left_behind = left).await?;
        let behind: Vec<&str> = outcome.objects.iter().filter(|o| o.blocks()).map(|o| o.name.as_str()).collect();
        return Ok(StepEnd::Done(match behind.as_slice() {
            [] => format!("Everything has arrived; {bytes} bytes shipped."),
            names => format!("{bytes} bytes shipped. Left behind, because they are flagged: {}.", some(names)),
        }));
    }
    Err(ControlError::Refused {
        sentence: format!(
            "{} kept changing while it was read-only, so catching up never ended. Find out what writes past the catalog.",
            context.group().effective_primary_region
        ),
    })
}

/// A few names and how many more there are.
pub fn some(names: &[&str]) -> String {
    let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if names.len() > 3 { format!("{shown} and {} more", names.len() - 3) } else { shown }
}

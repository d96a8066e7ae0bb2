//! Compare: every table of source and replica, before anything is irrevocable.

use super::catch_up::some;
use super::{StepContext, StepEnd};
use crate::control::ControlError;
use crate::delta::Depth;
use crate::replicate::compare_tables;

pub async fn run(context: &mut StepContext<'_>) -> Result<StepEnd, ControlError> {
    let group = context.group();
    let (source, destination) = context.desk.ends(context.control, context.cell).await?;
    let inner = &context.control.inner;
    let report = compare_tables(
        &group.spec.id,
        group.catalogs(),
        &source,
        &destination,
        &inner.store,
        inner.clock.as_ref(),
        Depth::Sizes,
    )
    .await?;
    // Flagged objects are named when catching up; they are left behind knowingly.
    let flagged = context.operation()?.left_behind;
    let differing: Vec<&str> =
        report.differing().into_iter().filter(|o| !flagged.contains(&o.name)).map(|o| o.name.as_str()).collect();
    if !differing.is_empty() {
        return Err(ControlError::Refused {
            sentence: format!("Source and replica differ in {}. See the objects for what differs.", some(&differing)),
        });
    }
    Ok(StepEnd::Done(format!("{} tables compare equal.", report.verified())))
}

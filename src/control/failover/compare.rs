//! Compare: every table of source and replica, before anything is irrevocable.

use super::Failover;
use super::leave::is_left;
use crate::control::ControlError;
use crate::control::names::some;
use crate::control::saga::{Step, StepEnd};
use crate::delta::Depth;
use crate::domain::{AssetKind, FailoverStep};
use crate::replicate::{Comparison, compare_data, shortfalls};

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::Compare, act: |failover| Box::pin(run(failover)), undo: None };

/// Compares again whenever it is asked; the fence asks too.
pub async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let group = failover.group();
    let (source, destination) = failover.ends().await?;
    let inner = &failover.control.inner;
    let comparison = Comparison {
        group: &group.spec.id,
        rules: &group.spec.rules,
        source: &source,
        destination: &destination,
        store: &inner.store,
        clock: inner.clock.as_ref(),
        depth: Depth::Sizes,
    };
    let report = compare_data(group.catalogs(), &comparison).await?;
    let operation = failover.operation()?;
    // What is left behind was accepted by name and journaled when catching up; nothing else may differ.
    let unasked: Vec<&str> =
        operation.left_behind.iter().filter(|n| !is_left(&operation.accepted, n)).map(String::as_str).collect();
    let differing = report.objects.iter().filter(|o| o.kind == AssetKind::Table && o.status.is_difference());
    let differing: Vec<String> = differing.map(|o| o.name.clone()).collect();
    let lost = shortfalls(&report.objects).into_iter().filter(|lost| lost.kind == AssetKind::Table);
    let mut names: Vec<String> = differing.into_iter().chain(lost.map(|lost| lost.object)).collect();
    names.sort();
    names.dedup();
    let mut names: Vec<&str> =
        names.iter().map(String::as_str).filter(|n| !is_left(&operation.left_behind, n)).collect();
    names.extend(unasked);
    if !names.is_empty() {
        return Err(ControlError::Refused {
            sentence: format!("Source and replica differ in {}. See the objects for what differs.", some(&names)),
        });
    }
    Ok(StepEnd::Done(format!("{} tables compare equal.", report.verified())))
}

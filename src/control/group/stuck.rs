//! What is shown while something holds a group up, and when its worker tries again.

use super::GroupHandle;
use crate::control::{Control, ControlError};
use crate::domain::{AssetKind, ErrorClass, ObjectError};
use crate::replicate::CycleError;
use std::collections::BTreeMap;
use std::time::Duration;

/// Goes on at once after something was stored, and waits a little where it could not be.
pub fn settle(control: &Control, handle: &GroupHandle, stored: Result<(), ControlError>) -> Duration {
    match stored {
        Ok(()) => Duration::ZERO,
        Err(error) => {
            record_error(control, handle, &error);
            control.inner.settings.retry_pause
        }
    }
}

/// Shows why a cycle did not end.
pub fn record_error(control: &Control, handle: &GroupHandle, error: &ControlError) {
    let now = control.now();
    let mut record = handle.record();
    record.cycle.running = false;
    let (class, object) = match error {
        ControlError::Region(e) => (e.class(), e.region().unwrap_or(handle.id.as_str()).to_owned()),
        ControlError::Cycle(e) => match e.as_ref() {
            CycleError::Region { region, source } => (source.class(), region.to_string()),
            CycleError::Store(_) | CycleError::Stopped => (ErrorClass::StorageFailure, handle.id.to_string()),
        },
        ControlError::Table(fault) => (fault.class, handle.id.to_string()),
        _ => (ErrorClass::StorageFailure, handle.id.to_string()),
    };
    let since =
        record.blocking_error.as_ref().filter(|t| t.class == class && t.object == object).map_or(now, |t| t.since);
    let parameters = BTreeMap::from([("region".to_owned(), object.clone())]);
    record.blocking_error =
        Some(ObjectError { class, parameters, message: error.to_string(), kind: AssetKind::Catalog, object, since });
    record.sample_lag(now);
    drop(record);
    control.touch();
}

//! Small pieces of what is written down: etags and lines of the audit log.

use crate::domain::{FailoverGroup, Timestamp};
use crate::store::ActivityRow;

/// Gives a changed group a new etag and update time.
pub fn renew_etag(group: &mut FailoverGroup, now: Timestamp) {
    group.etag = uuid::Uuid::new_v4().simple().to_string();
    group.update_time = now;
}

/// A line of the audit log.
pub fn line(at: Timestamp, actor: &str, action: &str, target: &str, message: String) -> ActivityRow {
    ActivityRow {
        at,
        actor: actor.to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        message,
        before: None,
        after: None,
    }
}

/// Adds to a line of the audit log what its target was before and is after.
pub fn show_change<T: serde::Serialize>(line: &mut ActivityRow, before: Option<&T>, after: Option<&T>) {
    let text = |value: Option<&T>| value.and_then(|value| serde_json::to_string(value).ok());
    (line.before, line.after) = (text(before), text(after));
}

//! Errors of a group's objects over time: one row for each object and class, however often it came and went.

use super::groups::instant;
use super::{Tx, from_json, to_json};
use crate::domain::{GroupId, ObjectError, Timestamp};
use chrono::TimeDelta;
use std::collections::BTreeSet;

/// How long an error that ended is kept.
const KEEP: TimeDelta = TimeDelta::days(365);

/// One error over time.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorRow {
    /// As it was last seen. Its `since` is when it last began.
    pub error: ObjectError,
    /// How often it began.
    pub count: u64,
    /// When it began first.
    pub first: Timestamp,
    /// When it ended; None while it lasts.
    pub ended: Option<Timestamp>,
}

impl Tx<'_> {
    /// Notes which errors a group has now: those that are new begin, those that are gone end.
    pub fn note_errors(&self, group: &GroupId, errors: &[ObjectError], now: Timestamp) -> rusqlite::Result<()> {
        let key = |error: &ObjectError| (error.kind.as_str(), error.object.clone(), error.class.as_str());
        let lasting: BTreeSet<(&str, String, &str)> = errors.iter().map(key).collect();
        for row in self.errors(group, usize::MAX)?.into_iter().filter(|row| row.ended.is_none()) {
            let (kind, object, class) = key(&row.error);
            if !lasting.contains(&(kind, object.clone(), class)) {
                self.tx
                    .prepare_cached(
                        "UPDATE error_history SET ended = ?5
                         WHERE group_id = ?1 AND kind = ?2 AND object = ?3 AND class = ?4",
                    )?
                    .execute((group.as_str(), kind, object, class, now.timestamp_millis()))?;
            }
        }
        let mut put = self.tx.prepare_cached(
            "INSERT INTO error_history (group_id, kind, object, class, body, first, ended, count)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, 1)
             ON CONFLICT (group_id, kind, object, class)
             DO UPDATE SET body = ?5, count = count + (ended IS NOT NULL), ended = NULL",
        )?;
        for error in errors {
            let (kind, object, class) = key(error);
            let first = error.since.timestamp_millis();
            put.execute((group.as_str(), kind, object, class, to_json(error)?, first))?;
        }
        self.tx
            .prepare_cached("DELETE FROM error_history WHERE group_id = ?1 AND ended < ?2")?
            .execute((group.as_str(), (now - KEEP).timestamp_millis()))?;
        Ok(())
    }

    /// A group's errors: those that last first, then those that ended, the newest first.
    pub fn errors(&self, group: &GroupId, limit: usize) -> rusqlite::Result<Vec<ErrorRow>> {
        self.tx
            .prepare_cached(
                "SELECT body, count, first, ended FROM error_history WHERE group_id = ?1
                 ORDER BY ended IS NOT NULL, ended DESC, kind, object, class LIMIT ?2",
            )?
            .query_map((group.as_str(), i64::try_from(limit).unwrap_or(i64::MAX)), |row| {
                Ok(ErrorRow {
                    error: from_json(&row.get::<_, String>(0)?)?,
                    count: row.get::<_, i64>(1)?.max(0) as u64,
                    first: instant(row.get(2)?),
                    ended: row.get::<_, Option<i64>>(3)?.map(instant),
                })
            })?
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AssetKind, ErrorClass};
    use crate::store::Store;
    use chrono::{DateTime, Utc};

    #[test]
    fn an_error_that_comes_back_is_one_row_with_a_count_and_one_that_ended_is_kept_for_a_year() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let group = GroupId::new("core").expect("an id");
        let day = |day: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(day);
        let error = |since: i64| ObjectError {
            class: ErrorClass::LogGap,
            parameters: Default::default(),
            message: "A gap.".to_owned(),
            kind: AssetKind::Table,
            object: "a.b.c".to_owned(),
            since: day(since),
        };
        let rows = store.run_blocking(move |tx| {
            for (now, lasts) in [(1, true), (2, true), (3, false), (4, false), (5, true), (6, false)] {
                let errors = if lasts { vec![error(now)] } else { Vec::new() };
                tx.note_errors(&group, &errors, day(now))?;
            }
            let rows = tx.errors(&group, 9)?;
            tx.note_errors(&group, &[], day(6 + 366))?;
            Ok((rows, tx.errors(&group, 9)?))
        });
        let (kept, gone) = rows.expect("reads");
        let [row] = kept.as_slice() else { panic!("{kept:?}") };
        assert_eq!((row.count, row.first, row.error.since, row.ended), (2, day(1), day(5), Some(day(6))));
        assert!(gone.is_empty(), "{gone:?}");
    }
}

//! What people did with salvaged commits.

use super::Timestamp;
use serde::{Deserialize, Serialize};

/// What a person did with some of a table's salvaged commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The versions that the commits have on the old primary.
    pub versions: Vec<i64>,
    /// What was done.
    #[serde(flatten)]
    pub how: RecoveryOutcome,
    /// Who did it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What was done with salvaged commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum RecoveryOutcome {
    /// They were appended to the live table.
    Appended {
        /// The versions that they became there.
        became: Vec<i64>,
    },
    /// A table was made of them.
    MadeTable {
        /// Its full name.
        table: String,
    },
    /// They were exported.
    Exported {
        /// The folder on the console's machine.
        folder: String,
    },
}

/// What a person asks to be done with salvaged commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryRequest {
    /// Append them to the live table.
    Append,
    /// Make a table of them.
    MakeTable {
        /// Its full name: `catalog.schema.name`.
        table: String,
    },
    /// Write their files into a folder of the console's machine.
    Export {
        /// The folder, which must be new or empty.
        folder: String,
    },
}

/// Who took salvaged commits off the list, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedBy {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Versions in words: `version 7`, `versions 7–9`, `versions 3, 7`.
pub fn versions_in_words(versions: &[i64]) -> String {
    let runs = versions.windows(2).all(|pair| matches!(pair, [a, b] if a.checked_add(1) == Some(*b)));
    match versions {
        [] => "no version".to_owned(),
        [one] => format!("version {one}"),
        [first, .., last] if runs => format!("versions {first}–{last}"),
        all => format!("versions {}", all.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

impl Recovery {
    /// What was done, as a person reads it in a list.
    pub fn sentence(&self) -> String {
        let what = versions_in_words(&self.versions);
        let by = &self.by;
        match &self.how {
            RecoveryOutcome::Appended { became } => {
                format!("{by} appended {what} as {}.", versions_in_words(became))
            }
            RecoveryOutcome::MadeTable { table } => format!("{by} made the table {table} of {what}."),
            RecoveryOutcome::Exported { folder } => format!("{by} exported {what} to {folder}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_as_a_range_where_they_are_one() {
        for (versions, words) in
            [(&[7][..], "version 7"), (&[7, 8, 9], "versions 7–9"), (&[3, 7], "versions 3, 7"), (&[], "no version")]
        {
            assert_eq!(versions_in_words(versions), words);
        }
    }

    #[test]
    fn what_was_done_is_told_with_who_did_it() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let how = RecoveryOutcome::Appended { became: vec![31, 32] };
        let recovery = Recovery { versions: vec![7, 8], how, by: "ada".into(), at };
        assert_eq!(recovery.sentence(), "ada appended versions 7–8 as versions 31–32.");
        let text = serde_json::to_string(&recovery).expect("written");
        assert_eq!(serde_json::from_str::<Recovery>(&text).expect("read"), recovery);
    }
}

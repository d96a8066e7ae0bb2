//! The names of files in a log.

/// The log's folder.
pub(in crate::delta) const LOG: &str = "_delta_log";

/// What a file in the log is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::delta) enum LogName {
    Commit(i64),
    /// One file that is a whole checkpoint.
    Checkpoint(i64),
    CheckpointPart {
        version: i64,
        part: u32,
        of: u32,
    },
    Crc(i64),
    Compacted {
        first: i64,
        last: i64,
    },
    /// `_last_checkpoint`.
    Hint,
    Other,
}

impl LogName {
    pub fn parse(name: &str) -> Self {
        Self::parse_known(name).unwrap_or(Self::Other)
    }

    fn parse_known(name: &str) -> Option<Self> {
        if name == "_last_checkpoint" {
            return Some(Self::Hint);
        }
        let mut parts = name.split('.');
        let version = digits(parts.next()?, 20)?;
        let rest: Vec<&str> = parts.collect();
        match rest.as_slice() {
            ["json"] => Some(Self::Commit(version)),
            ["crc"] => Some(Self::Crc(version)),
            [last, "compacted", "json"] => Some(Self::Compacted { first: version, last: digits(last, 20)? }),
            ["checkpoint", "parquet"] => Some(Self::Checkpoint(version)),
            ["checkpoint", id, "parquet" | "json"] => uuid::Uuid::parse_str(id).ok().map(|_| Self::Checkpoint(version)),
            ["checkpoint", part, of, "parquet"] => Some(Self::CheckpointPart {
                version,
                part: u32::try_from(digits(part, 10)?).ok()?,
                of: u32::try_from(digits(of, 10)?).ok()?,
            }),
            _ => None,
        }
    }
}

/// The version that the bytes of `_last_checkpoint` name.
pub(in crate::delta) fn hint_version(bytes: &[u8]) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Hint {
        #[serde(default, deserialize_with = "super::lenient::number")]
        version: Option<i64>,
    }
    serde_json::from_slice::<Hint>(bytes).ok()?.version
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A complete checkpoint: its top files. Sidecars are named inside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::delta) struct Checkpoint {
    pub version: i64,
    /// File names in the log's folder.
    pub names: Vec<String>,
}

impl Checkpoint {
    /// Its files, relative to the table's root.
    pub fn paths(&self) -> impl Iterator<Item = String> + '_ {
        self.names.iter().map(|name| format!("{LOG}/{name}"))
    }
}

/// A commit's file, relative to the table's root.
pub(in crate::delta) fn commit_path(version: i64) -> String {
    format!("{LOG}/{version:020}.json")
}

/// The file of the commit after `version`; None after the last number that there is.
pub(in crate::delta) fn next_commit_path(version: i64) -> Option<String> {
    version.checked_add(1).map(commit_path)
}

/// A version's checksum file, relative to the table's root.
pub(in crate::delta) fn crc_path(version: i64) -> String {
    format!("{LOG}/{version:020}.crc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_name_is_told_apart() {
        let v = "00000000000000000012";
        assert_eq!(LogName::parse(&format!("{v}.json")), LogName::Commit(12));
        assert_eq!(LogName::parse(&format!("{v}.crc")), LogName::Crc(12));
        assert_eq!(LogName::parse(&format!("{v}.checkpoint.parquet")), LogName::Checkpoint(12));
        assert_eq!(
            LogName::parse(&format!("{v}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json")),
            LogName::Checkpoint(12)
        );
        assert_eq!(
            LogName::parse(&format!("{v}.checkpoint.0000000001.0000000003.parquet")),
            LogName::CheckpointPart { version: 12, part: 1, of: 3 }
        );
        assert_eq!(
            LogName::parse(&format!("{v}.00000000000000000019.compacted.json")),
            LogName::Compacted { first: 12, last: 19 }
        );
        assert_eq!(LogName::parse("_last_checkpoint"), LogName::Hint);
        for other in ["12.json", ".00000000000000000012.json.resilience", "_commits", "00000000000000000012.json.tmp"] {
            assert_eq!(LogName::parse(other), LogName::Other, "{other}");
        }
    }
}

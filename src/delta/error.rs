//! What can go wrong with a table's log, and how it is told.

use crate::domain::ErrorClass;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What went wrong with one table.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeltaError {
    /// A URI that names no place that can be opened.
    #[error("Can't open the storage location {uri:?}: {detail}. Use one such as file:///path/table.")]
    BadUri {
        /// What was given.
        uri: String,
        /// What is wrong with it.
        detail: String,
    },
    /// No log where a table should be.
    #[error("{table} has no Delta log with a commit or checkpoint. Check that the path is right.")]
    NoLog {
        /// The table's root.
        table: String,
    },
    /// A log that holds files, and among them nothing that a version could be read from.
    #[error(
        "The log of {table} has no commit and no whole checkpoint, so no version can be read. {}",
        resolution(ErrorClass::CorruptLog)
    )]
    EmptyLog {
        /// The table's root.
        table: String,
    },
    /// The newest version cannot be built from the commits and checkpoints that are there.
    #[error(
        "The log of {table} has a gap: version {missing} is missing below version {newest}. {}",
        resolution(ErrorClass::LogGap)
    )]
    LogGap {
        /// The table's root.
        table: String,
        /// The version that is missing.
        missing: i64,
        /// The newest version that is there.
        newest: i64,
    },
    /// A commit file that is not what the protocol says.
    #[error("Can't read commit {version} of {table}: {detail}. {}", resolution(ErrorClass::CorruptLog))]
    CorruptCommit {
        /// The table's root.
        table: String,
        /// The commit's version.
        version: i64,
        /// What is wrong with it.
        detail: String,
    },
    /// A checkpoint file that cannot be read.
    #[error("Can't read the checkpoint {file} of {table}: {detail}. {}", resolution(ErrorClass::CorruptLog))]
    CorruptCheckpoint {
        /// The table's root.
        table: String,
        /// The file, relative to the table's root.
        file: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A file beyond what is ever read of one of its kind.
    #[error("{path} has {size} bytes. The limit for such a file is {most}. {}", resolution(ErrorClass::CorruptLog))]
    TooLarge {
        /// The file, as a person would look for it.
        path: String,
        /// Bytes that it has, or that were read before the bound was met.
        size: u64,
        /// The bound in bytes.
        most: u64,
    },
    /// A log that names more files than fit into memory.
    #[error(
        "The log of {table} names more than {most} files, which is the limit. Compact the table, or remove it from the scope."
    )]
    TooManyFiles {
        /// The table's root.
        table: String,
        /// The bound.
        most: u64,
    },
    /// A checkpoint or a compaction that says something else than the commits that it stands for.
    #[error(
        "The {what} of {table} contradicts the commits of its log: {detail}. Different readers see different data. {}",
        resolution(ErrorClass::CorruptLog)
    )]
    Contradiction {
        /// The table's root.
        table: String,
        /// The file, relative to the table's root.
        file: String,
        /// Such as `checkpoint of version 10`.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The log doesn't have an action without which no version can be read.
    #[error(
        "The log of {table} has no {action} action at version {version}, so no reader can open it. {}",
        resolution(ErrorClass::CorruptLog)
    )]
    MissingAction {
        /// The table's root.
        table: String,
        /// `protocol` or `metaData`.
        action: &'static str,
        /// The newest version.
        version: i64,
    },
    /// A protocol, a schema or partition columns that readers refuse.
    #[error(
        "Readers can't open {table} at version {version} because of its {action}: {detail}. {}",
        resolution(ErrorClass::CorruptLog)
    )]
    Unreadable {
        /// The table's root.
        table: String,
        /// The newest version.
        version: i64,
        /// The action that they refuse.
        action: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A path that is absolute, be it into the table's own folder, or that leads out of it.
    #[error(
        "The log of {table} names {path}, which is absolute or leads out of the table's folder. In a copied log, it would not name a file of the replica. {}",
        resolution(ErrorClass::AbsolutePath)
    )]
    AbsolutePath {
        /// The table's root.
        table: String,
        /// The path as the log has it.
        path: String,
        /// The file that names it, relative to the table's root.
        file: String,
    },
    /// A shallow clone.
    #[error(
        "{table} is a shallow clone. Its log names {path}, a file of another table. {}",
        resolution(ErrorClass::ShallowClone)
    )]
    ShallowClone {
        /// The table's root.
        table: String,
        /// The path as the log has it.
        path: String,
    },
    /// A path that decodes to nothing that a storage can hold, or into the log itself.
    #[error(
        "The log of {table} names the file {path:?}, which isn't a valid path in a table. {}",
        resolution(ErrorClass::CorruptLog)
    )]
    BadPath {
        /// The table's root.
        table: String,
        /// The path as the log has it.
        path: String,
    },
    /// A path that a disk resolves, and that an object store takes for a name.
    #[error(
        "The log of {table} names the live file {path:?}. Some readers don't find it in an object store, where dots are part of a name. Rewrite the table there (OPTIMIZE does it), or take it out of the scope."
    )]
    DottedPath {
        /// The table's root.
        table: String,
        /// The path as the log has it.
        path: String,
    },
    /// Commits that only a catalog may serve.
    #[error(
        "The catalog manages the commits of {table} (table feature {feature}) but doesn't serve them here. {}",
        resolution(ErrorClass::CatalogManagedCommits)
    )]
    CatalogManaged {
        /// The table's root.
        table: String,
        /// The table feature or property that says so.
        feature: String,
    },
    /// A table of a catalog's with a feature of which nobody knows whether a replica without the catalog keeps it.
    #[error(
        "{table} has catalog-managed commits and the table feature {feature}, which a replica may not keep. Drop the feature, or take the table out of the scope."
    )]
    CatalogFeature {
        /// The table's root.
        table: String,
        /// The table feature.
        feature: String,
    },
    /// A live file that the source does not hold.
    #[error(
        "{table} names the live file {path} at version {version}, but the file is missing. {}",
        resolution(ErrorClass::MissingDataFile)
    )]
    MissingFile {
        /// The table's root.
        table: String,
        /// The file, decoded, relative to the table's root.
        path: String,
        /// The newest version that names it.
        version: i64,
    },
    /// A file of the source that is not what it was when it was copied, while the replica's still is.
    #[error(
        "{path} of {table} has changed since it was copied. The replica still has the first copy. Restore it at the source from the replica."
    )]
    ChangedSource {
        /// The source's root.
        table: String,
        /// The file, decoded, relative to the table's root.
        path: String,
        /// Whether the log or the data is concerned.
        class: ErrorClass,
    },
    /// The destination holds another commit in the slot.
    #[error(
        "{table} and its source have different commits at version {version}. {}",
        resolution(ErrorClass::SplitBrain)
    )]
    SplitBrain {
        /// The destination's root.
        table: String,
        /// The version.
        version: i64,
    },
    /// Someone began a newer epoch.
    #[error(
        "{table} was already promoted for epoch {found}, so epoch {asked} can't promote it. This console's state is older than the table's. If no other instance manages the group, remove the later markers from {table}/_resilience/epoch and retry."
    )]
    StaleEpoch {
        /// The table's root.
        table: String,
        /// The highest epoch on the table.
        found: u64,
        /// The epoch that was asked for.
        asked: u64,
    },
    /// Another group promoted the table for the same epoch.
    #[error(
        "{table} was promoted for epoch {epoch} by failover group {group}. A table belongs to one group: take it out of the other one's scope, or remove the marker from {table}/_resilience/epoch if that group is gone, and retry."
    )]
    ForeignEpoch {
        /// The table's root.
        table: String,
        /// The epoch.
        epoch: u64,
        /// The group whose marker is there.
        group: String,
    },
    /// Two logs with nothing in common.
    #[error(
        "{old} and {new} have no common version, so {old} can't be rewound. Replicate into a new path and keep {old}."
    )]
    NoCommonVersion {
        /// The old primary's table.
        old: String,
        /// The new primary's table.
        new: String,
    },
    /// What a person asked of a table doesn't fit it; nothing was changed.
    #[error("{sentence}")]
    Unfit {
        /// The table's root.
        table: String,
        /// What doesn't fit and what to do.
        sentence: String,
    },
    /// A storage call failed.
    #[error("Could not {action} {path}: {detail}.")]
    Storage {
        /// The verb, such as `read`.
        action: &'static str,
        /// The file or folder, as a person would look for it.
        path: String,
        /// The storage's answer.
        detail: String,
        /// What the storage's answer means.
        class: ErrorClass,
    },
    /// The program that copies outside this process didn't bring a file.
    #[error("The copy job for {table} failed at {path}: {detail}. The next cycle goes on with what is left.")]
    CopyJob {
        /// The destination's root.
        table: String,
        /// The file, decoded, relative to the table's root.
        path: String,
        /// What the program says.
        detail: String,
    },
    /// The caller asked to stop before anything was published.
    #[error("Copying {table} was stopped before its next commit was complete. The next cycle continues from there.")]
    Stopped {
        /// The destination's root.
        table: String,
    },
    /// A worker ended without an answer.
    #[error("Work on {table} stopped unexpectedly: {detail}. The next cycle retries.")]
    Interrupted {
        /// The table's root.
        table: String,
        /// What is known of it.
        detail: String,
    },
}

fn resolution(class: ErrorClass) -> &'static str {
    class.resolution()
}

impl DeltaError {
    /// The cause's class.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::BadUri { .. } | Self::Unfit { .. } => ErrorClass::UnsupportedObject,
            Self::CorruptCommit { .. } | Self::CorruptCheckpoint { .. } => ErrorClass::CorruptLog,
            Self::Contradiction { .. } | Self::TooLarge { .. } | Self::TooManyFiles { .. } => ErrorClass::CorruptLog,
            Self::EmptyLog { .. } | Self::MissingAction { .. } | Self::BadPath { .. } => ErrorClass::CorruptLog,
            Self::Unreadable { .. } | Self::DottedPath { .. } => ErrorClass::CorruptLog,
            Self::LogGap { .. } => ErrorClass::LogGap,
            Self::AbsolutePath { .. } => ErrorClass::AbsolutePath,
            Self::ShallowClone { .. } => ErrorClass::ShallowClone,
            Self::CatalogManaged { .. } | Self::CatalogFeature { .. } => ErrorClass::CatalogManagedCommits,
            Self::MissingFile { .. } => ErrorClass::MissingDataFile,
            Self::SplitBrain { .. }
            | Self::StaleEpoch { .. }
            | Self::ForeignEpoch { .. }
            | Self::NoCommonVersion { .. } => ErrorClass::SplitBrain,
            Self::Storage { class, .. } | Self::ChangedSource { class, .. } => *class,
            // A storage that is not mounted looks just like a table that is not there.
            Self::NoLog { .. } | Self::Stopped { .. } | Self::Interrupted { .. } | Self::CopyJob { .. } => {
                ErrorClass::StorageFailure
            }
        }
    }

    /// What the cause names, for a program to read.
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let pairs: Vec<(&str, String)> = match self {
            Self::BadUri { uri, .. } => vec![("uri", uri.clone())],
            Self::NoLog { table }
            | Self::EmptyLog { table }
            | Self::Stopped { table }
            | Self::Unfit { table, .. }
            | Self::Interrupted { table, .. } => vec![("table", table.clone())],
            Self::LogGap { table, missing, newest } => {
                vec![("table", table.clone()), ("version", missing.to_string()), ("newest_version", newest.to_string())]
            }
            Self::TooLarge { path, size, most } => {
                vec![("path", path.clone()), ("size", size.to_string()), ("limit", most.to_string())]
            }
            Self::TooManyFiles { table, most } => vec![("table", table.clone()), ("limit", most.to_string())],
            Self::CorruptCommit { table, version, .. } | Self::Unreadable { table, version, .. } => {
                vec![("table", table.clone()), ("version", version.to_string())]
            }
            Self::CorruptCheckpoint { table, file, .. } | Self::Contradiction { table, file, .. } => {
                vec![("table", table.clone()), ("path", file.clone())]
            }
            Self::MissingAction { table, action, version } => {
                vec![("table", table.clone()), ("action", (*action).to_owned()), ("version", version.to_string())]
            }
            Self::AbsolutePath { table, path, file } => {
                vec![("table", table.clone()), ("path", path.clone()), ("log_file", file.clone())]
            }
            Self::ShallowClone { table, path }
            | Self::BadPath { table, path }
            | Self::DottedPath { table, path }
            | Self::CopyJob { table, path, .. }
            | Self::ChangedSource { table, path, .. } => {
                vec![("table", table.clone()), ("path", path.clone())]
            }
            Self::CatalogManaged { table, feature } | Self::CatalogFeature { table, feature } => {
                vec![("table", table.clone()), ("feature", feature.clone())]
            }
            Self::MissingFile { table, path, version } => {
                vec![("table", table.clone()), ("path", path.clone()), ("version", version.to_string())]
            }
            Self::SplitBrain { table, version } => vec![("table", table.clone()), ("version", version.to_string())],
            Self::StaleEpoch { table, found, asked } => {
                vec![("table", table.clone()), ("epoch", found.to_string()), ("asked_epoch", asked.to_string())]
            }
            Self::ForeignEpoch { table, epoch, group } => {
                vec![("table", table.clone()), ("epoch", epoch.to_string()), ("failover_group", group.clone())]
            }
            Self::NoCommonVersion { old, new } => vec![("table", old.clone()), ("new_primary", new.clone())],
            Self::Storage { path, action, .. } => vec![("path", path.clone()), ("action", (*action).to_owned())],
        };
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

/// One table's failure as the rest of the product passes it on. Its siblings are not touched by it.
#[derive(Clone)]
pub struct TableFault {
    /// The cause's class.
    pub class: ErrorClass,
    /// What the cause names: `table`, `path`, `version`, `feature` and the like.
    pub parameters: BTreeMap<String, String>,
    /// One sentence or two: what happened, to what, what to do.
    pub message: String,
    source: Arc<DeltaError>,
}

impl TableFault {
    /// The error itself.
    pub fn error(&self) -> &DeltaError {
        &self.source
    }

    /// Whether the work was stopped because the caller asked for it, which isn't a failure of the table.
    pub fn is_stopped(&self) -> bool {
        matches!(*self.source, DeltaError::Stopped { .. })
    }
}

/// Characters of a sentence and of a value in it: a log may name a file with a name of megabytes.
const LONGEST_MESSAGE: usize = 8_000;
const LONGEST_VALUE: usize = 4_000;

/// The text, without its middle where it is too long.
fn shortened(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let end: Vec<char> = text.chars().rev().take(most / 4).collect();
    let begin = text.chars().take(most / 4);
    begin.chain(['…']).chain(end.into_iter().rev()).collect()
}

impl From<DeltaError> for TableFault {
    fn from(error: DeltaError) -> Self {
        let parameters = error.parameters().into_iter().map(|(key, value)| (key, shortened(value, LONGEST_VALUE)));
        Self {
            class: error.class(),
            parameters: parameters.collect(),
            message: shortened(error.to_string(), LONGEST_MESSAGE),
            source: Arc::new(error),
        }
    }
}

impl fmt::Debug for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableFault").field("class", &self.class).field("message", &self.message).finish()
    }
}

impl fmt::Display for TableFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TableFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_stays_a_sentence_whatever_a_log_names() {
        let table = "/t".to_owned();
        let fault = TableFault::from(DeltaError::BadPath { table, path: "ä".repeat(1 << 20) });
        assert!(fault.message.starts_with("The log of /t names the file") && fault.message.ends_with('.'));
        assert!(fault.message.len() < 10_000 && fault.parameters["path"].len() < 10_000);
    }
}

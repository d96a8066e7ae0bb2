//! How much of someone else's file is taken in.
//!
//! A log is written by other programs, and anybody with access to the storage may put a file into it. So no reader here
//! trusts a size that a file claims: each has a bound, far above what real tables have, and past it the table is flagged
//! while its siblings go on. What can be long is read as a stream, so that memory follows the lines and not the file.

/// A commit, a JSON checkpoint or a compaction. They are read line by line.
pub(super) const LOG_FILE: u64 = 8 << 30;
/// A commit up to this size is read at once and kept until it is gone through; a larger one is read line by line.
pub(super) const COMMIT_IN_MEMORY: u64 = 8 << 20;
/// One line of a commit: a schema of tens of thousands of columns fits in.
pub(super) const LINE: usize = 32 << 20;
/// A line in which a key stands twice is read by way of a tree, which takes many times its bytes.
pub(super) const LINE_AS_TREE: usize = 2 << 20;
/// A Parquet checkpoint or sidecar. Only its pages are taken into memory, each with a bound of its own.
pub(super) const PARQUET_FILE: u64 = 64 << 30;
/// The footer of a Parquet file.
pub(super) const FOOTER: u64 = 64 << 20;
/// Entries of all lists in a footer, such as its columns: the library takes some hundreds of bytes for each.
pub(super) const FOOTER_ENTRIES: u64 = 3_000_000;
/// Columns in columns: the library goes through them by recursion.
pub(super) const COLUMNS_DEEP: usize = 64;
/// A page of a Parquet file, as it is stored and as it is read.
pub(super) const PAGE: u64 = 128 << 20;
/// The header of a page, which may hold its smallest and its largest value.
pub(super) const PAGE_HEADER: u64 = 16 << 20;
/// Pages of a column.
pub(super) const PAGES: u64 = 4_000_000;
/// Entries of lists in a page.
pub(super) const LISTED: i64 = 8_000_000;
/// Rows of a Parquet checkpoint: live files and tombstones.
pub(super) const ROWS: u64 = 100_000_000;
/// Rows that are read at a time, and the bytes that one column of them may have.
pub(super) const BATCH_ROWS: u64 = 1024;
pub(super) const BATCH: u64 = 128 << 20;
/// `_last_checkpoint`, which may hold a schema.
pub(super) const HINT: u64 = 16 << 20;
/// A checksum file, which may list the live files of a small table. It is copied and not read.
pub(super) const CHECKSUM: u64 = 256 << 20;
/// A marker that the product itself wrote.
pub(super) const MARKER: u64 = 1 << 20;
/// A list of what was salvaged, which the product itself wrote.
pub(super) const MANIFEST: u64 = 256 << 20;
/// Properties of a table.
pub(super) const PROPERTIES: usize = 100_000;
/// Table features that a protocol names.
pub(super) const FEATURES: usize = 1_000;
/// Columns by which a table is partitioned: every one is looked for among the columns of its schema.
pub(super) const PARTITION_COLUMNS: usize = 1_000;
/// Files that a log may name: each takes some hundreds of bytes of memory.
pub(super) const FILES: usize = 10_000_000;

/// The bound of a file of a log that isn't a commit.
pub(super) fn of_log_file(path: &str) -> u64 {
    match path.rsplit_once('.').map(|(_, kind)| kind) {
        Some("crc") => CHECKSUM,
        Some("parquet") => PARQUET_FILE,
        _ => LOG_FILE,
    }
}

//! How much of a table's files a region takes in. Its tables are small; someone may put other files in their places.

/// A commit or a JSON checkpoint of which every action is kept.
pub const ACTIONS: u64 = 64 << 20;
/// A commit or a checkpoint of which only protocol and metadata are kept.
pub const LOG_FILE: u64 = 1 << 30;
/// One line of it.
pub const LINE: usize = 8 << 20;
/// A data file or a file of deletion vectors.
pub const DATA_FILE: u64 = 512 << 20;

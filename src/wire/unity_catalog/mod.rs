//! Unity Catalog bodies, one file a family.

mod access;
mod catalog;
mod commits;
mod credentials;
mod storage;
mod table;

pub use access::*;
pub use catalog::*;
pub use commits::*;
pub use credentials::*;
pub use storage::*;
pub use table::*;

/// Prefix of every call but the temporary credentials.
pub const PREFIX: &str = "/api/2.1/unity-catalog";
/// Prefix of the temporary-credentials calls.
pub const CREDENTIALS_PREFIX: &str = "/api/2.0/unity-catalog";

//! The embedded sandbox: one account with two regions to play with.
//!
//! Each region is a metastore and a workspace, served over HTTP on loopback under the real paths, with tokens, with
//! its state in SQLite and with Delta tables on disk that its jobs write. It is reached by the ordinary connectors
//! and refuses what a real region refuses: writes into a read-only catalog, compute in a secondary, overlapping
//! locations. A region that is down refuses connections, and its jobs stand still.

mod call;
mod clients;
mod deployment;
mod endpoint;
mod error;
mod faults;
mod multipart;
mod principals;
mod records;
mod refusal;
mod region;
mod roles;
mod routes;
mod seed;
mod server;
mod tokens;
mod unity_catalog;
mod workload;
mod workspace;
pub mod writer;

pub use clients::WorkspaceClient;
pub use deployment::{REGIONS, Sandbox, SandboxOptions};
pub use endpoint::{RegionEndpoint, RegionStatus, TableTruth};
pub use error::SandboxError;
pub use region::Withheld;

#[cfg(test)]
mod tests;

//! The assets of a workspace: folders, notebooks, files, SQL warehouses, clusters, draft dashboards and jobs.
//!
//! A catalog's objects are known by name; these are known by ids, which differ between regions. `ids` is the map between
//! them, `pass` what is the same for every kind, and each kind has a file. A pass is slower than a cycle of tables: it runs
//! beside them, keeps to a rate of requests, and goes on where it was stopped.

mod acl;
mod asset;
mod compare;
mod compute;
mod dashboards;
mod extras;
mod ids;
mod jobs;
mod keep;
mod kinds;
mod listing;
mod one;
mod pace;
mod pass;
mod progress;
mod references;
mod request;
#[cfg(test)]
mod tests;
mod tree;

pub use asset::AssetState;
pub use compare::compare;
pub use extras::{Deleted, delete_extras};
pub use ids::IdMap;
pub use jobs::tables_of;
pub use pace::Pace;
pub use pass::{AssetCache, PassOutcome, run_pass};
pub use progress::AssetProgress;
pub use request::AssetRequest;

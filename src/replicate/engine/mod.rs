//! What is the same for every kind of asset: the order, broken containers, drops, what is flagged, and what only the
//! destination has. A cycle and a comparison decide it in one place.
//!
//! The engine knows no kind. It is given a list of them, each an [`AssetType`]; a list's order is the order of the work.

mod asset_type;
mod cycle;
mod follower;
mod listing;
mod metadata;
mod progress;
mod request;
mod verdict;
mod verify;

pub use asset_type::{Applied, AssetType, Compared, Comparison, Damage, Destination, Due, Removal, WhyNot};
pub use cycle::run_cycle;
pub use follower::{Follower, Seen};
pub use listing::{Listing, read_inventory};
pub use metadata::{ApplyFault, Diff, MetadataType};
pub use progress::Progress;
pub use request::{CycleOutcome, CycleRequest};
pub use verify::{CompareReport, compare, unknown_objects};

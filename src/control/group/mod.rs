//! One failover group: its record in memory and in the store, and the one way to change it.
//!
//! Every change goes through [`GroupChange`]: it takes the group's lock, copies what is stored, lets its caller edit the
//! copy, writes it with the line of the audit log in one transaction, puts the copy in place, and tells the watchers.

mod assets_record;
mod change;
mod creation;
mod deletion;
mod handle;
mod loss_record;
mod pending_salvage;
mod released;
mod stored;
mod stuck;
mod update;
mod view;

pub use assets_record::{AssetsRecord, sets_of};
pub use change::GroupChange;
pub use deletion::dismantle;
pub use handle::{GroupHandle, LAG_SAMPLES, Record, RepairOrder};
pub use loss_record::{AskProgress, LossRecord};
pub use pending_salvage::PendingSalvage;
pub use released::epoch_floor;
pub use stored::Stored;
pub use stuck::{record_error, settle};
pub use update::{GroupPatch, RulesPatch, SetPatch};

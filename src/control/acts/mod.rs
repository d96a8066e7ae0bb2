//! What operations do to a region, whichever operation it is: each act finds out, notes and changes one thing.
//!
//! Every act may be done twice. What an act is about to change is noted in the operation's journal first, because its undo
//! and a new primary go by that.

mod compute;
mod modes;
mod quiet;
mod role;
mod schedules;
mod shared;

pub use compute::{note_compute, running, start_all, stop_all};
pub use modes::{fence_note, make_read_only, modes, note_modes, restore_modes};
pub use quiet::until_quiet;
pub use role::{role_note, set_role};
pub use schedules::{note_jobs, pause_all, resume_all};
pub use shared::primary_elsewhere;

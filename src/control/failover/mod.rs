//! A failover: a saga with the cutover as its point of no return. One file a step, which holds its act and its undo.

mod catch_up;
mod check_versions;
mod compare;
mod confirm;
mod cut_over;
mod fence;
mod foreign;
mod hold_requests;
mod host;
mod leave;
mod notify;
mod pause_schedules;
mod rebind;
mod restore;
mod restore_versions;
mod reverse;
mod steps;
mod stop_compute;
mod wait_for_writes;

#[cfg(test)]
mod tests;

use host::Failover;

pub use restore::{owes_a_restore, try_restore};
pub use steps::run;

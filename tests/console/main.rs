//! The window, driven by the names that a screen reader would say.

mod access;
mod account;
mod approval;
mod back_in_time;
mod create;
mod decisions;
mod desk;
mod drills;
mod fail_over;
mod first_run;
mod fixture;
#[path = "../stories/listener.rs"]
#[allow(dead_code)]
mod listener;
mod live;
mod notifications;
mod past;
mod pictures;
mod recover;
mod repair;
mod resilience;
mod run;
#[path = "../stories/support.rs"]
#[allow(dead_code)]
mod support;
mod system_tables;
mod wall;
mod wall_elsewhere;
mod what_if;
mod window;

//! The window, driven by the names that a screen reader would say.

mod access;
mod account;
mod create;
mod desk;
mod fail_over;
mod fixture;
mod past;
mod pictures;
mod raster;
mod repair;
mod resilience;
mod run;
mod system_tables;
mod wall;
mod window;

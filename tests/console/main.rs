//! The window, driven by the names that a screen reader would say.

mod account;
mod create;
mod desk;
mod fail_over;
mod fixture;
mod pictures;
mod raster;
mod repair;
mod resilience;
mod system_tables;
mod window;

//! Managed disaster recovery for lakehouse deployments that speak the Databricks and Unity Catalog REST APIs.
//!
//! Layers, lowest first. Imports go down only, and modules on one rank don't import each other;
//! `tests/layers.rs` checks it.
//!
//! | Rank | Module | Holds |
//! |---|---|---|
//! | 0 | [`domain`] | pure types and rules |
//! | 1 | [`wire`] | serde bodies of the REST APIs |
//! | 1 | [`net`] | what HTTP servers and clients are built from |
//! | 2 | [`connect`] | HTTP clients of a region |
//! | 2 | [`delta`] | reading a Delta log, shipping it, comparing, salvaging |
//! | 2 | [`store`] | SQLite: what must survive a crash |
//! | 3 | [`replicate`] | one engine for cycle and comparison, one file per asset kind |
//! | 3 | [`system_tables`] | states and objects as Delta tables |
//! | 4 | [`control`] | groups, and the sagas that move them, one file a step |
//! | 4 | [`gateway`] | the stable URLs' reverse proxy |
//! | 5 | [`api`] | the account's REST API over the control handle |
//! | 5 | [`sandbox`] | two embedded regions over HTTP |
//! | 6 | [`runtime`] | the tokio thread: intents in, snapshots out |
//! | 7 | [`console`] | the egui window |

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::todo, clippy::unimplemented)]

// The suite for kinds of regions is shared with `tests/`, and names this library as they do.
#[cfg(test)]
extern crate self as resilience;

pub mod api;
pub mod connect;
#[cfg(feature = "desktop")]
pub mod console;
pub mod control;
pub mod delta;
pub mod domain;
pub mod gateway;
pub mod net;
pub mod replicate;
pub mod runtime;
pub mod sandbox;
pub mod store;
pub mod system_tables;
pub mod wire;

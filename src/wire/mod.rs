//! Bodies of the REST APIs, read by the connectors and served by the sandbox.
//!
//! Every body tolerates fields that it doesn't know. Kinds, modes and states stay text as the API spells
//! them, with constants for the values that matter here, because a value added by a newer server must
//! not make a whole list unreadable.

pub mod alert;
pub mod dashboards;
pub mod disaster_recovery;
pub mod error;
pub mod jobs;
pub mod objects;
pub mod permissions;
pub mod recovery;
pub mod sandbox;
pub mod scim;
pub mod secret;
pub mod store_login;
pub mod unity_catalog;
pub mod workspace;

pub use error::ErrorBody;
pub use secret::Secret;

//! The account's disaster-recovery REST API, over the control handle: paths, fields and codes as official clients know them.

mod account;
mod approval;
mod auth;
mod body;
mod context;
mod drills;
mod error;
mod groups;
mod hosts;
mod json;
mod login;
mod mask;
mod notifications;
mod paging;
mod query;
mod rate;
mod readiness;
mod reply;
mod salvage;
mod server;
mod stable_urls;
mod targets;
#[cfg(test)]
mod tests;
mod token_pairs;
mod what_if;

pub use crate::net::TlsFiles;
pub use error::ServeError;
pub use server::{ApiOptions, ApiServer, check_options};

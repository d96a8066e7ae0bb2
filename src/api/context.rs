//! What every handler reaches.

use super::hosts::Hosts;
use super::rate::RateLimit;
use super::reply::Rejection;
use crate::control::{Control, ControlError};
use crate::net::BodyRoom;

/// What every handler reaches.
pub struct Api {
    /// The control handle.
    pub control: Control,
    /// Calls a second of each token.
    pub limit: RateLimit,
    /// Memory for bodies that are arriving.
    pub bodies: BodyRoom,
    /// By which names clients reach this server.
    pub hosts: Hosts,
}

/// Runs a change to its end even if the client goes away: a change that is half told would be half done.
pub async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, ControlError>> + Send + 'static,
) -> Result<T, Rejection> {
    match tokio::spawn(change).await {
        Ok(answer) => answer.map_err(Rejection::from),
        Err(_) => Err(Rejection::Stopping),
    }
}

//! Asking whether a call is served.

use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::connect::rest::RegionClient;
use serde_json::Value;

/// How a call was answered, as far as a sheet wants to know.
pub enum Served {
    /// With an answer.
    Yes(Value),
    /// It is served, and refused for what was asked.
    Refused(ConnectError),
    /// A privilege is missing.
    Denied(ConnectError),
    /// There is no such call.
    No,
}

/// Sends a call; a region that is away or refuses the login is an error.
pub async fn served(rest: &RegionClient, call: Call) -> Result<Served, ConnectError> {
    match rest.transport.send::<Value>(call).await {
        Ok(answer) => Ok(Served::Yes(answer)),
        Err(error @ (ConnectError::Unreachable { .. } | ConnectError::Unauthenticated { .. })) => Err(error),
        Err(error) if error.is_not_served() => Ok(Served::No),
        Err(error) if error.is_permission_denied() => Ok(Served::Denied(error)),
        Err(error) => Ok(Served::Refused(error)),
    }
}

/// How many entries an answer lists under `key`.
pub fn count(answer: &Value, key: &str) -> usize {
    answer.get(key).and_then(Value::as_array).map_or(0, Vec::len)
}

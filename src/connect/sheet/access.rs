//! Credentials for tables and paths, and what keeps a region from being written to.

use super::catalog::Sample;
use super::line::SheetLine;
use crate::connect::error::ConnectError;
use crate::connect::region::RegionCapabilities;
use crate::connect::rest::RegionClient;
use crate::domain::StorageUri;
use crate::wire::unity_catalog::{
    OPERATION_PATH_READ, OPERATION_PATH_READ_WRITE, OPERATION_READ, TemporaryCredentials,
};

const USE_SCHEMA: &str = "Grant the login EXTERNAL USE SCHEMA on the schema (only the catalog's owner can), and turn on External data access for the metastore.";
const USE_LOCATION: &str = "Grant the login EXTERNAL USE LOCATION on the external location (only its owner can), and see that it isn't read-only.";

/// Whether credentials are vended by table and by path, asked of a table that is there.
pub(super) async fn credentials(rest: &RegionClient, sample: Option<&Sample>) -> Result<Vec<SheetLine>, ConnectError> {
    let mut lines = vec![external_locations(rest).await?];
    let Some(sample) = sample else {
        lines.push(SheetLine::warn(
            "credentials",
            "The login sees no Delta table to ask credentials of.",
            "Whether data can be read and written shows with the first table.",
            "Ask again once there is a table.",
        ));
        return Ok(lines);
    };
    let uri = &sample.place.uri;
    let local = StorageUri::parse(uri).is_ok() && uri.starts_with("file:");
    let by_id = match &sample.place.table_id {
        Some(id) => rest.temporary_table_credentials(id, OPERATION_READ).await,
        None => rest.temporary_path_credentials(uri, OPERATION_PATH_READ).await,
    };
    lines.push(line("table credentials", format!("to read {}", sample.name), by_id, local, USE_SCHEMA)?);
    let by_path = rest.temporary_path_credentials(uri, OPERATION_PATH_READ_WRITE).await;
    let path = line("path credentials", format!("to write at {uri}"), by_path, local, USE_LOCATION)?;
    lines.push(path);
    Ok(lines)
}

fn line(
    topic: &'static str,
    what: String,
    answer: Result<TemporaryCredentials, ConnectError>,
    local: bool,
    remedy: &str,
) -> Result<SheetLine, ConnectError> {
    Ok(match answer {
        Ok(given) if holds_something(&given) => SheetLine::pass(topic, format!("The region gives credentials {what}.")),
        Ok(_) if local => {
            SheetLine::pass(topic, format!("The region allows {what}; files of this machine need no credentials."))
        }
        Ok(_) => SheetLine::warn(
            topic,
            format!("The region allows {what}, but gives no credentials."),
            "The storage is opened with the connection's own settings.",
            "Give keys of your own with connect add --storage-file.",
        ),
        Err(error @ (ConnectError::Unreachable { .. } | ConnectError::Unauthenticated { .. })) => return Err(error),
        Err(error) if error.is_not_served() => SheetLine::fail(
            topic,
            format!("The region gives no credentials {what}: it has no such call."),
            "Its data can't be reached.",
            "Connect a catalog that vends credentials.",
        ),
        // Of a managed or read-only place only writing is refused, which a primary doesn't need.
        Err(error) if topic == "path credentials" => SheetLine::warn(
            topic,
            format!("The region refuses credentials {what}. {error}"),
            "Nothing can be replicated to this place. As a primary the region needs only to be read.",
            remedy,
        ),
        Err(error) => SheetLine::fail(
            topic,
            format!("The region refuses credentials {what}. {error}"),
            "Tables of this region can't be read, so they can't be protected.",
            remedy,
        ),
    })
}

fn holds_something(given: &TemporaryCredentials) -> bool {
    given.aws_temp_credentials.is_some()
        || given.r2_temp_credentials.is_some()
        || given.azure_user_delegation_sas.is_some()
        || given.azure_aad.is_some()
        || given.gcp_oauth_token.is_some()
}

async fn external_locations(rest: &RegionClient) -> Result<SheetLine, ConnectError> {
    const TOPIC: &str = "external locations";
    Ok(match rest.external_locations().await {
        Ok(all) if all.is_empty() => SheetLine::warn(
            TOPIC,
            "The login sees no external location.",
            "A mapped place needs one, unless it lies in managed storage that takes commits by path.",
            "Create an external location for each mapped place, and grant the login BROWSE on it.",
        ),
        Ok(all) if all.len() == 1 => SheetLine::pass(TOPIC, "1 external location."),
        Ok(all) => SheetLine::pass(TOPIC, format!("{} external locations.", all.len())),
        Err(error @ (ConnectError::Unreachable { .. } | ConnectError::Unauthenticated { .. })) => return Err(error),
        Err(error) if error.is_not_served() => SheetLine::warn(
            TOPIC,
            "The region has no external locations.",
            "Whether it reaches a mapped place shows with the first table there.",
            "",
        ),
        Err(error) => SheetLine::warn(
            TOPIC,
            format!("External locations can't be listed. {error}"),
            "Mapped places can't be checked beforehand.",
            "Grant the login BROWSE on the external locations.",
        ),
    })
}

/// What keeps a region from being written to, and compute from being started.
pub(super) fn fences(offered: &RegionCapabilities) -> Vec<SheetLine> {
    let writes = if offered.bindings {
        SheetLine::pass("fence", "Enforced: catalogs are bound to the workspace read-only, for admins too.")
    } else {
        SheetLine::warn(
            "fence",
            "Advisory: the region can't bind a catalog read-only.",
            "Nothing keeps anyone from writing to the replica, or to the old primary after a failover. Such commits are found, kept and listed, never merged.",
            "Let only the product's principal write to the storage, by its own access rules.",
        )
    };
    let compute = if offered.disaster_recovery_role {
        SheetLine::pass("compute", "Enforced: compute doesn't start in a secondary workspace.")
    } else {
        SheetLine::warn(
            "compute",
            "Advisory: the region can't be told that a workspace is secondary.",
            "Compute may be started in the secondary. A failover stops what runs in the old primary, once.",
            "Take CAN_RESTART and CAN_USE from users of the secondary workspace.",
        )
    };
    vec![writes, compute]
}

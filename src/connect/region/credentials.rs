//! Which credentials a table's storage is asked for: those of its id, or those of its path.

use super::RegionApi;
use crate::connect::ConnectError;
use crate::connect::storage::Renew;
use crate::wire::unity_catalog::{
    OPERATION_PATH_READ, OPERATION_PATH_READ_WRITE, OPERATION_READ, OPERATION_READ_WRITE, TableInfo,
    TemporaryCredentials,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a table's files lie, and the id under which its region's catalog knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePlace {
    /// The storage URI.
    pub uri: String,
    /// The table's id, or that of a staged one; None where no table is known there.
    pub table_id: Option<String>,
    /// By what name its catalog is asked for its commits, where the catalog ratifies them.
    pub ratified_by: Option<CatalogTable>,
}

/// A table's name in its catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogTable {
    /// The catalog.
    pub catalog: String,
    /// The schema.
    pub schema: String,
    /// The table.
    pub name: String,
}

impl TablePlace {
    /// A place with the id that a catalog told; an empty one is none.
    pub fn new(uri: impl Into<String>, table_id: Option<&str>) -> Self {
        let table_id = table_id.filter(|id| !id.is_empty()).map(str::to_owned);
        Self { uri: uri.into(), table_id, ratified_by: None }
    }

    /// Where a catalog says that a table lies; None for one without files of its own.
    pub fn of(table: &TableInfo) -> Option<Self> {
        let ratified_by = table.has_catalog_commits().then(|| CatalogTable {
            catalog: table.catalog_name.clone(),
            schema: table.schema_name.clone(),
            name: table.name.clone(),
        });
        let place = Self::new(table.storage_location.clone()?, table.table_id.as_deref());
        Some(Self { ratified_by, ..place })
    }

    /// A place that isn't a table's.
    pub fn path(uri: impl Into<String>) -> Self {
        Self::new(uri, None)
    }
}

/// Credentials that a region gave for one place.
pub struct Grant {
    /// The credentials.
    pub credentials: TemporaryCredentials,
    /// Whether they are those of the table's id and not of its path.
    pub by_id: bool,
    /// Asks for fresh ones in the way in which these were given.
    pub renew: Renew,
}

/// Shows nothing of the credentials.
impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("by_id", &self.by_id).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Id,
    Path,
}

impl Way {
    /// As a sentence names it.
    fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Path => "path",
        }
    }
}

/// What was learned of a region's modes, so that none is asked twice for each table.
///
/// It decides what is asked first and never what is not asked at all, so nothing learned can be wrong for long.
#[derive(Debug, Default)]
pub struct CredentialModes(Mutex<Learned>);

#[derive(Debug, Default)]
struct Learned {
    /// The call that the region does not offer.
    missing: Option<Way>,
    /// By URI, for reading and for writing: what was granted where the usual way was refused.
    granted: HashMap<(String, bool), Way>,
}

impl CredentialModes {
    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is asked first, and what where that is refused.
    ///
    /// A catalog vends no paths under managed storage, so reading goes by id. A replica's catalog is bound read-only, so
    /// its tables' ids are good for reading alone, and writing goes by path.
    fn order(&self, place: &TablePlace, write: bool) -> (Way, Option<Way>) {
        if place.table_id.is_none() {
            return (Way::Path, None);
        }
        let learned = self.learned();
        let first = match learned.missing {
            Some(Way::Id) => Way::Path,
            Some(Way::Path) => Way::Id,
            None if learned.granted.is_empty() => usual(write),
            None => learned.granted.get(&(place.uri.clone(), write)).copied().unwrap_or(usual(write)),
        };
        (first, Some(if first == Way::Id { Way::Path } else { Way::Id }))
    }

    fn refused(&self, way: Way, error: &ConnectError) {
        if is_no_such_call(error) {
            self.learned().missing = Some(way);
        }
    }

    /// Notes the second way as the one that works.
    fn granted(&self, place: &TablePlace, write: bool, way: Way) {
        let mut learned = self.learned();
        match learned.missing {
            Some(missing) if missing != way => {}
            _ => {
                learned.missing = None;
                learned.granted.insert((place.uri.clone(), write), way);
            }
        }
    }
}

fn usual(write: bool) -> Way {
    if write { Way::Path } else { Way::Id }
}

impl dyn RegionApi {
    /// Credentials to read a place, or to write there too: by the table's id and by its path, whichever is granted.
    pub async fn grant(self: &Arc<Self>, place: &TablePlace, write: bool) -> Result<Grant, ConnectError> {
        let modes = self.credential_modes();
        let (first, second) = modes.order(place, write);
        let refusal = match self.ask(first, place, write).await {
            Ok(credentials) => return Ok(self.granted(first, place, write, credentials)),
            Err(error) if is_refusal(&error) => error,
            Err(error) => return Err(error),
        };
        modes.refused(first, &refusal);
        let Some(second) = second else { return Err(refusal) };
        match self.ask(second, place, write).await {
            Ok(credentials) => {
                modes.granted(place, write, second);
                Ok(self.granted(second, place, write, credentials))
            }
            // A region that went away in the meantime says nothing of this table.
            Err(error) if error.is_unreachable() => Err(error),
            Err(error) if says(&error) > says(&refusal) => Err(both(error, first, refusal)),
            Err(error) => Err(both(refusal, second, error)),
        }
    }

    fn granted(
        self: &Arc<Self>,
        way: Way,
        place: &TablePlace,
        write: bool,
        credentials: TemporaryCredentials,
    ) -> Grant {
        let (region, place) = (self.clone(), place.clone());
        let renew: Renew = Box::new(move || {
            let (region, place) = (region.clone(), place.clone());
            Box::pin(async move { region.ask(way, &place, write).await })
        });
        Grant { credentials, by_id: way == Way::Id, renew }
    }

    async fn ask(&self, way: Way, place: &TablePlace, write: bool) -> Result<TemporaryCredentials, ConnectError> {
        match (way, &place.table_id) {
            (Way::Id, Some(id)) => {
                self.table_credentials(id, if write { OPERATION_READ_WRITE } else { OPERATION_READ }).await
            }
            _ => {
                let operation = if write { OPERATION_PATH_READ_WRITE } else { OPERATION_PATH_READ };
                self.path_credentials(&place.uri, operation).await
            }
        }
    }
}

fn both(told: ConnectError, way: Way, other: ConnectError) -> ConnectError {
    ConnectError::NotGranted { told: Box::new(told), way: way.name(), other: Box::new(other) }
}

/// Whether the region answered and said no, so that asking otherwise may help.
fn is_refusal(error: &ConnectError) -> bool {
    match error {
        ConnectError::PermissionDenied { .. } | ConnectError::NotFound { .. } | ConnectError::InvalidState { .. } => {
            true
        }
        ConnectError::Refused { status, .. } => *status == 400 || is_no_such_call(error),
        _ => false,
    }
}

/// Whether the path of the call itself isn't served.
fn is_no_such_call(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Refused { status: 404 | 405 | 501, .. })
}

/// How much a refusal says about what to do: most where a privilege is missing, least where the call is.
fn says(error: &ConnectError) -> u8 {
    match error {
        ConnectError::PermissionDenied { .. } => 3,
        ConnectError::NotFound { .. } => 1,
        error if is_no_such_call(error) => 0,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::{refusal, region_of};
    use axum::Router;
    use axum::http::Uri;
    use axum::response::{IntoResponse, Json, Response};
    use serde_json::{Value, json};

    const PLACE: &str = "s3://lake/sales/orders";

    fn place() -> TablePlace {
        TablePlace::new(PLACE, Some("t1"))
    }

    /// A region that answers a call `by_id` or by path as it is told, and the calls that it got.
    async fn region(
        answer: fn(by_id: bool, body: &Value) -> Response,
    ) -> (Arc<dyn RegionApi>, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let router = Router::new().fallback(move |uri: Uri, Json(body): Json<Value>| async move {
            let by_id = uri.path().ends_with("/temporary-table-credentials");
            let of = if by_id { &body["table_id"] } else { &body["url"] };
            let line =
                format!("{} {}", body["operation"].as_str().unwrap_or_default(), of.as_str().unwrap_or_default());
            seen.lock().expect("no test panicked").push(line);
            answer(by_id, &body)
        });
        (region_of(router).await, asked)
    }

    fn taken(asked: &Mutex<Vec<String>>) -> Vec<String> {
        std::mem::take(&mut asked.lock().expect("no test panicked"))
    }

    fn yes() -> Response {
        Json(json!({"expiration_time": 1})).into_response()
    }

    fn denied(message: &str) -> Response {
        refusal(403, "PERMISSION_DENIED", message)
    }

    fn no_such_call() -> Response {
        refusal(404, "ENDPOINT_NOT_FOUND", "No API found")
    }

    #[tokio::test]
    async fn a_table_is_read_by_its_id_and_written_by_its_path_with_one_call_each() {
        let (client, asked) = region(|_, _| yes()).await;
        assert!(client.grant(&place(), false).await.expect("granted").by_id);
        assert!(!client.grant(&place(), true).await.expect("granted").by_id);
        assert!(!client.grant(&TablePlace::new(PLACE, Some("")), false).await.expect("granted").by_id);
        assert_eq!(
            taken(&asked),
            ["READ t1".to_owned(), format!("PATH_READ_WRITE {PLACE}"), format!("PATH_READ {PLACE}")]
        );
    }

    #[tokio::test]
    async fn managed_storage_whose_paths_are_refused_is_written_by_id_and_renewed_so() {
        let (client, asked) = region(|by_id, _| if by_id { yes() } else { denied("managed") }).await;
        let grant = client.grant(&place(), true).await.expect("granted");
        assert!(grant.by_id);
        assert_eq!(taken(&asked), [format!("PATH_READ_WRITE {PLACE}"), "READ_WRITE t1".to_owned()]);
        (grant.renew)().await.expect("renewed");
        client.clone().grant(&place(), true).await.expect("granted again");
        assert_eq!(taken(&asked), ["READ_WRITE t1", "READ_WRITE t1"], "what was refused is not asked each time");
        let other = TablePlace::new("s3://lake/other", Some("t2"));
        client.grant(&other, true).await.expect("granted");
        assert_eq!(taken(&asked).len(), 2, "another table's path may be granted");
    }

    #[tokio::test]
    async fn a_region_without_credentials_by_id_is_asked_for_them_once() {
        let (client, asked) = region(|by_id, _| if by_id { no_such_call() } else { yes() }).await;
        let grant = client.grant(&place(), false).await.expect("granted");
        // At both of the prefixes under which regions serve it.
        assert_eq!(taken(&asked), ["READ t1".to_owned(), "READ t1".to_owned(), format!("PATH_READ {PLACE}")]);
        (grant.renew)().await.expect("renewed");
        for number in 0..3 {
            let next = TablePlace::new(format!("s3://lake/{number}"), Some("t"));
            client.grant(&next, false).await.expect("granted");
        }
        assert_eq!(taken(&asked).len(), 4);
    }

    #[tokio::test]
    async fn a_table_made_again_under_its_path_is_asked_for_by_its_own_id() {
        let recreated = |by_id: bool, body: &Value| match (by_id, body["table_id"].as_str()) {
            (true, Some("t1")) => refusal(404, "TABLE_DOES_NOT_EXIST", "dropped"),
            (true, _) => yes(),
            (false, _) => denied("managed"),
        };
        let (client, asked) = region(recreated).await;
        client.grant(&place(), false).await.expect_err("it is gone");
        taken(&asked);
        assert!(client.grant(&TablePlace::new(PLACE, Some("t2")), false).await.expect("granted").by_id);
        assert_eq!(taken(&asked), ["READ t2"]);
    }

    #[tokio::test]
    async fn two_refusals_are_one_error_that_begins_with_the_one_that_helps() {
        let (client, _) =
            region(|by_id, _| if by_id { no_such_call() } else { denied("Not below managed storage") }).await;
        for _ in 0..2 {
            let error = client.grant(&place(), false).await.expect_err("refused");
            assert!(error.is_permission_denied(), "{error:?}");
            assert_eq!(
                error.to_string(),
                "us-east-1 denied POST /api/2.0/unity-catalog/temporary-path-credentials: Not below managed storage. \
                 Give the principal of the login that privilege. Asked by the table's id as well: us-east-1 refused \
                 POST /api/2.0/unity-catalog/temporary-table-credentials with 404 ENDPOINT_NOT_FOUND: No API found. \
                 Correct what the answer names, then try again."
            );
        }
        let privilege = |by_id: bool, _: &Value| {
            if by_id { denied("No EXTERNAL USE SCHEMA") } else { refusal(400, "INVALID_PARAMETER_VALUE", "No path") }
        };
        let (client, _) = region(privilege).await;
        for write in [false, true] {
            let error = client.grant(&place(), write).await.expect_err("refused").to_string();
            let (told, other) = (error.find("No EXTERNAL USE SCHEMA."), error.find("by the table's path as well:"));
            assert!(told.is_some() && told < other && error.contains("No path."), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failure_that_is_no_refusal_is_told_as_it_is() {
        let (client, asked) = region(|_, _| refusal(500, "INTERNAL_ERROR", "oops")).await;
        let error = client.grant(&place(), false).await.expect_err("failed");
        assert!(matches!(error, ConnectError::Refused { status: 500, .. }), "{error:?}");
        assert_eq!(taken(&asked), ["READ t1"]);
    }
}

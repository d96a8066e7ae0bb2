//! Adding a connection: the region is asked who it is before anything is kept.

use super::login::{KeptSecrets, NewLogin};
use super::{Connection, ConnectionError, Connections, REGIONS};
use crate::connect::{ConnectSettings, RegionIdentity, Secret, StorageOptions};
use crate::domain::Region;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A connection that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// What people are to call it.
    pub name: String,
    /// The workspace's or catalog's URL; None where a profile or the variables name it.
    pub url: Option<String>,
    /// The region, where it doesn't tell or is to be called otherwise.
    pub region: Option<String>,
    /// The workspace's id, where it doesn't tell.
    pub workspace_id: Option<String>,
    /// How it logs in.
    pub login: NewLogin,
    /// Settings of the region's stores.
    pub storage: BTreeMap<String, String>,
    /// Settings of the region's stores that are secret.
    pub secret_storage: BTreeMap<String, Secret>,
}

impl Connections {
    /// Adds a connection, or puts it in the place of one of the same name. Nothing is kept of a region that doesn't answer
    /// or refuses the login.
    pub async fn add(&mut self, new: NewConnection) -> Result<Connection, ConnectionError> {
        let name = checked_name(&new.name)?;
        let others: Vec<Connection> = self.all().iter().filter(|known| known.name != name).cloned().collect();
        if others.len() >= REGIONS {
            return Err(ConnectionError::refused(format!(
                "A data dir holds one deployment of two regions: {} and {}. Remove one of them, or name another data dir.",
                others.first().map_or("", |known| known.name.as_str()),
                others.get(1).map_or("", |known| known.name.as_str()),
            )));
        }
        let resolved = new.login.resolve()?;
        let url = new.url.or(resolved.url).ok_or_else(|| {
            ConnectionError::refused("No URL is given, and the login names none. Give the workspace's URL with --host.")
        })?;
        if let Some(other) = others.iter().find(|known| same_url(&known.url, &url)) {
            return Err(ConnectionError::refused(format!(
                "{} is already connected as {}. A deployment needs two regions.",
                url, other.name
            )));
        }
        let secrets = KeptSecrets { login: resolved.secret, storage: new.secret_storage };
        let storage: BTreeMap<String, String> = resolved.storage.into_iter().chain(new.storage).collect();
        let all = storage.clone().into_iter();
        let all = all.chain(secrets.storage.iter().map(|(key, value)| (key.clone(), value.expose().to_owned())));
        let settings = ConnectSettings {
            auth: resolved.kept.auth(&secrets)?,
            storage: StorageOptions::new(all),
            ..ConnectSettings::new(&name, &url, Secret::default()).fail_fast()
        };
        let told = RegionIdentity::ask(settings).await?;
        let connection = Connection {
            region: Region::new(region_of(&name, new.region, told.region, &others)?),
            workspace_id: workspace_of(&name, &url, new.workspace_id, told.workspace_id, &others)?,
            metastore_id: told.metastore_id.unwrap_or_default(),
            login: resolved.kept,
            name,
            url,
            storage,
        };
        self.put(connection.clone(), secrets)?;
        Ok(connection)
    }
}

fn checked_name(name: &str) -> Result<String, ConnectionError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
        return Err(ConnectionError::refused(
            "A connection's name has 1 to 63 letters, digits, hyphens, underscores or dots. Choose another name.",
        ));
    }
    Ok(name.to_owned())
}

fn same_url(a: &str, b: &str) -> bool {
    let plain = |url: &str| url.trim().trim_start_matches("https://").trim_end_matches('/').to_ascii_lowercase();
    plain(a) == plain(b)
}

/// The region's name: the one given, else its own, else the connection's. Two regions of a deployment have two names.
fn region_of(
    name: &str,
    given: Option<String>,
    told: Option<String>,
    others: &[Connection],
) -> Result<String, ConnectionError> {
    let taken = |region: &String| others.iter().find(|known| known.region == region.as_str());
    if let Some(given) = given {
        return match taken(&given) {
            Some(other) => Err(ConnectionError::refused(format!(
                "Connection {} has the region {given}. A deployment needs two. Give another --region.",
                other.name
            ))),
            None => Ok(given),
        };
    }
    match told.filter(|told| taken(told).is_none()) {
        Some(told) => Ok(told),
        None if taken(&name.to_owned()).is_none() => Ok(name.to_owned()),
        None => {
            Err(ConnectionError::refused(format!("The name {name} is another connection's region. Give --region.")))
        }
    }
}

/// The workspace's id: the one given, else its own, else a number that stays the same for this name and URL.
fn workspace_of(
    name: &str,
    url: &str,
    given: Option<String>,
    told: Option<String>,
    others: &[Connection],
) -> Result<String, ConnectionError> {
    let taken = |id: &String| others.iter().any(|known| known.workspace_id == *id);
    if let Some(given) = given {
        if given.parse::<i64>().is_err() || taken(&given) {
            return Err(ConnectionError::refused(format!(
                "The workspace id {given:?} is not a number, or is the other connection's. Give the number after ?o= in the workspace's URL."
            )));
        }
        return Ok(given);
    }
    // Emulators all tell the same id.
    if let Some(told) = told.filter(|told| !taken(told)) {
        return Ok(told);
    }
    let hash = Sha256::digest(format!("{name} {url}"));
    let number = hash.iter().take(7).fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
    Ok(number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Secret;
    use crate::runtime::connections::LoginSource;
    use axum::Router;
    use axum::http::HeaderMap;
    use axum::response::{IntoResponse, Json};
    use axum::routing::get;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    /// A workspace that takes one token, and says that it is the same as every other.
    async fn workspace() -> String {
        let me = |headers: HeaderMap| async move {
            if headers.get("authorization").and_then(|v| v.to_str().ok()) != Some("Bearer hunter2") {
                let body = Json(json!({"error_code": "UNAUTHENTICATED", "message": "no"}));
                return (axum::http::StatusCode::UNAUTHORIZED, body).into_response();
            }
            Json(json!({"userName": "ann"})).into_response()
        };
        let assigned = || async { Json(json!({"workspace_id": 42, "metastore_id": "m"})) };
        let summary = || async { Json(json!({"metastore_id": "m", "region": "local"})) };
        let router = Router::new()
            .route("/api/2.0/preview/scim/v2/Me", get(me))
            .route("/api/2.1/unity-catalog/current-metastore-assignment", get(assigned))
            .route("/api/2.1/unity-catalog/metastore_summary", get(summary));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn new(name: &str, url: &str, token: &str) -> NewConnection {
        NewConnection {
            name: name.to_owned(),
            url: Some(url.to_owned()),
            region: None,
            workspace_id: None,
            login: NewLogin::Token(LoginSource::Typed(Secret::from(token))),
            storage: BTreeMap::new(),
            secret_storage: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn two_regions_that_call_themselves_the_same_get_names_and_ids_of_their_own() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let (a, b) = (workspace().await, workspace().await);
        let mut connections = Connections::load(dir.path()).expect("none yet");
        let first = connections.add(new("east", &a, "hunter2\n")).await.expect("added");
        let second = connections.add(new("west", &b, "hunter2")).await.expect("added");
        assert_eq!((first.region.as_str(), first.workspace_id.as_str()), ("local", "42"));
        assert_eq!(second.region, "west");
        assert!(second.workspace_id.parse::<i64>().is_ok_and(|id| id > 0 && id != 42));
        let again = Connections::load(dir.path()).expect("kept");
        assert!(again.is_whole() && again == connections && !again.account_id().is_empty());
        assert!(connections.add(new("third", "http://127.0.0.1:9", "x")).await.is_err(), "a data dir has two");
        connections.remove("east").expect("removed");
        assert!(!Connections::load(dir.path()).expect("kept").is_whole());
    }

    #[tokio::test]
    async fn a_secret_lies_in_a_file_of_its_own_that_is_the_owners_alone() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let mut connections = Connections::load(dir.path()).expect("none yet");
        let url = workspace().await;
        connections.add(new("east", &url, "hunter2")).await.expect("added");
        let text = std::fs::read_to_string(dir.path().join("connections.json")).expect("kept");
        assert!(!text.contains("hunter2") && !format!("{connections:?}").contains("hunter2"));
        let secrets = dir.path().join("connection-secrets.json");
        assert!(std::fs::read_to_string(&secrets).expect("kept").contains("hunter2"));
        assert_eq!(std::fs::metadata(&secrets).expect("kept").permissions().mode() & 0o777, 0o600);
        connections.remove("east").expect("removed");
        assert!(!std::fs::read_to_string(&secrets).expect("kept").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_refused_login_and_a_second_time_the_same_region_keep_nothing() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let mut connections = Connections::load(dir.path()).expect("none yet");
        let url = workspace().await;
        let error = connections.add(new("east", &url, "hunter3")).await.expect_err("a bad token");
        assert!(!error.to_string().contains("hunter3"), "{error}");
        assert!(connections.all().is_empty() && !dir.path().join("connections.json").exists());
        connections.add(new("east", &url, "hunter2")).await.expect("added");
        assert!(connections.add(new("west", &format!("{url}/"), "hunter2")).await.is_err(), "one region twice");
    }
}

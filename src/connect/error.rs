//! What can go wrong between the product and a region.

use crate::domain::ErrorClass;
use crate::domain::Region;
use crate::wire::ErrorBody;
use crate::wire::error as code;
use reqwest::StatusCode;
use std::time::Duration;

/// A call that gave no usable answer. `region` is the name that the client was given, `call` its method and path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No one answers there, or only to say that no one can.
    #[error(
        "{region} doesn't respond at {url}: {cause}. Check that the workspace is up and that the network reaches it."
    )]
    Unreachable {
        /// The region.
        region: Region,
        /// The workspace's URL.
        url: String,
        /// The innermost cause.
        cause: String,
    },
    /// No login, or one that has ended.
    #[error("{region} rejected the login: {message} Enter a valid token for this workspace.")]
    Unauthenticated {
        /// The region.
        region: Region,
        /// The region's answer.
        message: String,
    },
    /// A privilege is missing.
    #[error("{region} denied {call}: {message} Give the principal of the login that privilege.")]
    PermissionDenied {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// The region's answer.
        message: String,
    },
    /// The named object isn't there.
    #[error("{region} doesn't have the object of {call}: {message} Check the name.")]
    NotFound {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// The region's answer.
        message: String,
    },
    /// A user, group or service principal that the workspace doesn't know.
    #[error("{region} doesn't know the principal of {call}: {message} Add it to the workspace.")]
    UnknownPrincipal {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// The region's answer.
        message: String,
    },
    /// The name is taken.
    #[error("{region} already has it ({call}): {message} Use the existing one, or another name.")]
    AlreadyExists {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// The region's answer.
        message: String,
    },
    /// The object's state doesn't allow the call.
    #[error("{region} can't do {call} in this state: {message} Try again when the state has changed.")]
    InvalidState {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// The region's answer.
        message: String,
    },
    /// Too many calls for longer than the retry policy waits.
    #[error("{region} was still throttling {call} after {waited:?}. The console retries later.")]
    RateLimited {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// How long the client had been trying.
        waited: Duration,
    },
    /// Any other refusal.
    #[error(
        "{region} refused {call} with {status} {error_code}: {message} Correct what the answer names, then try again."
    )]
    Refused {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The answer's code; empty when the body wasn't the API's.
        error_code: String,
        /// The region's answer.
        message: String,
    },
    /// An answer that the API doesn't give.
    #[error("{region} returned an unexpected answer to {call}: {problem}. Check that {url} is a workspace.")]
    BadAnswer {
        /// The region.
        region: Region,
        /// The call.
        call: String,
        /// The workspace's URL.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Settings that no client can be made of.
    #[error("Can't connect to {region}: {problem}. Correct the connection's settings.")]
    BadSettings {
        /// The region.
        region: Region,
        /// What is wrong with them.
        problem: String,
    },
    /// A storage URI or its credentials that no store can be made of.
    #[error("Can't open the storage at {uri}: {problem}. Check the URI and the region's storage settings.")]
    BadStorage {
        /// The storage URI.
        uri: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Credentials for a table's storage were refused both by its id and by its path.
    #[error("{told} Asked by the table's {way} as well: {other}")]
    NotGranted {
        /// The refusal that says more about what to do.
        told: Box<ConnectError>,
        /// How the other one was asked for.
        way: &'static str,
        /// The other one.
        other: Box<ConnectError>,
    },
}

impl ConnectError {
    /// The class under which an object that fails by this is flagged.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unreachable { .. } => ErrorClass::RegionUnreachable,
            Self::Unauthenticated { .. } | Self::PermissionDenied { .. } => ErrorClass::PermissionDenied,
            Self::NotFound { .. }
            | Self::UnknownPrincipal { .. }
            | Self::AlreadyExists { .. }
            | Self::InvalidState { .. }
            | Self::Refused { .. }
            | Self::BadAnswer { .. }
            | Self::BadSettings { .. } => ErrorClass::CatalogRefused,
            Self::RateLimited { .. } => ErrorClass::RequestLimitExceeded,
            Self::BadStorage { .. } => ErrorClass::StorageFailure,
            Self::NotGranted { told, .. } => told.class(),
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::RateLimited { .. } | Self::InvalidState { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 409,
            Self::NotGranted { told, other, .. } => told.is_transient() || other.is_transient(),
            Self::Unauthenticated { .. }
            | Self::PermissionDenied { .. }
            | Self::NotFound { .. }
            | Self::UnknownPrincipal { .. }
            | Self::AlreadyExists { .. }
            | Self::BadAnswer { .. }
            | Self::BadSettings { .. }
            | Self::BadStorage { .. } => false,
        }
    }

    /// Whether nothing is known of what the region holds.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// The region that the failure is about, where it is about one.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Unreachable { region, .. }
            | Self::Unauthenticated { region, .. }
            | Self::PermissionDenied { region, .. }
            | Self::NotFound { region, .. }
            | Self::UnknownPrincipal { region, .. }
            | Self::AlreadyExists { region, .. }
            | Self::InvalidState { region, .. }
            | Self::RateLimited { region, .. }
            | Self::Refused { region, .. }
            | Self::BadAnswer { region, .. }
            | Self::BadSettings { region, .. } => Some(region.as_str()),
            Self::BadStorage { .. } => None,
            Self::NotGranted { told, .. } => told.region(),
        }
    }

    /// Whether the named object isn't there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether a grant or an owner names someone whom the workspace doesn't know.
    pub fn is_unknown_principal(&self) -> bool {
        matches!(self, Self::UnknownPrincipal { .. })
    }

    /// Whether a named object of a workspace isn't there: jobs and compute say so with a 400.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Refused { status: 400, message, .. } => message.contains("does not exist"),
            error => error.is_not_found(),
        }
    }

    /// Whether the region has no such call at all.
    pub fn is_not_served(&self) -> bool {
        matches!(self, Self::Refused { status: 404 | 405 | 501, .. })
    }

    /// Whether the name is taken.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. })
    }

    /// Whether a privilege or a writable binding is missing.
    pub fn is_permission_denied(&self) -> bool {
        match self {
            Self::NotGranted { told, .. } => told.is_permission_denied(),
            _ => matches!(self, Self::PermissionDenied { .. }),
        }
    }
}

/// Who was asked for what; every error names both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub region: &'a Region,
    pub url: &'a str,
    pub call: &'a str,
}

impl Asked<'_> {
    /// The error for an answer with a status that isn't a success. `body` is the answer's text.
    pub fn refused(self, status: StatusCode, body: &str) -> ConnectError {
        let region = self.region.to_owned();
        let call = self.call.to_owned();
        if status.is_redirection() {
            let message = format!(
                "it sends the call to a login page ({status}). Where its host serves several workspaces, the URL must name one, as in ?o=1234."
            );
            return ConnectError::Unauthenticated { region, message };
        }
        let parsed = serde_json::from_str::<ErrorBody>(body).ok().filter(|b| !b.error_code.is_empty());
        let Some(ErrorBody { error_code, message, .. }) = parsed else {
            return self.refused_without_body(status);
        };
        let message = sentence(&message);
        match status {
            // The login is good, but the metastore or a grant keeps clients outside the platform from data.
            StatusCode::UNAUTHORIZED if body.contains(EXTERNAL_ACCESS_DENIED) => {
                ConnectError::PermissionDenied { region, call, message }
            }
            StatusCode::UNAUTHORIZED => ConnectError::Unauthenticated { region, message },
            StatusCode::FORBIDDEN => ConnectError::PermissionDenied { region, call, message },
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                self.unreachable(message.trim_end_matches('.'))
            }
            _ if error_code == code::PERMISSION_DENIED => ConnectError::PermissionDenied { region, call, message },
            _ if error_code.ends_with("ALREADY_EXISTS") => ConnectError::AlreadyExists { region, call, message },
            _ if error_code == code::PRINCIPAL_DOES_NOT_EXIST => {
                ConnectError::UnknownPrincipal { region, call, message }
            }
            _ if error_code == code::INVALID_STATE => ConnectError::InvalidState { region, call, message },
            // A path that isn't served says nothing about the object that it names.
            StatusCode::NOT_FOUND if error_code != ENDPOINT_NOT_FOUND => {
                ConnectError::NotFound { region, call, message }
            }
            _ => ConnectError::Refused { region, call, status: status.as_u16(), error_code, message },
        }
    }

    /// The error for a refusal whose body isn't the API's. A bare 404 is never read as "the object isn't there".
    fn refused_without_body(self, status: StatusCode) -> ConnectError {
        let region = self.region.to_owned();
        match status {
            StatusCode::UNAUTHORIZED => {
                ConnectError::Unauthenticated { region, message: "it returns 401 Unauthorized.".to_owned() }
            }
            StatusCode::FORBIDDEN => ConnectError::PermissionDenied {
                region,
                call: self.call.to_owned(),
                message: "it returns 403 Forbidden.".to_owned(),
            },
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                self.unreachable(&format!("it answers {status}"))
            }
            _ => ConnectError::Refused {
                region,
                call: self.call.to_owned(),
                status: status.as_u16(),
                error_code: String::new(),
                message: "the answer is not one of this API's.".to_owned(),
            },
        }
    }

    /// The error for silence.
    pub fn unreachable(self, cause: &str) -> ConnectError {
        ConnectError::Unreachable { region: self.region.to_owned(), url: self.url.to_owned(), cause: cause.to_owned() }
    }

    /// The error for an answer that can't be understood.
    pub fn bad_answer(self, problem: impl Into<String>) -> ConnectError {
        ConnectError::BadAnswer {
            region: self.region.to_owned(),
            call: self.call.to_owned(),
            url: self.url.to_owned(),
            problem: problem.into(),
        }
    }

    /// The error for a request that got no answer.
    pub fn failed(self, error: &reqwest::Error) -> ConnectError {
        if error.is_builder() {
            return ConnectError::BadSettings { region: self.region.to_owned(), problem: innermost(error) };
        }
        let cause = if error.is_timeout() { "no answer in time".to_owned() } else { innermost(error) };
        self.unreachable(&cause)
    }
}

/// Ends the reasons with which a catalog refuses credentials to a good login, with status 401.
const EXTERNAL_ACCESS_DENIED: &str = "CREDENTIALS_DENIED";
/// The code of a path that the server doesn't serve.
const ENDPOINT_NOT_FOUND: &str = "ENDPOINT_NOT_FOUND";

/// The innermost error of a chain: the outer ones repeat the URL and say less.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// `message` with a full stop, so that a sentence may follow it.
fn sentence(message: &str) -> String {
    let message = message.trim();
    match message.chars().last() {
        None => "no reason was given.".to_owned(),
        Some('.' | '!' | '?') => message.to_owned(),
        Some(_) => format!("{message}."),
    }
}

/// A path that isn't served, however the server says so.
pub(super) fn is_not_offered(error: &ConnectError) -> bool {
    match error {
        ConnectError::NotFound { .. } => true,
        ConnectError::Refused { status, .. } => matches!(status, 404 | 501),
        _ => false,
    }
}

/// `Ok(None)` for an object that isn't there.
pub(super) fn optional<T>(answer: Result<T, ConnectError>) -> Result<Option<T>, ConnectError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(ConnectError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> ConnectError {
        let region = Region::new("us-east-1");
        let asked = Asked { region: &region, url: "http://127.0.0.1:1/", call: "GET /catalogs/main" };
        asked.refused(StatusCode::from_u16(status).expect("a status"), body)
    }

    #[test]
    fn a_bare_404_does_not_say_that_the_object_is_missing() {
        assert!(matches!(refused(404, "<html>nginx</html>"), ConnectError::Refused { status: 404, .. }));
        assert!(matches!(
            refused(404, r#"{"error_code":"ENDPOINT_NOT_FOUND","message":"No API found"}"#),
            ConnectError::Refused { .. }
        ));
        assert!(refused(404, r#"{"error_code":"CATALOG_DOES_NOT_EXIST","message":"no"}"#).is_not_found());
    }

    #[test]
    fn a_gateway_that_answers_for_a_dead_region_leaves_it_unreachable() {
        for status in [502, 503, 504] {
            assert!(refused(status, "").is_unreachable());
            assert!(refused(status, r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"down"}"#).is_unreachable());
        }
    }

    #[test]
    fn duplicates_are_told_by_their_code_whatever_the_status() {
        for (status, code) in [(409, "ALREADY_EXISTS"), (400, "CATALOG_ALREADY_EXISTS")] {
            assert!(refused(status, &format!(r#"{{"error_code":"{code}","message":"there"}}"#)).is_already_exists());
        }
    }

    #[test]
    fn a_login_page_and_denied_external_access_are_told_apart_from_a_bad_token() {
        assert!(matches!(refused(303, ""), ConnectError::Unauthenticated { message, .. } if message.contains("?o=")));
        let denied = r#"{"error_code":"UNAUTHENTICATED","message":"no","details":[{"reason":"UNITY_CATALOG_EXTERNAL_GENERATE_TABLE_CREDENTIALS_DENIED"}]}"#;
        assert!(refused(401, denied).is_permission_denied());
        assert!(matches!(refused(401, r#"{"error_code":"X","message":"no"}"#), ConnectError::Unauthenticated { .. }));
    }

    #[test]
    fn every_error_is_sentences() {
        let error = refused(403, r#"{"error_code":"PERMISSION_DENIED","message":"No USE CATALOG on 'main'"}"#);
        assert_eq!(
            error.to_string(),
            "us-east-1 denied GET /catalogs/main: No USE CATALOG on 'main'. Give the principal of the login that privilege."
        );
        assert_eq!(error.class(), ErrorClass::PermissionDenied);
        assert!(!error.is_transient());
    }
}

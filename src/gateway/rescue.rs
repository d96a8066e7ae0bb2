//! Every answer that the gateway gives by itself: its status, its code and its sentence are decided here.

use super::body::Reply;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

/// Seconds after which a client should come back. Some drivers wait exactly so long, and need a whole number.
const RETRY_SECONDS: u64 = 2;

/// Why a request was not forwarded, or not answered by a region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rescue {
    /// It names no stable URL.
    #[error(
        "The request doesn't say which stable URL it is for. Add ?w=<stable_workspace_id> to the URL, or send the header X-Databricks-Workspace-Id."
    )]
    NoUrl,
    /// It names one that isn't there.
    #[error("There is no stable URL with the workspace id {id}. Copy the address from the tab Stable URLs.")]
    UnknownUrl {
        /// What it named.
        id: String,
    },
    /// It names two.
    #[error("The request names two stable URLs, {first} and {second}. Name one of them.")]
    TwoUrls {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// Its head can be read in two ways.
    #[error("{problem} The gateway doesn't forward a request that two servers could read differently.")]
    Ambiguous {
        /// What is wrong, as a sentence.
        problem: String,
    },
    /// A method that no workspace serves.
    #[error("The gateway doesn't forward {method}.")]
    Method {
        /// The method.
        method: String,
    },
    /// The client's body broke off or is framed wrongly.
    #[error("The request's body can't be read. Send it again.")]
    BadBody,
    /// The URL leads nowhere.
    #[error("The stable URL {id} doesn't point to a workspace now. Attach it to a failover group, or wait.")]
    Shut {
        /// Its id.
        id: String,
    },
    /// It was held for as long as may be.
    #[error(
        "The stable URL {id} is switching to another region. The switch took longer than a request can wait. Nothing was sent. Try again."
    )]
    HeldTooLong {
        /// The URL's id.
        id: String,
    },
    /// So many wait that there is no room for it.
    #[error(
        "The stable URL {id} is switching to another region, and too many requests are already waiting. Nothing was sent. Try again."
    )]
    TooManyHeld {
        /// The URL's id.
        id: String,
    },
    /// The region does not answer, and no failover came in time.
    #[error("{region} doesn't respond, so the request wasn't executed. Try again.")]
    Unreachable {
        /// The region.
        region: String,
    },
    /// The connection broke after the request was sent.
    #[error(
        "{region} closed the connection before it responded. It may have executed the request. Check before you send it again."
    )]
    MaybeDone {
        /// The region.
        region: String,
    },
    /// The region's certificate cannot be trusted.
    #[error("Can't verify the certificate of {region}, so nothing was sent: {problem}.")]
    Untrusted {
        /// The region.
        region: String,
        /// What is wrong with its certificate.
        problem: String,
    },
    /// The gateway stops.
    #[error("The gateway is stopping. Nothing was sent. Try again.")]
    Stopping,
}

impl Rescue {
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoUrl | Self::TwoUrls { .. } | Self::Ambiguous { .. } | Self::BadBody => {
                (StatusCode::BAD_REQUEST, "BAD_REQUEST")
            }
            Self::UnknownUrl { .. } => (StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST"),
            Self::Method { .. } => (StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED"),
            Self::Shut { .. }
            | Self::HeldTooLong { .. }
            | Self::TooManyHeld { .. }
            | Self::Unreachable { .. }
            | Self::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
            // Clients repeat a 503 by themselves; this must not be repeated unseen.
            Self::MaybeDone { .. } | Self::Untrusted { .. } => (StatusCode::BAD_GATEWAY, "BAD_GATEWAY"),
        }
    }

    /// The answer.
    pub fn answer(&self) -> Response<Reply> {
        let (status, code) = self.status();
        let body = json!({"error_code": code, "message": self.to_string()}).to_string();
        let mut response = Response::new(Reply::whole(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(self, Self::Ambiguous { .. }) {
            // What follows on the connection may be a part of what was refused.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_not_sent_may_come_again_and_one_that_may_be_done_is_not_asked_for_again() {
        let held = Rescue::HeldTooLong { id: "shop".to_owned() }.answer();
        assert_eq!(held.status(), 503);
        let wait = held.headers()[RETRY_AFTER].to_str().expect("text");
        assert!(wait.parse::<u64>().is_ok_and(|seconds| seconds > 0), "drivers read whole seconds only: {wait}");
        let done = Rescue::MaybeDone { region: "us-east-1".to_owned() }.answer();
        assert_eq!(done.status(), 502);
        assert!(!done.headers().contains_key(RETRY_AFTER));
    }

    #[test]
    fn a_request_for_no_url_is_told_so_and_never_redirected() {
        for rescue in [Rescue::NoUrl, Rescue::UnknownUrl { id: "1".to_owned() }] {
            let answer = rescue.answer();
            assert!(answer.status().is_client_error());
            assert_eq!(answer.headers()[CONTENT_TYPE], "application/json");
        }
    }
}

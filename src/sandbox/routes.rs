//! Which handler a path belongs to.

use super::call::{Answer, Call};
use super::refusal::Refusal;
use super::region::Region;
use super::{roles, tokens, unity_catalog, workspace};
use axum::http::Method;

/// Answers a call.
pub(super) fn answer(region: &Region, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let found = match path.as_slice() {
        ["api", "2.1" | "2.0", "unity-catalog", rest @ ..] => unity_catalog::answer(region, call, rest),
        ["api", "2.0", "sandbox", rest @ ..] => roles::answer(region, call, rest),
        ["api", "2.0", "token-management", rest @ ..] => tokens::respond(region, call, rest),
        ["api", _, rest @ ..] => workspace::answer(region, call, rest),
        _ => None,
    };
    found.unwrap_or_else(|| Err(unknown(&call.method, &format!("/{}", call.path.join("/")))))
}

/// Answers what clients ask before they log in; None for a path that takes a token.
pub(super) fn without_token(region: &Region, method: &Method, path: &str) -> Option<Answer> {
    match path {
        "/.well-known/databricks-config" if method == Method::GET => Some(workspace::host_metadata(region)),
        // A region has no login of its own: its tokens are in files.
        _ if path.starts_with("/.well-known/") || path.starts_with("/oidc/") => Some(Err(unknown(method, path))),
        _ => None,
    }
}

fn unknown(method: &Method, path: &str) -> Refusal {
    Refusal::new(404, "ENDPOINT_NOT_FOUND", format!("No API found for '{method} {path}'"))
}

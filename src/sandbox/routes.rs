//! Which handler a path belongs to.

use super::call::{Answer, Call};
use super::refusal::Refusal;
use super::region::Region;
use super::{roles, unity_catalog, workspace};

/// Answers a call.
pub(super) fn answer(region: &Region, call: &Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let found = match path.as_slice() {
        ["api", "2.1" | "2.0", "unity-catalog", rest @ ..] => unity_catalog::answer(region, call, rest),
        ["api", "2.0", "sandbox", rest @ ..] => roles::answer(region, call, rest),
        ["api", _, rest @ ..] => workspace::answer(region, call, rest),
        _ => None,
    };
    found.unwrap_or_else(|| {
        Err(Refusal::new(
            404,
            "ENDPOINT_NOT_FOUND",
            format!("No API found for '{} /{}'", call.method, call.path.join("/")),
        ))
    })
}

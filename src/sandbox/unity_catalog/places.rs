//! Storage locations: what lies in what, and where on the disk it is.

use crate::sandbox::records::{Kind, Records};
use crate::sandbox::refusal::Refusal;
use crate::wire::unity_catalog::ExternalLocationInfo;
use std::path::PathBuf;
use url::Url;

/// The folder that a `file://` URI names.
pub fn folder_of(uri: &str) -> Option<PathBuf> {
    Url::parse(uri).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok())
}

/// A location without slashes at its end, if it is the URI of a folder or of a place in an object store, without `.` or
/// `..` in it.
pub fn normal(uri: &str) -> Result<String, Refusal> {
    let trimmed = uri.trim_end_matches('/');
    let odd = trimmed.split('/').any(|part| matches!(part, "." | ".."));
    if odd || !(folder_of(trimmed).is_some() || is_in_store(trimmed)) {
        return Err(Refusal::invalid(format!(
            "'{uri}' is no storage location of this region. Use a file:/// URI, or an s3://, abfss:// or gs:// one."
        )));
    }
    Ok(trimmed.to_owned())
}

fn is_in_store(uri: &str) -> bool {
    let in_store = |url: Url| matches!(url.scheme(), "s3" | "abfss" | "gs") && url.has_host();
    Url::parse(uri).is_ok_and(in_store)
}

/// Whether `inner` is `outer` or lies in it.
pub fn is_within(inner: &str, outer: &str) -> bool {
    let outer = outer.trim_end_matches('/');
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether one of the two is the other or lies in it.
pub fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other.trim_end_matches('/'), one)
}

/// The external location that `uri` lies in.
pub fn covering_location(records: &Records, uri: &str) -> Option<ExternalLocationInfo> {
    let locations: Vec<ExternalLocationInfo> = records.all(Kind::ExternalLocation, "");
    locations.into_iter().find(|location| is_within(uri, &location.url))
}

/// `uri` without slashes at its end, if an external location holds it.
pub fn covered(records: &Records, uri: &str) -> Result<String, Refusal> {
    let uri = normal(uri)?;
    match covering_location(records, &uri) {
        Some(_) => Ok(uri),
        None => Err(Refusal::denied(format!(
            "No external location of this metastore covers '{uri}'. Create one, or choose a path in one that exists."
        ))),
    }
}

//! Storage locations: what lies in what, and where on the disk it is.

use crate::domain::{StorageUri, hex};
use crate::sandbox::records::{Kind, Records};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::ExternalLocationInfo;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use url::Url;

/// The longest name that is a folder's too. A suffix must fit behind it: a disk takes 255 bytes.
const MOST_PLAIN: usize = 150;

/// The folder that a `file://` URI names.
pub fn folder_of(uri: &str) -> Option<PathBuf> {
    Url::parse(uri).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok())
}

/// A location as it is compared and kept, if it is the URI of a folder or of a place in an object store: one spelling for
/// each place, without slashes at its end.
///
/// Refused are locations that programs read differently: with `.` or `..` in them, spelled out or encoded, with empty
/// parts, and with a raw `?`, `#` or `\`, which end the path in a URI or are taken for a slash.
pub fn normal(uri: &str) -> Result<String, Refusal> {
    let trimmed = uri.trim_end_matches('/');
    let raw = |c: char| matches!(c, '?' | '#' | '\\') || c.is_control();
    if let Some(sign) = trimmed.chars().find(|&c| raw(c)) {
        return Err(Refusal::invalid(format!(
            "The location {uri:?} has a raw {sign:?}, which has a meaning of its own in a URI. Write it percent-encoded, as RFC 3986 says."
        )));
    }
    let (_, path) = trimmed.split_once("://").unwrap_or(("", trimmed));
    let mut parts = path.split('/').skip(1).map(|part| percent_decode_str(part).collect::<Vec<u8>>());
    if parts.any(|part| part.is_empty() || part == b"." || part == b".." || part.contains(&b'/') || part.contains(&0)) {
        return Err(Refusal::invalid(format!(
            "The location {uri:?} has a part that is empty, '.', '..', or holds an encoded slash. Write the path itself."
        )));
    }
    let of_folder = folder_of(trimmed).and_then(|folder| Url::from_file_path(folder).ok()).map(String::from);
    of_folder.or_else(|| is_in_store(trimmed).then(|| trimmed.to_owned())).ok_or_else(|| {
        Refusal::invalid(format!(
            "{uri:?} is not a storage location of this region. Use a file:/// URI, or an s3://, abfss:// or gs:// one."
        ))
    })
}

/// A folder's name for something that is called `name`: the name itself where it is plain, else one that no other name gets.
///
/// Names may hold signs that mean something in a URI, and letters that not every reader encodes the same way.
pub fn folder_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.chars().all(plain) && name.len() <= MOST_PLAIN {
        return name.to_owned();
    }
    let shown: String = name.chars().take(MOST_PLAIN).map(|c| if plain(c) { c } else { '_' }).collect();
    format!("{shown}-{}", hex(&Sha256::digest(name.as_bytes())[..8]))
}

fn is_in_store(uri: &str) -> bool {
    let in_store = |url: Url| matches!(url.scheme(), "s3" | "abfss" | "gs") && url.has_host();
    Url::parse(uri).is_ok_and(in_store)
}

/// Whether `inner` is `outer` or lies in it.
pub fn is_within(inner: &str, outer: &str) -> bool {
    match (StorageUri::parse(inner), StorageUri::parse(outer)) {
        (Ok(inner), Ok(outer)) => inner.is_within(&outer),
        // Taken in by an earlier version: compared as it is spelled.
        _ => {
            let (inner, outer) = (inner.trim_end_matches('/'), outer.trim_end_matches('/'));
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    }
}

/// Whether two locations are one place.
pub fn same(one: &str, other: &str) -> bool {
    is_within(one, other) && is_within(other, one)
}

/// Whether one of the two is the other or lies in it.
pub fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// Where the metastore keeps tables of catalogs and schemas that have no storage root of their own.
pub fn metastore_root(region: &Region) -> String {
    format!("{}/managed", region.identity.storage_root)
}

/// The external location that `uri` lies in.
pub fn covering_location(records: &Records, uri: &str) -> Option<ExternalLocationInfo> {
    let locations: Vec<ExternalLocationInfo> = records.all(Kind::ExternalLocation, "");
    locations.into_iter().find(|location| is_within(uri, &location.url))
}

/// `uri` in its one spelling, if an external location holds it.
pub fn covered(records: &Records, uri: &str) -> Result<String, Refusal> {
    let uri = normal(uri)?;
    match covering_location(records, &uri) {
        Some(_) => Ok(uri),
        None => Err(Refusal::denied(format!(
            "No external location of this metastore covers '{uri}'. Create one, or choose a path in one that exists."
        ))),
    }
}

/// The same for managed tables, which the metastore's own root holds too.
pub fn managed(region: &Region, uri: &str) -> Result<String, Refusal> {
    let normal = normal(uri)?;
    if is_within(&normal, &metastore_root(region)) { Ok(normal) } else { covered(&region.records, uri) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_name_has_a_folder_of_its_own_that_reads_the_same_everywhere() {
        let long = "a".repeat(255);
        let names = [
            "a",
            "a#b",
            "a?b",
            "a\\b",
            "a%b",
            "a%23b",
            "a:b",
            "a*b",
            "a\"b",
            "a<b",
            "a|b",
            "a_b",
            "日本",
            "日末",
            "caf\u{e9}",
            "cafe\u{301}",
            &long,
            &long[1..],
            &long[..150],
            "🎉",
        ];
        let folders: BTreeSet<String> = names.iter().map(|name| folder_name(name)).collect();
        assert_eq!(folders.len(), names.len(), "{folders:?}");
        for folder in &folders {
            let uri = format!("file:///lake/{folder}");
            assert_eq!(normal(&uri).ok(), Some(uri.clone()));
            assert_eq!(folder_of(&uri), Some(PathBuf::from(format!("/lake/{folder}"))));
            assert!(folder.len() < 200, "{folder}");
        }
        assert_eq!(folder_name("orders_2-x"), "orders_2-x");
    }

    #[test]
    fn one_place_has_one_spelling() {
        for (written, kept) in [
            ("file:///lake/a//", "file:///lake/a"),
            ("file:///lake/%61", "file:///lake/a"),
            ("file:///lake/a b", "file:///lake/a%20b"),
            ("file:///lake/a%23b%5Cc", "file:///lake/a%23b%5Cc"),
            ("file:///lake/a%5cc", "file:///lake/a%5Cc"),
            ("file:///lake/é", "file:///lake/%C3%A9"),
            ("FILE:///lake/a", "file:///lake/a"),
            ("s3://bucket/a/", "s3://bucket/a"),
        ] {
            assert_eq!(normal(written).map_err(|r| r.body.message), Ok(kept.to_owned()), "{written}");
        }
    }

    #[test]
    fn what_programs_read_differently_is_refused_with_a_sentence() {
        for uri in [
            "file:///lake/a#b",
            "file:///lake/a?b",
            "file:///lake/a\\b",
            "file:///lake/../b",
            "file:///lake/%2e%2E/b",
            "file:///lake/./b",
            "file:///lake//b",
            "file:///lake/a%2Fb",
            "file:///lake/a%00b",
            "file:///lake/a\nb",
            "s3://bucket/a#b",
            "s3://bucket/../b",
            "file://machine/lake",
            "lake/a",
            "ftp://host/a",
            "",
        ] {
            let refusal = normal(uri).expect_err(uri);
            assert!(refusal.status == 400 && refusal.body.message.ends_with('.'), "{uri}: {refusal:?}");
        }
    }
}

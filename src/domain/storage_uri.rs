//! A storage location as one value: two spellings of one place are equal.
//!
//! Each scheme has its own rules, and they are those by which the place is opened later. On a disk, `.`, `..`, `//` and
//! percent-encoding are resolved. In an object store a key is exact: percent-encoding is resolved, and `.`, `..` and
//! `//` are refused, because they name other keys there than on a disk. A slash at the end never counts.

use percent_encoding::percent_decode_str;
use std::cmp::Ordering;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use url::Url;

/// A place in storage, normalised. Equal when it is the same place, however it was spelled.
#[derive(Debug, Clone)]
pub struct StorageUri {
    store: Store,
    /// Scheme and authority as given, lower-cased: `s3a://lake`.
    prefix: String,
    /// Normalised and encoded; empty for the root, else it starts with a slash and ends with none.
    path: String,
}

/// What holds the path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Store {
    Disk,
    S3 { bucket: String },
    Gcs { bucket: String },
    // The account is absent in the short form `az://container`, where a setting of the region names it.
    Azure { container: String, account: Option<String> },
}

/// Why a text is not a storage URI, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageUriError {
    /// No scheme, or no absolute path.
    #[error("it has no scheme such as s3:// and no absolute path")]
    NotAbsolute,
    /// A scheme that no storage has.
    #[error("{scheme}:// isn't supported. Use file, s3, abfss or gs")]
    UnknownScheme {
        /// The scheme.
        scheme: String,
    },
    /// A `file://` URI with a host.
    #[error("it names the machine {host:?}, but only local paths work")]
    OtherMachine {
        /// The host.
        host: String,
    },
    /// No bucket or container, or a name that none has.
    #[error(
        "{name:?} is not the name of a bucket or container; those are lower-case letters, digits, dots and hyphens"
    )]
    BadBucket {
        /// The name.
        name: String,
    },
    /// An account's host that cannot be one.
    #[error("{host:?} is not the host of a storage account")]
    BadHost {
        /// The host.
        host: String,
    },
    /// A user name or a password.
    #[error("it contains a user name or password, which belong in a storage credential")]
    Login,
    /// A query or a fragment.
    #[error("it has a ? or a #; in a name they are written %3F and %23")]
    Query,
    /// A control character, or a NUL in percent-encoding.
    #[error("it contains a control character")]
    ControlCharacter,
    /// A raw backslash on a disk, which some readers take for a slash.
    #[error("it has a backslash; in a name it is written %5C")]
    Backslash,
    /// `//`, `.` or `..` in an object store.
    #[error("it has //, /./ or /../, which an object store takes as part of a key; write the path without")]
    NotExact,
    /// A path in an object store that is not UTF-8.
    #[error("its path is not UTF-8")]
    NotUtf8,
}

impl StorageUri {
    /// Reads and normalises a URI; spaces around it don't count.
    pub fn parse(text: &str) -> Result<Self, StorageUriError> {
        let text = text.trim_matches(|c: char| c <= ' ');
        if text.chars().any(|c| c.is_ascii_control()) {
            return Err(StorageUriError::ControlCharacter);
        }
        let (scheme, rest) = text.split_once(':').ok_or(StorageUriError::NotAbsolute)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(plain) {
            return Err(StorageUriError::NotAbsolute);
        }
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "file" { on_disk(text, rest) } else { in_store(scheme, rest) }
    }

    /// Whether this is `outer`, or lies in it. Ends at a slash: `/database` is not in `/data`.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.below(outer).is_some()
    }

    /// Whether one of the two is the other, or lies in it. Where an account isn't named, it may be any.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.store.may_be(&other.store)
            && (rest_below(&self.path, &other.path).is_some() || rest_below(&other.path, &self.path).is_some())
    }

    /// What follows `outer` in the path: empty where both are one place; None where this isn't in it.
    pub fn below(&self, outer: &Self) -> Option<&str> {
        if self.store == outer.store { rest_below(&self.path, &outer.path) } else { None }
    }

    /// The place `rest` below this one; `rest` is what [`Self::below`] gives.
    pub fn join(&self, rest: &str) -> Self {
        Self { path: format!("{}{rest}", self.path), ..self.clone() }
    }

    /// Whether it is the root of a bucket, a container or the disk.
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// Whether it is on this machine's disk.
    pub fn is_on_disk(&self) -> bool {
        self.store == Store::Disk
    }

    /// How long its path is: of two places that hold a third, the one with the longer path is the nearer.
    pub fn depth(&self) -> usize {
        self.path.len()
    }
}

impl Store {
    fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Azure { container: a, account: x }, Self::Azure { container: b, account: y }) => {
                a == b && (x == y || x.is_none() || y.is_none())
            }
            (a, b) => a == b,
        }
    }
}

fn rest_below<'a>(path: &'a str, outer: &str) -> Option<&'a str> {
    path.strip_prefix(outer).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn on_disk(text: &str, rest: &str) -> Result<StorageUri, StorageUriError> {
    if !rest.starts_with('/') {
        return Err(StorageUriError::NotAbsolute);
    }
    if rest.contains('\\') {
        return Err(StorageUriError::Backslash);
    }
    // As the place is opened later, so that both always agree.
    let url = Url::parse(text).map_err(|_| StorageUriError::NotAbsolute)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(StorageUriError::Query);
    }
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        return Err(StorageUriError::OtherMachine { host: host.to_owned() });
    }
    let bytes: Vec<u8> = percent_decode_str(url.path()).collect();
    if bytes.contains(&0) {
        return Err(StorageUriError::ControlCharacter);
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in bytes.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    Ok(StorageUri { store: Store::Disk, prefix: "file://".to_owned(), path: encoded(&parts) })
}

fn in_store(scheme: String, rest: &str) -> Result<StorageUri, StorageUriError> {
    if !matches!(scheme.as_str(), "s3" | "s3a" | "gs" | "abfss" | "abfs" | "az" | "azure" | "adl" | "wasbs" | "wasb") {
        return Err(StorageUriError::UnknownScheme { scheme });
    }
    let rest = rest.strip_prefix("//").ok_or(StorageUriError::NotAbsolute)?;
    if rest.contains(['?', '#']) {
        return Err(StorageUriError::Query);
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (store, authority) = store_of(&scheme, authority)?;
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    let path = String::from_utf8(bytes).map_err(|_| StorageUriError::NotUtf8)?;
    if path.chars().any(|c| c.is_ascii_control()) {
        return Err(StorageUriError::ControlCharacter);
    }
    let parts: Vec<&[u8]> = match path.as_str() {
        "" => Vec::new(),
        path => path.strip_suffix('/').unwrap_or(path).split('/').map(str::as_bytes).collect(),
    };
    if parts.iter().any(|part| matches!(*part, b"" | b"." | b"..")) {
        return Err(StorageUriError::NotExact);
    }
    Ok(StorageUri { store, prefix: format!("{scheme}://{authority}"), path: encoded(&parts) })
}

/// The store that an authority names, and the authority as it is written.
fn store_of(scheme: &str, authority: &str) -> Result<(Store, String), StorageUriError> {
    let bucket = |name: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | '$');
        let named = name.starts_with(|c: char| c != '.') && name.chars().all(fits);
        named.then(|| name.to_owned()).ok_or_else(|| StorageUriError::BadBucket { name: name.to_owned() })
    };
    let Some((user, host)) = authority.rsplit_once('@') else {
        let bucket = bucket(authority)?;
        let store = match scheme {
            "s3" | "s3a" => Store::S3 { bucket },
            "gs" => Store::Gcs { bucket },
            _ => Store::Azure { container: bucket, account: None },
        };
        return Ok((store, authority.to_owned()));
    };
    if matches!(scheme, "s3" | "s3a" | "gs") || user.contains([':', '@']) {
        return Err(StorageUriError::Login);
    }
    let container = bucket(user)?;
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    // The account alone tells: it has one endpoint a protocol, `dfs` and `blob` among them.
    let account = host.split('.').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if account.is_empty() || !host.chars().all(fits) {
        return Err(StorageUriError::BadHost { host: host.to_owned() });
    }
    let written = format!("{container}@{host}");
    Ok((Store::Azure { container, account: Some(account.to_owned()) }, written))
}

/// A path of decoded parts, with what a URI doesn't take in percent-encoding.
fn encoded(parts: &[&[u8]]) -> String {
    let mut path = String::new();
    for part in parts {
        path.push('/');
        for byte in *part {
            if byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@".contains(byte) {
                path.push(char::from(*byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
    }
    path
}

/// The URI, normalised, in the scheme in which it was given.
impl fmt::Display for StorageUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        write!(f, "{}{path}", self.prefix)
    }
}

impl PartialEq for StorageUri {
    fn eq(&self, other: &Self) -> bool {
        self.store == other.store && self.path == other.path
    }
}

impl Eq for StorageUri {}

impl PartialOrd for StorageUri {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StorageUri {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.store, &self.path).cmp(&(&other.store, &other.path))
    }
}

impl Hash for StorageUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.store, &self.path).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn uri(text: &str) -> StorageUri {
        StorageUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn same(spellings: &[&str]) {
        for text in spellings {
            assert_eq!(uri(text), uri(spellings[0]), "{text} is {}", spellings[0]);
        }
    }

    #[test]
    fn spellings_of_one_place_are_equal() {
        same(&[
            "file:///data/stor age",
            "FILE:///data/stor%20age/",
            "file://localhost/data//stor%20age",
            "file:/data/./x/../stor%20age",
            "file:///data%2Fstor%20age",
            "file:///data/%2e%2E/data/s%74or age",
            " file:///../data/stor age\n",
        ]);
        same(&["s3://lake/a/b", "s3a://lake/a/b/", "S3://lake/%61/b", "s3://lake/a%2Fb"]);
        same(&["gs://lake", "gs://lake/"]);
        same(&[
            "abfss://lake@account.dfs.core.windows.net/a",
            "abfss://lake@ACCOUNT.blob.core.windows.net/a/",
            "wasbs://lake@account.blob.core.windows.net/a",
        ]);
    }

    #[test]
    fn other_places_are_not() {
        for (one, other) in [
            ("file:///data/a", "file:///data/A"),
            ("file:///data/a%20b", "file:///data/a%2520b"),
            ("s3://lake/a", "gs://lake/a"),
            ("s3://lake/a+b", "s3://lake/a%20b"),
            ("abfss://lake@one.dfs.core.windows.net/a", "abfss://lake@two.dfs.core.windows.net/a"),
        ] {
            assert_ne!(uri(one), uri(other));
            assert!(!uri(one).overlaps(&uri(other)), "{one} and {other}");
        }
        let short = uri("az://lake/a");
        assert!(short.overlaps(&uri("abfss://lake@one.dfs.core.windows.net/a/b")), "the account may be that one");
    }

    #[test]
    fn a_place_ends_at_a_slash() {
        assert!(uri("file:///data/t").is_within(&uri("file:///data/")));
        assert!(uri("s3://lake/t").is_within(&uri("s3://lake")));
        assert!(!uri("file:///database").is_within(&uri("file:///data")));
        assert!(!uri("file:///data").is_within(&uri("file:///data/t")));
        assert!(uri("file:///data").overlaps(&uri("file:///data/t")));
        assert_eq!(uri("s3://lake/a/b%20c").below(&uri("s3a://lake/a/")), Some("/b%20c"));
    }

    #[test]
    fn what_names_no_place_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "no scheme"),
            ("/data/t", "no scheme"),
            ("data/t", "no scheme"),
            ("file:data", "no absolute path"),
            ("s3:/lake", "no absolute path"),
            ("hdfs://node/t", "hdfs:// isn't supported"),
            ("file://elsewhere/t", "elsewhere"),
            ("s3://", "bucket"),
            ("s3:///t", "bucket"),
            ("s3://Lake/t", "lower-case"),
            ("s3://lake:80/t", "lower-case"),
            ("s3://user@lake/t", "user name"),
            ("abfss://a:b@account.dfs.core.windows.net/t", "user name"),
            ("abfss://lake@acc%20ount/t", "storage account"),
            ("s3://lake/t?x", "%3F"),
            ("file:///t#x", "%23"),
            ("file:///a\tb", "control"),
            ("file:///a%00b", "control"),
            ("s3://lake/a%00b", "control"),
            ("file:///a\\b", "%5C"),
            ("s3://lake//a", "//"),
            ("s3://lake//", "//"),
            ("s3://lake/a//b", "//"),
            ("s3://lake/a/../b", "//"),
            ("gs://lake/%2E%2e/b", "//"),
            ("s3://lake/%FF", "UTF-8"),
        ] {
            let error = StorageUri::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn normalising_again_changes_nothing(
            scheme in "(file://|FILE:/|s3://lake|S3A://lake|gs://l|abfss://c@A.dfs.core.windows.net|az://c)",
            path in r"(/|//|/\.|/\.\.|[a-zA-Z:|]|%[0-9a-fA-F]{2}|[ -~]|\PC){0,12}",
        ) {
            if let Ok(once) = StorageUri::parse(&format!("{scheme}/{path}")) {
                let again = StorageUri::parse(&once.to_string());
                prop_assert_eq!(again.as_ref().map(ToString::to_string), Ok(once.to_string()));
                prop_assert_eq!(again, Ok(once));
            }
        }

        #[test]
        fn a_place_on_a_disk_is_the_one_that_is_opened(path in r"(/|//|/\.|/\.\.|[a-z:|]|%[0-9a-fA-F]{2}|[ -~]|\PC){0,12}") {
            let text = format!("file:///{path}");
            if let Ok(uri) = StorageUri::parse(&text) {
                let opened = |text: &str| {
                    let path = Url::parse(text).expect("a URI").to_file_path().expect("a path");
                    let mut parts = Vec::new();
                    for part in path.components() {
                        match part {
                            std::path::Component::ParentDir => drop(parts.pop()),
                            std::path::Component::Normal(name) => parts.push(name.to_owned()),
                            _ => {}
                        }
                    }
                    parts
                };
                prop_assert_eq!(opened(&text), opened(&uri.to_string()), "{}", uri);
            }
        }

        #[test]
        fn percent_encoding_makes_no_other_place(path in "[a-z0-9 =+@]{1,10}(/[a-z0-9 =+@é]{1,10}){0,3}", at in 0usize..8) {
            for start in ["file:///", "s3://lake/"] {
                let plain = format!("{start}x{path}x");
                let byte = plain.as_bytes()[start.len() + at.min(path.len())];
                prop_assume!(byte.is_ascii_alphanumeric());
                let at = start.len() + at.min(path.len());
                let encoded = format!("{}%{byte:02x}{}", &plain[..at], &plain[at + 1..]);
                prop_assert_eq!(uri(&plain), uri(&encoded));
            }
        }
    }
}

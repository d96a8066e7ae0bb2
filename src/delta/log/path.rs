//! From a path as the log has it to a place in the table's folder.

use super::name::LOG;
use crate::delta::place::is_staged_name;
use percent_encoding::percent_decode_str;

/// Where the product keeps its own files in a table's folder.
const OWN: &str = "_resilience";

/// Why a path in a log isn't a place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::delta) enum BadPath {
    /// It is absolute or climbs out of the table.
    Outside,
    /// It decodes to nothing that can be a file of a table, or is a name of the product's own.
    Invalid,
}

/// Decodes a path once and checks that it stays in the table's folder and out of its log. Every spelling of a place gives
/// the same path.
pub(in crate::delta) fn resolve(raw: &str) -> Result<String, BadPath> {
    if raw.starts_with('/') || has_scheme(raw) {
        return Err(BadPath::Outside);
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| BadPath::Invalid)?;
    if decoded.starts_with('/') {
        return Err(BadPath::Outside);
    }
    let mut parts = Vec::new();
    for part in decoded.split('/') {
        match part {
            "" | "." => {}
            // Readers resolve it as in any URI, whether or not there is such a folder.
            ".." => _ = parts.pop().ok_or(BadPath::Outside)?,
            part if part.contains('\0') || is_staged_name(part) => return Err(BadPath::Invalid),
            part => parts.push(part),
        }
    }
    match parts.first() {
        None => Err(BadPath::Invalid),
        Some(first) if *first == LOG || *first == OWN => Err(BadPath::Invalid),
        Some(_) => Ok(parts.join("/")),
    }
}

/// Folders that a path enters only to leave them again. Some readers have the disk go that way: it opens `a/../x` only
/// where there is a folder `a`.
pub(in crate::delta) fn folders_left(raw: &str) -> Vec<String> {
    let decoded = percent_decode_str(raw).decode_utf8_lossy();
    let (mut parts, mut left) = (Vec::new(), Vec::new());
    if !decoded.contains("..") {
        return left;
    }
    for part in decoded.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part != ".." {
            parts.push(part);
        } else if !parts.is_empty() {
            left.push(parts.join("/"));
            parts.pop();
        }
    }
    left
}

/// Whether a path has parts that a disk takes for folders on the way, and an object store for parts of a name.
pub(in crate::delta) fn has_dots(raw: &str) -> bool {
    let decoded = percent_decode_str(raw).decode_utf8_lossy();
    decoded.split('/').any(|part| matches!(part, "." | ".."))
}

/// Whether a URI scheme stands in front, such as `s3://` or `file:/`. A colon alone makes none: `at=10:00/x` is a path.
fn has_scheme(raw: &str) -> bool {
    let Some((scheme, rest)) = raw.split_once(':') else { return false };
    rest.starts_with('/')
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The file of a deletion vector; None for an inline one.
pub(in crate::delta) fn deletion_vector(storage_type: &str, path_or_inline: &str) -> Result<Option<String>, BadPath> {
    match storage_type {
        "i" => Ok(None),
        "p" => Err(BadPath::Outside),
        "u" => {
            let split = path_or_inline.len().checked_sub(20).ok_or(BadPath::Invalid)?;
            let (prefix, encoded) = path_or_inline.split_at_checked(split).ok_or(BadPath::Invalid)?;
            let id = z85(encoded).and_then(|bytes| uuid::Uuid::from_slice(&bytes).ok()).ok_or(BadPath::Invalid)?;
            let name = format!("deletion_vector_{id}.bin");
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            resolve(&path).map(Some)
        }
        _ => Err(BadPath::Invalid),
    }
}

/// Decodes ZeroMQ's base 85.
fn z85(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 85] =
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    if !text.len().is_multiple_of(5) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 5 * 4);
    for group in text.as_bytes().chunks(5) {
        let mut value: u64 = 0;
        for byte in group {
            value = value * 85 + ALPHABET.iter().position(|letter| letter == byte)? as u64;
        }
        bytes.extend_from_slice(&u32::try_from(value).ok()?.to_be_bytes());
    }
    Some(bytes)
}

/// The file of a sidecar, relative to the table's root.
pub(in crate::delta) fn sidecar(raw: &str) -> Result<String, BadPath> {
    if raw.starts_with('/') || has_scheme(raw) {
        return Err(BadPath::Outside);
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| BadPath::Invalid)?;
    let folder = format!("{LOG}/_sidecars/");
    // The protocol wants the bare name; some writers put the folder in front.
    let name = decoded.strip_prefix(&folder).or_else(|| decoded.strip_prefix("_sidecars/")).unwrap_or(&decoded);
    if name.is_empty() || name == ".." || name.contains(['/', '\0']) {
        return Err(BadPath::Invalid);
    }
    Ok(format!("{folder}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once() {
        assert_eq!(resolve("a%20b/c%2525.parquet").as_deref(), Ok("a b/c%25.parquet"));
        assert_eq!(resolve("at=10%3A00/x").as_deref(), Ok("at=10:00/x"));
        assert_eq!(resolve("at=10:00/x").as_deref(), Ok("at=10:00/x"));
        assert_eq!(resolve("./a//b").as_deref(), Ok("a/b"));
        assert_eq!(resolve("a/../b/c/%2E%2E/d").as_deref(), Ok("b/d"));
    }

    #[test]
    fn folders_that_a_path_leaves_are_told() {
        assert_eq!(folders_left("a/../b/c/%2E%2E/./d/..x"), ["a", "b/c"]);
        assert_eq!(folders_left("a//b/../../x"), ["a/b", "a"]);
        assert!(folders_left("a/b..c/x").is_empty());
        assert!(has_dots("./x") && has_dots("a/%2e%2E/x") && !has_dots("a/.b/..c"));
    }

    #[test]
    fn a_path_outside_the_table_is_told() {
        const STAGED: &str = "a/.d2c639aa-8816-431a-aaf6-d3fe2512ff61.resilience";
        for raw in ["/a", "s3://b/a", "file:/a", "abfss://c@d/e", "../a", "a/../../b", "%2Fa", "a/%2E%2E/../b"] {
            assert_eq!(resolve(raw), Err(BadPath::Outside), "{raw}");
        }
        for raw in [
            "",
            "a/..",
            "a/../_delta_log/00000000000000000000.json",
            "_delta_log/00000000000000000000.json",
            "_resilience/epoch/1.json",
            "a%00b",
            "%ff",
            STAGED,
        ] {
            assert_eq!(resolve(raw), Err(BadPath::Invalid), "{raw}");
        }
    }

    #[test]
    fn a_deletion_vector_names_its_file() {
        // The example of the Delta protocol.
        assert_eq!(
            deletion_vector("u", "ab^-aqEH.-t@S}K{vb[*k^").ok().flatten().as_deref(),
            Some("ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin")
        );
        assert_eq!(deletion_vector("i", "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"), Ok(None));
        assert_eq!(deletion_vector("p", "s3://b/x.bin"), Err(BadPath::Outside));
        assert_eq!(deletion_vector("u", "short"), Err(BadPath::Invalid));
    }

    #[test]
    fn a_sidecar_lies_in_its_folder() {
        assert_eq!(sidecar("x.parquet").as_deref(), Ok("_delta_log/_sidecars/x.parquet"));
        assert_eq!(sidecar("_delta_log/_sidecars/x.parquet").as_deref(), Ok("_delta_log/_sidecars/x.parquet"));
        assert_eq!(sidecar("s3://b/_delta_log/_sidecars/x.parquet"), Err(BadPath::Outside));
        assert_eq!(sidecar("../x"), Err(BadPath::Invalid));
    }
}

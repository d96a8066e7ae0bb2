//! Whether source and replica are one place after all: by a link on the disk, or by two spellings of a name.

use crate::delta::TableRoot;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether one of two roots is the other, or lies in it.
pub async fn overlap(one: &TableRoot, other: &TableRoot) -> bool {
    match (one.files(), other.files()) {
        (TableRoot::Local(one), TableRoot::Local(other)) => {
            let (one, other) = (one.clone(), other.clone());
            // A thread that ends early has found nothing; the plan reads both places next and says what is wrong.
            tokio::task::spawn_blocking(move || folders_overlap(&one, &other)).await.unwrap_or(false)
        }
        (
            TableRoot::Remote { prefix: one, home: Some(home), .. },
            TableRoot::Remote { prefix: other, home: Some(same), .. },
        ) => home == same && (one.prefix_matches(other) || other.prefix_matches(one)),
        _ => false,
    }
}

/// Folders are told by device and inode, so a link and the letters of a name don't matter. A folder that isn't there yet
/// lies where the folders above it lie.
fn folders_overlap(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let contains = |inner: &Path, outer: &Path| {
        let Some(outer) = id(outer) else { return false };
        let resolved = inner.ancestors().find_map(|above| above.canonicalize().ok());
        // Both ways up: as spelled, and as the endpoints on the way lead.
        let above = inner.ancestors().chain(resolved.iter().flat_map(|path| path.ancestors()));
        above.filter_map(id).collect::<BTreeSet<_>>().contains(&outer)
    };
    contains(one, other) || contains(other, one) || (!one.exists() && !other.exists() && one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn folders_that_a_link_makes_one_overlap() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("east/lake/t")).expect("made");
        std::fs::create_dir_all(at("west/lake")).expect("made");
        symlink(at("east/lake"), at("west/linked")).expect("linked");
        symlink(at("east/lake/t"), at("west/lake/one")).expect("linked");
        assert!(folders_overlap(&at("east/lake/t"), &at("west/linked/t")));
        assert!(folders_overlap(&at("east/lake/t"), &at("west/linked/t/below")), "not there yet");
        assert!(folders_overlap(&at("east/lake/t"), &at("west/lake/one")));
        assert!(!folders_overlap(&at("east/lake/t"), &at("west/lake/t")));
        assert!(!folders_overlap(&at("east/lake/t"), &at("west/linked/u")));
        assert!(!folders_overlap(&at("east/lake/t"), &at("east/lake/tt")));
    }

    #[tokio::test]
    async fn prefixes_of_one_bucket_overlap_at_a_slash() {
        let root = |prefix: &str, home: &str| TableRoot::Remote {
            store: std::sync::Arc::new(object_store::memory::InMemory::new()),
            prefix: prefix.into(),
            uri: String::new(),
            home: Some(home.to_owned()),
            login: None,
        };
        assert!(overlap(&root("a/t", "s3 lake"), &root("a/t", "s3 lake")).await);
        assert!(overlap(&root("a/t/u", "s3 lake"), &root("a/t", "s3 lake")).await);
        assert!(!overlap(&root("a/tt", "s3 lake"), &root("a/t", "s3 lake")).await);
        assert!(!overlap(&root("a/t", "s3 lake"), &root("a/t", "s3 other")).await);
    }
}

//! Whether source and replica, or two replicas, are one place after all: by a link on the disk, or by two spellings of a
//! name.

use crate::connect::TablePlace;
use crate::delta::TableRoot;
use crate::domain::{ErrorClass, Region};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use url::Url;

/// Why a table isn't replicated: its error class, parameters and sentence.
pub type Refused = (ErrorClass, BTreeMap<String, String>, String);

/// A table whose source and replica are one place.
pub fn with_source(
    table: &str,
    (source, from): (&Region, &TablePlace),
    (region, to): (&Region, &TablePlace),
) -> Refused {
    let message = format!(
        "The replica of table {table} would share its files: {} in {source} and {} in {region} overlap. Change the storage mappings.",
        from.uri, to.uri
    );
    let parameters = [("source".to_owned(), from.uri.clone()), ("destination".to_owned(), to.uri.clone())];
    (ErrorClass::SamePlace, parameters.into(), message)
}

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

/// The folders of one direction's replicas on local disks, with all links followed: mappings and catalogs compare
/// locations by their names, and a link can lead two of them to one folder.
#[derive(Debug, Default)]
pub struct ReplicaFolders {
    /// By the real folder: the table, and the folder as its location names it.
    taken: BTreeMap<PathBuf, (String, PathBuf)>,
    /// Tables that took a folder in this cycle, and may not have arrived yet.
    fresh: BTreeSet<String>,
    is_filled: bool,
}

impl ReplicaFolders {
    /// Begins a cycle.
    pub fn begin(&mut self) {
        self.fresh.clear();
    }

    /// Takes the folder of a table's replica; an error names the table that has it, or one in or above it, by a link.
    /// `known` are the tables that have arrived, and `location` tells where a replica lies.
    pub async fn take<T>(
        &mut self,
        table: &str,
        (region, to): (&Region, &TablePlace),
        root: &TableRoot,
        known: &BTreeMap<String, T>,
        location: fn(&T) -> &str,
    ) -> Result<(), Refused> {
        let TableRoot::Local(folder) = root else { return Ok(()) };
        let mut asked = vec![(table.to_owned(), folder.clone())];
        if !std::mem::replace(&mut self.is_filled, true) {
            let path = |location: &str| Url::parse(location).ok()?.to_file_path().ok();
            asked.extend(known.iter().filter_map(|(name, at)| Some((name.clone(), path(location(at))?))));
        }
        let found = tokio::task::spawn_blocking(move || {
            asked.into_iter().map(|(name, folder)| (name, real(&folder), folder)).collect::<Vec<_>>()
        });
        // A thread that ends early has found nothing; the next change of the table asks again.
        let mut found = found.await.unwrap_or_default().into_iter();
        let own = found.next();
        for (name, real, folder) in found {
            self.taken.entry(real).or_insert((name, folder));
        }
        let Some((name, real, folder)) = own else { return Ok(()) };
        let is_there = |other: &String| known.contains_key(other) || self.fresh.contains(other);
        if let Some(other) = self.sharing(&name, &real, &folder, is_there) {
            let message = format!(
                "The replica of table {name} would share the folder of {other}: a symbolic link leads {} in {region} there. Remove the link, or change the storage mappings.",
                to.uri
            );
            let parameters = [("destination".to_owned(), to.uri.clone()), ("other".to_owned(), other.clone())];
            return Err((ErrorClass::SamePlace, parameters.into(), message));
        }
        self.fresh.insert(name.clone());
        self.taken.insert(real, (name, folder));
        Ok(())
    }

    /// Another table with this folder, or one above or in it, that has it by a link only: what the names tell is refused
    /// elsewhere. Tables that aren't there any more have none.
    fn sharing(&self, name: &str, real: &Path, folder: &Path, is_there: impl Fn(&String) -> bool) -> Option<&String> {
        let above = real.ancestors().filter_map(|path| self.taken.get(path));
        let below = self.taken.range(real.to_path_buf()..).take_while(|(path, _)| path.starts_with(real));
        let mut all = above.chain(below.map(|(_, other)| other));
        let by_link = |spelled: &Path| !spelled.starts_with(folder) && !folder.starts_with(spelled);
        all.find(|(other, spelled)| other != name && by_link(spelled) && is_there(other)).map(|(other, _)| other)
    }
}

/// The folder with all links followed. One that isn't there yet lies where the folder above it lies.
fn real(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find_map(|above| Some((above.canonicalize().ok()?, above)));
    let Some((there, above)) = there else { return folder.to_path_buf() };
    folder.strip_prefix(above).map_or_else(|_| there.clone(), |rest| there.join(rest))
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
    async fn two_replicas_that_a_link_makes_one_folder_are_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let lake = dir.path().canonicalize().expect("a path");
        std::fs::create_dir_all(lake.join("a/deep")).expect("made");
        symlink(lake.join("a"), lake.join("linked")).expect("linked");
        let region = Region::new("west");
        let mut folders = ReplicaFolders::default();
        let nothing: BTreeMap<String, String> = BTreeMap::new();
        let mut take = async |table: &str, at: &str| {
            let place = TablePlace::path(format!("file://{}", lake.join(at).display()));
            folders.take(table, (&region, &place), &TableRoot::Local(lake.join(at)), &nothing, String::as_str).await
        };
        assert_eq!(take("one", "a/t").await, Ok(()));
        assert_eq!(take("one", "a/t").await, Ok(()), "its own folder");
        assert_eq!(take("other", "a/u").await, Ok(()));
        for (table, at) in [("two", "linked/t"), ("inside", "linked/t/below"), ("above", "linked")] {
            let (class, parameters, message) = take(table, at).await.expect_err(at);
            assert_eq!((class, parameters["other"].as_str()), (ErrorClass::SamePlace, "one"), "{message}");
            assert!(message.contains(&format!("table {table}")) && message.contains(at), "{message}");
        }
        assert_eq!(take("beside", "linked/v").await, Ok(()));

        // After a restart, what has arrived is known by the ledger; what was dropped is let go of.
        let known = BTreeMap::from([("one".to_owned(), format!("file://{}", lake.join("a/t").display()))]);
        let mut folders = ReplicaFolders::default();
        let place = TablePlace::path(format!("file://{}", lake.join("linked/t").display()));
        let mut two = async |known: &BTreeMap<String, String>| {
            folders.begin();
            let root = TableRoot::Local(lake.join("linked/t"));
            folders.take("two", (&region, &place), &root, known, String::as_str).await.is_ok()
        };
        assert!(!two(&known).await);
        assert!(two(&nothing).await);

        // One that was dropped doesn't hide the one behind it.
        let mut folders = ReplicaFolders::default();
        let mut known = BTreeMap::from([
            ("dropped".to_owned(), format!("file://{}", lake.join("linked/deep/a").display())),
            ("kept".to_owned(), format!("file://{}", lake.join("linked/deep/b").display())),
        ]);
        let place = TablePlace::path(format!("file://{}", lake.join("a/deep").display()));
        let mut around = async |known: &BTreeMap<String, String>| {
            folders.begin();
            let root = TableRoot::Local(lake.join("a/deep"));
            let taken = folders.take("around", (&region, &place), &root, known, String::as_str).await;
            taken.err().map(|(_, parameters, _)| parameters["other"].clone())
        };
        assert_eq!(around(&known).await.as_deref(), Some("dropped"));
        known.remove("dropped");
        assert_eq!(around(&known).await.as_deref(), Some("kept"));
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

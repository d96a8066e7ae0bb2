//! Where what was left behind is salvaged.

use crate::domain::FailoverGroup;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::fmt::Write;

/// Longer folder names are cut: file systems take 255 bytes.
const LONGEST: usize = 200;
/// What a URI's path does not take as it is.
const IN_URI: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?').add(b'`');

/// Where a table's orphans go: below the external location that covers the table, outside every table.
pub fn salvage_path(external_locations: &[String], location: &str, group: &FailoverGroup, table: &str) -> String {
    let location = location.trim_end_matches('/');
    let covers = |root: &&str| location.strip_prefix(*root).is_some_and(|rest| rest.starts_with('/'));
    let stem = external_locations
        .iter()
        .map(|root| root.trim_end_matches('/'))
        .filter(covers)
        .max_by_key(|root| root.len())
        .or_else(|| location.rsplit_once('/').map(|(parent, _)| parent))
        .unwrap_or(location);
    let folder = folder_of(table);
    let folder = utf8_percent_encode(&folder, IN_URI);
    format!("{stem}/_salvage/{}/epoch-{}/{folder}", group.spec.id, group.epoch)
}

/// One folder name for a table, whatever the table's name holds: what would lead elsewhere, or mean something to a path
/// or a URI, is percent-encoded, so that two tables never share one.
fn folder_of(table: &str) -> String {
    let mut folder = String::with_capacity(table.len());
    for (at, letter) in table.char_indices() {
        let dots = letter == '.' && (at == 0 || table.get(..at).is_some_and(|before| before.ends_with('.')));
        if letter.is_control() || matches!(letter, '/' | '\\' | '%') || dots {
            let mut bytes = [0; 4];
            letter.encode_utf8(&mut bytes).bytes().for_each(|byte| {
                let _ = write!(folder, "%{byte:02X}");
            });
        } else {
            folder.push(letter);
        }
    }
    if folder.len() > LONGEST {
        let cut = (0..=LONGEST - 40).rev().find(|at| folder.is_char_boundary(*at)).unwrap_or(0);
        folder.truncate(cut);
        let _ = write!(folder, "~{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, table.as_bytes()).simple());
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Region;
    use crate::domain::{FailoverGroupSpec, GroupId, GroupState};
    use chrono::Utc;
    use std::collections::BTreeSet;
    use std::path::{Component, PathBuf};

    fn group() -> FailoverGroup {
        let now = Utc::now();
        FailoverGroup {
            spec: FailoverGroupSpec {
                rules: Default::default(),
                id: GroupId::new("core").expect("an id"),
                regions: vec![Region::new("east"), Region::new("west")],
                initial_primary_region: Region::new("east"),
                workspace_sets: vec![],
                unity_catalog_assets: None,
            },
            effective_primary_region: Region::new("west"),
            state: GroupState::InitialReplication,
            state_message: None,
            epoch: 2,
            bootstrapped: true,
            salvage_pending: true,
            etag: String::new(),
            create_time: now,
            update_time: now,
            replication_point: None,
            has_replication_point_blocking_errors: false,
            initial_replication_progress: None,
        }
    }

    #[test]
    fn what_is_set_aside_lies_outside_its_table_and_inside_the_narrowest_location_that_covers_it() {
        let roots = ["file:///e/".to_owned(), "file:///e/lake".to_owned(), "file:///e/lak".to_owned()];
        let salvage_path = salvage_path(&roots, "file:///e/lake/sales/orders", &group(), "sales.x.orders");
        assert_eq!(salvage_path, "file:///e/lake/_salvage/core/epoch-2/sales.x.orders");
    }

    #[test]
    fn whatever_a_table_is_called_its_remains_stay_in_a_folder_of_their_own() {
        let long = format!("sales.x.{}", "ü".repeat(250));
        let longer = format!("{long}!");
        let names = [
            "sales.x.a/b",
            "sales.x.a%2Fb",
            "sales.x.a b",
            "sales.x.a%20b",
            "sales.x..",
            "sales.x...",
            "sales.x./../../../etc",
            "sales.x.größe#1?",
            "..",
            ".",
            &long,
            &longer,
        ];
        let mut folders = BTreeSet::new();
        for name in names {
            let uri = salvage_path(&["file:///e".to_owned()], "file:///e/t", &group(), name);
            let path: PathBuf = url::Url::parse(&uri).expect("a URI").to_file_path().expect("a path");
            assert_eq!(path.parent(), Some(std::path::Path::new("/e/_salvage/core/epoch-2")), "{name}: {uri}");
            assert!(path.components().all(|part| !matches!(part, Component::ParentDir)), "{name}: {uri}");
            let folder = path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
            assert!(folder.len() <= 255, "{folder}");
            assert!(folders.insert(folder), "{name} shares a folder with another table");
        }
        assert!(folders.contains("sales.x.größe#1?"), "what a folder can be called is left readable: {folders:?}");
    }
}

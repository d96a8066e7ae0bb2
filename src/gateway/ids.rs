//! Ids of assets in a request's target: an address that names the other region's id opens the same asset in this one.
//!
//! Only where the public APIs and the workspace's pages have an id, and only one that the id map knows. Bodies stay as they are.

use crate::domain::AssetKind;
use crate::net::MovedIds;

/// What stands for an id in a path.
enum Part {
    /// These letters.
    Is(&'static str),
    /// Anything, such as a workspace's id.
    Any,
    /// The id of an asset of this kind.
    Id(AssetKind),
}
use Part::{Any, Id, Is};

/// Pages of a workspace, and the paths by which drivers reach its compute.
const PAGES: [&[Part]; 12] = [
    &[Is("jobs"), Id(AssetKind::Job)],
    &[Is("sql"), Is("warehouses"), Id(AssetKind::SqlWarehouse)],
    &[Is("sql"), Is("endpoints"), Id(AssetKind::SqlWarehouse)],
    &[Is("sql"), Is("1.0"), Is("warehouses"), Id(AssetKind::SqlWarehouse)],
    &[Is("sql"), Is("1.0"), Is("endpoints"), Id(AssetKind::SqlWarehouse)],
    &[Is("sql"), Is("protocolv1"), Is("o"), Any, Id(AssetKind::Cluster)],
    &[Is("sql"), Is("dashboardsv3"), Id(AssetKind::Dashboard)],
    &[Is("embed"), Is("dashboardsv3"), Id(AssetKind::Dashboard)],
    &[Is("compute"), Is("clusters"), Id(AssetKind::Cluster)],
    &[Is("editor"), Is("notebooks"), Id(AssetKind::Notebook)],
    &[Is("editor"), Is("files"), Id(AssetKind::File)],
    &[Is("browse"), Is("folders"), Id(AssetKind::Folder)],
];

/// Calls of the APIs, below `/api/<version>/`.
const CALLS: [&[Part]; 11] = [
    &[Is("sql"), Is("warehouses"), Id(AssetKind::SqlWarehouse)],
    &[Is("sql"), Is("endpoints"), Id(AssetKind::SqlWarehouse)],
    &[Is("lakeview"), Is("dashboards"), Id(AssetKind::Dashboard)],
    &[Is("permissions"), Is("jobs"), Id(AssetKind::Job)],
    &[Is("permissions"), Is("clusters"), Id(AssetKind::Cluster)],
    &[Is("permissions"), Is("warehouses"), Id(AssetKind::SqlWarehouse)],
    &[Is("permissions"), Is("sql"), Is("warehouses"), Id(AssetKind::SqlWarehouse)],
    &[Is("permissions"), Is("dashboards"), Id(AssetKind::Dashboard)],
    &[Is("permissions"), Is("notebooks"), Id(AssetKind::Notebook)],
    &[Is("permissions"), Is("files"), Id(AssetKind::File)],
    &[Is("permissions"), Is("directories"), Id(AssetKind::Folder)],
];

/// Query parameters of API calls whose value is an id.
const PARAMETERS: [(&str, AssetKind); 5] = [
    ("job_id", AssetKind::Job),
    ("cluster_id", AssetKind::Cluster),
    ("clusterId", AssetKind::Cluster),
    ("warehouse_id", AssetKind::SqlWarehouse),
    ("dashboard_id", AssetKind::Dashboard),
];

/// The path with this region's id in it; None where nothing in it changes.
pub fn path(path: &str, moved: &MovedIds) -> Option<String> {
    let below = path.strip_prefix('/').filter(|_| !moved.is_empty())?;
    let (start, patterns) = match api(below) {
        Some(start) => (start, CALLS.as_slice()),
        None => (0, PAGES.as_slice()),
    };
    patterns.iter().find_map(|pattern| {
        let (begin, end, kind) = id_in(&below[start..], pattern)?;
        let (begin, end) = (begin + start, end + start);
        let id = moved.get(kind, &below[begin..end])?;
        Some(format!("/{}{id}{}", &below[..begin], &below[end..]))
    })
}

/// The query with this region's ids in it; None where nothing in it changes. `path` says whether it is a call's.
pub fn query(path: &str, query: &str, moved: &MovedIds) -> Option<String> {
    let below = path.strip_prefix('/').filter(|_| !moved.is_empty())?;
    api(below)?;
    let mut changed = false;
    let pairs = query.split('&').map(|pair| {
        let renamed = pair.split_once('=').and_then(|(key, id)| {
            let (_, kind) = PARAMETERS.iter().find(|(known, _)| *known == key)?;
            Some(format!("{key}={}", moved.get(*kind, id)?))
        });
        changed |= renamed.is_some();
        renamed.unwrap_or_else(|| pair.to_owned())
    });
    let pairs = pairs.collect::<Vec<_>>().join("&");
    changed.then_some(pairs)
}

/// Where the call's name begins in a path below `api/<version>/` or, as pages ask, `ajax-api/<version>/`.
fn api(below: &str) -> Option<usize> {
    let (root, rest) = below.split_once('/')?;
    let (version, _) = rest.split_once('/')?;
    let is_version = version.split_once('.').is_some_and(|(a, b)| [a, b].iter().all(|n| n.parse::<u8>().is_ok()));
    (matches!(root, "api" | "ajax-api") && is_version).then_some(root.len() + version.len() + 2)
}

/// Where the id stands in a path that begins like the pattern, and of what kind it is.
fn id_in(below: &str, pattern: &[Part]) -> Option<(usize, usize, AssetKind)> {
    let mut begin = 0;
    for part in pattern {
        let rest = below.get(begin..)?;
        let end = begin + rest.find('/').unwrap_or(rest.len());
        match part {
            Is(name) if below[begin..end] == **name => {}
            Is(_) => return None,
            Any => {}
            Id(kind) => return Some((begin, end, *kind)),
        }
        begin = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::IdPair;
    use proptest::prelude::*;

    const KINDS: [AssetKind; 7] = [
        AssetKind::Job,
        AssetKind::Cluster,
        AssetKind::SqlWarehouse,
        AssetKind::Notebook,
        AssetKind::Folder,
        AssetKind::File,
        AssetKind::Dashboard,
    ];

    /// Every kind has an asset that is `old-1` in the first region and `new-1` in the second.
    fn pairs() -> Vec<IdPair> {
        KINDS.map(|kind| (kind, ["old-1", "new-1"].map(|id| Some(id.to_owned())))).to_vec()
    }

    /// What the second region is asked, then what the first one is asked by the same client after a failback.
    fn seen(target: &str) -> [String; 2] {
        let [first, second] = [0, 1].map(|side| MovedIds::to_side(side, &pairs()));
        let there = rewritten(target, &second);
        let back = rewritten(&there, &first);
        [there, back]
    }

    fn rewritten(target: &str, moved: &MovedIds) -> String {
        let (at, asked) = target.split_once('?').map_or((target, None), |(at, asked)| (at, Some(asked)));
        let new_path = path(at, moved).unwrap_or_else(|| at.to_owned());
        match asked {
            Some(asked) => format!("{new_path}?{}", query(at, asked, moved).unwrap_or_else(|| asked.to_owned())),
            None => new_path,
        }
    }

    #[test]
    fn bookmarks_and_calls_open_the_same_asset_after_a_failover_and_after_the_way_back() {
        for target in [
            "/jobs/ID",
            "/jobs/ID/runs/77?o=1001",
            "/sql/warehouses/ID",
            "/sql/1.0/warehouses/ID",
            "/sql/1.0/endpoints/ID",
            "/sql/protocolv1/o/0/ID",
            "/sql/dashboardsv3/ID/pages/x",
            "/embed/dashboardsv3/ID",
            "/compute/clusters/ID/configuration",
            "/editor/notebooks/ID?o=1001",
            "/editor/files/ID",
            "/browse/folders/ID",
            "/api/2.1/jobs/get?job_id=ID&include_history=true",
            "/api/2.2/jobs/runs/list?limit=1&job_id=ID",
            "/api/2.0/clusters/get?cluster_id=ID",
            "/api/1.2/commands/status?clusterId=ID&contextId=old-1",
            "/api/2.0/sql/warehouses/ID/start",
            "/api/2.0/sql/queries?warehouse_id=ID",
            "/api/2.0/lakeview/dashboards/ID/published",
            "/api/2.0/permissions/jobs/ID",
            "/api/2.0/permissions/warehouses/ID/permissionLevels",
            "/api/2.0/permissions/directories/ID",
            "/ajax-api/2.0/lakeview/dashboards/ID",
        ] {
            let [old, new] = ["old-1", "new-1"].map(|id| target.replace("ID", id));
            assert_eq!(seen(&old), [new.clone(), old.clone()], "{target}");
            assert_eq!(seen(&new), [new, old], "a bookmark of the new primary: {target}");
        }
    }

    #[test]
    fn whatever_only_looks_like_an_id_stays() {
        for target in [
            "/old-1",
            "/jobs/old-1.json",
            "/jobs/OLD-1",
            "/jobs/runs/old-1",
            "//jobs/old-1",
            "/x/jobs/old-1",
            "/jobs/%6fld-1",
            "/jobs?job_id=old-1",
            "/jobs/other",
            "/api/2.0/jobs/old-1",
            "/api/jobs/get?job_id=old-1",
            "/api/2.0/x?run_id=old-1&xjob_id=old-1&job_id=old-12",
            "/api/2.0/fs/files/Volumes/old-1",
            "/api/2.0/workspace/get-status?path=/jobs/old-1",
        ] {
            assert_eq!(rewritten(target, &MovedIds::to_side(1, &pairs())), target);
        }
    }

    /// Words of which paths consist, with ids, and with what isn't one.
    fn word() -> impl Strategy<Value = String> {
        let words =
            "jobs|sql|warehouses|endpoints|1\\.0|protocolv1|o|dashboardsv3|compute|clusters|editor|notebooks|files";
        let more = "browse|folders|api|ajax-api|2\\.[01]|lakeview|dashboards|permissions|directories|get|embed";
        prop_oneof![words, more, "old-[1-3]", "new-[1-3]", "[a-z0-9.%~ü-]{0,5}"]
    }

    fn parameter() -> impl Strategy<Value = String> {
        let key = prop_oneof!["job_id|cluster_id|clusterId|warehouse_id|dashboard_id|o|w", "[a-z_%]{0,4}"];
        (key, prop_oneof!["=", "", "=="], word()).prop_map(|(key, is, value)| format!("{key}{is}{value}"))
    }

    fn target() -> impl Strategy<Value = String> {
        let path = proptest::collection::vec(word(), 0..7).prop_map(|words| format!("/{}", words.join("/")));
        let query = proptest::option::of(proptest::collection::vec(parameter(), 0..5));
        (path, query).prop_map(|(path, query)| match query {
            Some(query) => format!("{path}?{}", query.join("&")),
            None => path,
        })
    }

    fn some_pairs() -> impl Strategy<Value = Vec<IdPair>> {
        let pair = (0..KINDS.len(), "old-[1-3]", "(new|old)-[1-3]");
        let pair = pair.prop_map(|(kind, a, b)| (KINDS[kind], [Some(a), Some(b)]));
        proptest::collection::vec(pair, 0..8)
    }

    fn pieces(target: &str) -> Vec<&str> {
        target.split(['/', '?', '&', '=']).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn nothing_but_whole_ids_of_the_map_ever_changes(target in target(), pairs in some_pairs(), side in 0_usize..2) {
            let moved = MovedIds::to_side(side, &pairs);
            let after = rewritten(&target, &moved);
            let (before, now) = (pieces(&target), pieces(&after));
            prop_assert_eq!(before.len(), now.len());
            for (was, is) in before.iter().zip(&now).filter(|(was, is)| was != is) {
                let is_known = pairs.iter().any(|(_, ids)| {
                    ids[1 - side].as_deref() == Some(was) && ids[side].as_deref() == Some(is)
                });
                prop_assert!(is_known, "{} became {}", was, is);
            }
            let changed = before.iter().zip(&now).filter(|(was, is)| was != is).count();
            let in_query = target.split_once('?').map_or(0, |(_, query)| query.split('&').count());
            prop_assert!(changed <= 1 + in_query, "one id of the path at most");
            prop_assert_eq!(rewritten(&after, &moved), after.clone(), "what is this region's own stays");
        }

        #[test]
        fn a_path_that_begins_like_no_known_one_stays(
            first in "[a-z]{1,3}|runs|model|settings|explore|login|oidc|serving-endpoints|health",
            rest in proptest::collection::vec(word(), 0..6),
        ) {
            prop_assume!(first != "sql" && first != "api");
            let target = format!("/{first}/{}", rest.join("/"));
            prop_assert_eq!(rewritten(&target, &MovedIds::to_side(1, &pairs())), target);
        }

        #[test]
        fn where_ids_are_kept_no_target_changes(target in target()) {
            let kept = KINDS.map(|kind| (kind, ["old-1", "old-1"].map(|id| Some(id.to_owned()))));
            let moved = MovedIds::to_side(1, &kept);
            prop_assert!(moved.is_empty());
            prop_assert_eq!(rewritten(&target, &moved), target);
        }
    }
}

//! Which table of the old primary belongs to which table of the new one: names may have changed on either side.

use crate::connect::TablePlace;
use crate::delta::Position;
use crate::replicate::{Inventory, ReplicaState, unsupported_reason};
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A table of the old primary, and what the new one has of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TablePair {
    /// The name under which the new primary has it, else the last one that is known.
    pub name: String,
    /// The name under which its remains are kept and listed: its own, unless another table has that too.
    pub label: String,
    /// Its name in the old primary's catalog; None where it was dropped there and its data is left.
    pub old_name: Option<String>,
    /// Its name in the ledger, where it ever arrived.
    pub ledger: Option<String>,
    /// Where it lies in the old primary.
    pub location: String,
    /// Its id in the old primary's catalog, where that has it.
    pub table_id: Option<String>,
    /// What the new primary has.
    pub counterpart: Counterpart,
    /// The version up to which everything is known to have arrived.
    pub arrived: Option<i64>,
}

/// What the new primary has of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Counterpart {
    /// The table, at this place.
    Lives(TablePlace),
    /// It had the table up to this position, and dropped it since, or made another one under its name.
    Dropped(Box<Position>),
    /// It never had the table.
    Never,
}

impl TablePair {
    /// Every name under which a cycle could touch it.
    pub fn names(&self) -> BTreeSet<String> {
        [Some(self.name.clone()), self.old_name.clone(), self.ledger.clone()].into_iter().flatten().collect()
    }

    /// Whether the old primary's catalog must let go of it: replication brings it back as the new primary has it.
    pub fn leaves_catalog(&self) -> bool {
        match self.counterpart {
            Counterpart::Lives(_) => self.old_name.as_ref().is_some_and(|old_name| *old_name != self.name),
            Counterpart::Dropped(_) => self.old_name.is_some(),
            Counterpart::Never => false,
        }
    }
}

/// Pairs the tables of the `old` primary with those of the `new` one. A rename keeps a table's location, and the ledger knows
/// both ends' locations and the id under which the new primary's catalog has it.
pub fn match_tables(old: &Inventory, new: &Inventory, ledger: &BTreeMap<String, ReplicaState>) -> Vec<TablePair> {
    let rows: HashMap<&str, (&String, &ReplicaState)> =
        ledger.iter().map(|(name, row)| (place(&row.destination_location), (name, row))).collect();
    let new_by_location = Index::new(new);
    let mut found: Vec<TablePair> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for info in old.tables().filter(|t| t.table_type != TABLE_VIEW) {
        let Some(location) = &info.storage_location else { continue };
        // What cannot replicate never arrived, unless it could before.
        if unsupported_reason(info).is_some() && !rows.contains_key(place(location)) {
            continue;
        }
        let old_name = info.full_name();
        let mut pair = match rows.get(place(location)) {
            Some((name, row)) => {
                seen.insert(name);
                of_ledger(name, row, Some(old_name), location, &new_by_location)
            }
            None => {
                let twin = new.table(&info.catalog_name, &info.schema_name, &info.name);
                let counterpart = twin.and_then(TablePlace::of).map(Counterpart::Lives);
                TablePair {
                    name: old_name.clone(),
                    label: old_name.clone(),
                    old_name: Some(old_name),
                    ledger: None,
                    location: location.clone(),
                    table_id: None,
                    counterpart: counterpart.unwrap_or(Counterpart::Never),
                    arrived: None,
                }
            }
        };
        pair.table_id.clone_from(&info.table_id);
        found.push(pair);
    }
    // Dropped in the old primary's catalog before the failover: what it left on the storage is still in the way.
    let is_left =
        |(name, row): &(&String, &ReplicaState)| !seen.contains(name.as_str()) && !row.destination_location.is_empty();
    let mut labels: BTreeSet<String> = found.iter().map(|pair| pair.label.clone()).collect();
    for (name, row) in ledger.iter().filter(is_left) {
        let mut pair = of_ledger(name, row, None, &row.destination_location, &new_by_location);
        // Another one was made under its name.
        if labels.contains(&pair.label) {
            pair.label.push_str(" (dropped)");
        }
        labels.insert(pair.label.clone());
        found.push(pair);
    }
    found
}

/// A location as it is compared.
fn place(location: &str) -> &str {
    location.trim_end_matches('/')
}

/// The new primary's tables by what finds them.
struct Index<'a> {
    ids: HashMap<&'a str, &'a TableInfo>,
    /// Those that have no id.
    places: HashMap<&'a str, &'a TableInfo>,
}

impl<'a> Index<'a> {
    fn new(new: &'a Inventory) -> Self {
        let mut index = Self { ids: HashMap::new(), places: HashMap::new() };
        for table in new.tables().filter(|t| t.table_type != TABLE_VIEW) {
            match (table.table_id.as_deref().filter(|id| !id.is_empty()), &table.storage_location) {
                (Some(id), _) => drop(index.ids.insert(id, table)),
                (None, Some(location)) => drop(index.places.insert(place(location), table)),
                (None, None) => {}
            }
        }
        index
    }

    fn find(&self, row: &ReplicaState) -> Option<&'a TableInfo> {
        self.ids.get(row.table_id.as_str()).or_else(|| self.places.get(place(&row.source_location))).copied()
    }
}

fn of_ledger(name: &str, row: &ReplicaState, old_name: Option<String>, location: &str, new: &Index<'_>) -> TablePair {
    let living = new.find(row).and_then(|t| Some((t.full_name(), TablePlace::of(t)?)));
    let (name_now, counterpart) = match living {
        Some((name, at)) => (name, Counterpart::Lives(at)),
        None => (name.to_owned(), Counterpart::Dropped(Box::new(row.position.clone()))),
    };
    TablePair {
        label: name_now.clone(),
        name: name_now,
        old_name,
        ledger: Some(name.to_owned()),
        location: location.to_owned(),
        table_id: None,
        counterpart,
        arrived: Some(row.position.version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::FileFingerprint;
    use crate::domain::Region;
    use crate::domain::{AssetKey, AssetKind, AssetName};
    use crate::replicate::Asset;
    use crate::wire::unity_catalog::TABLE_MANAGED;

    fn table(root: &str, name: &str, id: &str) -> TableInfo {
        TableInfo {
            catalog_name: "sales".into(),
            schema_name: "x".into(),
            name: name.into(),
            table_type: TABLE_MANAGED.into(),
            data_source_format: Some("DELTA".into()),
            table_id: Some(id.into()),
            storage_location: Some(format!("{root}/{id}")),
            ..TableInfo::default()
        }
    }

    fn inventory(tables: impl IntoIterator<Item = TableInfo>) -> Inventory {
        let keyed = |info: TableInfo| {
            let name = AssetName::parse(&info.full_name());
            (AssetKey::new(AssetKind::Table, name), Asset::new(info.table_id.clone().as_deref(), info))
        };
        tables.into_iter().map(keyed).collect()
    }

    fn region(root: &str, tables: &[(&str, &str)]) -> Inventory {
        inventory(tables.iter().map(|(name, id)| table(root, name, id)))
    }

    fn ledger(rows: &[(&str, &str)]) -> BTreeMap<String, ReplicaState> {
        let row = |(name, id): &(&str, &str)| {
            let position = Position {
                version: 7,
                sha256: "s".into(),
                table_id: (*id).into(),
                time_ms: 0,
                stamp: FileFingerprint::default(),
            };
            let memory = ReplicaState {
                table_id: (*id).into(),
                source_region: Region::new("west"),
                source_location: format!("/new/{id}"),
                destination_location: format!("/old/{id}"),
                destination_id: Some((*id).into()),
                position,
                beside: None,
                bytes: 0,
            };
            (format!("sales.x.{name}"), memory)
        };
        rows.iter().map(row).collect()
    }

    fn only(old: &[(&str, &str)], new: &[(&str, &str)], known: &[(&str, &str)]) -> TablePair {
        let mut found = match_tables(&region("/old", old), &region("/new", new), &ledger(known));
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    #[test]
    fn a_table_that_kept_its_name_is_paired_by_it() {
        let pair = only(&[("a", "1")], &[("a", "1")], &[("a", "1")]);
        assert_eq!((pair.name.as_str(), pair.leaves_catalog()), ("sales.x.a", false));
        assert_eq!(pair.counterpart, Counterpart::Lives(TablePlace::new("/new/1", Some("1"))));
    }

    #[test]
    fn a_rename_on_either_side_is_followed_to_the_new_primarys_name() {
        for (old, new) in [("a", "b"), ("b", "a")] {
            let pair = only(&[(old, "1")], &[(new, "1")], &[("a", "1")]);
            assert_eq!(pair.name, format!("sales.x.{new}"));
            assert_eq!(pair.counterpart, Counterpart::Lives(TablePlace::new("/new/1", Some("1"))));
            assert!(pair.leaves_catalog(), "the old name must go");
            assert_eq!(pair.names().len(), 2);
        }
    }

    #[test]
    fn a_table_dropped_or_made_again_in_the_new_primary_is_held_against_what_arrived() {
        let dropped = only(&[("a", "1")], &[], &[("a", "1")]);
        assert!(matches!(&dropped.counterpart, Counterpart::Dropped(position) if position.version == 7));
        assert!(dropped.leaves_catalog());
        let again = only(&[("a", "1")], &[("a", "2")], &[("a", "1")]);
        assert_eq!(again.counterpart, dropped.counterpart);
    }

    #[test]
    fn what_a_table_dropped_in_the_old_primary_left_on_the_storage_is_looked_at_too() {
        let pair = only(&[], &[("a", "1")], &[("a", "1")]);
        assert_eq!((pair.old_name.as_deref(), pair.location.as_str()), (None, "/old/1"));
        assert_eq!(pair.counterpart, Counterpart::Lives(TablePlace::new("/new/1", Some("1"))));
        let both = match_tables(&region("/old", &[("a", "2")]), &region("/new", &[("a", "1")]), &ledger(&[("a", "1")]));
        assert_eq!(both.len(), 2, "the one that was dropped, and the one made again that never arrived: {both:#?}");
        assert_ne!(both[0].label, both[1].label, "each is listed for itself");
    }

    #[test]
    fn a_table_that_cannot_replicate_any_more_is_still_held_against_what_arrived() {
        let piped = |name, id| TableInfo { pipeline_id: Some("p".into()), ..table("/old", name, id) };
        let old = inventory([piped("a", "1"), piped("b", "2")]);
        let found = match_tables(&old, &region("/new", &[("a", "1")]), &ledger(&[("a", "1")]));
        assert_eq!(found.iter().map(|p| p.old_name.as_deref()).collect::<Vec<_>>(), [Some("sales.x.a")]);
    }

    #[test]
    fn a_table_that_never_arrived_has_no_counterpart() {
        let pair = only(&[("a", "1")], &[], &[]);
        assert_eq!((pair.counterpart.clone(), pair.arrived), (Counterpart::Never, None));
    }
}

//! How a location in one region maps to its counterpart in the other.
//!
//! A row has a URI a region, read as a [`StorageUri`]. A URI that ends in `/*` is a prefix: `s3://lake-east/*` takes
//! everything below `s3://lake-east/`. Without `*` it takes that location and what lies below it on a path boundary, so
//! `s3://lake/data` never takes `s3://lake/database`. The longest prefix wins.
//!
//! Rows are one-to-one. No place of one region lies in a place of the other, and no two places of the region that is
//! primary first lead to one. In the other direction a nested row can leave a place without a counterpart of its own:
//! with `E/lake → W/lake` and `E/lake/hot → W/hot`, `W/lake/hot` would lead where `W/hot` does. Nothing arrives there by
//! replication, so the rows are accepted, and [`MappingTable::map`] refuses whatever does not lead back to itself.

mod check;

use super::{Region, StorageUri, StorageUriError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use check::MAX_MAPPINGS;

/// One row: a location's URI in each region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationMapping {
    /// The row's name, unique in its group.
    pub name: String,
    /// Region to URI.
    pub uri_by_region: BTreeMap<Region, String>,
}

/// What is wrong with the rows, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// More rows than a group may have.
    #[error("The group has {count} storage mappings. The limit is {MAX_MAPPINGS}. Map a parent folder instead.")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A row has no name.
    #[error("A storage mapping needs a name. Give each a unique name.")]
    NoName,
    /// A region has no URI in this row.
    #[error("The storage mapping {row:?} has no URI for {region}. Enter one.")]
    MissingUri {
        /// The row's name.
        row: String,
        /// The region without a URI.
        region: Region,
    },
    /// Something that is not a storage URI.
    #[error(
        "The storage mapping {row:?} has {uri:?} for {region}, which is not a storage URI: {why}. Write one such as s3://bucket/path/* or file:///path/*."
    )]
    BadUri {
        /// The row's name.
        row: String,
        /// The region.
        region: Region,
        /// What was given.
        uri: String,
        /// What is wrong with it.
        why: StorageUriError,
    },
    /// The whole disk of this machine.
    #[error("The storage mapping {row:?} covers the whole disk of {region}. Name a folder, such as file:///path/*.")]
    WholeDisk {
        /// The row's name.
        row: String,
        /// The region.
        region: Region,
    },
    /// `*` somewhere else than at the end.
    #[error("The storage mapping {row:?} has a * inside {uri:?}. Put * only at the end, after a slash.")]
    StarInside {
        /// The row's name.
        row: String,
        /// What was given.
        uri: String,
    },
    /// `*` in one region only.
    #[error(
        "The storage mapping {row:?} ends in * in only one region, so it can't be reversed. End both URIs in *, or neither."
    )]
    StarOnOneSide {
        /// The row's name.
        row: String,
    },
    /// Two rows have one place in a region.
    #[error(
        "The storage mappings {row:?} and {other:?} have the same URI for {region}, so a failback can't tell them apart. Remove one."
    )]
    Ambiguous {
        /// The row's name.
        row: String,
        /// The other row's name.
        other: String,
        /// The region where they collide.
        region: Region,
    },
    /// Both regions share one place.
    #[error("The storage mapping {row:?} has overlapping paths in both regions. A replica needs its own path.")]
    SamePlace {
        /// The row's name.
        row: String,
    },
    /// A place of one row in one region is, or lies in, a place of another row in the other region.
    #[error(
        "The storage mappings {row:?} and {other:?} overlap: {place} of {region} is also a path of {other_region}. A replica needs its own path."
    )]
    Chain {
        /// The row's name.
        row: String,
        /// The other row's name.
        other: String,
        /// The region of the first row's place.
        region: Region,
        /// The region of the second row's place.
        other_region: Region,
        /// The first row's place.
        place: String,
    },
    /// Two places of one region lead to one of the other.
    #[error(
        "The storage mappings {row:?} and {other:?} meet: both lead to {place} in {region}. Give each its own path."
    )]
    Meet {
        /// The row's name.
        row: String,
        /// The other row's name.
        other: String,
        /// Where they meet.
        place: String,
        /// The region where they meet.
        region: Region,
    },
    /// Two rows share a name.
    #[error("Two storage mappings are named {name:?}. Give each a unique name.")]
    DuplicateName {
        /// The name.
        name: String,
    },
}

/// Why a location has no counterpart, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmapped {
    /// No row covers it.
    #[error("No storage mapping covers {location}. Add one to the failover group.")]
    NotCovered {
        /// The location.
        location: String,
    },
    /// It is not a storage URI.
    #[error("{location:?} is not a storage URI: {why}. Move the object to another location.")]
    NotAPlace {
        /// The location.
        location: String,
        /// What is wrong with it.
        why: StorageUriError,
    },
    /// Its counterpart is another place's.
    #[error(
        "The storage mapping {row:?} leads {location} to {counterpart}, which leads back to {back} by {other:?}. Change one of the two."
    )]
    NotItsOwn {
        /// The location.
        location: String,
        /// The row that covers it.
        row: String,
        /// Where that leads.
        counterpart: String,
        /// Where that leads back to.
        back: String,
        /// The row that leads back.
        other: String,
    },
    /// The rows contradict each other, so none is followed.
    #[error("The group's storage mappings can't be used. {why}")]
    Faulty {
        /// What is wrong with them.
        why: String,
    },
}

/// The name of the row that metastores imply.
const METASTORE_ROW: &str = "metastore root";

/// A row with its places.
#[derive(Debug, Clone)]
struct Row {
    mapping: LocationMapping,
    places: BTreeMap<Region, StorageUri>,
}

/// The rows of one group, checked, for looking locations up.
#[derive(Debug, Clone, Default)]
pub struct MappingTable {
    rows: Vec<Row>,
    /// Leads what lies under one metastore's own root below the other's, where no row says otherwise.
    implied: Option<Row>,
    fault: Option<Unmapped>,
}

impl MappingTable {
    /// Checks `rows` for `regions`, of which the first is primary first; every error found, in the order of the rows.
    pub fn new(rows: &[LocationMapping], regions: &[Region]) -> Result<Self, Vec<MappingError>> {
        Ok(Self { rows: check::checked(rows, regions)?, ..Self::default() })
    }

    /// A table that maps nothing and says why: rows that were accepted once and no longer hold.
    pub fn faulty(errors: &[MappingError]) -> Self {
        let why = errors.first().map(ToString::to_string).unwrap_or_default();
        Self { fault: Some(Unmapped::Faulty { why }), ..Self::default() }
    }

    /// Lets what lies under one metastore's own root lie below the other's, where no row covers it.
    #[must_use]
    pub fn with_metastore_roots<'a>(mut self, roots: impl IntoIterator<Item = (&'a Region, Option<&'a str>)>) -> Self {
        let roots: Option<BTreeMap<Region, StorageUri>> =
            roots.into_iter().map(|(region, root)| Some((region.clone(), StorageUri::parse(root?).ok()?))).collect();
        self.implied = roots.filter(|roots| !check::overlap(roots)).map(|places| {
            let uri_by_region = places.iter().map(|(region, place)| (region.clone(), place.to_string())).collect();
            Row { mapping: LocationMapping { name: METASTORE_ROW.to_owned(), uri_by_region }, places }
        });
        self
    }

    /// Why no row is followed.
    pub fn fault(&self) -> Option<&Unmapped> {
        self.fault.as_ref()
    }

    /// The row that covers `location` in `region`: the one with the longest prefix.
    pub fn covering(&self, location: &str, region: &Region) -> Option<&LocationMapping> {
        StorageUri::parse(location).ok().and_then(|place| self.row_over(&place, region)).map(|row| &row.mapping)
    }

    fn row_over(&self, place: &StorageUri, region: &Region) -> Option<&Row> {
        longest(&self.rows, place, region)
            .or_else(|| self.implied.as_ref().filter(|row| row.places.get(region).is_some_and(|p| place.is_within(p))))
    }

    /// Where `location` of region `from` lies in region `to`. Whatever this gives leads back to `location`.
    pub fn map(&self, location: &str, from: &Region, to: &Region) -> Result<String, Unmapped> {
        let place =
            StorageUri::parse(location).map_err(|why| Unmapped::NotAPlace { location: location.to_owned(), why })?;
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let not_covered = || Unmapped::NotCovered { location: location.to_owned() };
        let row = self.row_over(&place, from).ok_or_else(not_covered)?;
        let counterpart = row.counterpart(&place, from, to).ok_or_else(not_covered)?;
        let back = self.row_over(&counterpart, to).ok_or_else(not_covered)?;
        let returned = back.counterpart(&counterpart, to, from).ok_or_else(not_covered)?;
        if returned != place {
            return Err(Unmapped::NotItsOwn {
                location: location.to_owned(),
                row: row.mapping.name.clone(),
                counterpart: counterpart.to_string(),
                back: returned.to_string(),
                other: back.mapping.name.clone(),
            });
        }
        Ok(counterpart.to_string())
    }
}

impl Row {
    fn counterpart(&self, place: &StorageUri, from: &Region, to: &Region) -> Option<StorageUri> {
        Some(self.places.get(to)?.join(place.below(self.places.get(from)?)?))
    }
}

fn longest<'a>(rows: &'a [Row], place: &StorageUri, region: &Region) -> Option<&'a Row> {
    let over = rows.iter().filter_map(|row| Some((row, row.places.get(region).filter(|p| place.is_within(p))?)));
    over.max_by_key(|(_, over)| over.depth()).map(|(row, _)| row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn row(name: &str, east: &str, west: &str) -> LocationMapping {
        LocationMapping {
            name: name.to_owned(),
            uri_by_region: [(Region::new("east"), east.to_owned()), (Region::new("west"), west.to_owned())].into(),
        }
    }

    fn regions() -> Vec<Region> {
        vec![Region::new("east"), Region::new("west")]
    }

    #[test]
    fn a_prefix_stops_at_a_path_boundary() {
        let table = MappingTable::new(&[row("data", "s3://e/data/*", "s3://w/data/*")], &regions()).expect("sound");
        assert_eq!(
            table.map("s3://e/data/t1", &Region::new("east"), &Region::new("west")).as_deref(),
            Ok("s3://w/data/t1")
        );
        assert!(matches!(
            table.map("s3://e/database/t1", &Region::new("east"), &Region::new("west")),
            Err(Unmapped::NotCovered { .. })
        ));
    }

    #[test]
    fn the_longest_prefix_wins() {
        let rows = [row("all", "s3://e/lake/*", "s3://w/lake/*"), row("hr", "s3://e/lake/hr/*", "s3://w2/hr/*")];
        let table = MappingTable::new(&rows, &regions()).expect("sound");
        assert_eq!(
            table.map("s3://e/lake/hr/t", &Region::new("east"), &Region::new("west")).as_deref(),
            Ok("s3://w2/hr/t")
        );
        assert_eq!(
            table.map("s3://e/lake/x/t", &Region::new("east"), &Region::new("west")).as_deref(),
            Ok("s3://w/lake/x/t")
        );
    }

    #[test]
    fn a_nested_row_takes_the_way_back_from_the_place_that_it_left() {
        let rows = [row("all", "s3://e/lake/*", "s3://w/lake/*"), row("hot", "s3://e/lake/hot/*", "s3://w/hot/*")];
        let table = MappingTable::new(&rows, &regions()).expect("sound");
        assert_eq!(
            table.map("s3://w/hot/t", &Region::new("west"), &Region::new("east")).as_deref(),
            Ok("s3://e/lake/hot/t")
        );
        let error = table
            .map("s3://w/lake/hot/t", &Region::new("west"), &Region::new("east"))
            .expect_err("nothing leads there");
        assert!(matches!(&error, Unmapped::NotItsOwn { row, other, .. } if row == "all" && other == "hot"), "{error}");
        assert!(error.to_string().contains("s3://w/hot/t"), "{error}");
    }

    #[test]
    fn a_location_is_covered_however_it_is_spelled() {
        let rows = [row("all", "file:///e/my%20lake/*", "file:///w//lake/./*")];
        let table = MappingTable::new(&rows, &regions()).expect("sound");
        for location in ["file:///e/my lake/t", "file:///e/my%20l%61ke//t/", "file://localhost/e/x/../my lake/t"] {
            assert_eq!(
                table.map(location, &Region::new("east"), &Region::new("west")).as_deref(),
                Ok("file:///w/lake/t"),
                "{location}"
            );
        }
        let error =
            table.map("file:///e/my lake/t?x", &Region::new("east"), &Region::new("west")).expect_err("no place");
        assert!(error.to_string().contains("%3F"), "{error}");
    }

    #[test]
    fn what_lies_under_a_metastores_root_lies_under_the_others_unless_a_row_says_otherwise() {
        let roots = [(Region::new("east"), "s3://m/east"), (Region::new("west"), "s3://m/west/")];
        let with = |rows: &[LocationMapping]| {
            let table = MappingTable::new(rows, &regions()).expect("sound");
            table.with_metastore_roots(roots.iter().map(|(region, root)| (region, Some(*root))))
        };
        let plain = with(&[]);
        assert_eq!(
            plain.map("s3://m/east/c/t", &Region::new("east"), &Region::new("west")).as_deref(),
            Ok("s3://m/west/c/t")
        );
        assert_eq!(
            plain.map("s3://m/west/c/t", &Region::new("west"), &Region::new("east")).as_deref(),
            Ok("s3://m/east/c/t")
        );
        let own = with(&[row("own", "s3://m/east/c/*", "s3://w/c/*")]);
        assert_eq!(own.map("s3://m/east/c/t", &Region::new("east"), &Region::new("west")).as_deref(), Ok("s3://w/c/t"));
        assert_eq!(
            own.map("s3://m/east/d/t", &Region::new("east"), &Region::new("west")).as_deref(),
            Ok("s3://m/west/d/t")
        );
        let taken = with(&[row("taken", "s3://e/*", "s3://m/west/c/*")]);
        assert!(matches!(
            taken.map("s3://m/east/c/t", &Region::new("east"), &Region::new("west")),
            Err(Unmapped::NotItsOwn { .. })
        ));
    }

    #[test]
    fn one_metastore_root_for_both_regions_implies_nothing() {
        let regions = regions();
        let table = MappingTable::new(&[], &regions).expect("sound");
        let table = table.with_metastore_roots(regions.iter().map(|region| (region, Some("s3://m/root"))));
        assert!(matches!(
            table.map("s3://m/root/t", &Region::new("east"), &Region::new("west")),
            Err(Unmapped::NotCovered { .. })
        ));
    }

    #[test]
    fn rows_that_no_longer_hold_map_nothing_and_say_why() {
        let errors = MappingTable::new(&[row("a", "s3://e/a/*", "s3://e/a/b/*")], &regions()).expect_err("refused");
        let table = MappingTable::faulty(&errors);
        assert!(table.fault().is_some_and(|why| why.to_string().contains("\"a\"")));
        assert!(matches!(
            table.map("s3://e/a/t", &Region::new("east"), &Region::new("west")),
            Err(Unmapped::Faulty { .. })
        ));
    }

    #[test]
    fn what_cannot_be_reversed_is_refused() {
        let error = |rows: &[LocationMapping]| MappingTable::new(rows, &regions()).expect_err("refused").remove(0);
        assert!(matches!(error(&[row("a", "s3://e/a/*", "s3://w/a")]), MappingError::StarOnOneSide { .. }));
        assert!(matches!(error(&[row("a", "s3://e/*/a", "s3://w/a")]), MappingError::StarInside { .. }));
        assert!(matches!(error(&[row("a", "east", "s3://w/a")]), MappingError::BadUri { .. }));
        assert!(matches!(error(&[row("a", "file://x/a", "file:///w/a")]), MappingError::BadUri { .. }));
        assert!(matches!(error(&[row("a", "", "s3://w/a")]), MappingError::MissingUri { .. }));
        assert!(matches!(error(&[row("a", "s3://e/a/*", "s3://e/a/b/*")]), MappingError::SamePlace { .. }));
        let two = [row("a", "s3://e/a/*", "s3://w/x/*"), row("b", "s3://e/b/*", "s3://w/x/*")];
        assert!(matches!(error(&two), MappingError::Ambiguous { .. }));
    }

    proptest! {
        #[test]
        fn mapping_there_and_back_is_the_identity(path in "[a-z]{1,8}(/([a-z0-9=]|%25|%20){1,8}){0,4}") {
            let rows = [row("all", "file:///e/*", "file:///w/*"), row("sub", "file:///e/sub/*", "file:///w2/*")];
            let table = MappingTable::new(&rows, &regions()).expect("sound");
            let there = format!("file:///e/{path}");
            let mapped = table.map(&there, &Region::new("east"), &Region::new("west")).expect("covered");
            prop_assert_eq!(table.map(&mapped, &Region::new("west"), &Region::new("east")), Ok(there));
        }
    }
}

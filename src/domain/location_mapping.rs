//! How a location in one region maps to its counterpart in the other.
//!
//! A row has a URI a region. A URI that ends in `*` is a prefix: `s3://lake-east/*` takes everything below
//! `s3://lake-east/`. Without `*` it takes that location and what lies below it on a path boundary, so
//! `s3://lake/data` never takes `s3://lake/database`. The longest prefix wins.

use super::Region;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One row: a location's URI in each region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationMapping {
    /// The row's name, unique in its group.
    pub name: String,
    /// Region to URI.
    pub uri_by_region: BTreeMap<Region, String>,
}

/// What is wrong with a row, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A region has no URI in this row.
    #[error("The storage mapping {row:?} has no URI for {region}. Enter one.")]
    MissingUri {
        /// The row's name.
        row: String,
        /// The region without a URI.
        region: Region,
    },
    /// Something that is no absolute URI.
    #[error(
        "The storage mapping {row:?} has {uri:?} for {region}, which is not a storage URI. Write one such as s3://bucket/path/* or file:///path/*."
    )]
    BadUri {
        /// The row's name.
        row: String,
        /// The region.
        region: Region,
        /// What was given.
        uri: String,
    },
    /// `*` somewhere else than at the end.
    #[error("The storage mapping {row:?} has a * inside {uri:?}. Put * at the end only, after a slash.")]
    StarInside {
        /// The row's name.
        row: String,
        /// What was given.
        uri: String,
    },
    /// `*` in one region only.
    #[error(
        "The storage mapping {row:?} ends in * in one region only, so it cannot be reversed. End both URIs in *, or neither."
    )]
    StarOnOneSide {
        /// The row's name.
        row: String,
    },
    /// A region's URI stands in two rows, or the two sides of a row are one place.
    #[error(
        "The storage mappings {row:?} and {other:?} have the same URI for {region}, so a failback could not tell them apart. Remove one."
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
    #[error(
        "The storage mapping {row:?} names the same place, or one inside the other, in both regions. A replica needs a place of its own."
    )]
    SamePlace {
        /// The row's name.
        row: String,
    },
    /// Two rows share a name.
    #[error("Two storage mappings are named {name:?}. Give each a name of its own.")]
    DuplicateName {
        /// The name.
        name: String,
    },
}

/// The rows of one group, checked, for looking locations up.
#[derive(Debug, Clone, Default)]
pub struct MappingTable {
    rows: Vec<LocationMapping>,
}

fn stem(uri: &str) -> &str {
    uri.strip_suffix('*').unwrap_or(uri).trim_end_matches('/')
}

fn is_below(location: &str, prefix: &str) -> bool {
    location == prefix || location.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

fn check_row(row: &LocationMapping, regions: &[Region]) -> Result<(), MappingError> {
    let name = || row.name.clone();
    let mut stars = Vec::new();
    for region in regions {
        let uri = row.uri_by_region.get(region).map(|u| u.trim()).unwrap_or_default();
        if uri.is_empty() {
            return Err(MappingError::MissingUri { row: name(), region: region.clone() });
        }
        let bad = || MappingError::BadUri { row: name(), region: region.clone(), uri: uri.to_owned() };
        let (scheme, rest) = uri.split_once("://").ok_or_else(bad)?;
        let place = rest.trim_start_matches('/').trim_end_matches(['*', '/']);
        if scheme.is_empty()
            || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+')
            || place.is_empty()
            || uri.chars().any(char::is_whitespace)
            || rest.split('/').any(|segment| segment == ".." || segment == ".")
            || (scheme == "file") != rest.starts_with('/')
        {
            return Err(bad());
        }
        let inner = uri.strip_suffix("/*").unwrap_or(uri);
        if inner.contains('*') {
            return Err(MappingError::StarInside { row: name(), uri: uri.to_owned() });
        }
        stars.push(uri.ends_with('*'));
    }
    if stars.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(MappingError::StarOnOneSide { row: name() });
    }
    for (i, a) in regions.iter().enumerate() {
        for b in &regions[i + 1..] {
            let (a, b) = (stem(row.uri_by_region[a].trim()), stem(row.uri_by_region[b].trim()));
            if is_below(a, b) || is_below(b, a) {
                return Err(MappingError::SamePlace { row: name() });
            }
        }
    }
    Ok(())
}

impl MappingTable {
    /// Checks `rows` for `regions`; every error found, in the order of the rows.
    pub fn new(rows: &[LocationMapping], regions: &[Region]) -> Result<Self, Vec<MappingError>> {
        let mut errors = Vec::new();
        let mut sound: Vec<LocationMapping> = Vec::new();
        for row in rows {
            if sound.iter().any(|other| other.name == row.name) {
                errors.push(MappingError::DuplicateName { name: row.name.clone() });
                continue;
            }
            if let Err(error) = check_row(row, regions) {
                errors.push(error);
                continue;
            }
            let collision = sound.iter().find_map(|other| {
                let region = regions.iter().find(|region| {
                    stem(other.uri_by_region[*region].trim()) == stem(row.uri_by_region[*region].trim())
                })?;
                Some((other.name.clone(), region.clone()))
            });
            if let Some((other, region)) = collision {
                errors.push(MappingError::Ambiguous { row: row.name.clone(), other, region });
                continue;
            }
            sound.push(row.clone());
        }
        if errors.is_empty() { Ok(Self { rows: sound }) } else { Err(errors) }
    }

    /// The row that covers `location` in `region`: the one with the longest prefix.
    pub fn covering(&self, location: &str, region: &str) -> Option<&LocationMapping> {
        let location = location.trim_end_matches('/');
        self.rows
            .iter()
            .filter(|row| row.uri_by_region.get(region).is_some_and(|uri| is_below(location, stem(uri.trim()))))
            .max_by_key(|row| row.uri_by_region.get(region).map_or(0, |uri| stem(uri.trim()).len()))
    }

    /// Where `location` of region `from` lies in region `to`; absent when no row covers it.
    pub fn map(&self, location: &str, from: &str, to: &str) -> Option<String> {
        let location = location.trim_end_matches('/');
        let row = self.covering(location, from)?;
        let rest = location.strip_prefix(stem(row.uri_by_region.get(from)?.trim()))?;
        Some(format!("{}{rest}", stem(row.uri_by_region.get(to)?.trim())))
    }

    /// The checked rows.
    pub fn rows(&self) -> &[LocationMapping] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(name: &str, east: &str, west: &str) -> LocationMapping {
        LocationMapping {
            name: name.to_owned(),
            uri_by_region: [("east".to_owned(), east.to_owned()), ("west".to_owned(), west.to_owned())].into(),
        }
    }

    fn regions() -> Vec<Region> {
        vec!["east".to_owned(), "west".to_owned()]
    }

    #[test]
    fn a_prefix_stops_at_a_path_boundary() {
        let table = MappingTable::new(&[row("data", "s3://e/data/*", "s3://w/data/*")], &regions()).expect("sound");
        assert_eq!(table.map("s3://e/data/t1", "east", "west").as_deref(), Some("s3://w/data/t1"));
        assert_eq!(table.map("s3://e/database/t1", "east", "west"), None);
    }

    #[test]
    fn the_longest_prefix_wins() {
        let rows = [row("all", "s3://e/lake/*", "s3://w/lake/*"), row("hr", "s3://e/lake/hr/*", "s3://w2/hr/*")];
        let table = MappingTable::new(&rows, &regions()).expect("sound");
        assert_eq!(table.map("s3://e/lake/hr/t", "east", "west").as_deref(), Some("s3://w2/hr/t"));
        assert_eq!(table.map("s3://e/lake/x/t", "east", "west").as_deref(), Some("s3://w/lake/x/t"));
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
        fn mapping_there_and_back_is_the_identity(path in "[a-z]{1,8}(/[a-z0-9=%]{1,8}){0,4}") {
            let rows = [row("all", "file:///e/*", "file:///w/*"), row("sub", "file:///e/sub/*", "file:///w2/*")];
            let table = MappingTable::new(&rows, &regions()).expect("sound");
            let there = format!("file:///e/{path}");
            let mapped = table.map(&there, "east", "west").expect("covered");
            prop_assert_eq!(table.map(&mapped, "west", "east"), Some(there));
        }
    }
}

//! The rules that rows must meet, alone and together.

use super::{LocationMapping, MappingError, Row, longest};
use crate::domain::{Region, StorageUri};
use std::collections::{BTreeMap, BTreeSet};

/// At most this many storage mappings in a group.
pub const MAX_MAPPINGS: usize = 200;

/// The rows with their places, or every error found. `regions` begins with the one that is primary first.
pub fn checked(rows: &[LocationMapping], regions: &[Region]) -> Result<Vec<Row>, Vec<MappingError>> {
    if rows.len() > MAX_MAPPINGS {
        return Err(vec![MappingError::TooMany { count: rows.len() }]);
    }
    let mut errors = Vec::new();
    let mut sound: Vec<Row> = Vec::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for row in rows {
        if row.name.trim().is_empty() {
            errors.push(MappingError::NoName);
        } else if !names.insert(row.name.trim()) {
            errors.push(MappingError::DuplicateName { name: row.name.clone() });
            continue;
        }
        match alone(row, regions) {
            Ok(row) => match sound.iter().find_map(|other| collision(&row, other, regions)) {
                Some(error) => errors.push(error),
                None => sound.push(row),
            },
            Err(error) => errors.push(error),
        }
    }
    if let [primary, secondary] = regions {
        errors.extend(meetings(&sound, primary, secondary));
    }
    if errors.is_empty() { Ok(sound) } else { Err(errors) }
}

/// Whether any two places of one row meet.
pub fn overlap(places: &BTreeMap<Region, StorageUri>) -> bool {
    let places: Vec<&StorageUri> = places.values().collect();
    places.iter().enumerate().any(|(at, place)| places[at + 1..].iter().any(|other| place.overlaps(other)))
}

/// A row by itself.
fn alone(row: &LocationMapping, regions: &[Region]) -> Result<Row, MappingError> {
    let name = || row.name.clone();
    let mut stars = BTreeSet::new();
    let mut places = BTreeMap::new();
    for region in regions {
        let uri = row.uri_by_region.get(region).map(|u| u.trim()).unwrap_or_default();
        if uri.is_empty() {
            return Err(MappingError::MissingUri { row: name(), region: region.clone() });
        }
        let stem = uri.strip_suffix("/*");
        if stem.unwrap_or(uri).contains('*') {
            return Err(MappingError::StarInside { row: name(), uri: uri.to_owned() });
        }
        // The slash stays: without it `s3://lake//*` would pass for `s3://lake/*`.
        let text = stem.map_or_else(|| uri.to_owned(), |stem| format!("{stem}/"));
        let place = StorageUri::parse(&text).map_err(|why| MappingError::BadUri {
            row: name(),
            region: region.clone(),
            uri: uri.to_owned(),
            why,
        })?;
        if place.is_on_disk() && place.is_root() {
            return Err(MappingError::WholeDisk { row: name(), region: region.clone() });
        }
        stars.insert(stem.is_some());
        places.insert(region.clone(), place);
    }
    if stars.len() > 1 {
        return Err(MappingError::StarOnOneSide { row: name() });
    }
    if overlap(&places) {
        return Err(MappingError::SamePlace { row: name() });
    }
    Ok(Row { mapping: row.clone(), places })
}

/// What two rows have in common that they must not have.
fn collision(row: &Row, other: &Row, regions: &[Region]) -> Option<MappingError> {
    let names = || (row.mapping.name.clone(), other.mapping.name.clone());
    for region in regions {
        let (place, known) = (row.places.get(region)?, other.places.get(region)?);
        if place == known {
            let (row, other) = names();
            return Some(MappingError::Ambiguous { row, other, region: region.clone() });
        }
    }
    for region in regions {
        for other_region in regions.iter().filter(|other| *other != region) {
            let (place, theirs) = (row.places.get(region)?, other.places.get(other_region)?);
            if place.overlaps(theirs) {
                let ((row, other), place) = (names(), place.to_string());
                let (region, other_region) = (region.clone(), other_region.clone());
                return Some(MappingError::Chain { row, other, region, other_region, place });
            }
        }
    }
    None
}

/// Pairs of rows that lead two places of the primary to one of the secondary.
///
/// Below a row's place, only the places of nested rows on either side change which row is followed. Between them one
/// place stands for all, so trying those is trying every place.
fn meetings(rows: &[Row], primary: &Region, secondary: &Region) -> Vec<MappingError> {
    let mut found = Vec::new();
    for row in rows {
        let (Some(from), Some(to)) = (row.places.get(primary), row.places.get(secondary)) else { continue };
        let nested = |region: &Region, over: &StorageUri| -> Vec<String> {
            let inside = rows.iter().filter_map(|other| other.places.get(region)?.below(over));
            inside.map(str::to_owned).collect()
        };
        let turns: BTreeSet<String> = nested(primary, from).into_iter().chain(nested(secondary, to)).collect();
        for rest in turns {
            let (place, counterpart) = (from.join(&rest), to.join(&rest));
            let is_row = |found: Option<&Row>| found.is_some_and(|found| found.mapping.name == row.mapping.name);
            if !is_row(longest(rows, &place, primary)) {
                continue;
            }
            let Some(back) = longest(rows, &counterpart, secondary) else { continue };
            if back.counterpart(&counterpart, secondary, primary).as_ref() != Some(&place) {
                let (row, other) = (row.mapping.name.clone(), back.mapping.name.clone());
                found.push(MappingError::Meet {
                    row,
                    other,
                    place: counterpart.to_string(),
                    region: secondary.clone(),
                });
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MappingTable;
    use crate::domain::location_mapping::tests::row;
    use proptest::prelude::*;

    fn table(rows: &[LocationMapping]) -> Result<MappingTable, Vec<MappingError>> {
        MappingTable::new(rows, &[Region::new("east"), Region::new("west")])
    }

    /// The sentence of the first error.
    fn refused(rows: &[(&str, &str)]) -> String {
        let rows: Vec<_> =
            rows.iter().enumerate().map(|(at, (east, west))| row(&format!("row-{at}"), east, west)).collect();
        table(&rows).expect_err("refused").remove(0).to_string()
    }

    fn names_both(rows: &[(&str, &str)]) {
        let sentence = refused(rows);
        assert!(sentence.contains("\"row-0\"") && sentence.contains("\"row-1\""), "{sentence}");
    }

    #[test]
    fn two_rows_that_lead_two_places_to_one_are_named() {
        names_both(&[("s3://e/lake/*", "s3://w/lake/*"), ("s3://e/lake/hot/*", "s3://w/lake/cold/*")]);
        names_both(&[("s3://e/a/*", "s3://w/x/*"), ("s3://e/b/*", "s3://w/x/y/*")]);
        names_both(&[("s3://e/b/*", "s3://w/x/y/*"), ("s3://e/a/*", "s3://w/x/*")]);
        names_both(&[("s3://e/a/*", "s3://w/x/*"), ("s3://e/b/*", "s3a://w/%78/*")]);
        names_both(&[("file:///e/a/*", "file:///w/x/*"), ("file:///e/a/../a//*", "file:///w/y/*")]);
        names_both(&[("file:///e/a", "file:///w/x"), ("file:///e/a/*", "file:///w/y/*")]);
    }

    #[test]
    fn a_chain_is_named_with_both_of_its_rows() {
        names_both(&[("s3://b/one/*", "s3://b/two/*"), ("s3://b/two/x/*", "s3://b/three/*")]);
        names_both(&[("s3://b/one/x/*", "s3://b/two/*"), ("s3://b/three/*", "s3://b/one/*")]);
        names_both(&[("s3://b/one/*", "s3://b/two/*"), ("s3://b/two/*", "s3://b/one/*")]);
    }

    #[test]
    fn a_row_that_leads_to_itself_is_named_alone() {
        for (east, west) in [
            ("file:///d/lake/*", "file:///d/lak%65/*"),
            ("file:///d/lake/*", "file:///d//lake/"),
            ("file:///d/lake/*", "file:///d/x/../lake/*"),
            ("file:///d/lake/*", "file:///d/lake/replica/*"),
            ("file:///d/lake/replica", "file://localhost/d/lake"),
            ("abfss://c@acc.dfs.core.windows.net/x/*", "abfss://c@ACC.blob.core.windows.net/x/*"),
        ] {
            let sentence = refused(&[(east, west)]);
            assert!(sentence.contains("\"row-0\""), "{east} → {west}: {sentence}");
        }
    }

    #[test]
    fn places_that_only_look_alike_are_fine() {
        for rows in [
            vec![("s3://e/data/*", "s3://w/data/*"), ("s3://e/database/*", "s3://w/database/*")],
            vec![("s3://e/lake/*", "s3://w/lake/*"), ("s3://e/lake/hot/*", "s3://w/lake/hot/*")],
            vec![("s3://e/lake/*", "s3://w/lake/*"), ("s3://e/lake/hot/*", "s3://w/hot/*")],
            vec![("s3://e/lake/*", "s3://e/lake-dr/*")],
            vec![("s3://e/x/*", "gs://e/x/*")],
            // The nested row takes the one place that would have met the other's.
            vec![
                ("s3://e/lake/*", "s3://w/lake/*"),
                ("s3://e/lake/hot/*", "s3://w/hot/*"),
                ("s3://e/other/*", "s3://w/lake/hot/*"),
            ],
        ] {
            let rows: Vec<_> =
                rows.iter().enumerate().map(|(at, (east, west))| row(&format!("row-{at}"), east, west)).collect();
            assert!(table(&rows).is_ok(), "{:?}", table(&rows));
        }
    }

    #[test]
    fn stars_and_names_are_checked() {
        for uri in ["s3://e/data*", "s3://e/*/a", "s3://e/**", "s3://e/*/*", "*"] {
            let sentence = refused(&[(uri, "s3://w/a/*")]);
            assert!(sentence.contains("has a * inside"), "{uri}: {sentence}");
        }
        assert!(refused(&[("file:///*", "file:///w/*")]).contains("whole disk"));
        assert!(refused(&[("s3://e//*", "s3://w/*")]).contains("object store"));
        let twice = [row("a", "s3://e/a/*", "s3://w/a/*"), row(" a ", "s3://e/b/*", "s3://w/b/*")];
        assert!(matches!(table(&twice).expect_err("refused")[0], MappingError::DuplicateName { .. }));
        assert!(matches!(table(&[row(" ", "s3://e", "s3://w")]).expect_err("refused")[0], MappingError::NoName));
        let many: Vec<_> = (0..=MAX_MAPPINGS).map(|n| row(&format!("{n}"), &format!("s3://e/{n}"), "s3://w")).collect();
        assert!(matches!(table(&many).expect_err("refused")[..], [MappingError::TooMany { .. }]));
    }

    proptest! {
        /// Rows drawn from few places, so that they nest, meet and chain often.
        #[test]
        fn accepted_rows_lead_no_two_places_to_one(
            rows in proptest::collection::vec(("[ab](/[ab]){0,2}", "[ab](/[ab]){0,2}", 0..8u8), 1..5),
            places in proptest::collection::vec("[ab](/[ab]){0,4}", 12),
        ) {
            let rows: Vec<_> = rows
                .iter()
                .enumerate()
                // One in eight has its east side in the west's bucket: a chain.
                .map(|(at, (east, west, odd))| {
                    let bucket = if *odd == 0 { "w" } else { "e" };
                    row(&format!("row-{at}"), &format!("s3://{bucket}/{east}/*"), &format!("s3://w/{west}/*"))
                })
                .collect();
            if let Ok(table) = table(&rows) {
                let mut seen = BTreeMap::new();
                for place in &places {
                    let place = format!("s3://e/{place}");
                    // In the direction of the first primary every place that is covered has one of its own.
                    if table.covering(&place, &Region::new("east")).is_some() {
                        let mapped = table.map(&place, &Region::new("east"), &Region::new("west")).expect("a place of its own");
                        prop_assert_eq!(table.map(&mapped, &Region::new("west"), &Region::new("east")), Ok(place.clone()));
                        if let Some(other) = seen.insert(mapped, place.clone()) {
                            prop_assert_eq!(&other, &place);
                        }
                    }
                    let west = place.replacen("//e/", "//w/", 1);
                    if let Ok(back) = table.map(&west, &Region::new("west"), &Region::new("east")) {
                        prop_assert_eq!(table.map(&back, &Region::new("east"), &Region::new("west")), Ok(west));
                    }
                }
            }
        }
    }
}

//! A kind that only these tests know: what it takes to add one is this file and its place in the list.

use super::world::{World, found, status};
use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, AssetName, ErrorClass, ObjectStatus, Region};
use crate::replicate::engine::{ApplyFault, CycleRequest, Diff, Listing, MetadataType, Removal, WhyNot};
use crate::replicate::{Asset, Endpoint};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Notes that hang in schemas, by region and name.
#[derive(Default)]
struct Notes {
    boards: Mutex<BTreeMap<(Region, AssetName), String>>,
}

impl Notes {
    fn boards(&self) -> MutexGuard<'_, BTreeMap<(Region, AssetName), String>> {
        self.boards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, region: &Region, name: &str, text: &str) {
        self.boards().insert((region.clone(), AssetName::parse(name)), text.to_owned());
    }

    fn at(&self, region: &Region) -> Vec<(String, String)> {
        let all = self.boards();
        all.iter()
            .filter(|((of, _), _)| of == region)
            .map(|((_, name), text)| (name.to_string(), text.clone()))
            .collect()
    }
}

#[derive(Clone, PartialEq)]
struct Note {
    name: AssetName,
    text: String,
}

impl MetadataType for Notes {
    type Info = Note;

    fn kind(&self) -> AssetKind {
        AssetKind::Dashboard
    }

    async fn list(&self, listing: &Listing<'_>) -> Result<Vec<(AssetKey, Asset)>, ConnectError> {
        let boards = self.boards();
        let here = boards.iter().filter(|((region, name), _)| {
            *region == listing.endpoint.region
                && name.parent().is_some_and(|schema| listing.found.contains(&AssetKey::new(AssetKind::Schema, schema)))
        });
        let note = |((_, name), text): (&(Region, AssetName), &String)| {
            let note = Note { name: name.clone(), text: text.clone() };
            (AssetKey::new(AssetKind::Dashboard, name.clone()), Asset::new(None, note))
        };
        Ok(here.map(note).collect())
    }

    fn why_not(&self, note: &Note) -> Option<WhyNot> {
        let secret = note.text.contains("secret");
        secret.then(|| WhyNot {
            class: ErrorClass::UnsupportedObject,
            sentence: format!("Note {} is secret.", note.name),
            parameters: BTreeMap::new(),
        })
    }

    fn diff(&self, source: &Note, replica: &Note) -> Diff {
        if source == replica { Diff::Same } else { Diff::Content("text") }
    }

    async fn apply(&self, request: &CycleRequest<'_>, note: &Note, _: Option<&Note>) -> Result<Asset, ApplyFault> {
        self.put(&request.destination.region, &note.name.to_string(), &note.text);
        Ok(Asset::new(None, note.clone()))
    }

    async fn remove(&self, to: &Endpoint, key: &AssetKey, _: Option<&Note>) -> Result<Removal, ConnectError> {
        self.boards().remove(&(to.region.clone(), key.name.clone()));
        Ok(Removal::Removed)
    }
}

#[tokio::test]
async fn a_new_kind_is_made_changed_flagged_dropped_and_verified_like_every_other() {
    let (mut world, notes) = (World::new().await, Arc::new(Notes::default()));
    world.more_kinds.push(notes.clone());
    let kind = AssetKind::Dashboard;
    notes.put(&Region::new("east"), "shop.sales.a", "one");
    notes.put(&Region::new("east"), "shop.sales.b", "two");
    notes.put(&Region::new("east"), "shop.sales.c", "secret");
    notes.put(&Region::new("west"), "shop.sales.own", "theirs");
    let outcome = world.cycle().await;
    assert_eq!(status(&outcome.objects, kind, "shop.sales.c"), ObjectStatus::Unsupported);
    assert_eq!(status(&outcome.objects, kind, "shop.sales.a"), ObjectStatus::InSync);
    let pairs =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    let made = pairs(&[("shop.sales.a", "one"), ("shop.sales.b", "two"), ("shop.sales.own", "theirs")]);
    assert_eq!(notes.at(&Region::new("west")), made);
    notes.put(&Region::new("east"), "shop.sales.a", "changed");
    notes.boards().remove(&(Region::new("east"), AssetName::parse("shop.sales.b")));
    let report = world.compare().await;
    let said = |objects, name| found(objects, kind, name).message().unwrap_or_default().to_owned();
    assert_eq!(
        said(&report.objects, "shop.sales.a"),
        "Dashboard shop.sales.a has another text in west than in east, until the next cycle."
    );
    assert!(said(&report.unmanaged, "shop.sales.b").contains("next cycle drops it"));
    assert!(said(&report.unmanaged, "shop.sales.own").contains("exists only in west"));
    world.restart();
    world.cycle().await;
    assert_eq!(notes.at(&Region::new("west")), pairs(&[("shop.sales.a", "changed"), ("shop.sales.own", "theirs")]));
}

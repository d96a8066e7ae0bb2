//! Random changes of every Unity Catalog kind, cycles that are cut off and lost with all that they knew, a failover in
//! between: after quiet cycles the replica is equal, and nothing else was touched.

use super::world::{World, table, view};
use crate::connect::{AccessApi, InMemoryRegion, RegionApi};
use crate::domain::ObjectStatus;
use crate::wire::unity_catalog::{self as uc, EntityTagAssignment, PermissionsChange, Securable, UpdatePermissions};
use serde_json::json;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

const SCHEMAS: [&str; 3] = ["sales", "hr", "ops"];
const PEOPLE: [&str; 3] = ["ana@x", "team", "kofi@x"];

fn update(principal: &str, add: &[&str], remove: &[&str]) -> UpdatePermissions {
    let own = |list: &[&str]| list.iter().map(|privilege| (*privilege).to_owned()).collect();
    UpdatePermissions {
        changes: vec![PermissionsChange { principal: principal.to_owned(), add: own(add), remove: own(remove) }],
    }
}

/// Everything in the catalog that grants and owners can hang on.
async fn objects(region: &InMemoryRegion) -> Vec<(Securable, String)> {
    let mut found = vec![(Securable::Catalog, "shop".to_owned())];
    for schema in region.schemas("shop").await.expect("listed") {
        if schema.name == "information_schema" {
            continue;
        }
        found.push((Securable::Schema, format!("shop.{}", schema.name)));
        let name = |leaf: &str| format!("shop.{}.{leaf}", schema.name);
        let tables = region.tables("shop", &schema.name).await.expect("listed");
        found.extend(tables.iter().map(|info| (Securable::Table, name(&info.name))));
        let volumes = region.volumes("shop", &schema.name).await.expect("listed");
        found.extend(volumes.iter().map(|info| (Securable::Volume, name(&info.name))));
        let functions = region.functions("shop", &schema.name).await.expect("listed");
        found.extend(functions.iter().map(|info| (Securable::Function, name(&info.name))));
    }
    found
}

/// What hangs on an object, but for the console's own rights.
async fn attributes(region: &InMemoryRegion, of: Securable, name: &str) -> String {
    let grants = region.grants(of, name).await.expect("an answer");
    let grants: Vec<String> = grants
        .iter()
        .filter(|a| !a.principal.starts_with("console@"))
        .map(|a| format!("{} {}", a.principal, a.privileges.join(",")))
        .collect();
    let tags = match of.entity_type() {
        Some(kind) => region.tags(kind, name).await.expect("an answer"),
        None => Vec::new(),
    };
    let tags: Vec<String> = tags.iter().map(|tag| format!("{}={:?}", tag.tag_key, tag.tag_value)).collect();
    let owner = match of {
        Securable::Catalog => region.catalog(name).await.expect("an answer").and_then(|info| info.owner),
        Securable::Schema => region.schema(name).await.expect("an answer").and_then(|info| info.owner),
        Securable::Table => region.table(name).await.expect("an answer").and_then(|info| info.owner),
        _ => None,
    };
    // Each region's console has a name of its own.
    let owner = owner.map(|owner| if owner.starts_with("console@") { "console".to_owned() } else { owner });
    format!("{grants:?} {tags:?} {owner:?}")
}

/// One change that a person makes in the primary. One that is refused changes nothing.
async fn change(region: &InMemoryRegion, dice: &mut Dice) {
    let schema = dice.one_of(&SCHEMAS);
    let leaf = format!("{}{}", dice.one_of(&["a", "b", "c"]), dice.roll(3));
    let all = objects(region).await;
    let (of, name) = all[dice.roll(all.len())].clone();
    match dice.roll(12) {
        0 => {
            let create = uc::CreateSchema {
                name: schema.to_owned(),
                catalog_name: "shop".to_owned(),
                ..uc::CreateSchema::default()
            };
            drop(region.create_schema(&create).await);
        }
        1 => {
            let has_schema = region.schema(&format!("shop.{schema}")).await.expect("an answer").is_some();
            if has_schema && region.table(&format!("shop.{schema}.{leaf}")).await.expect("an answer").is_none() {
                table(region, schema, &leaf).await;
            }
        }
        2 => {
            let has_schema = region.schema(&format!("shop.{schema}")).await.expect("an answer").is_some();
            if has_schema && region.table(&format!("shop.{schema}.{leaf}")).await.expect("an answer").is_none() {
                view(region, schema, &leaf, &format!("SELECT {}", dice.roll(9))).await;
            }
        }
        3 => {
            let volume = uc::CreateVolume {
                name: leaf,
                catalog_name: "shop".to_owned(),
                schema_name: schema.to_owned(),
                volume_type: uc::VOLUME_EXTERNAL.to_owned(),
                storage_location: Some(format!("{}/files/{}", region.lake(), dice.roll(1_000_000))),
                ..uc::CreateVolume::default()
            };
            drop(region.create_volume(&volume).await);
        }
        4 => {
            let other = json!({"routine_body": "SQL", "data_type": "INT"});
            let function_info = uc::FunctionInfo {
                name: leaf,
                catalog_name: "shop".to_owned(),
                schema_name: schema.to_owned(),
                routine_definition: Some(format!("x + {}", dice.roll(9))),
                other: other.as_object().cloned().expect("an object"),
                ..uc::FunctionInfo::default()
            };
            drop(region.create_function(&uc::CreateFunction { function_info }).await);
        }
        5 => match of {
            Securable::Table => drop(region.delete_table(&name).await),
            Securable::Volume => drop(region.delete_volume(&name).await),
            Securable::Function => drop(region.delete_function(&name).await),
            Securable::Schema if name != "shop.default" => drop(region.delete_schema(&name, true).await),
            _ => {}
        },
        6 => drop(region.set_owner(of, &name, dice.one_of(&PEOPLE)).await),
        7 | 8 => drop(region.update_grants(of, &name, &update(dice.one_of(&PEOPLE), &["ALL_PRIVILEGES"], &[])).await),
        9 => drop(region.update_grants(of, &name, &update(dice.one_of(&PEOPLE), &[], &["ALL_PRIVILEGES"])).await),
        10 => {
            let Some(kind) = of.entity_type() else { return };
            let tag = EntityTagAssignment {
                entity_type: kind.to_owned(),
                entity_name: name.clone(),
                tag_key: dice.one_of(&["pii", "team"]).to_owned(),
                tag_value: Some(dice.roll(3).to_string()),
                ..EntityTagAssignment::default()
            };
            if region.assign_tag(&tag).await.is_err() {
                drop(region.remove_tag(kind, &name, &tag.tag_key).await);
            }
        }
        _ => {
            let comment = Some(format!("comment {}", dice.roll(9)));
            let change = uc::UpdateSchema { comment, ..uc::UpdateSchema::default() };
            drop(region.update_schema(&format!("shop.{schema}"), &change).await);
        }
    }
}

async fn check(world: &mut World, seed: u64) {
    world.destination.forget_faults();
    let mut outcome = None;
    for _ in 0..4 {
        outcome = Some(world.cycle().await);
    }
    let records = outcome.expect("a cycle").objects;
    let wrong: Vec<_> = records.iter().filter(|object| object.status != ObjectStatus::InSync).collect();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    let (ours, theirs) = (objects(&world.source).await, objects(&world.destination).await);
    assert_eq!(ours, theirs, "seed {seed}: the same objects");
    for (of, name) in ours {
        let (source, replica) =
            (attributes(&world.source, of, &name).await, attributes(&world.destination, of, &name).await);
        assert_eq!(source, replica, "seed {seed}: {of:?} {name}");
    }
    for name in ["shop.sales", "shop.hr", "shop.ops"] {
        let comment = |info: Option<uc::SchemaInfo>| info.and_then(|info| info.comment);
        let (source, replica) = (world.source.schema(name).await, world.destination.schema(name).await);
        assert_eq!(comment(source.expect("an answer")), comment(replica.expect("an answer")), "seed {seed}: {name}");
    }
    assert_eq!(world.compare().await.differing().len(), 0, "seed {seed}");
}

async fn run(seed: u64) {
    let (mut world, mut dice) = (World::new().await, Dice(seed));
    for region in [&world.source, &world.destination] {
        PEOPLE.iter().for_each(|name| region.add_principal(name));
        let theirs = uc::CreateCatalog { name: "theirs".to_owned(), ..uc::CreateCatalog::default() };
        region.create_catalog(&theirs).await.expect("a catalog");
        region
            .update_grants(Securable::Catalog, "theirs", &update("team", &["USE_CATALOG"], &[]))
            .await
            .expect("granted");
    }
    for round in 0..40 {
        for _ in 0..dice.roll(6) {
            change(&world.source, &mut dice).await;
        }
        match dice.roll(5) {
            // Cut off by an answer that is lost somewhere, and then by a process that is gone.
            0 => {
                let call = dice.one_of(&[
                    "POST /schemas",
                    "POST /tables",
                    "PATCH /permissions",
                    "POST /tags",
                    "PATCH /owner",
                    "DELETE /",
                ]);
                world.destination.lose_answers(call, 1);
                drop(world.soon().await);
                world.restart();
            }
            1 => {
                world.destination.go_away();
                drop(world.soon().await);
                world.destination.come_back();
            }
            2 => drop(world.soon().await),
            3 => drop(world.try_cycle().await),
            _ => {}
        }
        if round == 25 {
            check(&mut world, seed).await;
            world.turn_round();
        }
    }
    check(&mut world, seed).await;
    for region in [&world.source, &world.destination] {
        let grants = region.grants(Securable::Catalog, "theirs").await.expect("an answer");
        assert_eq!(grants.len(), 1, "seed {seed}: nothing out of scope is touched");
    }
}

#[tokio::test]
async fn whatever_people_change_and_wherever_a_cycle_is_cut_off_the_replica_becomes_equal() {
    for seed in 1..=8 {
        run(seed).await;
    }
}

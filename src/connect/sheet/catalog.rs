//! Catalogs, and how tables are made in them.

use super::ask::{Served, served};
use super::line::SheetLine;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::connect::region::{RegionCapabilities, TablePlace};
use crate::connect::rest::{NO_SUCH_CATALOG, RegionClient};
use crate::wire::unity_catalog::{CreateTable, FORMAT_DELTA, PREFIX, TABLE_EXTERNAL};

/// Catalogs and schemas that are looked through for a table to ask credentials of.
const MOST_LOOKED_AT: usize = 12;

/// A Delta table that is there, to ask credentials of.
pub(super) struct Sample {
    pub name: String,
    pub place: TablePlace,
}

pub(super) async fn catalogs(rest: &RegionClient) -> Result<(SheetLine, Option<Sample>), ConnectError> {
    const TOPIC: &str = "catalogs";
    let found = match rest.catalogs().await {
        Ok(found) => found,
        Err(error @ (ConnectError::Unreachable { .. } | ConnectError::Unauthenticated { .. })) => return Err(error),
        Err(error) => {
            let line = SheetLine::fail(
                TOPIC,
                format!("Catalogs can't be listed. {error}"),
                "Nothing of this region can be protected.",
                "Check that the URL is that of a Unity Catalog, and grant the login USE CATALOG.",
            );
            return Ok((line, None));
        }
    };
    let names: Vec<&str> = found.iter().map(|catalog| catalog.name.as_str()).collect();
    let sample = sample(rest, &names).await?;
    let line = match names.len() {
        0 => SheetLine::warn(
            TOPIC,
            "The login sees no catalog.",
            "As a primary there is nothing to protect here. A secondary needs none.",
            "Grant the login USE CATALOG, USE SCHEMA and SELECT on what is to be protected.",
        ),
        1 => SheetLine::pass(TOPIC, format!("1 catalog: {}.", shown(&names))),
        n => SheetLine::pass(TOPIC, format!("{n} catalogs: {}.", shown(&names))),
    };
    Ok((line, sample))
}

fn shown(names: &[&str]) -> String {
    const MOST: usize = 5;
    let more = names.len().saturating_sub(MOST);
    let first = names.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

async fn sample(rest: &RegionClient, catalogs: &[&str]) -> Result<Option<Sample>, ConnectError> {
    let mut looked_at = 0;
    for catalog in catalogs.iter().filter(|name| **name != "system") {
        // What the login may not list holds no table to ask of.
        let schemas = match rest.schemas(catalog).await {
            Ok(schemas) => schemas,
            Err(error) if error.is_unreachable() => return Err(error),
            Err(_) => continue,
        };
        for schema in schemas.iter().filter(|schema| schema.name != "information_schema") {
            looked_at += 1;
            if looked_at > MOST_LOOKED_AT {
                return Ok(None);
            }
            let Ok(tables) = rest.tables(catalog, &schema.name).await else { continue };
            let is_delta = |t: &&crate::wire::unity_catalog::TableInfo| {
                t.storage_location.is_some() && t.data_source_format.as_deref() == Some(FORMAT_DELTA)
            };
            // An external one first: credentials of a managed one say less.
            let external = tables.iter().filter(is_delta).find(|t| t.table_type == TABLE_EXTERNAL);
            if let Some(table) = external.or_else(|| tables.iter().find(is_delta))
                && let Some(place) = TablePlace::of(table)
            {
                return Ok(Some(Sample { name: table.full_name(), place }));
            }
        }
    }
    Ok(None)
}

/// How managed and external tables, and views, are made.
pub(super) async fn tables(rest: &RegionClient, offered: &RegionCapabilities) -> Result<Vec<SheetLine>, ConnectError> {
    let mut lines = vec![managed(rest, offered).await?, commits(rest).await?, external(rest).await?];
    lines.push(if offered.staging_tables {
        SheetLine::pass("views", "Views are made by POST /tables.")
    } else {
        SheetLine::warn(
            "views",
            "Whether views can be made by POST /tables shows only when one is written, so it wasn't asked.",
            "A view that the region refuses is named on its group and holds nothing back.",
            "Recreate refused views in the secondary by SQL.",
        )
    });
    Ok(lines)
}

async fn managed(rest: &RegionClient, offered: &RegionCapabilities) -> Result<SheetLine, ConnectError> {
    const TOPIC: &str = "managed tables";
    const CONSEQUENCE: &str = "Replicas of managed tables are EXTERNAL tables at the mapped place: versions, history and bytes are kept. A managed table here can't take the log back after a failover.";
    const REMEDY: &str = "Map places outside managed storage. Make tables EXTERNAL on both sides where you want to fail back without a rename.";
    if offered.staging_tables {
        return Ok(SheetLine::pass(TOPIC, "Managed tables are staged over REST and take commits by path."));
    }
    // A body that names nothing can't make anything.
    let call = Call::post(PREFIX, &["staging-tables"]).body(&serde_json::json!({}));
    let finding = match served(rest, call).await? {
        Served::No => "The region stages no managed tables over REST.",
        _ => "The region stages managed tables, but doesn't offer commits by path.",
    };
    Ok(SheetLine::warn(TOPIC, finding, CONSEQUENCE, REMEDY))
}

async fn commits(rest: &RegionClient) -> Result<SheetLine, ConnectError> {
    const TOPIC: &str = "catalog commits";
    const CONSEQUENCE: &str = "As a primary, tables with catalog-managed commits arrive as EXTERNAL ones with every ratified version. As a secondary, nothing is committed through the catalog.";
    let config = Call::get(PREFIX, &["delta", "v1", "config"])
        .query("catalog", NO_SUCH_CATALOG)
        .query("protocol-versions", "1.0");
    let newer = !matches!(served(rest, config).await?, Served::No);
    let older = !matches!(served(rest, Call::get(PREFIX, &["delta", "preview", "commits"])).await?, Served::No);
    Ok(match (newer, older) {
        (false, false) => SheetLine::pass(TOPIC, "The catalog serves no commits; every Delta log lies in its table."),
        (true, _) => SheetLine::warn(TOPIC, "The catalog serves commits by /delta/v1.", CONSEQUENCE, ""),
        (false, true) => SheetLine::warn(TOPIC, "The catalog serves commits by /delta/preview.", CONSEQUENCE, ""),
    })
}

async fn external(rest: &RegionClient) -> Result<SheetLine, ConnectError> {
    const TOPIC: &str = "external tables";
    if !matches!(rest.catalog(NO_SUCH_CATALOG).await, Ok(None)) {
        return Ok(SheetLine::warn(
            TOPIC,
            "Not asked: the region doesn't say that a catalog is missing, so the question might write.",
            "The first replica tells.",
            "",
        ));
    }
    let table = CreateTable {
        name: "asked".to_owned(),
        catalog_name: NO_SUCH_CATALOG.to_owned(),
        schema_name: "asked".to_owned(),
        table_type: TABLE_EXTERNAL.to_owned(),
        data_source_format: Some(FORMAT_DELTA.to_owned()),
        storage_location: Some("file:///nonexistent/resilience_console_asks".to_owned()),
        ..CreateTable::default()
    };
    Ok(match served(rest, Call::post(PREFIX, &["tables"]).body(&table)).await? {
        Served::No => SheetLine::fail(
            TOPIC,
            "The region makes no tables over REST.",
            "No table can be replicated to it.",
            "Use the region as the primary alone, or connect a catalog that serves POST /tables.",
        ),
        Served::Yes(_) => {
            let name = format!("{NO_SUCH_CATALOG}.asked.asked");
            match rest.delete_table(&name).await {
                Ok(()) => SheetLine::pass(
                    TOPIC,
                    "EXTERNAL Delta tables are made by POST /tables, even without a catalog. The table of this question was dropped again.",
                ),
                Err(error) => SheetLine::fail(
                    TOPIC,
                    format!("The region made {name}, though it has no such catalog, and doesn't drop it. {error}"),
                    "A table was left behind.",
                    "Drop it there.",
                ),
            }
        }
        Served::Refused(_) | Served::Denied(_) => SheetLine::pass(
            TOPIC,
            "EXTERNAL Delta tables are made by POST /tables. Privileges in a catalog show when the first is made.",
        ),
    })
}

//! Which kinds of objects the region serves beside tables.

use super::ask::{Served, count, served};
use super::line::SheetLine;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::connect::region::RegionCapabilities;
use crate::connect::rest::{NO_SUCH_CATALOG, RegionClient};
use crate::wire::unity_catalog::PREFIX;

/// A kind whose list is asked for, and the key under which the answer lists it.
struct Kind {
    topic: &'static str,
    path: &'static str,
    key: &'static str,
    query: &'static [(&'static str, &'static str)],
}

const IN_WORKSPACE: [Kind; 6] = [
    Kind { topic: "notebooks and files", path: "/api/2.0/workspace/list", key: "objects", query: &[("path", "/")] },
    Kind { topic: "jobs", path: "/api/2.2/jobs/list", key: "jobs", query: &[("limit", "1")] },
    Kind { topic: "clusters", path: "/api/2.1/clusters/list", key: "clusters", query: &[("page_size", "1")] },
    Kind { topic: "SQL warehouses", path: "/api/2.0/sql/warehouses", key: "warehouses", query: &[] },
    Kind { topic: "dashboards", path: "/api/2.0/lakeview/dashboards", key: "dashboards", query: &[("page_size", "1")] },
    Kind { topic: "Git folders", path: "/api/2.0/repos", key: "repos", query: &[] },
];

pub(super) async fn in_workspace(rest: &RegionClient) -> Result<Vec<SheetLine>, ConnectError> {
    let mut lines = Vec::new();
    for Kind { topic, path, key, query } in IN_WORKSPACE {
        let call = query.iter().fold(Call::get(path, &[]), |call, (key, value)| call.query(key, value));
        lines.push(match served(rest, call).await? {
            Served::Yes(answer) if count(&answer, key) == 0 => SheetLine::pass(topic, "Served; the login sees none."),
            Served::Yes(_) => SheetLine::pass(topic, "Served; the login sees some."),
            Served::No => SheetLine::warn(topic, "The region has no such call.", "It has none of them to protect.", ""),
            Served::Refused(error) | Served::Denied(error) => SheetLine::warn(
                topic,
                format!("They can't be listed. {error}"),
                "They are neither shown nor stopped at a failover.",
                "Give the login access to the workspace and to these objects.",
            ),
        });
    }
    Ok(lines)
}

pub(super) async fn in_catalog(rest: &RegionClient) -> Result<Vec<SheetLine>, ConnectError> {
    let of = |segments: &[&str]| Call::get(PREFIX, segments);
    let in_schema = |kind: &str| of(&[kind]).query("catalog_name", NO_SUCH_CATALOG).query("schema_name", "asked");
    let asked = [
        ("volumes", in_schema("volumes"), "Volumes aren't replicated."),
        ("functions", in_schema("functions"), "Functions aren't replicated."),
        ("grants", of(&["permissions", "catalog", NO_SUCH_CATALOG]), "Grants can't be read there."),
        (
            "policies",
            of(&["policies", "catalog", NO_SUCH_CATALOG]).query("include_inherited", true),
            "Attribute policies can't be looked for; row filters and masks on the table itself are.",
        ),
    ];
    let mut lines = Vec::new();
    for (topic, call, consequence) in asked {
        lines.push(match served(rest, call).await? {
            Served::No => SheetLine::warn(topic, "The region has no such call.", consequence, ""),
            _ => SheetLine::pass(topic, "Served."),
        });
    }
    Ok(lines)
}

pub(super) fn ids(offered: &RegionCapabilities) -> SheetLine {
    if offered.keeps_ids {
        return SheetLine::pass("ids", "A create call may name the new object's id, so ids are kept.");
    }
    SheetLine::warn(
        "ids",
        "The region gives every new object an id of its own.",
        "Tables, volumes and functions have other ids in this region than in the other one.",
        "Refer to objects by name.",
    )
}

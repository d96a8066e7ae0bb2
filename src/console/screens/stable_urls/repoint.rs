//! Clients that call a workspace's own URL, and so would stay behind at a failover.

use crate::console::format;
use crate::domain::Region;
use crate::net::{SeenClient, TrafficView};
use crate::runtime::SandboxRegionView;
use std::collections::BTreeSet;

/// Clients that are named; more are counted.
const MOST: usize = 5;

/// Clients of the workspaces in `regions` that have not called a stable URL: a line for each, the latest first.
pub fn lines(views: &[SandboxRegionView], regions: &[Region]) -> Vec<String> {
    let clients = || views.iter().flat_map(|view| view.clients.iter().map(move |client| (&view.region, client)));
    let moved: BTreeSet<_> = clients()
        .filter(|(_, client)| client.through_gateway)
        .map(|(_, client)| (&client.user_agent, &client.principal))
        .collect();
    let mut left: Vec<_> = clients()
        .filter(|(region, client)| regions.contains(region) && !client.through_gateway)
        .filter(|(_, client)| client.principal.is_some() && !moved.contains(&(&client.user_agent, &client.principal)))
        .collect();
    left.sort_by_key(|(_, client)| std::cmp::Reverse(client.last));
    let mut lines: Vec<String> = left
        .iter()
        .take(MOST)
        .map(|(region, client)| {
            let agent =
                if client.user_agent.is_empty() { "A client without a name" } else { client.user_agent.as_str() };
            let principal = client.principal.as_deref().unwrap_or_default();
            let last = format::utc_time(client.last);
            format!("{agent} ({principal}) calls the workspace in {region} directly, last at {last} UTC")
        })
        .collect();
    if left.len() > MOST {
        lines.push(format!("and {} more", format::count((left.len() - MOST) as u64)));
    }
    lines
}

/// Who called a stable URL, a line each, those with the most requests first.
pub fn seen(traffic: &TrafficView) -> Vec<String> {
    let line = |client: &SeenClient| {
        let agent = if client.user_agent.is_empty() { "A client without a name" } else { client.user_agent.as_str() };
        let requests = format::plural(client.requests as usize, "request", "requests");
        match client.workspace_tokens {
            0 => format!("{agent}: {requests}"),
            some => format!("{agent}: {requests}, {} with a workspace's own token", format::count(some)),
        }
    };
    let mut lines: Vec<String> = traffic.clients.iter().take(MOST).map(line).collect();
    if traffic.clients.len() > MOST {
        lines.push(format!("and {} more", format::count((traffic.clients.len() - MOST) as u64)));
    }
    lines
}

/// What a person has to look up where the regions don't tell who calls them.
pub fn untold(regions: &[Region]) -> String {
    let names: Vec<&str> = regions.iter().map(Region::as_str).collect();
    format!(
        "{} don't tell the console who calls their own URLs. Compare the user agents in system.access.audit there with the clients seen here.",
        names.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::WorkspaceClient;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn client(agent: &str, principal: Option<&str>, through_gateway: bool, second: i64) -> WorkspaceClient {
        let start = Utc.with_ymd_and_hms(2026, 11, 25, 12, 4, 0).single().expect("a time");
        WorkspaceClient {
            user_agent: agent.to_owned(),
            principal: principal.map(str::to_owned),
            through_gateway,
            calls: 1,
            last: start + TimeDelta::seconds(second),
        }
    }

    fn view(region: &str, clients: Vec<WorkspaceClient>) -> SandboxRegionView {
        SandboxRegionView {
            region: Region::new(region),
            up: true,
            workspace_url: String::new(),
            storage_root: String::new(),
            commits: 0,
            clients,
        }
    }

    #[test]
    fn who_calls_a_workspace_and_no_stable_url_is_named() {
        let east = view(
            "us-east-1",
            vec![
                client("sdk/1", Some("ada"), false, 1),
                client("curl", None, false, 2),
                client("moved/1", Some("bob"), false, 3),
                client("", Some("ada"), false, 4),
            ],
        );
        let west = view("us-west-2", vec![client("moved/1", Some("bob"), true, 9)]);
        let regions = ["us-east-1", "us-west-2"].map(Region::new);
        assert_eq!(
            lines(&[east.clone(), west], &regions),
            [
                "A client without a name (ada) calls the workspace in us-east-1 directly, last at 12:04:04 UTC",
                "sdk/1 (ada) calls the workspace in us-east-1 directly, last at 12:04:01 UTC",
            ]
        );
        assert!(lines(&[east], &[Region::new("us-west-2")]).is_empty(), "another workspace's clients are not meant");
    }

    #[test]
    fn who_calls_a_stable_url_is_named_with_the_logins_that_do_not_survive() {
        let client = |agent: &str, requests, workspace_tokens| SeenClient {
            user_agent: agent.to_owned(),
            requests,
            workspace_tokens,
        };
        let mut traffic =
            TrafficView { clients: vec![client("sdk/1", 12, 7), client("", 1, 0)], ..TrafficView::default() };
        assert_eq!(
            seen(&traffic),
            ["sdk/1: 12 requests, 7 with a workspace's own token", "A client without a name: 1 request"]
        );
        traffic.clients = (0..9).map(|n| client(&n.to_string(), 1, 0)).collect();
        assert_eq!((seen(&traffic).len(), seen(&traffic).last().map(String::as_str)), (6, Some("and 4 more")));
        let told = untold(&["us-east-1", "us-west-2"].map(Region::new));
        assert!(told.starts_with("us-east-1 and us-west-2 don't tell"), "{told}");
    }

    #[test]
    fn a_long_list_is_cut() {
        let many = (0..9).map(|n| client(&format!("agent {n}"), Some("ada"), false, n)).collect();
        let told = lines(&[view("us-east-1", many)], &[Region::new("us-east-1")]);
        assert_eq!((told.len(), told.last().map(String::as_str)), (6, Some("and 4 more")));
    }
}

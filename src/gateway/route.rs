//! Which stable URL a request is for, and what in it names that URL to the workspace.

use super::ids;
use super::rescue::Rescue;
use crate::net::{Gate, RouteTable, Target};
use hyper::header::{COOKIE, HOST, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use std::borrow::Cow;
use std::sync::Arc;

/// The cookie that a page's later requests name their stable URL with.
pub const COOKIE_NAME: &str = "stable_workspace_id";
/// Headers that name a workspace.
pub const ID_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-databricks-workspace-id"), HeaderName::from_static("x-databricks-org-id")];
/// Where a cluster's SQL endpoint has its workspace's id.
const CLUSTER_PATH: &str = "/sql/protocolv1/o/";
/// How a Private Link host name begins.
const PRIVATE_LINK: &str = "conn-";

/// The stable URL that a request is for.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its gate.
    pub gate: Arc<Gate>,
    /// Whether it was named in the query as `w`, as the address that people copy does.
    pub by_query: bool,
}

/// Finds the stable URL that a request names.
///
/// What a client wrote into the request itself counts before the host name, and both before a cookie. Other digits than a
/// stable URL's in a header, in `o` or in the path are a workspace's own and name nothing, as long as something else does.
pub fn find(table: &RouteTable, parts: &Parts, domain: &str) -> Result<Found, Rescue> {
    let query = parts.uri.query().unwrap_or_default();
    let w = values(query, "w").next();
    let said =
        ID_HEADERS.into_iter().flat_map(|name| parts.headers.get_all(name)).filter_map(|value| value.to_str().ok());
    let in_path = parts.uri.path().strip_prefix(CLUSTER_PATH).and_then(|rest| rest.split('/').next());
    let mut known: Option<&Arc<Gate>> = None;
    let mut unknown = None;
    for (id, is_w) in w
        .map(|id| (id, true))
        .into_iter()
        .chain(values(query, "o").chain(said.map(str::trim)).chain(in_path).map(|id| (id, false)))
    {
        match (table.by_workspace_id(id), known) {
            (Some(gate), None) => known = Some(gate),
            (Some(gate), Some(first)) if gate.id != first.id => {
                return Err(Rescue::TwoUrls { first: first.id.clone(), second: gate.id.clone() });
            }
            (None, _) if is_w => return Err(Rescue::UnknownUrl { id: shown(id) }),
            (None, _) => unknown = unknown.or(Some(id)),
            _ => {}
        }
    }
    let found = known
        .or_else(|| by_host(table, host(parts)?, domain))
        .or_else(|| cookie(&parts.headers).and_then(|id| table.by_workspace_id(id)));
    match (found, unknown) {
        (Some(gate), _) => Ok(Found { gate: gate.clone(), by_query: w.is_some() }),
        (None, Some(id)) => Err(Rescue::UnknownUrl { id: shown(id) }),
        (None, None) => Err(Rescue::NoUrl),
    }
}

/// The host that a request is for, with its port where one is given.
pub fn host(parts: &Parts) -> Option<&str> {
    let in_target = parts.uri.authority().map(|authority| authority.as_str());
    in_target.or_else(|| parts.headers.get(HOST)?.to_str().ok())
}

fn by_host<'a>(table: &'a RouteTable, host: &str, domain: &str) -> Option<&'a Arc<Gate>> {
    let host = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host });
    let (label, rest) = host.trim_end_matches('.').split_once('.')?;
    if let Some(id) = label.to_ascii_lowercase().strip_prefix(PRIVATE_LINK)
        && let Some(gate) = table.by_workspace_id(id)
    {
        return Some(gate);
    }
    if rest.eq_ignore_ascii_case("localhost") || rest.eq_ignore_ascii_case(domain) {
        return table.by_label(label);
    }
    None
}

fn values<'a>(query: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    query.split('&').filter_map(move |pair| pair.strip_prefix(key)?.strip_prefix('='))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// What a client wrote, as an answer may show it.
fn shown(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(40).collect()
}

/// The path and query as the workspace understands them: its own id stands where the stable URL's did, and its assets' ids
/// where the other region's did.
pub fn target(parts: &Parts, stable_id: &str, to: &Target) -> PathAndQuery {
    let given = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    if to.moved.is_empty() && !given.as_str().contains(stable_id) {
        return given;
    }
    let workspace_id = to.workspace_id.as_str();
    let path = ids::path(given.path(), &to.moved).unwrap_or_else(|| given.path().to_owned());
    let path = match path.strip_prefix(CLUSTER_PATH).and_then(|rest| rest.strip_prefix(stable_id)) {
        Some(rest) if rest.starts_with('/') => format!("{CLUSTER_PATH}{workspace_id}{rest}"),
        _ => path,
    };
    let query = given.query().map(|query| match ids::query(given.path(), query, &to.moved) {
        Some(renamed) => Cow::Owned(renamed),
        None => Cow::Borrowed(query),
    });
    let pairs = query.map(|query| {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((key @ ("w" | "o"), id)) if id == stable_id => format!("{key}={workspace_id}"),
            _ => pair.to_owned(),
        });
        pairs.collect::<Vec<_>>().join("&")
    });
    let text = pairs.map_or_else(|| path.clone(), |pairs| format!("{path}?{pairs}"));
    PathAndQuery::try_from(text).unwrap_or(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::RouteTable;
    use hyper::Request;

    fn table() -> RouteTable {
        RouteTable::new([("shop", "1001"), ("Ware_House", "1002")].map(|(id, of)| Arc::new(Gate::new(id, of))))
    }

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn found(uri: &str, headers: &[(&str, &str)]) -> Result<String, Rescue> {
        find(&table(), &parts(uri, headers), "dr.example.com").map(|found| found.gate.id.clone())
    }

    #[test]
    fn a_stable_url_is_named_in_each_of_the_documented_ways() {
        let gateway = ("host", "127.0.0.1:8080");
        assert_eq!(found("/?w=1001", &[gateway]).as_deref(), Ok("shop"));
        assert_eq!(found("/api/2.0/x?a=b&o=1002", &[gateway]).as_deref(), Ok("Ware_House"));
        assert_eq!(found("/", &[gateway, ("X-Databricks-Workspace-Id", " 1001 ")]).as_deref(), Ok("shop"));
        assert_eq!(found("/", &[gateway, ("x-databricks-org-id", "1001")]).as_deref(), Ok("shop"));
        assert_eq!(found("/sql/protocolv1/o/1002/0101-abc", &[gateway]).as_deref(), Ok("Ware_House"));
        assert_eq!(found("/", &[("host", "shop.localhost:8080")]).as_deref(), Ok("shop"));
        assert_eq!(found("/", &[("host", "ware-house.DR.example.com.")]).as_deref(), Ok("Ware_House"));
        assert_eq!(found("/", &[("host", "conn-1002.privatelink.example.net")]).as_deref(), Ok("Ware_House"));
        assert_eq!(found("http://shop.localhost/x", &[("host", "other")]).as_deref(), Ok("shop"));
        let cookies = [gateway, ("cookie", "a=b; stable_workspace_id=1002; c=d")];
        assert_eq!(found("/x", &cookies).as_deref(), Ok("Ware_House"));
        assert_eq!(found("/x?w=1001", &cookies).as_deref(), Ok("shop"), "what the page says counts before the cookie");
    }

    #[test]
    fn what_names_no_url_an_unknown_one_or_two_is_refused() {
        let gateway = ("host", "127.0.0.1:8080");
        assert_eq!(found("/", &[gateway]), Err(Rescue::NoUrl));
        assert_eq!(found("/", &[]), Err(Rescue::NoUrl));
        assert_eq!(found("/?w=77", &[("host", "shop.localhost")]), Err(Rescue::UnknownUrl { id: "77".to_owned() }));
        let other = [gateway, ("x-databricks-org-id", "77<b>")];
        assert_eq!(found("/", &other), Err(Rescue::UnknownUrl { id: "77b".to_owned() }));
        let two = found("/?w=1001", &[gateway, ("x-databricks-workspace-id", "1002")]);
        assert_eq!(two, Err(Rescue::TwoUrls { first: "shop".to_owned(), second: "Ware_House".to_owned() }));
        assert_eq!(found("/", &[("host", "shop.example.org")]), Err(Rescue::NoUrl));
    }

    #[test]
    fn a_workspaces_own_id_in_a_header_does_not_stand_in_the_way_of_the_host() {
        let headers = [("host", "shop.localhost"), ("x-databricks-org-id", "5555555555")];
        assert_eq!(found("/api/2.0/sql/statements", &headers).as_deref(), Ok("shop"));
    }

    #[test]
    fn the_workspace_sees_its_own_id_and_everything_else_as_it_was_sent() {
        let url = url::Url::parse("https://dbc-1.example.com").expect("a URL");
        let to = Target::new(1, "us-east-1", "777", url);
        let seen = |uri: &str| target(&parts(uri, &[]), "1001", &to).to_string();
        assert_eq!(seen("/?w=1001&x=%2F1001"), "/?w=777&x=%2F1001");
        assert_eq!(seen("/sql/1.0/warehouses/ab?o=1001"), "/sql/1.0/warehouses/ab?o=777");
        assert_eq!(seen("/sql/protocolv1/o/1001/0101"), "/sql/protocolv1/o/777/0101");
        assert_eq!(seen("/jobs/1001?ww=1001&o=10012"), "/jobs/1001?ww=1001&o=10012");
        assert_eq!(seen("/a%20b?c"), "/a%20b?c");
    }
}

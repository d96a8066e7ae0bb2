//! From S3 to Azure with what two regions vend: credentials that really end while a copy is under way.

use super::replica::{assert_equal, catch_up, ship_once};
use super::servers::{self, Server};
use super::tables::Table;
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use chrono::{TimeDelta, Utc};
use resilience::connect::{ConnectSettings, PublicRegion, Secret, TablePlace};
use resilience::delta::{Plan, PlanRequest, TableRoot, Transfer, TransferLimits, plan, ship};
use resilience::domain::{ErrorClass, Region, SystemClock, TransferLimit, WorkspaceId};
use resilience::replicate::{Endpoint, root_of};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How long vended credentials are good.
const LIFE: TimeDelta = TimeDelta::seconds(4);

/// A region that vends credentials for its store and nothing else; they end after a few seconds. Counts how often it was asked.
async fn region(name: &str, server: &Server) -> (Endpoint, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, store) = (asked.clone(), server.clone());
    let answer = move |uri: Uri, body: Bytes| {
        let answer = vend(&uri, &body, &store, &counted);
        async move { answer }
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let settings = ConnectSettings::new(name, url, Secret::from("token"));
    let settings = ConnectSettings { storage: server.options(), ..settings };
    let client = PublicRegion::connect(settings, None).expect("a client");
    let endpoint = Endpoint::connect(&Region::new(name), &WorkspaceId::new("1"), client).await.expect("it answers");
    (endpoint, asked)
}

fn vend(uri: &Uri, body: &[u8], store: &Server, asked: &AtomicUsize) -> Response {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if !uri.path().ends_with("temporary-path-credentials") {
        return (StatusCode::NOT_FOUND, Json(json!({"error_code": "ENDPOINT_NOT_FOUND", "message": "no"})))
            .into_response();
    }
    asked.fetch_add(1, Ordering::Relaxed);
    let end = Utc::now() + LIFE;
    let mut credentials = serde_json::to_value(store.credentials_until(end)).expect("JSON");
    credentials["expiration_time"] = json!(end.timestamp_millis());
    credentials["url"] = body["url"].clone();
    Json(credentials).into_response()
}

async fn open(endpoint: &Endpoint, server: &Server, key: &str, write: bool) -> TableRoot {
    let place = TablePlace::path(server.uri(key));
    root_of(endpoint, &place, write, &SystemClock).await.expect("granted").root
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_from_s3_to_azure_outlives_the_credentials_that_it_began_with() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::by_hand(folder.path(), "vended");
    table.grow(4);
    assert_eq!(catch_up(&TableRoot::Local(table.path.clone()), &s3.root("vended/source")).await, 0);
    let ((east, asked_east), (west, asked_west)) = (region("east", &s3).await, region("west", &azure).await);
    let source = open(&east, &s3, "vended/source", false).await;
    let replica = open(&west, &azure, "vended/replica", true).await;
    let first = azure.credentials_until(Utc::now() + LIFE);
    let early = (asked_east.load(Ordering::Relaxed), asked_west.load(Ordering::Relaxed));

    // Slow enough for the first credentials to end on the way: 20 MiB at 2 MiB a second.
    let limit = TransferLimit { bandwidth: "2MiB/s".parse().ok(), ..TransferLimit::default() };
    let transfer = Transfer { limits: Arc::new(TransferLimits::new(limit)), ..Transfer::default() };
    let Plan::Ship(shipment) = plan(PlanRequest::new(&source, &replica, None)).await.expect("a plan") else {
        panic!("something to ship")
    };
    ship(vec![*shipment], &transfer).await.remove(0).expect("a shipment");
    assert_equal(&table, &replica).await;
    assert!(asked_east.load(Ordering::Relaxed) > early.0, "the source's region was asked again");
    assert!(asked_west.load(Ordering::Relaxed) > early.1, "the destination's region was asked again");

    // Without renewing it would have ended: what was vended first is refused by now.
    let stale = azure.root_with("vended/stale", &first);
    let fault = ship_once(&TableRoot::Local(table.path.clone()), &stale, None).await.expect_err("it has ended");
    assert_eq!(fault.class, ErrorClass::PermissionDenied, "{fault:?}");
}

//! What passes the gateway, and how.

use super::{Asked, Region, Served};
use crate::gateway::{GatewayOptions, GatewayTls};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures::{SinkExt, StreamExt, channel::mpsc, stream};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

#[tokio::test]
async fn a_request_passes_whole_and_the_region_sees_its_own_names() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    let sent = served.http.post(served.url("/api/2.0/jobs?w=1001&a=%2F")).bearer_auth("hunter2").body("{\"a\":1}");
    let answer = sent.send().await.expect("answered");
    assert_eq!((answer.status().as_u16(), answer.headers()["x-region"].to_str().expect("text")), (200, "east"));
    let text = answer.text().await.expect("text");
    assert!(text.starts_with("POST /api/2.0/jobs?w=774&a=%2F {\"a\":1}\n"), "{text}");
    for field in [
        format!("host: {}", region.address),
        "authorization: Bearer hunter2".to_owned(),
        format!("x-forwarded-host: {}", served.address()),
        "x-forwarded-for: 127.0.0.1".to_owned(),
        "x-forwarded-proto: http".to_owned(),
    ] {
        assert!(text.contains(&field), "{field} is missing: {text}");
    }
    served.gateway.stop().await;
}

#[tokio::test]
async fn a_page_view_sets_a_cookie_that_later_requests_are_routed_by() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    let page = served.http.get(served.url("/?w=1001")).header("accept", "text/html").send().await.expect("answered");
    let cookie = page.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert_eq!(cookie, "stable_workspace_id=1001; Path=/; HttpOnly; SameSite=Lax");
    let pair = cookie.split(';').next().expect("a pair").to_owned();
    let asset = served.http.get(served.url("/app.js")).header("cookie", pair).send().await.expect("answered");
    assert_eq!(asset.status(), 200);
    assert!(!asset.headers().contains_key("set-cookie"));
    assert_eq!(region.asked(), ["GET /?w=774 ", "GET /app.js "]);
}

#[tokio::test]
async fn a_request_for_no_url_gets_json_and_no_redirect() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    for (path, status, words) in [("/", 400, "which stable URL"), ("/?w=5", 404, "workspace id 5")] {
        let answer = served.http.get(served.url(path)).send().await.expect("answered");
        assert_eq!(answer.status(), status);
        let body: Value = answer.json().await.expect("JSON");
        assert!(body["message"].as_str().is_some_and(|text| text.contains(words)), "{body}");
        assert!(body["error_code"].is_string(), "{body}");
    }
    assert!(region.asked().is_empty());
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    let head = "POST /x HTTP/1.1\r\nHost: shop.localhost\r\n";
    for bad in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "X-A: b\r\n folded\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
        "Host: other\r\nContent-Length: 0\r\n\r\n",
    ] {
        let answer = served.raw(format!("{head}{bad}").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{bad:?} was answered {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{bad:?} was taken for two: {answer:?}");
    }
    assert!(region.asked().is_empty(), "{:?}", region.asked());
    let get = served.get("/still-well").await;
    assert_eq!(get.status(), 200);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_when_the_region_takes_its_body() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    let mut stream = TcpStream::connect(served.address()).await.expect("connects");
    let head = "PUT /x HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.expect("it is told");
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.expect("sent");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.expect("answered");
    assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");
    assert_eq!(region.asked(), ["PUT /x hello"]);
}

/// A region that speaks raw bytes: each connection is handed to `serve`.
async fn raw_region<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Region
where
    F: Future<Output = ()> + Send + 'static,
{
    let region = Region::echo("east").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Region { address, ..region }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

#[tokio::test]
async fn a_websocket_passes_both_ways_and_ends_with_the_switch() {
    let region = raw_region(|mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(head.contains("upgrade: websocket") && head.contains("connection: upgrade"), "{head}");
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.expect("sent");
        let mut bytes = [0; 1024];
        while let Ok(more @ 1..) = stream.read(&mut bytes).await {
            if stream.write_all(&bytes[..more]).await.is_err() {
                return;
            }
        }
    })
    .await;
    let served = Served::to(&region).await;
    let mut stream = TcpStream::connect(served.address()).await.expect("connects");
    let head = "GET /ws HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let answer = read_head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101") && answer.contains("upgrade: websocket"), "{answer}");
    for word in [&b"hello"[..], b"\x00\xff\x81"] {
        stream.write_all(word).await.expect("sent");
        let mut back = vec![0; word.len()];
        stream.read_exact(&mut back).await.expect("echoed");
        assert_eq!(back, word);
    }
    assert_eq!(served.gate.traffic().running(), 1, "it is open still");
    let other = Region::echo("westward").await;
    served.gate.lead(Some(other.target(2)), crate::net::Admission::Open, chrono::Utc::now());
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_or(0), 0, "it is closed");
}

#[tokio::test]
async fn events_come_one_by_one_and_their_stream_ends_cleanly_at_the_switch() {
    let (events, coming) = mpsc::channel::<Result<Bytes, Infallible>>(1);
    let coming = Arc::new(Mutex::new(Some(coming)));
    let stream = move || {
        let body = coming.lock().expect("a lock").take().map_or_else(Body::empty, Body::from_stream);
        async move { ([("content-type", "text/event-stream")], body) }
    };
    let region = Region::of("east", Router::new().route("/events", get(stream)), Asked::default()).await;
    let served = Served::to(&region).await;
    let mut answer = served.get("/events").await;
    let mut events = events;
    for text in ["data: 1\n\n", "data: 2\n\n"] {
        events.send(Ok(Bytes::from_static(text.as_bytes()))).await.expect("sent");
        let chunk = answer.chunk().await.expect("it comes").expect("not the end");
        assert_eq!(chunk, text.as_bytes());
    }
    let other = Region::echo("westward").await;
    served.switch(&region, &other, 2).await;
    assert_eq!(
        answer.chunk().await.expect("no error"),
        None,
        "a whole stream, so that the client asks for the next one"
    );
}

#[tokio::test]
async fn a_download_that_a_switch_cuts_never_looks_whole() {
    let endless = || async { Body::from_stream(stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[7; 1024])))) };
    let region = Region::of("east", Router::new().route("/file", get(endless)), Asked::default()).await;
    let served = Served::to(&region).await;
    let mut answer = served.get("/file").await;
    answer.chunk().await.expect("it comes").expect("not the end");
    let other = Region::echo("westward").await;
    served.gate.lead(Some(other.target(2)), crate::net::Admission::Open, chrono::Utc::now());
    let end = loop {
        match answer.chunk().await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert!(end.is_err(), "the client must not take half a file for a whole one: {end:?}");
}

#[tokio::test]
async fn a_body_is_read_no_faster_than_the_region_takes_it() {
    let opened = Arc::new(Notify::new());
    let wait = opened.clone();
    let slow = move |body: Body| async move {
        wait.notified().await;
        let mut all = 0;
        let mut body = body.into_data_stream();
        while let Some(Ok(bytes)) = body.next().await {
            all += bytes.len();
        }
        all.to_string()
    };
    let router = Router::new().route("/up", post(slow)).layer(axum::extract::DefaultBodyLimit::disable());
    let region = Region::of("east", router, Asked::default()).await;
    let served = Served::to(&region).await;
    const ALL: usize = 256 << 20;
    let taken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = taken.clone();
    let chunks = stream::iter(0..ALL / 65536).map(move |_| {
        counted.fetch_add(65536, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, Infallible>(Bytes::from_static(&[1; 65536]))
    });
    let sent = served.http.post(served.url("/up?w=1001")).body(reqwest::Body::wrap_stream(chunks)).send();
    let sent = tokio::spawn(sent);
    // What the client could hand over stops growing, because the region takes nothing.
    let mut before = usize::MAX;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = taken.load(std::sync::atomic::Ordering::Relaxed);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    assert!(before < 64 << 20, "{before} bytes were taken in that nobody wanted");
    opened.notify_one();
    let answer = sent.await.expect("it ends").expect("answered");
    assert_eq!(answer.text().await.expect("text"), ALL.to_string());
}

/// Sends so much both ways at a time, and says how much memory this process took at most in the meantime, over what it had.
async fn both_ways(all: usize) -> u64 {
    let chunks = move || stream::iter(0..all / 65536).map(|n| Ok::<_, Infallible>(Bytes::from(vec![n as u8; 65536])));
    let up = |body: Body| async move {
        let mut body = body.into_data_stream();
        let mut all = 0;
        while let Some(Ok(bytes)) = body.next().await {
            all += bytes.len();
        }
        all.to_string()
    };
    let down = move || async move { Body::from_stream(chunks()) };
    let router = Router::new().route("/down", get(down)).route("/up", post(up));
    let router = router.layer(axum::extract::DefaultBodyLimit::disable());
    let region = Region::of("east", router, Asked::default()).await;
    let served = Served::to(&region).await;
    let memory = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    };
    let before = memory();
    let taking = async {
        let (mut answer, mut taken, mut most) = (served.get("/down").await, 0, 0);
        while let Some(chunk) = answer.chunk().await.expect("no error") {
            taken += chunk.len();
            if taken % (16 << 20) < chunk.len() {
                most = most.max(memory());
            }
        }
        assert_eq!(taken, all);
        most
    };
    let giving = async {
        let body = reqwest::Body::wrap_stream(chunks());
        let answer = served.http.post(served.url("/up?w=1001")).body(body).send().await.expect("answered");
        assert_eq!(answer.text().await.expect("text"), all.to_string());
    };
    let (most, ()) = tokio::join!(taking, giving);
    assert_eq!(served.gate.traffic().running(), 0);
    most.saturating_sub(before)
}

#[tokio::test]
async fn large_bodies_pass_whole_both_ways() {
    both_ways(256 << 20).await;
}

#[tokio::test]
#[ignore = "alone in its process, because it measures that process's memory"]
async fn a_gibibyte_passes_both_ways_in_little_memory() {
    let more = both_ways(1 << 30).await;
    assert!(more < 64 << 20, "{more} bytes more than before");
}

#[tokio::test]
async fn trailers_pass_to_a_client_that_takes_them() {
    let region = raw_region(|mut stream| async move {
        let head = read_head(&mut stream).await;
        assert!(head.contains("te: trailers"), "{head}");
        let answer =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.expect("sent");
    })
    .await;
    let served = Served::to(&region).await;
    let answer =
        served.raw(b"GET /x HTTP/1.1\r\nHost: shop.localhost\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n").await;
    assert!(answer.ends_with("2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn http2_is_spoken_without_asking_first() {
    let region = Region::echo("east").await;
    let served = Served::to(&region).await;
    let stream = TcpStream::connect(served.address()).await.expect("connects");
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    for n in 0..3 {
        let request = hyper::Request::get(format!("http://shop.localhost/n/{n}")).body(Empty::<Bytes>::new());
        let answer = sender.send_request(request.expect("a request")).await.expect("answered");
        assert_eq!(answer.status(), 200);
        let text = answer.into_body().collect().await.expect("whole").to_bytes();
        assert!(String::from_utf8_lossy(&text).contains("x-forwarded-host: shop.localhost"));
    }
    assert_eq!(region.asked().len(), 3);
}

#[tokio::test]
async fn over_tls_the_protocol_is_agreed_on_and_the_certificate_is_known_by_its_fingerprint() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let region = Region::echo("east").await;
    let tls = Some(GatewayTls::SelfMade(dir.path().to_owned()));
    let served = Served::with(&region, GatewayOptions { tls, ..GatewayOptions::default() }).await;
    assert!(served.gateway.url().starts_with("https://127.0.0.1:"));
    assert_eq!(served.gateway.fingerprint().map(str::len), Some(95));
    let pem = std::fs::read(dir.path().join("gateway.pem")).expect("kept");
    let trusted = reqwest::Certificate::from_pem(&pem).expect("a certificate");
    let client = reqwest::Client::builder().tls_certs_only([trusted]).build().expect("a client");
    let answer = client.get(served.url("/x?w=1001")).send().await.expect("trusted");
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.expect("text").contains("x-forwarded-proto: https"));
    assert!(served.http.get(served.url("/x?w=1001")).send().await.is_err(), "others don't trust it");
    served.gateway.stop().await;
}

#[tokio::test]
async fn a_regions_refusal_is_its_own_and_counts_as_an_error() {
    let busy = || async { (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "7")], "busy").into_response() };
    let region = Region::of("east", Router::new().route("/x", get(busy)), Asked::default()).await;
    let served = Served::to(&region).await;
    let answer = served.get("/x").await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"7".parse().expect("a value")));
    let view = served.gate.traffic().view();
    assert_eq!((view.requests, view.errors), (1, 1));
    assert!(view.p50_ms.is_some());
}

#[tokio::test]
async fn started_and_stopped_fifty_times_it_leaves_no_connection() {
    let region = Region::echo("east").await;
    for _ in 0..50 {
        let served = Served::to(&region).await;
        assert_eq!(served.get("/x").await.status(), 200);
        let address = served.address();
        let mut idle = TcpStream::connect(&address).await.expect("connects");
        served.gateway.stop().await;
        assert!(TcpStream::connect(&address).await.is_err(), "it still listens");
        assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0, "a client's connection is open still");
    }
    let mut left = usize::MAX;
    for _ in 0..100 {
        let table = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux");
        // Connections that are established, in the table's own spelling: port in hex, state 01.
        let port = format!(":{:04X}", region.address.port());
        left = table.lines().filter(|line| line.contains(&port) && line.contains(" 01 ")).count();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(left, 0, "connections to the region are open still");
}

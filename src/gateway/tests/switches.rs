//! Switches under load: what a client notices, and what each region was asked.

use super::{Region, Served, short};
use crate::net::Admission;
use axum::Router;
use axum::routing::any;
use chrono::Utc;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Clients that send one numbered request after the other.
struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<(String, u16, String)>>>,
}

impl Load {
    /// `post` for requests with a body, which must never be sent twice.
    fn start(served: &Served, clients: usize, post: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..clients).map(|client| {
            let (http, url, stop) = (served.http.clone(), served.url(""), stop.clone());
            tokio::spawn(async move {
                let mut answers = Vec::new();
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let name = format!("/{client}/{number}");
                    let request = match post {
                        true => http.post(format!("{url}{name}?w=1001")).body("x"),
                        false => http.get(format!("{url}{name}?w=1001")),
                    };
                    let (status, region) = match request.send().await {
                        Ok(answer) => {
                            let region = answer.headers().get("x-region").map(|r| r.to_str().expect("text").to_owned());
                            (answer.status().as_u16(), region.unwrap_or_default())
                        }
                        Err(error) => (0, error.to_string()),
                    };
                    answers.push((name, status, region));
                }
                answers
            })
        });
        let clients = clients.collect();
        Self { stop, clients }
    }

    async fn end(self) -> Vec<(String, u16, String)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for client in self.clients {
            all.extend(client.await.expect("it ends"));
        }
        all
    }
}

/// How often each request was asked for, at all regions together.
fn counts<'a>(asked: impl IntoIterator<Item = &'a Vec<String>>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in asked.into_iter().flatten() {
        let path = line.split([' ', '?']).nth(1).expect("a path").to_owned();
        *counts.entry(path).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_hundred_planned_switches_lose_no_request_and_send_none_twice() {
    let [east, west] = [Region::echo("east").await, Region::echo("westward").await];
    for post in [false, true] {
        let served = Served::to(&east).await;
        east.asked.lock().expect("a lock").clear();
        west.asked.lock().expect("a lock").clear();
        let load = Load::start(&served, 8, post);
        for epoch in 2..102 {
            let before = served.gate.traffic().view().requests;
            while served.gate.traffic().view().requests < before + 20 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let (from, to) = if epoch % 2 == 0 { (&east, &west) } else { (&west, &east) };
            served.switch(from, to, epoch).await;
        }
        let answers = load.end().await;
        let failed: Vec<_> = answers.iter().filter(|(_, status, _)| *status != 200).collect();
        assert!(failed.is_empty(), "{failed:?}");
        let counts = counts([&east.asked(), &west.asked()]);
        assert_eq!(counts.len(), answers.len());
        assert!(counts.values().all(|count| *count == 1), "some were sent twice");
        let view = served.gate.traffic().view();
        assert_eq!((view.late, view.errors), (0, 0));
        served.gateway.stop().await;
    }
}

#[tokio::test]
async fn twenty_forced_switches_away_from_a_dead_region_lose_nothing_that_may_be_repeated() {
    let mut alive = Region::echo("east").await;
    let served = Served::to(&alive).await;
    let (gets, posts) = (Load::start(&served, 4, false), Load::start(&served, 4, true));
    let mut asked = Vec::new();
    for epoch in 2..22 {
        let before = served.gate.traffic().view().requests;
        while served.gate.traffic().view().requests < before + 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let next = Region::echo(if epoch % 2 == 0 { "westward" } else { "east" }).await;
        let target = alive.target(epoch - 1);
        asked.push(alive.die().await);
        // Requests meet a region that is gone, until someone forces the failover.
        tokio::time::sleep(Duration::from_millis(30)).await;
        served.gate.lead(Some(target), Admission::Hold, Utc::now());
        served.gate.end_running();
        served.gate.lead(Some(next.target(epoch)), Admission::Open, Utc::now());
        alive = next;
    }
    let (gets, posts) = (gets.end().await, posts.end().await);
    asked.push(alive.asked());
    let failed: Vec<_> = gets.iter().filter(|(_, status, _)| *status != 200).collect();
    assert!(failed.is_empty(), "{failed:?}");
    for (name, status, _) in &posts {
        let times = asked.iter().flatten().filter(|line| line.starts_with(&format!("POST {name}?"))).count();
        match status {
            200 => assert_eq!(times, 1, "{name}"),
            // It broke off after it was sent: the client is told that it may have been carried out.
            502 => assert!(times <= 1, "{name} was sent {times} times"),
            other => panic!("{name} was answered {other}"),
        }
    }
    assert_eq!(served.gate.traffic().view().late, 0);
}

#[tokio::test]
async fn a_request_whose_region_stays_away_is_refused_with_a_time_to_come_back() {
    let region = Region::echo("east").await;
    let served = Served::with(&region, short(Duration::from_millis(300))).await;
    region.die().await;
    for request in [served.http.get(served.url("/x?w=1001")), served.http.post(served.url("/x?w=1001")).body("x")] {
        let answer = request.send().await.expect("answered");
        assert_eq!(answer.status(), 503);
        assert!(answer.headers()["retry-after"].to_str().expect("text").parse::<u64>().is_ok());
        assert!(answer.text().await.expect("text").contains("east doesn't respond"));
    }
}

#[tokio::test]
async fn a_held_request_that_waits_too_long_is_refused_before_anything_is_sent() {
    let region = Region::echo("east").await;
    let served = Served::with(&region, short(Duration::from_millis(200))).await;
    served.gate.lead(Some(region.target(1)), Admission::Hold, Utc::now());
    let answer = served.get("/x").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after") && region.asked().is_empty());
    served.gate.lead(Some(region.target(1)), Admission::Open, Utc::now());
    assert_eq!(served.get("/x").await.status(), 200, "a failover that stopped opens the gate to the old side");
}

#[tokio::test]
async fn a_request_that_runs_over_the_drain_is_never_sent_again_where_it_may_be_done() {
    let entered = Arc::new(Notify::new());
    let ring = entered.clone();
    let never = move || {
        ring.notify_one();
        std::future::pending::<String>()
    };
    let asked = super::Asked::default();
    let east = Region::of("east", Router::new().fallback(any(never)), asked).await;
    let west = Region::echo("westward").await;
    let served = Served::to(&east).await;
    for (post, status) in [(true, 502), (false, 200)] {
        served.gate.lead(Some(east.target(1)), Admission::Open, Utc::now());
        let request = match post {
            true => served.http.post(served.url("/run?w=1001")).body("x"),
            false => served.http.get(served.url("/run?w=1001")),
        };
        let waiting = tokio::spawn(request.send());
        entered.notified().await;
        served.gate.lead(Some(east.target(1)), Admission::Hold, Utc::now());
        served.gate.end_running();
        served.gate.lead(Some(west.target(2)), Admission::Open, Utc::now());
        let answer = waiting.await.expect("it ends").expect("answered");
        assert_eq!(answer.status(), status);
        let wanted: &[&str] = if post { &[] } else { &["GET /run?w=778 "] };
        assert_eq!(west.asked(), wanted);
    }
}

//! A picture of every screen and dialog, for people to look at: `cargo test --test console pictures -- --ignored`.

use crate::desk::Desk;
use crate::fixture::{self, EAST};
use chrono::TimeDelta;
use eframe::egui::{Key, Modifiers, Theme, Vec2};
use resilience::console::action::Route;
use resilience::domain::Region;
use resilience::runtime::{IntentError, NoticeDetail, Snapshot};
use std::sync::Arc;

fn full() -> Snapshot {
    fixture::with_groups(vec![
        fixture::active("core-lakehouse", &["main", "clickstream"]),
        fixture::filling("ml-features", 43),
    ])
}

/// Draws `picture` in both themes, and small where the name is in the short list.
fn draw(name: &str, snapshot: &Snapshot, act: impl Fn(&mut Desk)) {
    if std::env::var("PICTURE").is_ok_and(|only| !name.contains(&only)) {
        return;
    }
    let big = Vec2::new(1440.0, 900.0);
    let small = Vec2::new(1100.0, 700.0);
    for (suffix, theme, size) in
        [("dark", Theme::Dark, big), ("light", Theme::Light, big), ("small", Theme::Dark, small)]
    {
        if std::env::var("LOOK").is_ok_and(|only| !only.contains(suffix)) {
            continue;
        }
        let mut desk = Desk::sized(snapshot.clone(), theme, size);
        act(&mut desk);
        desk.photograph(&format!("{name}-{suffix}"));
    }
}

fn open_group(desk: &mut Desk, name: &str) {
    desk.click(name);
}

#[test]
#[ignore = "draws pictures for people to look at"]
fn pictures() {
    draw("groups-empty", &fixture::empty(), |_| {});
    let mut many = fixture::with_groups(vec![
        fixture::active("core-lakehouse", &["main"]),
        fixture::crowded("clickstream-and-everything-that-hangs-on-it-in-emea"),
        fixture::filling("ml-features", 43),
        fixture::failing_over("payments"),
        fixture::unprotected("risk"),
    ]);
    let mut account = (*many.account).clone();
    let mut broken = fixture::active("reporting", &["hr"]);
    broken.group.state = resilience::domain::GroupState::CreationFailed;
    broken.group.state_message = Some(
        "The catalog hr could not be made in us-west-2: the principal lacks CREATE CATALOG. Grant it, then retry."
            .to_owned(),
    );
    broken.group.replication_point = None;
    broken.lag_history = Arc::default();
    broken.objects = Arc::default();
    account.groups.push(Arc::new(broken));
    many.account = Arc::new(account);
    draw("groups", &full(), |_| {});
    let copies = |count: usize| (0..count).map(|n| fixture::active(&format!("lakehouse-{n:02}"), &["main"]));
    let wall = |mut first: Vec<resilience::control::view::GroupView>, count: usize| {
        first.extend(copies(count - first.len()));
        fixture::with_groups(first)
    };
    let bad =
        || vec![fixture::crowded("clickstream-emea"), fixture::unprotected("risk"), fixture::failing_over("payments")];
    draw("wall-1", &wall(vec![], 1), |desk| desk.key(Key::F11));
    draw("wall-4", &wall(bad(), 4), |desk| desk.key(Key::F11));
    draw("wall-12", &wall(bad(), 40), |desk| desk.key(Key::F11));
    draw("wall-stale", &wall(bad(), 12), |desk| {
        desk.key(Key::F11);
        desk.advance(600);
    });
    draw("groups-many", &many, |_| {});
    let watched = |snapshot: Snapshot| fixture::attached(fixture::with_tokens_and_urls(snapshot), "shop", "payments");
    let id = || resilience::domain::GroupId::new("payments").expect("valid");
    draw("run-live", &watched(fixture::with_groups(vec![fixture::failing_over("payments")])), |desk| {
        desk.go(Route::Run(id(), None));
    });
    let mut over = fixture::active("payments", &["main"]);
    over.group.effective_primary_region = Region::new(fixture::WEST);
    let kind = resilience::domain::FailoverKind::Planned;
    over.operation = Some(Arc::new(fixture::operation(kind, 20, fixture::ago(20))));
    over.to_resume = fixture::unprotected("payments").to_resume;
    let over = watched(fixture::with_groups(vec![over]));
    draw("run-done", &over, |desk| desk.go(Route::Run(id(), None)));
    draw("run-replay", &over, |desk| {
        desk.go(Route::Run(id(), None));
        desk.focus("Moment of the replay");
        desk.key(Key::Home);
        for _ in 0..8 {
            desk.key(Key::ArrowRight);
        }
    });
    draw("group-creation-failed", &many, |desk| open_group(desk, "reporting, CREATION_FAILED"));
    draw("group-active", &full(), |desk| open_group(desk, "core-lakehouse, ACTIVE"));
    let mut targeted = full();
    let account = Arc::make_mut(&mut targeted.account);
    for view in account.groups.iter_mut().filter(|view| view.group.spec.id.as_str() == "core-lakehouse") {
        Arc::make_mut(view).targets = resilience::domain::Targets { rpo_s: Some(5), rto_s: Some(30) };
    }
    for (suffix, theme) in [("dark", Theme::Dark), ("light", Theme::Light)] {
        let mut desk = Desk::sized(targeted.clone(), theme, Vec2::new(1440.0, 900.0));
        open_group(&mut desk, "core-lakehouse, ACTIVE");
        desk.photograph(&format!("group-target-{suffix}"));
        desk.click("7 d");
        let (id, _) = desk.intents.try_recv().expect("it asks");
        desk.answer(id, Ok(NoticeDetail::History(Box::new(crate::past::a_week()))));
        desk.photograph(&format!("group-week-{suffix}"));
    }
    draw("group-filling", &full(), |desk| open_group(desk, "ml-features, INITIAL_REPLICATION"));
    draw("group-crowded", &many, |desk| {
        open_group(desk, "clickstream-and-everything-that-hangs-on-it-in-emea, ACTIVE")
    });
    draw("group-objects", &many, |desk| {
        open_group(desk, "clickstream-and-everything-that-hangs-on-it-in-emea, ACTIVE");
        desk.click("Objects 563");
    });
    draw("group-errors", &many, |desk| {
        open_group(desk, "clickstream-and-everything-that-hangs-on-it-in-emea, ACTIVE");
        desk.click("Errors 243");
        desk.click("Unsupported object, 240 objects");
    });
    draw("group-no-errors", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Errors");
    });
    draw("group-failing-over", &many, |desk| open_group(desk, "payments, FAILING_OVER"));
    let down = fixture::with_region_down(fixture::with_groups(vec![fixture::unprotected("core-lakehouse")]), EAST, 260);
    draw("group-unprotected", &down, |desk| open_group(desk, "core-lakehouse, INITIAL_REPLICATION"));
    draw("group-operations", &down, |desk| {
        open_group(desk, "core-lakehouse, INITIAL_REPLICATION");
        desk.click("Operations 4");
        desk.click("Planned failover to us-west-2, Rolled back");
    });
    let mut salvaged = fixture::active("core-lakehouse", &["main", "clickstream"]);
    salvaged.salvage = Arc::new(fixture::salvage());
    draw("group-left-behind", &fixture::with_groups(vec![salvaged]), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Left behind 4");
    });
    draw("approval-waits", &crate::approval::waiting(), |desk| open_group(desk, "core-lakehouse, ACTIVE"));
    draw("approval-set", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Change who must approve a failover");
        desk.click("Failovers wait for a second person");
    });
    let viewer = crate::approval::signed_in(full(), "t9", "ada", resilience::domain::Role::Viewer);
    draw("session-viewer", &viewer, |desk| desk.click("Settings"));
    draw("fail-over-as-of", &full(), crate::back_in_time::open);
    draw("provisional", &crate::back_in_time::provisional(), |desk| {
        open_group(desk, "core-lakehouse, INITIAL_REPLICATION");
    });
    draw("recover", &crate::recover::left(), crate::recover::open);
    draw("fail-over-planned", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Fail over…");
    });
    draw("fail-over-forced", &fixture::with_region_down(full(), EAST, 130), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Fail over…");
        desk.click("Forced");
        desk.type_into("Type core-lakehouse to confirm", "core-lakehouse");
    });
    draw("fail-over-moved", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Fail over…");
        let mut moved = fixture::active("core-lakehouse", &["main", "clickstream"]);
        moved.group.etag = "etag-9".to_owned();
        desk.publish(fixture::with_groups(vec![moved]));
    });
    draw("delete", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Delete…");
    });
    draw("create-blank", &fixture::empty(), |desk| desk.click("Create failover group"));
    draw("create-filled", &fixture::empty(), |desk| fill(desk, true));
    draw("create-problems", &full(), |desk| {
        desk.click("Create failover group");
        desk.type_into("Failover group name", "core lakehouse");
        choose_primary(desk);
        desk.click("catalog cannot_replicate");
        desk.click("Create failover group");
    });
    draw("create-refused", &fixture::empty(), |desk| {
        fill(desk, true);
        desk.click("Validate");
        let (id, _) = desk.sent();
        desk.answer(id, Err(IntentError {
            sentence: "The failover group was not created.".to_owned(),
            violations: vec![resilience::domain::Violation {
                topic: resilience::domain::Topic::Name,
                field: resilience::domain::validation::Field::Mappings,
                already_exists: false,
                sentence: "us-west-2 refused to list file:///home/ada/lake. Give its principal READ FILES on that location.".to_owned(),
            }],
            stale: false,
        }));
    });
    draw("discard", &fixture::empty(), |desk| {
        fill(desk, false);
        desk.click("Cancel");
    });
    draw("objects-repair", &full(), |desk| {
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Objects 23");
        desk.click("Repair…");
    });
    draw("objects-points", &full(), |desk| {
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Objects 23");
        desk.click("Points in time…");
        desk.click("Show versions");
        let (id, _) = desk.sent();
        desk.answer(id, Ok(NoticeDetail::Point(Box::new(crate::repair::a_point()))));
    });
    draw("workspaces", &full(), |desk| desk.click("Workspaces"));
    draw("regions", &fixture::with_region_down(full(), EAST, 130), |desk| desk.click("Regions"));
    let left = fixture::with_left_replica(fixture::empty(), "main", "core-lakehouse");
    draw("regions-left", &left, |desk| {
        desk.click("Regions");
        desk.click("Release main…");
    });
    draw("regions-left-list", &left, |desk| desk.click("Regions"));
    draw("settings-compact", &full(), |desk| {
        desk.click("Settings");
        desk.click("Compact");
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Objects 23");
    });
    draw("activity", &full(), |desk| {
        desk.click("Activity");
        desk.click("grace revoked the token old-laptop. by grace");
    });
    let account = fixture::attached(fixture::with_tokens_and_urls(full()), "shop", "core-lakehouse");
    draw("settings", &account, |desk| {
        desk.click("Settings");
        desk.click("Show 1 revoked");
    });
    draw("token-new", &account, |desk| {
        desk.click("Settings");
        desk.click("Create token…");
        desk.type_into("Token name", "nightly-terraform");
        desk.click("operator");
    });
    draw("token-made", &account, |desk| {
        desk.click("Settings");
        desk.click("Create token…");
        desk.type_into("Token name", "nightly-terraform");
        desk.click("Client");
        desk.click("Create");
        let (id, _) = desk.sent();
        let mut token = account.account.tokens[0].clone();
        token.name = "nightly-terraform".to_owned();
        token.id = "5d1c9a8e-6f53-4c7e-b0d4-1f2a3b4c5d6e".to_owned();
        let secret =
            resilience::connect::Secret::new("0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0");
        desk.answer(id, Ok(NoticeDetail::NewToken { token, secret }));
    });
    draw("token-revoke", &account, |desk| {
        desk.click("Settings");
        desk.click("Revoke pipeline…");
    });
    draw("stable-urls", &account, |desk| desk.click("Stable URLs"));
    draw("stable-urls-empty", &full(), |desk| desk.click("Stable URLs"));
    draw("stable-url-new", &account, |desk| {
        desk.click("Stable URLs");
        desk.click("Create stable URL…");
        desk.type_into("Stable URL id", "shop");
    });
    draw("stable-url-attach", &fixture::with_tokens_and_urls(full()), |desk| {
        desk.click("Stable URLs");
        desk.click("Attach shop…");
        desk.click("core-lakehouse");
    });
    draw("edit", &account, |desk| {
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Edit");
        desk.click("catalog clickstream");
        desk.click("shop");
    });
    draw("palette", &full(), |desk| {
        desk.window.key_press_modifiers(Modifiers::COMMAND, Key::K);
        desk.window.run();
    });
    draw("keys", &full(), |desk| desk.click("Keys"));
    draw("stale", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.clock.advance(TimeDelta::seconds(252));
        desk.window.run();
    });
    draw("notices", &full(), |desk| {
        desk.click("Regions");
        desk.click("Take us-east-1 down");
        let (id, _) = desk.sent();
        desk.answer(
            id,
            Ok(NoticeDetail::Done("us-east-1 is down. Its jobs have stopped and nothing answers.".to_owned())),
        );
        desk.click("Refresh");
        let (id, _) = desk.sent();
        desk.answer(id, Err(IntentError {
            sentence: "us-east-1 doesn't respond at http://127.0.0.1:40311, so only us-west-2 was read. Bring it up and read again.".to_owned(),
            violations: Vec::new(),
            stale: false,
        }));
    });
}

fn choose_primary(desk: &mut Desk) {
    desk.click("Primary workspace");
    desk.click("analytics-east · us-east-1");
}

fn fill(desk: &mut Desk, mapped: bool) {
    desk.click("Create failover group");
    desk.type_into("Failover group name", "core-lakehouse");
    choose_primary(desk);
    desk.click("catalog main");
    desk.click("catalog clickstream");
    desk.click("Open main");
    desk.click("Open main.sales");
    if mapped {
        desk.click("Add the 2 missing mappings");
    }
}

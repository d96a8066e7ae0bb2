//! Every screen and dialog, in states in which people may meet it.

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

/// A screen or dialog in one state.
pub struct Picture {
    pub name: &'static str,
    snapshot: Snapshot,
    act: Box<dyn Fn(&mut Desk) + Send + Sync>,
}

impl Picture {
    /// Shows it in a window.
    pub fn show(&self, theme: Theme, size: Vec2) -> Desk {
        let mut desk = Desk::sized(self.snapshot.clone(), theme, size);
        (self.act)(&mut desk);
        desk
    }
}

#[derive(Default)]
struct Album(Vec<Picture>);

impl Album {
    fn add(&mut self, name: &'static str, snapshot: &Snapshot, act: impl Fn(&mut Desk) + Send + Sync + 'static) {
        self.0.push(Picture { name, snapshot: snapshot.clone(), act: Box::new(act) });
    }
}

fn open_group(desk: &mut Desk, name: &str) {
    desk.click(name);
}

/// Every picture.
pub fn every() -> Vec<Picture> {
    let mut album = Album::default();
    album.add("groups-empty", &fixture::empty(), |_| {});
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
    album.add("groups", &full(), |_| {});
    let copies = |count: usize| (0..count).map(|n| fixture::active(&format!("lakehouse-{n:02}"), &["main"]));
    let wall = |mut first: Vec<resilience::control::view::GroupView>, count: usize| {
        first.extend(copies(count - first.len()));
        fixture::with_groups(first)
    };
    let bad =
        || vec![fixture::crowded("clickstream-emea"), fixture::unprotected("risk"), fixture::failing_over("payments")];
    album.add("wall-1", &wall(vec![], 1), |desk| desk.key(Key::F11));
    album.add("wall-4", &wall(bad(), 4), |desk| desk.key(Key::F11));
    album.add("wall-12", &wall(bad(), 40), |desk| desk.key(Key::F11));
    album.add("wall-stale", &wall(bad(), 12), |desk| {
        desk.key(Key::F11);
        desk.advance(600);
    });
    album.add("groups-many", &many, |_| {});
    let watched = |snapshot: Snapshot| fixture::attached(fixture::with_tokens_and_urls(snapshot), "shop", "payments");
    let id = || resilience::domain::GroupId::new("payments").expect("valid");
    album.add("run-live", &watched(fixture::with_groups(vec![fixture::failing_over("payments")])), move |desk| {
        desk.go(Route::Run(id(), None));
    });
    let mut over = fixture::active("payments", &["main"]);
    over.group.effective_primary_region = Region::new(fixture::WEST);
    let kind = resilience::domain::FailoverKind::Planned;
    over.operation = Some(Arc::new(fixture::operation(kind, 20, fixture::ago(20))));
    over.to_resume = fixture::unprotected("payments").to_resume;
    let over = watched(fixture::with_groups(vec![over]));
    album.add("run-done", &over, move |desk| desk.go(Route::Run(id(), None)));
    album.add("run-replay", &over, move |desk| {
        desk.go(Route::Run(id(), None));
        desk.focus("Moment of the replay");
        desk.key(Key::Home);
        for _ in 0..8 {
            desk.key(Key::ArrowRight);
        }
    });
    album.add("group-creation-failed", &many, |desk| open_group(desk, "reporting, CREATION_FAILED"));
    album.add("group-active", &full(), |desk| open_group(desk, "core-lakehouse, ACTIVE"));
    let mut targeted = full();
    let account = Arc::make_mut(&mut targeted.account);
    for view in account.groups.iter_mut().filter(|view| view.group.spec.id.as_str() == "core-lakehouse") {
        Arc::make_mut(view).targets = resilience::domain::Targets { rpo_s: Some(5), rto_s: Some(30) };
    }
    album.add("group-target", &targeted, |desk| open_group(desk, "core-lakehouse, ACTIVE"));
    album.add("group-week", &targeted, |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("7 d");
        let (id, _) = desk.intents.try_recv().expect("it asks");
        desk.answer(id, Ok(NoticeDetail::History(Box::new(crate::past::a_week()))));
    });
    album.add("group-filling", &full(), |desk| open_group(desk, "ml-features, INITIAL_REPLICATION"));
    album.add("group-crowded", &many, |desk| {
        open_group(desk, "clickstream-and-everything-that-hangs-on-it-in-emea, ACTIVE")
    });
    album.add("group-objects", &many, |desk| {
        open_group(desk, "clickstream-and-everything-that-hangs-on-it-in-emea, ACTIVE");
        desk.click("Objects 563");
    });
    album.add("group-errors", &many, |desk| {
        open_group(desk, "clickstream-and-everything-that-hangs-on-it-in-emea, ACTIVE");
        desk.click("Errors 243");
        desk.click("Unsupported object, 240 objects");
    });
    album.add("group-no-errors", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Errors");
    });
    album.add("group-failing-over", &many, |desk| open_group(desk, "payments, FAILING_OVER"));
    let down = fixture::with_region_down(fixture::with_groups(vec![fixture::unprotected("core-lakehouse")]), EAST, 260);
    album.add("group-unprotected", &down, |desk| open_group(desk, "core-lakehouse, INITIAL_REPLICATION"));
    album.add("group-operations", &down, |desk| {
        open_group(desk, "core-lakehouse, INITIAL_REPLICATION");
        desk.click("Operations 3");
        desk.click("Planned failover to us-west-2, Rolled back");
    });
    let mut salvaged = fixture::active("core-lakehouse", &["main", "clickstream"]);
    salvaged.salvage = Arc::new(fixture::salvage());
    album.add("group-left-behind", &fixture::with_groups(vec![salvaged]), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Left behind 4");
    });
    album.add("approval-waits", &crate::approval::waiting(), |desk| open_group(desk, "core-lakehouse, ACTIVE"));
    album.add("approval-set", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Change who must approve a failover");
        desk.click("Failovers wait for a second person");
    });
    let viewer = crate::approval::signed_in(full(), "t9", "ada", resilience::domain::Role::Viewer);
    album.add("session-viewer", &viewer, |desk| desk.click("Settings"));
    album.add("fail-over-as-of", &full(), crate::back_in_time::open);
    album.add("provisional", &crate::back_in_time::provisional(), |desk| {
        open_group(desk, "core-lakehouse, INITIAL_REPLICATION");
    });
    album.add("recover", &crate::recover::left(), crate::recover::open);
    album.add("fail-over-planned", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Fail over…");
    });
    album.add("fail-over-forced", &fixture::with_region_down(full(), EAST, 130), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Fail over…");
        desk.click("Forced");
        desk.type_into("Type core-lakehouse to confirm", "core-lakehouse");
    });
    album.add("fail-over-moved", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Fail over…");
        let mut moved = fixture::active("core-lakehouse", &["main", "clickstream"]);
        moved.group.etag = "etag-9".to_owned();
        desk.publish(fixture::with_groups(vec![moved]));
    });
    album.add("delete", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.click("Delete…");
    });
    album.add("create-blank", &fixture::empty(), |desk| desk.click("Create failover group"));
    album.add("create-filled", &fixture::empty(), |desk| fill(desk, true));
    album.add("create-problems", &full(), |desk| {
        desk.click("Create failover group");
        desk.type_into("Failover group name", "core lakehouse");
        choose_primary(desk);
        desk.click("catalog cannot_replicate");
        desk.click("Create failover group");
    });
    album.add("create-refused", &fixture::empty(), |desk| {
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
    album.add("discard", &fixture::empty(), |desk| {
        fill(desk, false);
        desk.click("Cancel");
    });
    album.add("objects-repair", &full(), |desk| {
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Objects 23");
        desk.click("Repair…");
    });
    album.add("objects-points", &full(), |desk| {
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Objects 23");
        desk.click("Points in time…");
        desk.click("Show versions");
        let (id, _) = desk.sent();
        desk.answer(id, Ok(NoticeDetail::Point(Box::new(crate::repair::a_point()))));
    });
    album.add("workspaces", &full(), |desk| desk.click("Workspaces"));
    album.add("regions", &fixture::with_region_down(full(), EAST, 130), |desk| desk.click("Regions"));
    let left = fixture::with_left_replica(fixture::empty(), "main", "core-lakehouse");
    album.add("regions-left", &left, |desk| {
        desk.click("Regions");
        desk.click("Release main…");
    });
    album.add("regions-left-list", &left, |desk| desk.click("Regions"));
    album.add("settings-compact", &full(), |desk| {
        desk.click("Settings");
        desk.click("Compact");
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Objects 23");
    });
    album.add("activity", &full(), |desk| {
        desk.click("Activity");
        desk.click("grace revoked the token old-laptop. by grace");
    });
    let account = fixture::attached(fixture::with_tokens_and_urls(full()), "shop", "core-lakehouse");
    album.add("settings", &account, |desk| {
        desk.click("Settings");
        desk.click("Show 1 revoked");
    });
    album.add("token-new", &account, |desk| {
        desk.click("Settings");
        desk.click("Create token…");
        desk.type_into("Token name", "nightly-terraform");
        desk.click("operator");
    });
    let known = account.account.tokens[0].clone();
    album.add("token-made", &account, move |desk| {
        desk.click("Settings");
        desk.click("Create token…");
        desk.type_into("Token name", "nightly-terraform");
        desk.click("Client");
        desk.click("Create");
        let (id, _) = desk.sent();
        let mut token = known.clone();
        token.name = "nightly-terraform".to_owned();
        token.id = "5d1c9a8e-6f53-4c7e-b0d4-1f2a3b4c5d6e".to_owned();
        let secret =
            resilience::connect::Secret::new("0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0");
        desk.answer(id, Ok(NoticeDetail::NewToken { token, secret }));
    });
    album.add("token-revoke", &account, |desk| {
        desk.click("Settings");
        desk.click("Revoke pipeline…");
    });
    album.add("stable-urls", &account, |desk| desk.click("Stable URLs"));
    album.add("stable-urls-empty", &full(), |desk| desk.click("Stable URLs"));
    album.add("stable-url-new", &account, |desk| {
        desk.click("Stable URLs");
        desk.click("Create stable URL…");
        desk.type_into("Stable URL id", "shop");
    });
    album.add("stable-url-attach", &fixture::with_tokens_and_urls(full()), |desk| {
        desk.click("Stable URLs");
        desk.click("Attach shop…");
        desk.click("core-lakehouse");
    });
    album.add("edit", &account, |desk| {
        desk.click("core-lakehouse, ACTIVE");
        desk.click("Edit");
        desk.click("catalog clickstream");
        desk.click("shop");
    });
    album.add("palette", &full(), |desk| {
        desk.window.key_press_modifiers(Modifiers::COMMAND, Key::K);
        desk.window.run();
    });
    album.add("keys", &full(), |desk| desk.click("Keys"));
    album.add("stale", &full(), |desk| {
        open_group(desk, "core-lakehouse, ACTIVE");
        desk.clock.advance(TimeDelta::seconds(252));
        desk.window.run();
    });
    album.add("notices", &full(), |desk| {
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
    album.0
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

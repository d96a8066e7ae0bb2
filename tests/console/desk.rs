//! A window under test: the far ends of its channels, and a clock that stands still.

use crate::fixture;
use crate::pictures::CpuRenderer;
use chrono::TimeDelta;
use eframe::egui::{Key, Modifiers, Role, Theme, Vec2, ViewportId};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use resilience::console::action::Route;
use resilience::console::{ConsoleApp, ConsoleLink, Preferences};
use resilience::domain::ManualClock;
use resilience::runtime::{Intent, IntentError, IntentId, Notice, NoticeDetail, RuntimeThread, Snapshot};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

pub struct Desk {
    pub window: Harness<'static, ConsoleApp>,
    pub snapshots: watch::Sender<Arc<Snapshot>>,
    pub intents: mpsc::Receiver<(IntentId, Intent)>,
    pub notices: mpsc::UnboundedSender<Notice>,
    pub clock: Arc<ManualClock>,
    pub preferences: watch::Receiver<Preferences>,
}

impl Desk {
    pub fn new(snapshot: Snapshot) -> Self {
        Self::sized(snapshot, Theme::Dark, Vec2::new(1440.0, 900.0))
    }

    /// A window whose owner chose something before.
    pub fn preferring(snapshot: Snapshot, chosen: Preferences) -> Self {
        Self::opened(snapshot, Theme::Dark, Vec2::new(1440.0, 900.0), chosen)
    }

    pub fn sized(snapshot: Snapshot, theme: Theme, size: Vec2) -> Self {
        Self::opened(snapshot, theme, size, Preferences::default())
    }

    pub fn opened(snapshot: Snapshot, theme: Theme, size: Vec2, chosen: Preferences) -> Self {
        let (snapshots, snapshot_receiver) = watch::channel(Arc::new(snapshot));
        let (intent_sender, intents) = mpsc::channel(8);
        let (notices, notice_receiver) = mpsc::unbounded_channel();
        let clock = Arc::new(ManualClock::new(fixture::now()));
        let (preference_sender, preferences) = watch::channel(chosen);
        let link = ConsoleLink {
            snapshots: snapshot_receiver,
            intents: intent_sender,
            notices: notice_receiver,
            clock: clock.clone(),
            preferences: preference_sender,
            wall: false,
        };
        let window = Harness::builder()
            .with_size(size)
            .with_theme(theme)
            .renderer(CpuRenderer::default())
            .build_eframe(|cc| ConsoleApp::over(&cc.egui_ctx, link));
        let mut desk = Self { window, snapshots, intents, notices, clock, preferences };
        desk.window.set_render_cursor(false);
        desk
    }

    /// Draws until `done`, and panics with what is there after a minute.
    pub fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let begun = std::time::Instant::now();
        loop {
            self.window.step();
            if done(self) {
                return;
            }
            assert!(begun.elapsed().as_secs() < 60, "waited in vain for {what}: {:#?}", self.names());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// A window on a running engine; its own ends of the channels lead nowhere.
    pub fn live(runtime: &RuntimeThread, answers: mpsc::UnboundedReceiver<Notice>) -> Self {
        Self::live_as(runtime, answers, false)
    }

    /// The same, as a wall display or not.
    pub fn live_as(runtime: &RuntimeThread, answers: mpsc::UnboundedReceiver<Notice>, wall: bool) -> Self {
        let (snapshots, _) = watch::channel(runtime.snapshots.borrow().clone());
        let (_, intents) = mpsc::channel(1);
        let (notices, _) = mpsc::unbounded_channel();
        let (preference_sender, preferences) = watch::channel(Preferences::default());
        let link = ConsoleLink {
            snapshots: runtime.snapshots.clone(),
            intents: runtime.intents.clone(),
            notices: answers,
            clock: runtime.clock.clone(),
            preferences: preference_sender,
            wall,
        };
        let window = Harness::builder()
            .with_size(Vec2::new(1440.0, 900.0))
            .with_theme(Theme::Dark)
            // Snapshots come while it settles.
            .with_max_steps(32)
            .renderer(CpuRenderer::default())
            .build_eframe(|cc| ConsoleApp::over(&cc.egui_ctx, link));
        let clock = Arc::new(ManualClock::new(fixture::now()));
        Self { window, snapshots, intents, notices, clock, preferences }
    }

    pub fn click(&mut self, label: &str) {
        self.find(label).scroll_to_me();
        self.window.run();
        self.find(label).click();
        self.window.run();
    }

    /// The one thing of this name that can be pressed.
    fn find<'a>(&'a self, label: &'a str) -> egui_kittest::Node<'a> {
        let all: Vec<_> = self.window.query_all_by_label(label).collect();
        let pressable: Vec<_> = all
            .into_iter()
            .filter(|node| !matches!(node.accesskit_node().role(), Role::Label | Role::Heading))
            .collect();
        match pressable.as_slice() {
            [only] => *only,
            [] => panic!("nothing named {label:?} can be pressed; there is {:#?}", self.names()),
            more => panic!("{} things named {label:?} can be pressed", more.len()),
        }
    }

    /// The names of everything that can be pressed.
    pub fn names(&self) -> Vec<String> {
        let all = self.window.query_all(egui_kittest::kittest::by().recursive(true));
        all.filter(|node| !matches!(node.accesskit_node().role(), Role::Label | Role::Heading))
            .filter_map(|node| node.accesskit_node().label())
            .collect()
    }

    /// Whether something of this name is there and enabled.
    pub fn can_press(&self, label: &str) -> bool {
        self.window
            .query_all_by_label(label)
            .filter(|node| !matches!(node.accesskit_node().role(), Role::Label | Role::Heading))
            .any(|node| !node.accesskit_node().is_disabled())
    }

    pub fn focus(&mut self, label: &str) {
        self.find(label).scroll_to_me();
        self.window.run();
        self.find(label).focus();
        self.window.run();
        self.window.run();
    }

    pub fn key(&mut self, key: Key) {
        self.window.key_press(key);
        self.window.run();
    }

    pub fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.window.run();
    }

    pub fn clear(&mut self, label: &str) {
        self.find(label).focus();
        self.window.run();
        self.keys(Modifiers::COMMAND, Key::A);
        self.key(Key::Backspace);
    }

    /// Milliseconds until the window wants to be drawn again by itself.
    pub fn next_frame_ms(&self) -> u128 {
        let output = self.window.output().viewport_output.get(&ViewportId::ROOT);
        output.expect("the window was drawn").repaint_delay.as_millis()
    }

    pub fn type_into(&mut self, label: &str, text: &str) {
        self.find(label).scroll_to_me();
        self.window.run();
        self.find(label).focus();
        self.window.run();
        self.find(label).type_text(text);
        self.window.run();
    }

    /// The text in a field.
    pub fn value(&self, label: &str) -> String {
        self.find(label).value().unwrap_or_default()
    }

    pub fn shows(&self, label: &str) -> bool {
        self.window.query_all_by_label_contains(label).next().is_some()
    }

    pub fn publish(&mut self, snapshot: Snapshot) {
        self.snapshots.send_replace(Arc::new(snapshot));
        self.window.run();
    }

    pub fn advance(&mut self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
        self.window.run();
    }

    /// Opens a place.
    pub fn go(&mut self, route: Route) {
        self.window.state_mut().open(route);
        self.window.run();
    }

    /// The only intent that was sent since the last look, but for questions that a dialog asks by itself.
    pub fn sent(&mut self) -> (IntentId, Intent) {
        let sent = self.next_sent().expect("an intent was sent");
        assert!(self.next_sent().is_none(), "more than one intent was sent");
        sent
    }

    pub fn sent_nothing(&mut self) -> bool {
        self.next_sent().is_none()
    }

    fn next_sent(&mut self) -> Option<(IntentId, Intent)> {
        loop {
            match self.intents.try_recv() {
                Ok((_, Intent::EstimateLoss { .. })) => {}
                sent => return sent.ok(),
            }
        }
    }

    /// How often a dialog asked what would be lost since the last look.
    pub fn asked_for_loss(&mut self) -> usize {
        let mut asked = 0;
        while let Ok((id, intent)) = self.intents.try_recv() {
            assert!(matches!(intent, Intent::EstimateLoss { .. }), "{intent:?}");
            let done = Ok(NoticeDetail::Done("Shown.".to_owned()));
            self.answer(id, done);
            asked += 1;
        }
        asked
    }

    pub fn answer(&mut self, intent: IntentId, outcome: Result<NoticeDetail, IntentError>) {
        self.notices.send(Notice { intent, outcome }).expect("the window listens");
        self.window.run();
    }
}

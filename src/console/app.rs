//! The window's own state and one frame of it.

mod answers;
mod kept;

use super::action::{Action, GroupTab, Route};
use super::command::{self, Command};
use super::dialogs::Dialog;
use super::notices::{Notices, Toast};
use super::palette::PaletteState;
use super::preferences::Preferences;
use super::scene::{Awaited, Scene, patience_ms, until_next_second};
use super::screens::activity::ActivityScreen;
use super::screens::confirm_dialog::{Confirm, ConfirmDialog};
use super::screens::create::{CreateForm, Draft};
use super::screens::delete_dialog::DeleteDialog;
use super::screens::edit::EditForm;
use super::screens::fail_over::FailOverDialog;
use super::screens::group::GroupScreen;
use super::screens::recover_dialog::RecoverDialog;
use super::screens::release_dialog::ReleaseDialog;
use super::screens::repair_dialog::RepairDialog;
use super::screens::resilience::{ResilienceScreen, Section};
use super::screens::run::RunScreen;
use super::screens::settings::{NewTokenDialog, SettingsScreen};
use super::screens::sheet_dialog::SheetDialog;
use super::screens::sign_in_dialog::SignInDialog;
use super::screens::stable_urls::{NewUrlDialog, TokensDialog};
use super::screens::{regions, untold, workspaces};
use super::theme::{self, Tone};
use super::widgets::hatch;
use super::{format, shell, wall};
use crate::domain::{Clock, GroupId, Timestamp};
use crate::runtime::{Intent, IntentId, Notice, Snapshot};
use eframe::egui::{self, CentralPanel, Context, Frame, Ui};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Between two pictures of something that moves, in milliseconds.
const FRAME_MS: u64 = 50;

/// What ties the window to the runtime.
pub struct ConsoleLink {
    /// Snapshots in.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Intents out.
    pub intents: mpsc::Sender<(IntentId, Intent)>,
    /// Answers in, one for each intent.
    pub notices: mpsc::UnboundedReceiver<Notice>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whether the window opens as a wall display.
    pub wall: bool,
    /// What the person chose last time; changes are sent here, for their keeper.
    pub preferences: watch::Sender<Preferences>,
}

/// The window.
pub struct ConsoleApp {
    link: ConsoleLink,
    snapshot: Arc<Snapshot>,
    preferences: Preferences,
    route: Route,
    dialog: Option<Dialog>,
    resilience: ResilienceScreen,
    create: CreateForm,
    kept_draft: Draft,
    edit: Option<EditForm>,
    group: (Option<GroupId>, GroupScreen),
    run: RunScreen,
    activity: ActivityScreen,
    settings: SettingsScreen,
    notices: Notices,
    awaited: Awaited,
    last_intent: u64,
    wall: bool,
}

impl ConsoleApp {
    /// A window over `link`, with fonts and themes installed.
    pub fn over(ctx: &Context, link: ConsoleLink) -> Self {
        theme::install(ctx);
        let preferences = link.preferences.borrow().clone();
        theme::apply_choices(ctx, preferences.theme, preferences.density);
        let snapshot = link.snapshots.borrow().clone();
        let create = kept::form(preferences.draft.as_ref());
        Self {
            wall: link.wall,
            link,
            snapshot,
            preferences,
            route: Route::Groups,
            dialog: None,
            resilience: ResilienceScreen::default(),
            kept_draft: create.draft.clone(),
            create,
            edit: None,
            group: (None, GroupScreen::default()),
            run: RunScreen::default(),
            activity: ActivityScreen::default(),
            settings: SettingsScreen::default(),
            notices: Notices::default(),
            awaited: Awaited::new(),
            last_intent: 0,
        }
    }

    /// Where the window is.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// Opens a place, whatever is half-filled elsewhere.
    pub fn open(&mut self, route: Route) {
        self.route = route;
    }

    fn act(&mut self, ctx: &Context, scene: &Scene<'_>, action: Action) {
        // The runtime refuses it too; here the person is told before a form is filled.
        if let Some(sentence) = action.right().and_then(|right| scene.refusal(right)) {
            let until = Some(self.link.clock.now() + chrono::TimeDelta::seconds(8));
            self.notices.push(Toast { tone: Tone::Warn, sentence, until });
            return;
        }
        match action {
            Action::Send(intent) => self.send(intent),
            Action::Go(route) => self.go(scene, route),
            Action::AskFailOver(id) => {
                if let Some(view) = scene.group(&id) {
                    self.dialog = Some(Dialog::FailOver(FailOverDialog::open(scene, view)));
                }
            }
            Action::AskFailOverAt(id, at) => {
                if let (Some(view), Ok(())) = (scene.group(&id), command::can_fail_over(scene, &id)) {
                    self.dialog = Some(Dialog::FailOver(FailOverDialog::open_at(scene, view, at)));
                }
            }
            Action::AskUndo(id) => self.confirm(Confirm::Undo(id)),
            Action::AskDelete(id) => {
                if let Some(view) = scene.group(&id) {
                    self.dialog = Some(Dialog::Delete(DeleteDialog::open(view)));
                }
            }
            Action::AskRepair(id) => {
                if let Some(view) = scene.group(&id) {
                    self.dialog = Some(Dialog::Repair(RepairDialog::open(view)));
                }
            }
            Action::AskTargets(id) => self.dialog = Some(Dialog::targets(scene, id)),
            Action::AskWhatIf(id) => self.dialog = Dialog::what_if(scene, &id),
            Action::AskExport(id, range, text, png) => {
                self.dialog = Some(Dialog::export(scene, &id, range, text, png));
            }
            Action::AskSave(file) => self.dialog = Some(Dialog::save(scene, file)),
            Action::AskPoints(id) => self.dialog = Some(Dialog::points(scene, id)),
            Action::AskRelease(region, catalog) => {
                self.dialog = Some(Dialog::Release(ReleaseDialog::open(region, catalog)));
            }
            Action::AskCapabilities(name) => {
                self.dialog = Some(Dialog::Sheet(SheetDialog::open(name.clone())));
                self.send(Intent::AskCapabilities { name });
            }
            Action::AskDeleteSecondaryOnly(id) => self.dialog = Some(Dialog::secondary_only(id)),
            Action::AskNewToken => self.dialog = Some(Dialog::NewToken(NewTokenDialog::default())),
            Action::AskRevoke(id) => self.confirm(Confirm::Revoke(id)),
            Action::AskReleaseLeftBehind(id, object) => self.confirm(Confirm::ReleaseLeftBehind(id, object)),
            Action::AskRecover(of) => self.dialog = Some(Dialog::Recover(RecoverDialog::open(scene, of))),
            Action::AskReleaseSalvage(of) => self.confirm(Confirm::ReleaseSalvage(of)),
            Action::AskApproval(id) => self.dialog = Dialog::approval(scene, id),
            Action::AskRunBook(id) => self.dialog = Dialog::run_book(scene, id),
            Action::AskApprove(id) => self.confirm(Confirm::Approve(id)),
            Action::AskSignIn => self.dialog = Some(Dialog::SignIn(SignInDialog::default())),
            Action::AskNewUrl => self.dialog = Some(Dialog::NewUrl(NewUrlDialog::default())),
            Action::AskAttach(id) => self.dialog = Some(Dialog::attach(scene, id)),
            Action::AskTokens(id) => self.dialog = Some(Dialog::Tokens(TokensDialog::open(id))),
            Action::AskRemoveTokens(id, client) => self.confirm(Confirm::RemoveTokens(id, client)),
            Action::AskDeleteUrl(id) => self.confirm(Confirm::DeleteUrl(id)),
            Action::ShowPalette => self.dialog = Some(Dialog::Palette(PaletteState::default())),
            Action::ShowWall(on) => {
                self.wall = on;
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(on));
            }
            Action::ShowKeys => self.dialog = Some(Dialog::Keys),
            Action::CloseDialog => self.dialog = None,
            Action::Discard => {
                if let Some(Dialog::Discard(route)) = self.dialog.take() {
                    match self.route {
                        Route::EditGroup(_) => self.edit = None,
                        _ => self.create = CreateForm::default(),
                    }
                    self.enter(scene, route);
                }
            }
            Action::Prefer(preferences) => {
                theme::apply_choices(ctx, preferences.theme, preferences.density);
                self.link.preferences.send_replace(preferences.clone());
                self.preferences = preferences;
            }
        }
    }

    fn confirm(&mut self, what: Confirm) {
        self.dialog = Some(Dialog::Confirm(ConfirmDialog::open(what)));
    }

    /// Leaves for `route`, unless that would throw a half-filled form away.
    fn go(&mut self, scene: &Scene<'_>, route: Route) {
        if route == self.route {
            return;
        }
        let unsaved = match &self.route {
            Route::CreateGroup => !self.create.draft.is_blank(),
            Route::EditGroup(_) => self.edit.as_ref().is_some_and(|form| !form.is_unchanged()),
            _ => false,
        };
        if unsaved {
            self.dialog = Some(Dialog::Discard(route));
            return;
        }
        self.enter(scene, route);
    }

    fn enter(&mut self, scene: &Scene<'_>, route: Route) {
        if let Route::EditGroup(id) = &route {
            self.edit = scene.group(id).map(|view| EditForm::open(scene, &view.group));
        }
        self.route = route;
    }

    fn keys(&self, ctx: &Context) -> Vec<Action> {
        if self.dialog.is_some() {
            return Vec::new();
        }
        let typing = ctx.text_edit_focused();
        let pressed = |command: &&Command| {
            let Some(keys) = command.shortcut() else { return false };
            // A bare key belongs to the field that is being typed into.
            if typing && keys.modifiers.is_none() && keys.logical_key == egui::Key::Questionmark {
                return false;
            }
            ctx.input_mut(|input| {
                // Where `?` needs Shift, the shortcut must not mind it.
                if keys.logical_key == egui::Key::Questionmark {
                    input.key_pressed(egui::Key::Questionmark)
                } else {
                    input.consume_shortcut(&keys)
                }
            })
        };
        Command::WITH_KEY.iter().filter(pressed).map(|command| command.action(&self.preferences)).collect()
    }

    fn screen_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) -> Vec<Action> {
        if untold::untold_ui(ui, scene, &self.route) {
            return Vec::new();
        }
        match self.route.clone() {
            Route::Groups => self.resilience.show(ui, scene, Section::Groups),
            Route::CreateGroup => self.create.show(ui, scene),
            Route::Group(id, tab) => GroupScreen::of(&mut self.group, &id).show(ui, scene, &id, tab),
            Route::Object(id, search) => GroupScreen::of(&mut self.group, &id).find(id, search),
            Route::EditGroup(id) => match &mut self.edit {
                Some(form) => form.show(ui, scene),
                None => vec![Action::Go(Route::Group(id, GroupTab::Overview))],
            },
            Route::StableUrls => self.resilience.show(ui, scene, Section::StableUrls),
            Route::Run(id, of) => self.run.show(ui, scene, &id, of.as_deref()),
            Route::Workspaces => workspaces::show(ui, scene),
            Route::Regions => regions::show(ui, scene),
            Route::Activity => {
                self.activity.show(ui, scene);
                Vec::new()
            }
            Route::Settings => self.settings.show(ui, scene, &self.preferences),
        }
    }

    fn dialog_ui(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let editing = matches!(self.route, Route::EditGroup(_));
        match &mut self.dialog {
            None => Vec::new(),
            Some(dialog) => dialog.show(ctx, scene, &self.preferences, editing),
        }
    }

    /// Asks for the next frame where something changes by itself: an age, a notice that goes, data that grows stale.
    fn schedule(&self, ctx: &Context, scene: &Scene<'_>, wall: Timestamp) {
        let mut next: Option<u64> = self.notices.next_expiry_ms(wall);
        let mut soonest = |ms: u64| next = Some(next.map_or(ms, |before| before.min(ms)));
        if scene.moves() {
            soonest(FRAME_MS);
        }
        if scene.ticks() {
            soonest(until_next_second(wall));
        }
        match scene.stale_ms {
            None => {
                let left = patience_ms(self.snapshot.interval_ms) - format::since(self.snapshot.taken_at, wall);
                soonest(u64::try_from(left).unwrap_or(0) + 1);
            }
            // How old stale data is changes by the minute once it is that old.
            Some(age) => soonest(if age < 60_000 { until_next_second(wall) } else { 60_000 - age as u64 % 60_000 }),
        }
        if self.wall {
            // Its clock and its place go on while the data stands still.
            soonest(60_000 - u64::try_from(wall.timestamp_millis().rem_euclid(60_000)).unwrap_or(0));
        }
        if let Some(ms) = next {
            ctx.request_repaint_after(Duration::from_millis(ms));
        }
    }
}

impl eframe::App for ConsoleApp {
    fn logic(&mut self, _ctx: &Context, _frame: &mut eframe::Frame) {
        self.snapshot = self.link.snapshots.borrow_and_update().clone();
        let now = self.link.clock.now();
        self.take_notices(now);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        let snapshot = self.snapshot.clone();
        let awaited = self.awaited.clone();
        let clock = self.link.clock.clone();
        let wall = clock.now();
        let preferences = self.preferences.clone();
        let scene = Scene::new(&snapshot, wall, &awaited).told_by(&*clock);
        theme::set_stale(&ctx, scene.stale_ms.is_some());
        self.keep(&ctx);
        let mut actions = self.keys(&ctx);
        if self.wall {
            // The key that turns it on turns it off.
            let leaves = |action: &Action| matches!(action, Action::ShowWall(_));
            actions = actions.into_iter().filter(leaves).map(|_| Action::ShowWall(false)).collect();
            actions.extend(wall::show(ui, &scene, wall, preferences.wall));
            if !actions.is_empty() {
                ctx.request_repaint();
            }
            for action in actions {
                self.act(&ctx, &scene, action);
            }
            self.schedule(&ctx, &scene, wall);
            return;
        }
        actions.extend(shell::sidebar_ui(ui, &scene, &self.route));
        if let Some(age) = scene.stale_ms {
            shell::stale_band_ui(ui, age);
        }
        if let Some(url) = &scene.snapshot.deployment.account_url {
            shell::account_band_ui(ui, url);
        }
        let notes = shell::clock_notes(scene.account());
        if !notes.is_empty() {
            shell::clock_band_ui(ui, &notes);
        }
        let canvas = Frame::new().fill(theme::palette(ui).canvas);
        let drawn = CentralPanel::default().frame(canvas).show(ui, |ui| {
            let drawn = self.screen_ui(ui, &scene);
            if scene.stale_ms.is_some() {
                hatch::paint_hatch(ui, ui.max_rect());
            }
            drawn
        });
        actions.extend(drawn.inner);
        actions.extend(self.dialog_ui(&ctx, &scene));
        self.notices.show(&ctx);
        if !actions.is_empty() {
            // What was pressed is drawn at once, not when the pointer next moves.
            ctx.request_repaint();
        }
        for action in actions {
            self.act(&ctx, &scene, action);
        }
        self.schedule(&ctx, &scene, wall);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

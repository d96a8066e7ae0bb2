//! The first start: the sandbox, or two regions of one's own. Afterwards it is the console.

mod form;

pub use form::{LoginKind, RegionForm};

use super::app::{ConsoleApp, ConsoleLink};
use super::preferences::Preferences;
use super::theme::{self, Icon, Role, Tone, rich, space};
use super::widgets::{Button, banner_ui, card, text};
use crate::connect::CapabilitySheet;
use crate::runtime::NewConnection;
use eframe::egui::{self, CentralPanel, Context, Frame, Margin, ScrollArea, Ui};
use std::sync::{Arc, mpsc};

/// What the first start asks of the program. Every call may take seconds, so none is made on the window's thread.
pub trait FirstRunHost: Send + Sync {
    /// Connects a region and asks it what it can do.
    fn connect(&self, new: NewConnection) -> Result<CapabilitySheet, String>;
    /// Starts the runtime, on the sandbox or on the two regions.
    fn start(&self, on_sandbox: bool) -> Result<ConsoleLink, String>;
}

enum Answer {
    Connected(usize, Result<CapabilitySheet, String>),
    Started(Box<Result<ConsoleLink, String>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Welcome,
    Connect,
}

/// The window of the first start.
pub struct FirstRun {
    host: Arc<dyn FirstRunHost>,
    page: Page,
    forms: [RegionForm; 2],
    /// What is under way: connecting one of the two, or starting.
    busy: Option<Option<usize>>,
    refusal: Option<String>,
    answers: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
    console: Option<Box<ConsoleApp>>,
}

impl FirstRun {
    /// A window over `host`; `connected` are the names and URLs of regions that were connected before.
    pub fn new(
        ctx: &Context,
        host: Arc<dyn FirstRunHost>,
        preferences: &Preferences,
        connected: &[(String, String)],
    ) -> Self {
        theme::install(ctx);
        theme::apply_choices(ctx, preferences.theme, preferences.density);
        let mut forms = [RegionForm::named("east"), RegionForm::named("west")];
        for (form, (name, url)) in forms.iter_mut().zip(connected) {
            (form.name, form.url, form.connected) = (name.clone(), url.clone(), true);
        }
        let page = if connected.is_empty() { Page::Welcome } else { Page::Connect };
        Self { host, page, forms, busy: None, refusal: None, answers: mpsc::channel(), console: None }
    }

    /// Whether the console has taken over.
    pub fn is_over(&self) -> bool {
        self.console.is_some()
    }

    fn take_answers(&mut self, ctx: &Context) {
        while let Ok(answer) = self.answers.1.try_recv() {
            self.busy = None;
            match answer {
                Answer::Connected(index, answer) => {
                    if let Some(form) = self.forms.get_mut(index) {
                        form.answered(answer);
                    }
                }
                Answer::Started(started) => match *started {
                    Ok(link) => self.console = Some(Box::new(ConsoleApp::over(ctx, link))),
                    Err(refusal) => self.refusal = Some(refusal),
                },
            }
        }
    }

    /// Has the host do something on a thread of its own, and wakes the window with the answer.
    fn ask(
        &mut self,
        ctx: &Context,
        busy: Option<usize>,
        work: impl FnOnce(&dyn FirstRunHost) -> Answer + Send + 'static,
    ) {
        let (host, answers, woken) = (self.host.clone(), self.answers.0.clone(), ctx.clone());
        let thread = std::thread::Builder::new().name("first run".to_owned()).spawn(move || {
            let _ = answers.send(work(host.as_ref()));
            woken.request_repaint();
        });
        match thread {
            Ok(_) => (self.busy, self.refusal) = (Some(busy), None),
            Err(error) => self.refusal = Some(format!("The system refused a thread: {error}. Close other programs.")),
        }
    }

    fn start(&mut self, ctx: &Context, on_sandbox: bool) {
        self.ask(ctx, None, move |host| Answer::Started(Box::new(host.start(on_sandbox))));
    }

    /// Draws the page.
    pub fn page_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.take_answers(&ctx);
        let frame = Frame::new().fill(theme::palette(ui).canvas).inner_margin(Margin::same(space::XXL as i8));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                let width = ui.available_width().min(1100.0);
                ui.vertical_centered(|ui| {
                    ui.set_max_width(width);
                    ui.spacing_mut().item_spacing.y = space::M;
                    if let Some(refusal) = &self.refusal {
                        banner_ui(ui, Icon::Bad, Tone::Bad, "Couldn't start", refusal, |_| {});
                    }
                    match self.page {
                        Page::Welcome => self.welcome_ui(ui, &ctx),
                        Page::Connect => self.connect_ui(ui, &ctx),
                    }
                });
            });
        });
    }

    fn welcome_ui(&mut self, ui: &mut Ui, ctx: &Context) {
        let palette = theme::palette(ui);
        ui.add_space(space::XXL);
        text::icon_ui(ui, Icon::Shield, 44.0, palette.tone(Tone::Busy));
        ui.label(rich(Role::Title, "Resilience Console").color(palette.text));
        let note = "Keeps the catalogs you choose complete in a second region, so that it can take over.";
        ui.label(rich(Role::Body, note).color(palette.text_soft));
        ui.add_space(space::L);
        let starting = self.busy == Some(None);
        // A button that has the focus takes Enter itself.
        let is_free = ctx.memory(|memory| memory.focused().is_none());
        let enter = !starting && is_free && ctx.input(|input| input.key_pressed(egui::Key::Enter));
        let mut sandbox = false;
        let mut own = false;
        let both = [
            ("Try the sandbox", "Two regions run inside this program. Nothing leaves this machine. Break them freely."),
            (
                "Connect your regions",
                "Two Databricks workspaces or two Unity Catalogs. Each is asked what it can do first.",
            ),
        ];
        ui.columns(2, |columns| {
            for (index, (column, (title, note))) in columns.iter_mut().zip(both).enumerate() {
                card::card_ui(column, |ui| {
                    ui.set_min_height(120.0);
                    card::section_ui(ui, title, note);
                    ui.add_space(space::M);
                    let words = if index == 0 && starting { "Starting…" } else { title };
                    let button = if index == 0 { Button::primary(words) } else { Button::ordinary(words) };
                    let pressed = ui.add(button.enabled(!starting)).clicked();
                    if index == 0 { sandbox = pressed } else { own = pressed }
                });
            }
        });
        if sandbox || enter {
            self.start(ctx, true);
        }
        if own {
            (self.page, self.refusal) = (Page::Connect, None);
        }
    }

    fn connect_ui(&mut self, ui: &mut Ui, ctx: &Context) {
        let palette = theme::palette(ui);
        ui.label(rich(Role::Title, "Connect your regions").color(palette.text));
        let note = "Nothing is written to a region before you create a failover group.";
        ui.label(rich(Role::Body, note).color(palette.text_soft));
        ui.horizontal(|ui| {
            let busy = self.busy;
            let any = self.forms.iter().any(|form| form.connected);
            if ui.add(Button::ordinary("Back").enabled(busy.is_none() && !any)).clicked() {
                (self.page, self.refusal) = (Page::Welcome, None);
            }
            let whole = self.forms.iter().all(|form| form.connected);
            let words = if busy == Some(None) { "Starting…" } else { "Open the console" };
            if ui.add(Button::primary(words).enabled(whole && busy.is_none())).clicked() {
                self.start(ctx, false);
            }
        });
        let busy = self.busy;
        let mut asked = None;
        ui.columns(2, |columns| {
            for (index, (column, heading)) in columns.iter_mut().zip(["First region", "Second region"]).enumerate() {
                card::card_ui(column, |ui| {
                    // Both forms have the same fields, and each is its own to the keyboard.
                    ui.push_id(index, |ui| {
                        if let Some(form) = self.forms.get_mut(index)
                            && form.show(ui, heading, busy.is_some())
                        {
                            asked = form.connection().map(|new| (index, new));
                        }
                    });
                });
            }
        });
        if let Some((index, new)) = asked {
            self.ask(ctx, Some(index), move |host| Answer::Connected(index, host.connect(new)));
        }
    }
}

impl eframe::App for FirstRun {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        if let Some(console) = &mut self.console {
            console.logic(ctx, frame);
        }
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        match &mut self.console {
            Some(console) => console.ui(ui, frame),
            None => {
                if ui.ctx().input_mut(|input| input.consume_key(egui::Modifiers::COMMAND, egui::Key::Q)) {
                    ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
                }
                self.page_ui(ui);
            }
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        match &self.console {
            Some(console) => console.clear_color(visuals),
            None => visuals.panel_fill.to_normalized_gamma_f32(),
        }
    }
}

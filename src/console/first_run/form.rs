//! What a person fills in to connect one region.

use crate::connect::{CapabilitySheet, Secret};
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::sheet::{self, sheet_ui};
use crate::console::widgets::{Button, banner_ui, card, field, tabs};
use crate::runtime::{LoginSource, NewConnection, NewLogin};
use eframe::egui::{self, TextEdit, Ui};

/// How a person logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoginKind {
    /// A token.
    #[default]
    Token,
    /// A service principal's id and secret.
    Principal,
    /// A profile of `~/.databrickscfg`.
    Profile,
    /// None.
    Open,
}

/// The half-typed connection of one region; its secret only until it was taken.
#[derive(Default)]
pub struct RegionForm {
    /// What the region is called here.
    pub name: String,
    /// The URL.
    pub url: String,
    /// The region's name, where it doesn't tell one.
    pub region: String,
    /// How to log in.
    pub login: LoginKind,
    /// The application id, or the profile.
    pub id: String,
    secret: String,
    /// What the region can do, once it is connected.
    pub sheet: Option<CapabilitySheet>,
    /// Whether it was connected before.
    pub connected: bool,
    /// Why it could not be connected.
    pub refusal: Option<String>,
}

impl RegionForm {
    /// A form with a name to begin with.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// What is to be connected; None while something is missing.
    pub fn connection(&self) -> Option<NewConnection> {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let secret = || filled(&self.secret).map(|text| LoginSource::Typed(Secret::from(text)));
        let login = match self.login {
            LoginKind::Token => NewLogin::Token(secret()?),
            LoginKind::Principal => {
                NewLogin::ClientCredentials { client_id: filled(&self.id)?, account_id: None, secret: secret()? }
            }
            LoginKind::Profile => NewLogin::Profile(filled(&self.id)?),
            LoginKind::Open => NewLogin::None,
        };
        let url = filled(&self.url);
        if url.is_none() && self.login != LoginKind::Profile {
            return None;
        }
        Some(NewConnection {
            name: filled(&self.name)?,
            url,
            region: filled(&self.region),
            workspace_id: None,
            login,
            storage: Default::default(),
            secret_storage: Default::default(),
        })
    }

    /// Takes how it went.
    pub fn answered(&mut self, answer: Result<CapabilitySheet, String>) {
        match answer {
            Ok(sheet) => {
                (self.connected, self.refusal, self.sheet) = (true, None, Some(sheet));
                self.secret.clear();
            }
            Err(refusal) => self.refusal = Some(refusal),
        }
    }

    /// Draws the form, or the sheet once it is connected; whether it is to be connected.
    pub fn show(&mut self, ui: &mut Ui, heading: &str, busy: bool) -> bool {
        if self.connected {
            self.connected_ui(ui, heading);
            return false;
        }
        let palette = theme::palette(ui);
        card::section_ui(ui, heading, "");
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "Not connected", refusal, |_| {});
        }
        let label = field::label_ui(ui, "Name");
        field::text_ui(ui, label, &mut self.name, "east", false, false);
        let label = field::label_ui(ui, "URL");
        let hint = "https://dbc-1234.cloud.databricks.com or http://host:8080";
        field::text_ui(ui, label, &mut self.url, hint, true, false);
        ui.label(rich(Role::Label, "Login").color(palette.text_soft));
        let kinds = [
            (LoginKind::Token, "Token"),
            (LoginKind::Principal, "Service principal"),
            (LoginKind::Profile, "Profile"),
            (LoginKind::Open, "None"),
        ];
        if let Some(login) = tabs::segmented_ui(ui, "Login", self.login, &kinds) {
            self.login = login;
        }
        match self.login {
            LoginKind::Principal => {
                let label = field::label_ui(ui, "Application id");
                field::text_ui(ui, label, &mut self.id, "", true, false);
            }
            LoginKind::Profile => {
                let label = field::label_ui(ui, "Profile of ~/.databrickscfg");
                field::text_ui(ui, label, &mut self.id, "DEFAULT", false, false);
            }
            LoginKind::Token | LoginKind::Open => {}
        }
        if matches!(self.login, LoginKind::Token | LoginKind::Principal) {
            let what = if self.login == LoginKind::Token { "Token" } else { "Client secret" };
            let label = field::label_ui(ui, what);
            let width = ui.available_width();
            let field = TextEdit::singleline(&mut self.secret)
                .password(true)
                .font(Role::Mono.font())
                .desired_width(width)
                .min_size(egui::vec2(0.0, theme::metrics(ui).control))
                .align(egui::Align2::LEFT_CENTER)
                .margin(egui::Margin::symmetric(10, 4));
            ui.add(field).labelled_by(label);
            let note = "It is kept in a file of the data dir that only you can read.";
            ui.label(rich(Role::Small, note).color(palette.text_weak));
        }
        let label = field::label_ui(ui, "Region, if it doesn't tell one");
        field::text_ui(ui, label, &mut self.region, "us-east-1", false, false);
        ui.add_space(space::S);
        let words = if busy { "Asking the region…" } else { "Connect" };
        let name = format!("Connect {heading}");
        let ready = self.connection().is_some() && !busy;
        ui.add(Button::primary(words).name(&name).enabled(ready)).clicked()
    }

    fn connected_ui(&self, ui: &mut Ui, heading: &str) {
        let palette = theme::palette(ui);
        card::section_ui(ui, &format!("{heading}: {} is connected", self.name), &self.url);
        match &self.sheet {
            Some(sheet) => {
                ui.label(rich(Role::Label, sheet::verdict(sheet)).color(palette.text_soft));
                ui.add_space(space::XS);
                sheet_ui(ui, sheet);
            }
            None => {
                let note = "It was connected before. Settings shows what it can do.";
                ui.label(rich(Role::Small, note).color(palette.text_weak));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_connected_before_its_url_and_login_are_there() {
        let mut form = RegionForm::named("east");
        assert!(form.connection().is_none());
        form.url = " http://127.0.0.1:8080 ".to_owned();
        assert!(form.connection().is_none(), "no token yet");
        form.secret = "hunter2".to_owned();
        let new = form.connection().expect("complete");
        assert_eq!(new.url.as_deref(), Some("http://127.0.0.1:8080"));
        assert!(!format!("{new:?}").contains("hunter2"));
        form.login = LoginKind::Open;
        assert_eq!(form.connection().map(|new| new.login), Some(NewLogin::None));
        form.login = LoginKind::Profile;
        form.url.clear();
        assert!(form.connection().is_none(), "no profile yet");
        form.id = "work".to_owned();
        assert!(form.connection().is_some(), "a profile names the host");
    }

    #[test]
    fn a_secret_is_dropped_once_it_was_taken() {
        let mut form = RegionForm { secret: "hunter2".to_owned(), ..RegionForm::named("east") };
        form.answered(Err("refused".to_owned()));
        assert_eq!(form.secret, "hunter2", "to be corrected");
        form.answered(Ok(CapabilitySheet { region: "r".to_owned(), url: "u".to_owned(), lines: Vec::new() }));
        assert!(form.secret.is_empty() && form.connected && form.refusal.is_none());
    }
}

//! What if: a question about a group, and what would come of it. Asking changes nothing.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, card, copy, field, tabs, text};
use crate::control::view::GroupView;
use crate::domain::{AssetKind, CatalogName, Consequence, GroupId, Region, Weight, WhatIf, WhatIfAnswer};
use crate::runtime::{Intent, IntentError, NoticeDetail};
use eframe::egui::{self, Context, Ui};

/// How high the list of choices may get.
const CHOICES_HEIGHT: f32 = 132.0;

/// Which question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Region,
    Mapping,
    Catalog,
    Table,
}

/// What the dialog holds.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIfDialog {
    /// The group.
    pub id: GroupId,
    kind: Kind,
    region: Option<Region>,
    mapping: Option<String>,
    catalog: Option<String>,
    new_name: String,
    table: String,
    answer: Option<WhatIfAnswer>,
    refusal: Option<String>,
}

fn sign(weight: Weight) -> (Icon, Tone) {
    match weight {
        Weight::Fails => (Icon::Bad, Tone::Bad),
        Weight::Costs => (Icon::Sync, Tone::Warn),
        Weight::Waits => (Icon::Clock, Tone::Busy),
        Weight::Unknown => (Icon::Unknown, Tone::Quiet),
        Weight::Stays => (Icon::Good, Tone::Good),
    }
}

/// What would be shipped again, as a sentence.
fn cost(answer: &WhatIfAnswer) -> String {
    match answer.tables {
        0 => "No data is shipped again.".to_owned(),
        tables => {
            let tables = format::plural(usize::try_from(tables).unwrap_or(usize::MAX), "table", "tables");
            format!("At most {tables} and {} are shipped again.", format::bytes(answer.bytes))
        }
    }
}

/// A consequence with its objects, as one text.
fn words(consequence: &Consequence) -> String {
    let more = consequence.count.saturating_sub(consequence.objects.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match consequence.objects.as_slice() {
        [] => consequence.sentence.clone(),
        objects => format!("{} {}{more}.", consequence.sentence, objects.join(", ")),
    }
}

/// The answer as text, to be copied.
fn report(answer: &WhatIfAnswer) -> String {
    let mut lines =
        vec![format!("What if {}? ({})", answer.asked.words(), answer.group), answer.basis.clone(), cost(answer)];
    lines.extend(answer.consequences.iter().map(|c| format!("{}: {}", c.weight.label(), words(c))));
    lines.join("\n")
}

impl WhatIfDialog {
    /// A dialog without an answer.
    pub fn open(view: &GroupView) -> Self {
        let spec = &view.group.spec;
        let mappings = spec.unity_catalog_assets.iter().flat_map(|assets| &assets.location_mappings);
        Self {
            id: spec.id.clone(),
            kind: Kind::Region,
            region: Some(view.group.effective_primary_region.clone()),
            mapping: mappings.map(|row| row.name.clone()).next(),
            catalog: view.group.catalogs().first().map(|name| name.as_str().to_owned()),
            new_name: String::new(),
            table: String::new(),
            answer: None,
            refusal: None,
        }
    }

    /// Whether it sent an intent.
    pub fn asked_for(&self, intent: &Intent) -> bool {
        matches!(intent, Intent::AskWhatIf { id, .. } if *id == self.id)
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        (self.answer, self.refusal) = (None, Some(refusal.sentence.clone()));
    }

    /// Takes the answer; the dialog stays to show it.
    pub fn done(&mut self, detail: &NoticeDetail) -> bool {
        if let NoticeDetail::WhatIf(answer) = detail {
            self.answer = Some((**answer).clone());
        }
        true
    }

    fn question(&self) -> Option<WhatIf> {
        let asked = match self.kind {
            Kind::Region => WhatIf::LoseRegion { region: self.region.clone()? },
            Kind::Mapping => WhatIf::SwapMapping { mapping: self.mapping.clone()? },
            Kind::Catalog => WhatIf::RenameCatalog {
                catalog: CatalogName::new(self.catalog.clone()?),
                new_name: CatalogName::new(self.new_name.trim()),
            },
            Kind::Table => WhatIf::DropTable { table: self.table.trim().to_owned() },
        };
        asked.problem().is_none().then_some(asked)
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let waits = scene.awaits(|intent| self.asked_for(intent));
        let title = format!("What if · {}", self.id);
        let response = dialog_ui(
            ctx,
            "what-if",
            &title,
            640.0,
            self,
            |ui, dialog| dialog.contents_ui(ui, scene),
            |ui, dialog| {
                let label = if waits { "Asking…" } else { "Ask" };
                let ready = !waits && dialog.question().is_some() && scene.stale_ms.is_none();
                let ask = ui.add(Button::primary(label).enabled(ready)).clicked();
                let close = ui.add(Button::quiet("Done")).clicked();
                if let Some(answer) = &dialog.answer {
                    copy::copy_ui(ui, "the answer", &report(answer));
                }
                (ask, close)
            },
        );
        let (ask, close) = response.inner;
        if let Some(asked) = self.question().filter(|_| ask) {
            (self.answer, self.refusal) = (None, None);
            return vec![Action::Send(Intent::AskWhatIf { id: self.id.clone(), asked })];
        }
        if response.close || close { vec![Action::CloseDialog] } else { Vec::new() }
    }

    fn contents_ui(&mut self, ui: &mut Ui, scene: &Scene<'_>) {
        let palette = theme::palette(ui);
        let note = "Answered by the rules that replication and failovers go by. Nothing is changed.";
        ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text_soft)).wrap());
        ui.add_space(space::XS);
        let kinds = [
            (Kind::Region, "A region is lost"),
            (Kind::Mapping, "A mapping is swapped"),
            (Kind::Catalog, "A catalog is renamed"),
            (Kind::Table, "A table is dropped"),
        ];
        if let Some(kind) = tabs::segmented_ui(ui, "Question", self.kind, &kinds) {
            (self.kind, self.answer, self.refusal) = (kind, None, None);
        }
        ui.add_space(space::XS);
        if let Some(view) = scene.group(&self.id) {
            self.question_ui(ui, view);
        }
        if let Some(refusal) = &self.refusal {
            banner_ui(ui, Icon::Bad, Tone::Bad, "There is no answer", refusal, |_| {});
        }
        if let Some(answer) = &self.answer {
            ui.add_space(space::S);
            answer_ui(ui, answer);
        }
    }

    fn question_ui(&mut self, ui: &mut Ui, view: &GroupView) {
        let group = &view.group;
        match self.kind {
            Kind::Region => {
                for region in [&group.effective_primary_region, group.effective_secondary_region()] {
                    let role = if *region == group.effective_primary_region { "primary" } else { "secondary" };
                    let on = self.region.as_ref() == Some(region);
                    if field::radio_ui(ui, on, &format!("{region}, the {role}")).clicked() {
                        self.region = Some(region.clone());
                    }
                }
            }
            Kind::Mapping => {
                let mappings = group.spec.unity_catalog_assets.iter().flat_map(|assets| &assets.location_mappings);
                let names: Vec<&str> = mappings.map(|row| row.name.as_str()).collect();
                choices_ui(ui, "mapping", &names, &mut self.mapping);
            }
            Kind::Catalog => {
                let names: Vec<&str> = group.catalogs().iter().map(CatalogName::as_str).collect();
                choices_ui(ui, "catalog", &names, &mut self.catalog);
                let label = field::label_ui(ui, "New name");
                field::text_ui(ui, label, &mut self.new_name, "main_renamed", true, false);
            }
            Kind::Table => {
                let label = field::label_ui(ui, "Table");
                let tables = view.objects.iter().filter(|object| object.kind == AssetKind::Table);
                let hint = tables.map(|object| object.name.as_str()).next().unwrap_or("catalog.schema.table");
                field::text_ui(ui, label, &mut self.table, hint, true, false);
            }
        }
    }
}

/// One of several names; a long list scrolls.
fn choices_ui(ui: &mut Ui, what: &str, names: &[&str], chosen: &mut Option<String>) {
    let palette = theme::palette(ui);
    if names.is_empty() {
        ui.label(rich(Role::Body, format!("The group has no {what}.")).color(palette.text_weak));
    }
    let scroll = egui::ScrollArea::vertical().id_salt(what).max_height(CHOICES_HEIGHT);
    scroll.auto_shrink([false, true]).show(ui, |ui| {
        for name in names {
            if field::radio_ui(ui, chosen.as_deref() == Some(*name), name).clicked() {
                *chosen = Some((*name).to_owned());
            }
        }
    });
}

fn answer_ui(ui: &mut Ui, answer: &WhatIfAnswer) {
    let palette = theme::palette(ui);
    card::hairline_ui(ui);
    ui.label(rich(Role::Heading, format!("If {}", answer.asked.words())).color(palette.text));
    ui.add(egui::Label::new(rich(Role::Small, &answer.basis).color(palette.text_weak)).wrap());
    ui.label(rich(Role::Strong, cost(answer)).color(palette.text));
    for consequence in &answer.consequences {
        let (icon, tone) = sign(consequence.weight);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            ui.horizontal(|ui| {
                ui.set_width(86.0);
                ui.spacing_mut().item_spacing.x = 6.0;
                text::icon_ui(ui, icon, 16.0, palette.tone(tone));
                ui.label(rich(Role::Strong, consequence.weight.label()).color(palette.text));
            });
            ui.add(egui::Label::new(rich(Role::Body, words(consequence)).color(palette.text_soft)).wrap());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn an_answer_is_one_text_with_its_date_its_cost_and_what_it_is_about() {
        let objects = vec!["main.sales.orders".to_owned()];
        let fails = Consequence { weight: Weight::Fails, sentence: "It breaks.".to_owned(), objects, count: 3 };
        let answer = WhatIfAnswer {
            group: GroupId::new("core").expect("an id"),
            asked: WhatIf::DropTable { table: "main.sales.orders".to_owned() },
            at: DateTime::UNIX_EPOCH,
            basis: "Found at 1970.".to_owned(),
            consequences: vec![fails],
            tables: 2,
            bytes: 2048,
        };
        let text = report(&answer);
        assert!(text.starts_with("What if table main.sales.orders is dropped? (core)\nFound at 1970.\n"), "{text}");
        assert!(text.contains("At most 2 tables and 2.0 kB"), "{text}");
        assert!(text.ends_with("Fails: It breaks. main.sales.orders and 2 more."), "{text}");
    }
}

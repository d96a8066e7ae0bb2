//! The limits that all copies keep to together.

use super::choice::choice_ui;
use crate::console::action::Action;
use crate::console::scene::Scene;
use crate::console::theme;
use crate::console::widgets::{Button, card, field};
use crate::domain::{BadTransferLimit, Bandwidth, TransferLimit, parse_parallel, parse_size, size_text};
use crate::runtime::Intent;
use eframe::egui::Ui;

/// How wide the fields of numbers are.
const FIELD_WIDTH: f32 = 160.0;

/// What is half-typed; None where the limits that hold are shown.
#[derive(Debug, Default)]
pub struct LimitFields {
    parallel: Option<String>,
    bandwidth: Option<String>,
    bulk_from: Option<String>,
}

impl LimitFields {
    /// Draws the fields, and the buttons where what they hold is new.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
        let holds = scene.account().transfer_limit;
        let shown = |bandwidth: Option<Bandwidth>| bandwidth.map_or_else(String::new, |rate| rate.to_string());
        let mut parallel = self.parallel.clone().unwrap_or_else(|| holds.parallel.to_string());
        let mut bandwidth = self.bandwidth.clone().unwrap_or_else(|| shown(holds.bandwidth));
        let mut bulk_from = self.bulk_from.clone().unwrap_or_else(|| size_text(holds.bulk_from));
        choice_ui(ui, "Parallel transfers", "Files copied at a time", |ui| {
            ui.set_max_width(FIELD_WIDTH);
            if field::named_text_ui(ui, "Parallel transfers", &mut parallel, "16").changed() {
                self.parallel = Some(parallel.clone());
            }
        });
        card::hairline_ui(ui);
        choice_ui(ui, "Bandwidth", "Bytes per second for all copies together. Leave empty for no limit.", |ui| {
            ui.set_max_width(FIELD_WIDTH);
            if field::named_text_ui(ui, "Bandwidth", &mut bandwidth, "no limit").changed() {
                self.bandwidth = Some(bandwidth.clone());
            }
        });
        if scene.account().spark.is_some() {
            card::hairline_ui(ui);
            choice_ui(ui, "Spark from", "Shipments of this size on are copied by Spark, smaller ones here", |ui| {
                ui.set_max_width(FIELD_WIDTH);
                if field::named_text_ui(ui, "Spark from", &mut bulk_from, "4 GiB").changed() {
                    self.bulk_from = Some(bulk_from.clone());
                }
            });
        }
        let wanted = limit_of(&parallel, &bandwidth, &bulk_from);
        if let Err(sentences) = &wanted {
            field::problems_ui(ui, sentences.iter().map(String::as_str));
        }
        let Some(limit) = wanted.ok().filter(|limit| *limit != holds) else {
            // What was typed holds by now, so the fields follow what holds again.
            let typed = [&self.parallel, &self.bandwidth, &self.bulk_from].into_iter().any(Option::is_some);
            if limit_of(&parallel, &bandwidth, &bulk_from).is_ok() && typed {
                let focused = ui.memory(|memory| memory.focused().is_some());
                if !focused {
                    *self = Self::default();
                }
            }
            return;
        };
        ui.add_space(theme::space::XS);
        let waits = scene.awaits(|intent| matches!(intent, Intent::SetTransferLimit { .. }));
        ui.horizontal(|ui| {
            if ui.add(Button::primary("Apply limits").enabled(!waits)).clicked() {
                actions.push(Action::Send(Intent::SetTransferLimit { limit }));
            }
            if ui.add(Button::quiet("Undo").name("Undo the changes to the limits")).clicked() {
                *self = Self::default();
            }
        });
    }
}

/// The limits that the fields ask for; what is wrong with them otherwise.
fn limit_of(parallel: &str, bandwidth: &str, bulk_from: &str) -> Result<TransferLimit, Vec<String>> {
    let bandwidth = Some(bandwidth.trim()).filter(|text| !text.is_empty()).map(str::parse::<Bandwidth>).transpose();
    match (parse_parallel(parallel), bandwidth, parse_size(bulk_from)) {
        (Ok(parallel), Ok(bandwidth), Ok(bulk_from)) => Ok(TransferLimit { parallel, bandwidth, bulk_from }),
        (parallel, bandwidth, bulk_from) => {
            let wrong = [parallel.err(), bandwidth.err(), bulk_from.err()];
            Err(wrong.into_iter().flatten().map(|error: BadTransferLimit| error.to_string()).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_limits_or_sentences() {
        let limit = limit_of(" 8 ", "50 MiB/s", "4 GiB").expect("limits");
        assert_eq!((limit.parallel.get(), limit.bandwidth.map(Bandwidth::bytes_per_second)), (8, Some(50 << 20)));
        assert_eq!(limit_of("16", " ", "4GiB"), Ok(TransferLimit::default()));
        assert_eq!(limit_of("0", "fast", "").expect_err("sentences").len(), 3);
    }
}

//! The page below a group's tabs.

use crate::console::theme::space;
use eframe::egui::{Frame, Margin, Ui};

/// The area below the tabs, with the screen's margins.
pub fn tab_page_ui(ui: &mut Ui, add_contents: impl FnOnce(&mut Ui)) {
    Frame::new().inner_margin(Margin { left: 32, right: 32, top: 16, bottom: 20 }).show(ui, |ui| {
        ui.set_width(ui.available_width().min(1240.0));
        ui.spacing_mut().item_spacing.y = space::M;
        add_contents(ui);
    });
}

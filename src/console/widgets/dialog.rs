//! The frame of a dialog.

use super::button::Button;
use crate::console::theme::{self, Icon, Role, radius, rich, space};
use eframe::egui::{self, Align, Context, CornerRadius, Frame, Id, Layout, Margin, Modal, Stroke, Ui};

/// What became of a dialog in one frame.
pub struct DialogResponse<R> {
    /// Whether it asks to be closed: Escape, a click beside it, or its close button.
    pub close: bool,
    /// What its contents returned.
    pub inner: R,
}

/// Shows a dialog with a title, contents that scroll where they must, and a footer that stays.
pub fn dialog_ui<S, R>(
    ctx: &Context,
    id: &str,
    title: &str,
    width: f32,
    state: &mut S,
    contents: impl FnOnce(&mut Ui, &mut S),
    footer: impl FnOnce(&mut Ui, &mut S) -> R,
) -> DialogResponse<R> {
    let palette = theme::palette(ctx);
    let frame = Frame::new()
        .fill(palette.raised)
        .stroke(Stroke::new(1.0, palette.border_strong))
        .corner_radius(CornerRadius::same(radius::L + 2))
        .shadow(ctx.global_style().visuals.window_shadow);
    let modal = Modal::new(Id::unique(id)).backdrop_color(palette.backdrop).frame(frame).show(ctx, |ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut close = false;
        let bar = Frame::new().inner_margin(Margin { left: 24, right: 14, top: 16, bottom: 12 });
        bar.show(ui, |ui| {
            ui.set_width(ui.available_width());
            let (_, pressed) = super::card::sides_ui(
                ui,
                30.0,
                |ui| ui.label(rich(Role::Heading, title).size(17.0).color(palette.text)),
                |ui| ui.add(Button::icon_only(Icon::Close, "Close")).clicked(),
            );
            close = pressed;
        });
        super::card::hairline_ui(ui);
        let room = (ctx.content_rect().height() - 220.0).max(160.0);
        let scroll = egui::ScrollArea::vertical().max_height(room).min_scrolled_height(room);
        scroll.auto_shrink([false, true]).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(24, 18)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = space::S;
                contents(ui, state);
            });
        });
        super::card::hairline_ui(ui);
        let foot = Frame::new().inner_margin(Margin::symmetric(24, 14)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = space::S;
                    footer(ui, state)
                })
                .inner
            })
            .inner
        });
        (close, foot.inner)
    });
    let height = modal.response.rect.height();
    let last = ctx.data_mut(|data| data.get_temp_mut_or_default::<Option<f32>>(Id::unique(id)).replace(height));
    if last.is_some_and(|last| (last - height).abs() > 0.5) {
        // A dialog is centred by its last height; one that grew would jump only with the next movement.
        ctx.request_discard("the dialog changed its height");
    }
    let asked = modal.should_close();
    DialogResponse { close: asked || modal.inner.0, inner: modal.inner.1 }
}

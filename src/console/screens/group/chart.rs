//! Lag over time: a sawtooth against the group's target, with real gaps where nothing was known.

use super::band::band_ui;
use super::curve::{Curve, Frame, band, curve};
use super::past::{Past, Range, csv};
use super::shot::Shot;
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Palette, Role, Tone, rich, space};
use crate::console::widgets::tabs::segmented_ui;
use crate::console::widgets::{Button, text};
use crate::control::view::{GroupView, LagSample, Mark};
use crate::domain::{GroupId, Timestamp};
use chrono::TimeDelta;
use eframe::egui::{self, Align, Align2, Color32, Layout, PointerButton, Rect, Stroke, Ui, WidgetInfo};
use egui_plot::{
    FilledArea, GridMark, HLine, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points, Span, Text,
    VLine,
};

/// Buckets along the visible time; a stretch with more samples than that is drawn as a band.
const BUCKETS: f64 = 260.0;
/// The plot's height, in points.
const HEIGHT: f32 = 200.0;
/// Room for the words of the vertical axis, in points.
const AXIS: f32 = 44.0;

/// Draws the chart, and below it what the group was over the same time.
pub fn chart_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, past: &mut Past, actions: &mut Vec<Action>) {
    let id = &view.group.spec.id;
    let (end, targets) = (scene.now, scene.targets(id));
    if let Some(intent) = past.wants(id, end) {
        actions.push(Action::Send(intent));
    }
    if let Some(intent) = past.wants_before(id, end) {
        actions.push(Action::Send(intent));
    }
    let top = ui.cursor().top();
    let range = past.range();
    let frame = Frame {
        end,
        length: (end - past.begins(view, end)).num_milliseconds() as f64 / 1000.0,
        patience: range.patience_s(),
        target: targets.rpo_s.map(f64::from),
        held_since: held_since(view),
    };
    let samples = past.samples(view, end);
    let before = past.compares().then(|| Before {
        curve: curve(&past.day_before(view, end), Frame { target: None, patience: 150.0, ..frame }),
        not_read: past.not_read_before(),
    });
    let curve = curve(&samples, frame);
    let (readout, chosen) = head_ui(ui, past, &samples, id, actions);
    if curve.stretches.is_empty() {
        nothing_ui(ui, past);
    } else {
        let marks = past.marks(view);
        let (words, picked) = ui.scope(|ui| plot_ui(ui, view, &curve, before.as_ref(), frame, range, &marks)).inner;
        actions.extend(picked.map(|at| Action::AskFailOverAt(view.group.spec.id.clone(), at)));
        let palette = theme::palette(ui);
        let not_read = before.as_ref().and_then(|before| before.not_read.as_ref());
        let words = words.unwrap_or_else(|| match not_read {
            Some(why) => format!("{}; the day before {why}", range.words()),
            None => {
                format!(
                    "{}. Drag to zoom, double-click to reset, right-click to fail over as of a moment.",
                    range.words()
                )
            }
        });
        text::paint(ui, readout, Align2::LEFT_CENTER, Role::Small, palette.text_soft, &format::capitalised(&words));
    }
    band_ui(ui, &past.stretches(view, end), past.begins(view, end), end, AXIS);
    drop(samples);
    let card = Rect::from_min_max(egui::pos2(ui.min_rect().left(), top), ui.min_rect().max).expand(space::S);
    if chosen.export {
        past.shot = Some(Shot::ask(ui));
    } else if let Some(png) = past.shot.as_mut().and_then(|shot| shot.taken(ui, card)) {
        past.shot = None;
        actions.push(Action::AskExport(id.clone(), range.word(), csv(&past.samples(view, end)), png));
    }
    if let Some(on) = chosen.compare {
        past.compare(on);
    }
    if let Some(range) = chosen.range {
        past.choose(range);
    }
}

/// The same time of the day before.
struct Before {
    curve: Curve,
    /// Why it isn't known, in words.
    not_read: Option<String>,
}

/// What was pressed above the chart.
#[derive(Default)]
struct Chosen {
    range: Option<Range>,
    compare: Option<bool>,
    export: bool,
}

/// Heading, what can be asked, and the place for the value under the pointer.
fn head_ui(ui: &mut Ui, past: &Past, samples: &[LagSample], id: &GroupId, actions: &mut Vec<Action>) -> (Rect, Chosen) {
    let palette = theme::palette(ui);
    let mut chosen = Chosen::default();
    ui.horizontal(|ui| {
        ui.set_min_height(30.0);
        ui.label(rich(Role::Heading, "Lag").color(palette.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::XS;
            chosen.range = segmented_ui(ui, "Range", past.range(), &Range::EVERY);
            ui.add_space(space::XS);
            let waits = past.shot.is_some();
            let export = Button::quiet("Export…").icon(Icon::Export).small().enabled(!samples.is_empty() && !waits);
            chosen.export =
                ui.add(export.hint("The numbers of this range as CSV, or the chart as a picture")).clicked();
            let targets = Button::quiet("Targets…").icon(Icon::Target).small();
            if ui.add(targets.hint("RPO and RTO that the group should reach")).clicked() {
                actions.push(Action::AskTargets(id.clone()));
            }
            let on = past.compares();
            let words = if on { "Hide yesterday" } else { "Yesterday" };
            let compare = Button::quiet(words).icon(Icon::History).small().enabled(past.can_compare());
            let hint = if past.can_compare() {
                "Draws the lag at the same time of the day before"
            } else {
                "A range of a day or less can be compared with the day before"
            };
            if ui.add(compare.hint(hint)).clicked() {
                chosen.compare = Some(!on);
            }
        });
    });
    let room = egui::vec2(ui.available_width(), 18.0);
    (ui.allocate_exact_size(room, egui::Sense::hover()).0, chosen)
}

fn nothing_ui(ui: &mut Ui, past: &Past) {
    let palette = theme::palette(ui);
    let live = past.range().is_live();
    let note = match past.refusal() {
        Some(refusal) => refusal,
        None if past.is_reading() => "Reading the system table…",
        None if live => "The chart starts at the first replication point.",
        None => "The system table tells of no lag in this time.",
    };
    ui.vertical_centered(|ui| {
        ui.add_space(HEIGHT / 2.0 - 20.0);
        ui.label(rich(Role::Body, note).color(palette.text_weak));
        ui.add_space(HEIGHT / 2.0 - 20.0);
    });
}

/// Draws the plot; what is true under the pointer, in words, and the moment that was pressed for a failover to it.
fn plot_ui(
    ui: &mut Ui,
    view: &GroupView,
    curve: &Curve,
    before: Option<&Before>,
    frame: Frame,
    range: Range,
    marks: &[Mark],
) -> (Option<String>, Option<Timestamp>) {
    let palette = theme::palette(ui);
    let end = frame.end;
    let tone = |is_breach: bool| palette.tone(if is_breach { Tone::Bad } else { Tone::Busy });
    let highest = curve.ceiling.unwrap_or((curve.highest * 1.25).max(2.0));
    // A target far above everything would flatten the curve: then it is told in words alone.
    let target = frame.target.filter(|target| *target < highest * 6.0);
    let top = target.map_or(highest, |target| highest.max(target * 1.15));
    let start = -frame.length;
    let at = move |x: f64| end + TimeDelta::milliseconds((x * 1000.0) as i64);
    let small = Role::Small.font();
    let plot = styled(ui, &palette, view, range, end).include_x(start).include_x(0.0).include_y(0.0).include_y(top);
    let side = move |x: f64| if x > start * 0.2 { Align2::RIGHT_TOP } else { Align2::LEFT_TOP };
    let response = plot.show(ui, |plot| {
        for (from, to) in &curve.gaps {
            plot.span(Span::new("", *from..=*to).fill(palette.hover).border_width(0.0));
        }
        // At least a pixel or two wide, so that a short breach is seen in a year.
        let least = plot.plot_bounds().width() / BUCKETS;
        for (from, to) in &curve.over_target {
            let span = Span::new("", *from..=to.max(from + least)).fill(palette.wash(Tone::Bad)).border_width(0.0);
            plot.span(span);
        }
        for stretch in before.iter().flat_map(|before| &before.curve.stretches) {
            let points: Vec<[f64; 2]> = stretch.iter().map(|[x, lag]| [*x, lag.min(top)]).collect();
            let line = Line::new("yesterday", PlotPoints::from(points)).color(palette.text_weak).width(1.25);
            plot.line(line.style(LineStyle::dashed_dense()).allow_hover(false));
        }
        let width = plot.plot_bounds().width() / BUCKETS;
        for (is_breach, piece) in curve.pieces() {
            stretch_ui(plot, &piece, width, tone(is_breach));
        }
        for (x, lag) in &curve.peaks {
            let words = format!(" up to {} ", format::duration(*lag));
            let label = egui::RichText::new(words)
                .font(small.clone())
                .color(tone(curve.breach.is_some_and(|breach| *x >= breach)));
            plot.text(Text::new("", PlotPoint::new(*x, top * 0.86), label).anchor(side(*x)).allow_hover(false));
        }
        if let Some(target) = target {
            let line = HLine::new("", target).color(palette.warn).width(1.5).style(LineStyle::dashed_loose());
            plot.hline(line.allow_hover(false));
            let words = format!(" RPO target {} ", format::duration(target));
            let label = egui::RichText::new(words).font(small.clone()).color(palette.warn);
            plot.text(
                Text::new("", PlotPoint::new(start, target), label).anchor(Align2::LEFT_BOTTOM).allow_hover(false),
            );
        }
        let mut labelled = f64::NEG_INFINITY;
        for mark in marks {
            let x = (mark.at - end).num_milliseconds() as f64 / 1000.0;
            if x < start || x > 0.0 {
                continue;
            }
            let line = VLine::new("", x).color(palette.text_weak).width(1.0).style(LineStyle::dashed_dense());
            plot.vline(line.allow_hover(false));
            // Words that would lie over each other are left out; the line stays.
            if x - labelled < frame.length * 0.12 {
                continue;
            }
            labelled = x;
            let label = egui::RichText::new(format!(" {} ", mark.label)).font(small.clone()).color(palette.text_soft);
            plot.text(Text::new("", PlotPoint::new(x, top * 0.98), label).anchor(side(x)).allow_hover(false));
        }
        let errors = errors_of(view, frame);
        if !errors.is_empty() {
            let points: Vec<[f64; 2]> = errors.into_iter().map(|x| [x, top * 0.035]).collect();
            let points =
                Points::new("", PlotPoints::from(points)).shape(MarkerShape::Up).radius(5.0).color(palette.bad);
            plot.points(points.allow_hover(false));
        }
    });
    let mut name = format!("Lag over the {}, at most {}", range.words(), format::duration(curve.highest));
    if let Some(ceiling) = curve.ceiling {
        name.push_str(&format!("; the axis ends at {}", format::duration(ceiling)));
    }
    match (frame.target, curve.over_target.len()) {
        (Some(target), 0) => name.push_str(&format!("; never over the target of {}", format::duration(target))),
        (Some(target), times) => {
            let times = format::plural(times, "time", "times");
            name.push_str(&format!("; {times} over the target of {}", format::duration(target)));
        }
        (None, _) => {}
    }
    if let Some(before) = before {
        name.push_str(&match &before.not_read {
            Some(why) => format!("; the day before {why}"),
            None if before.curve.stretches.is_empty() => "; nothing is recorded of the day before".to_owned(),
            None => format!("; the day before at most {}", format::duration(before.curve.highest)),
        });
    }
    response.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
    let Some(pointer) = response.response.hover_pos() else { return (None, None) };
    let x = response.transform.value_from_position(pointer).x;
    let time = format::utc(at(x));
    let picked = response.response.secondary_clicked().then(|| at(x));
    let mut words = match curve.at(x) {
        Some([x, lag]) => format!("{}: {} behind", format::utc(at(x)), format::duration(lag)),
        None => format!("{time}: not recorded"),
    };
    if let Some(before) = before {
        words.push_str(&match (&before.not_read, before.curve.at(x)) {
            (Some(why), _) => format!(". The day before {why}"),
            (None, Some([_, lag])) => format!(". The day before: {}", format::duration(lag)),
            (None, None) => ". The day before: not recorded".to_owned(),
        });
    }
    (Some(words), picked)
}

/// When errors that still stand began, without those that would lie over each other.
fn errors_of(view: &GroupView, frame: Frame) -> Vec<f64> {
    let of = |at: Timestamp| (at - frame.end).num_milliseconds() as f64 / 1000.0;
    let mut found: Vec<f64> = view.errors.iter().map(|error| of(error.since)).collect();
    found.retain(|x| *x >= -frame.length && *x <= 0.0);
    found.sort_by(f64::total_cmp);
    found.dedup_by(|a, b| *a - *b < frame.length / 120.0);
    found
}

/// A plot in the window's type and colours.
fn styled<'a>(ui: &mut Ui, palette: &Palette, view: &GroupView, range: Range, end: Timestamp) -> Plot<'a> {
    ui.style_mut().text_styles.insert(egui::TextStyle::Body, Role::MonoSmall.font());
    ui.style_mut().text_styles.insert(egui::TextStyle::Small, Role::MonoSmall.font());
    ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
    ui.visuals_mut().override_text_color = Some(palette.text_weak);
    let at = move |x: f64| end + TimeDelta::milliseconds((x * 1000.0) as i64);
    Plot::new(("lag", view.group.spec.id.as_str(), range.word()))
        .height(HEIGHT)
        .show_background(false)
        .show_x(true)
        .show_y(true)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_boxed_zoom(true)
        .boxed_zoom_pointer_button(PointerButton::Primary)
        .set_margin_fraction(egui::vec2(0.0, 0.0))
        .grid_color(palette.border)
        .grid_fade(0.0)
        .show_grid([false, true])
        .y_axis_min_width(AXIS)
        .y_grid_spacer(egui_plot::uniform_grid_spacer(move |input| {
            let span = input.bounds.1 - input.bounds.0;
            // Beyond a few minutes the axis counts minutes, beyond a few hours hours.
            let unit = if span > 10_800.0 {
                3_600.0
            } else if span > 180.0 {
                60.0
            } else {
                1.0
            };
            let step = nice_step(span / 4.0 / unit) * unit;
            [step, step * 10.0, step * 100.0]
        }))
        .x_grid_spacer(move |input| time_marks(end, input.bounds))
        .x_axis_formatter(move |mark: GridMark, _| {
            let time = at(mark.value);
            match mark.step_size {
                step if step >= 86_400.0 => time.format("%-d %b").to_string(),
                step if step >= 21_600.0 => time.format("%-d %b %H:%M").to_string(),
                step if step >= 60.0 => time.format("%H:%M").to_string(),
                _ => format::utc_time(time),
            }
        })
        .y_axis_formatter(|mark: GridMark, _| seconds_mark(mark.value))
        .label_formatter(|_| None)
}

fn nice_step(rough: f64) -> f64 {
    let magnitude = 10f64.powf(rough.max(0.001).log10().floor());
    let share = rough / magnitude;
    let factor = if share < 1.5 {
        1.0
    } else if share < 3.5 {
        2.0
    } else if share < 7.5 {
        5.0
    } else {
        10.0
    };
    factor * magnitude
}

/// Draws a connected stretch: a line where every sample can be seen, else the band between lowest and highest.
fn stretch_ui(plot: &mut PlotUi<'_>, stretch: &[[f64; 2]], width: f64, color: Color32) {
    let step = match stretch {
        [first, .., last] => (last[0] - first[0]) / (stretch.len() - 1) as f64,
        _ => f64::INFINITY,
    };
    if step * 2.0 > width {
        let line = Line::new("lag", PlotPoints::from(stretch.to_vec()));
        plot.line(line.color(color).width(1.5).fill(0.0).fill_alpha(0.10));
        return;
    }
    let band = band(stretch, width);
    let column = |index: usize| -> Vec<f64> { band.iter().filter_map(|row| row.get(index).copied()).collect() };
    let (times, low, high) = (column(0), column(1), column(2));
    let ground = vec![0.0; times.len()];
    plot.add(FilledArea::new("", &times, &ground, &low).fill_color(color.gamma_multiply(0.08)).allow_hover(false));
    plot.add(FilledArea::new("", &times, &low, &high).fill_color(color.gamma_multiply(0.30)).allow_hover(false));
    let highest: Vec<[f64; 2]> = band.iter().map(|row| [row[0], row[2]]).collect();
    plot.line(Line::new("highest lag", PlotPoints::from(highest)).color(color).width(1.25));
}

/// Marks at full seconds, minutes or quarter hours of the clock, six or so in sight.
fn time_marks(end: Timestamp, bounds: (f64, f64)) -> Vec<GridMark> {
    const DAY: f64 = 86_400.0;
    let minutes = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0];
    let hours = [3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0];
    let days = [DAY, 2.0 * DAY, 5.0 * DAY, 10.0 * DAY, 30.0 * DAY, 60.0 * DAY];
    let rough = (bounds.1 - bounds.0) / 7.0;
    let mut steps = minutes.into_iter().chain(hours).chain(days);
    let step = steps.find(|step| *step >= rough).unwrap_or(90.0 * DAY);
    let offset = (end.timestamp_millis() as f64 / 1000.0).rem_euclid(step);
    let first = ((bounds.0 + offset) / step).ceil() as i64;
    let last = ((bounds.1 + offset) / step).floor() as i64;
    let room = step * 0.35;
    (first..=last.min(first + 200))
        .map(|number| number as f64 * step - offset)
        // A mark at the very edge would have its words cut.
        .filter(|value| *value - bounds.0 > room && bounds.1 - *value > room)
        .map(|value| GridMark { value, step_size: step })
        .collect()
}

fn seconds_mark(value: f64) -> String {
    if value >= 10_800.0 {
        format!("{:.0} h", value / 3_600.0)
    } else if value >= 120.0 {
        format!("{:.0} min", value / 60.0)
    } else if value.fract().abs() > 0.01 {
        format!("{value:.1} s")
    } else {
        format!("{value:.0} s")
    }
}

/// Since when the replication point of a group is held back.
fn held_since(view: &GroupView) -> Option<Timestamp> {
    view.errors.iter().filter(|error| error.class.blocks_replication_point()).map(|error| error.since).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    #[test]
    fn marks_stand_at_full_minutes() {
        let end = Utc.timestamp_opt(1_800_000_017, 0).single().expect("a valid time");
        for mark in time_marks(end, (-3600.0, 0.0)) {
            assert_eq!((1_800_000_017.0 + mark.value) % 600.0, 0.0);
        }
    }
}

//! Lag over the last hour: a sawtooth, with real gaps where nothing was known.

use crate::console::format;
use crate::console::theme::{self, Role, Tone, rich, space};
use crate::control::view::{GroupView, LagSample};
use crate::domain::Timestamp;
use chrono::TimeDelta;
use eframe::egui::{self, Align, Align2, Color32, Layout, PointerButton, Stroke, Ui, WidgetInfo};
use egui_plot::{FilledArea, GridMark, Line, LineStyle, Plot, PlotPoint, PlotPoints, PlotUi, Span, Text, VLine};

/// Buckets along the visible time; a stretch with more samples than that is drawn as a band.
const BUCKETS: f64 = 260.0;

/// A gap longer than this, in seconds, between two samples is one where nothing was known.
const PATIENCE: f64 = 15.0;

/// What the chart draws. Time is in seconds before the newest sample, lag in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    /// The newest sample's time, where the axis ends.
    pub end: Option<Timestamp>,
    /// Connected stretches.
    pub stretches: Vec<Vec<[f64; 2]>>,
    /// Stretches of time in which nothing was known.
    pub gaps: Vec<(f64, f64)>,
    /// The highest lag.
    pub highest: f64,
    /// Where the axis ends below the highest lag: a few samples far above all others would flatten them.
    pub ceiling: Option<f64>,
    /// The top of each stretch above the ceiling: time and lag.
    pub peaks: Vec<(f64, f64)>,
    /// Since when an object or a region holds the replication point back; None while nothing does.
    pub breach: Option<f64>,
}

impl Curve {
    /// The stretches as they are drawn: cut at the ceiling, parted where the breach begins; whether each is in the breach.
    fn pieces(&self) -> Vec<(bool, Vec<[f64; 2]>)> {
        let held = |point: &[f64; 2]| self.breach.is_some_and(|breach| point[0] >= breach);
        let cut = |point: &[f64; 2]| [point[0], self.ceiling.map_or(point[1], |ceiling| point[1].min(ceiling))];
        let mut pieces = Vec::new();
        for stretch in &self.stretches {
            let begins = stretch.iter().position(held).unwrap_or(stretch.len());
            let (before, after) = stretch.split_at(begins);
            // The last point before the breach is in both, so that the line has no hole.
            let joined = before.last().filter(|_| !after.is_empty()).into_iter().chain(after);
            let piece: Vec<_> = joined.map(cut).collect();
            pieces.extend([(false, before.iter().map(cut).collect()), (true, piece)]);
        }
        pieces.retain(|(_, piece)| !piece.is_empty());
        pieces
    }
}

/// Since when the replication point of a group is held back.
fn held_since(view: &GroupView) -> Option<Timestamp> {
    view.errors.iter().filter(|error| error.class.blocks_replication_point()).map(|error| error.since).min()
}

/// How many times the ordinary lag a peak must be to be cut.
const PEAK: f64 = 6.0;
/// Fewer samples than this are no picture of what is ordinary.
const FEW: usize = 20;

/// Where the axis ends when a few samples lie far above all others; None where they don't. The newest one is always below.
fn ceiling(stretches: &[Vec<[f64; 2]>], highest: f64) -> Option<f64> {
    let mut lags: Vec<f64> = stretches.iter().flatten().map(|point| point[1]).collect();
    if lags.len() < FEW {
        return None;
    }
    lags.sort_by(f64::total_cmp);
    let ordinary = lags.get(lags.len() * 9 / 10).copied()?.max(1.0);
    let newest = stretches.last().and_then(|stretch| stretch.last()).map_or(0.0, |point| point[1]);
    let ceiling = (ordinary * 2.0).max(newest * 1.25);
    (highest > ordinary * PEAK && highest > ceiling).then_some(ceiling)
}

/// The highest point of each run of points above `ceiling`.
fn peaks(stretches: &[Vec<[f64; 2]>], ceiling: f64) -> Vec<(f64, f64)> {
    let runs = stretches.iter().flat_map(|stretch| stretch.chunk_by(|a, b| (a[1] > ceiling) == (b[1] > ceiling)));
    let above = runs.filter(|run| run.first().is_some_and(|point| point[1] > ceiling));
    above.filter_map(|run| run.iter().max_by(|a, b| a[1].total_cmp(&b[1]))).map(|top| (top[0], top[1])).collect()
}

/// Makes a curve of samples, of a group whose replication point is held back since `held_since`.
pub fn curve(samples: &[LagSample], held_since: Option<Timestamp>) -> Curve {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Curve::default() };
    let x_of = |at: Timestamp| (at - last.at).num_milliseconds() as f64 / 1000.0;
    let mut curve = Curve { end: Some(last.at), breach: held_since.map(x_of), ..Curve::default() };
    let mut stretch: Vec<[f64; 2]> = Vec::new();
    let mut known_until = x_of(first.at);
    for sample in samples {
        let x = x_of(sample.at);
        let Some(lag) = sample.lag_ms else { continue };
        if x - known_until > PATIENCE {
            if !stretch.is_empty() {
                curve.stretches.push(std::mem::take(&mut stretch));
            }
            curve.gaps.push((known_until, x));
        }
        let lag = lag as f64 / 1000.0;
        curve.highest = curve.highest.max(lag);
        stretch.push([x, lag]);
        known_until = x;
    }
    if !stretch.is_empty() {
        curve.stretches.push(stretch);
    }
    if -known_until > PATIENCE {
        curve.gaps.push((known_until, 0.0));
    }
    curve.ceiling = ceiling(&curve.stretches, curve.highest);
    if let Some(ceiling) = curve.ceiling {
        curve.peaks = peaks(&curve.stretches, ceiling);
    }
    curve
}

/// The lowest and highest lag of each bucket of `width` seconds: `[time, lowest, highest]`.
fn band(points: &[[f64; 2]], width: f64) -> Vec<[f64; 3]> {
    let bucket = |point: &[f64; 2]| (point[0] / width).floor() as i64;
    let range = |chunk: &[[f64; 2]]| {
        let first = chunk.first()?;
        let (low, high) = chunk.iter().fold((first[1], first[1]), |(low, high), p| (low.min(p[1]), high.max(p[1])));
        Some([first[0], low, high])
    };
    points.chunk_by(|a, b| bucket(a) == bucket(b)).filter_map(range).collect()
}

/// Draws the chart.
pub fn chart_ui(ui: &mut Ui, view: &GroupView) {
    let palette = theme::palette(ui);
    let curve = curve(&view.lag_history, held_since(view));
    ui.horizontal(|ui| {
        ui.label(rich(Role::Heading, "Lag").color(palette.text));
        ui.label(rich(Role::Small, "last hour, in seconds").color(palette.text_weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !curve.stretches.is_empty() {
                let note = "Drag to zoom, double-click to reset";
                ui.label(rich(Role::Small, note).color(palette.text_weak));
            }
        });
    });
    let Some(end) = curve.end.filter(|_| !curve.stretches.is_empty()) else {
        ui.vertical_centered(|ui| {
            ui.add_space(space::XXL);
            let note = "The chart starts at the first replication point.";
            ui.label(rich(Role::Body, note).color(palette.text_weak));
            ui.add_space(space::XXL);
        });
        return;
    };
    let tone = |is_breach: bool| palette.tone(if is_breach { Tone::Bad } else { Tone::Busy });
    let top = curve.ceiling.unwrap_or((curve.highest * 1.25).max(2.0));
    let start = curve.stretches.iter().flatten().map(|p| p[0]).fold(0.0, f64::min).min(-60.0);
    let at = move |x: f64| end + TimeDelta::milliseconds((x * 1000.0) as i64);
    let cut_at = curve.ceiling;
    let small = Role::Small.font();
    ui.style_mut().text_styles.insert(egui::TextStyle::Body, Role::MonoSmall.font());
    ui.style_mut().text_styles.insert(egui::TextStyle::Small, Role::MonoSmall.font());
    ui.visuals_mut().widgets.noninteractive.bg_stroke = Stroke::NONE;
    ui.visuals_mut().override_text_color = Some(palette.text_weak);
    let plot = Plot::new(("lag", view.group.spec.id.as_str()))
        .height(200.0)
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
        .include_x(start)
        .include_x(0.0)
        .include_y(0.0)
        .include_y(top)
        .grid_color(palette.border)
        .grid_fade(0.0)
        .show_grid([false, true])
        .y_axis_min_width(34.0)
        .y_grid_spacer(egui_plot::uniform_grid_spacer(move |input| {
            let span = input.bounds.1 - input.bounds.0;
            // Beyond a few minutes the axis counts minutes.
            let unit = if span > 180.0 { 60.0 } else { 1.0 };
            let step = nice_step(span / 4.0 / unit) * unit;
            [step, step * 10.0, step * 100.0]
        }))
        .x_grid_spacer(move |input| time_marks(end, input.bounds))
        .x_axis_formatter(move |mark: GridMark, _| {
            let time = at(mark.value);
            if mark.step_size >= 60.0 { time.format("%H:%M").to_string() } else { format::utc_time(time) }
        })
        .y_axis_formatter(|mark: GridMark, _| seconds_mark(mark.value))
        .label_formatter(move |hover| {
            let point = match hover {
                egui_plot::HoverPosition::NearDataPoint { position, .. } => *position,
                egui_plot::HoverPosition::Elsewhere { .. } => return None,
            };
            let cut = cut_at.is_some_and(|ceiling| point.y >= ceiling * 0.999);
            let over = if cut { "more than " } else { "" };
            Some(format!("{}\n{over}{} behind", format::utc(at(point.x)), format::duration(point.y)))
        });
    let response = plot.show(ui, |plot| {
        for (from, to) in &curve.gaps {
            plot.span(Span::new("", *from..=*to).fill(palette.hover).border_width(0.0));
        }
        let bounds = plot.plot_bounds();
        let width = bounds.width() / BUCKETS;
        for (is_breach, piece) in curve.pieces() {
            stretch_ui(plot, &piece, width, tone(is_breach));
        }
        for (x, lag) in &curve.peaks {
            let side = if *x > start * 0.2 { Align2::RIGHT_TOP } else { Align2::LEFT_TOP };
            let words = format!(" up to {} ", format::duration(*lag));
            let label = egui::RichText::new(words)
                .font(small.clone())
                .color(tone(curve.breach.is_some_and(|breach| *x >= breach)));
            plot.text(Text::new("", PlotPoint::new(*x, top * 0.86), label).anchor(side).allow_hover(false));
        }
        for mark in view.marks.iter() {
            let x = (mark.at - end).num_milliseconds() as f64 / 1000.0;
            if x < start || x > 0.0 {
                continue;
            }
            let line = VLine::new("", x)
                .color(palette.text_weak)
                .width(1.0)
                .style(LineStyle::dashed_dense())
                .allow_hover(false);
            plot.vline(line);
            let side = if x > start * 0.2 { Align2::RIGHT_TOP } else { Align2::LEFT_TOP };
            let label = egui::RichText::new(format!(" {} ", mark.label)).font(small.clone()).color(palette.text_soft);
            plot.text(Text::new("", PlotPoint::new(x, top * 0.98), label).anchor(side).allow_hover(false));
        }
    });
    let mut name = format!("Lag over the last hour, at most {}", format::duration(curve.highest));
    if let Some(ceiling) = curve.ceiling {
        name.push_str(&format!("; the axis ends at {}", format::duration(ceiling)));
    }
    response.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
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
    let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0];
    let rough = (bounds.1 - bounds.0) / 7.0;
    let step = steps.into_iter().find(|step| *step >= rough).unwrap_or(3600.0);
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
    if value >= 120.0 {
        format!("{:.0} min", value / 60.0)
    } else if value.fract().abs() > 0.01 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    #[test]
    fn a_stretch_without_samples_is_a_gap_and_the_highest_point_survives_thinning() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let mut samples: Vec<_> = (0..3600)
            .filter(|second| !(1000..1600).contains(second))
            .map(|second| LagSample {
                at: start + TimeDelta::seconds(second),
                lag_ms: Some(400 + (second as u64 % 5) * 100),
            })
            .collect();
        samples[500].lag_ms = Some(9_000);
        let curve = curve(&samples, None);
        assert_eq!(curve.stretches.len(), 2);
        assert_eq!(curve.gaps, vec![(-2600.0, -1999.0)]);
        let band = band(&curve.stretches[0], 14.0);
        assert!(band.len() < 80);
        assert!(band.iter().any(|row| row[2] == 9.0) && band.iter().all(|row| row[1] >= 0.4));
    }

    #[test]
    fn the_first_lag_after_a_stop_does_not_flatten_the_others() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let sample = |second: i64, lag| LagSample { at: start + TimeDelta::seconds(second), lag_ms: Some(lag) };
        let mut samples: Vec<_> = (0..60).map(|second| sample(second, 500)).collect();
        samples.push(sample(1260, 1_200_000));
        samples.extend((1261..1400).map(|second| sample(second, 500)));
        let cut = curve(&samples, None);
        assert_eq!((cut.ceiling, cut.highest), (Some(2.0), 1200.0));
        assert_eq!(cut.peaks, vec![(-139.0, 1200.0)], "and is still told");
        samples.iter_mut().skip(60).for_each(|sample| sample.lag_ms = Some(60_000));
        assert_eq!(curve(&samples, None).ceiling, None, "a lag that stays is the picture");
    }

    #[test]
    fn the_axis_holds_the_newest_value_and_only_what_is_held_back_is_coloured() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let sample = |second: i64, lag| LagSample { at: start + TimeDelta::seconds(second), lag_ms: Some(lag) };
        let mut samples: Vec<_> = (0..600).map(|second| sample(second, 500)).collect();
        samples.extend((600..640).map(|second| sample(second, (second as u64 - 599) * 1000)));
        let held = curve(&samples, Some(start + TimeDelta::seconds(600)));
        let newest = samples.last().and_then(|sample| sample.lag_ms).expect("a lag") as f64 / 1000.0;
        assert!(held.ceiling.is_none_or(|ceiling| ceiling > newest), "{:?} cuts {newest}", held.ceiling);
        let pieces = held.pieces();
        let parts: Vec<(bool, usize)> = pieces.iter().map(|(is_breach, piece)| (*is_breach, piece.len())).collect();
        assert_eq!(parts, [(false, 600), (true, 41)]);
        assert_eq!(pieces[0].1.last(), pieces[1].1.first(), "the line has no hole");
        assert_eq!(pieces[1].1.last().map(|point| point[1]), Some(newest));
        let over = curve(&samples, None);
        assert!(over.pieces().iter().all(|(is_breach, _)| !is_breach));
        // Held back since before the first sample.
        let all = curve(&samples, Some(start - TimeDelta::seconds(5)));
        assert!(all.pieces().iter().all(|(is_breach, _)| *is_breach));
    }

    #[test]
    fn marks_stand_at_full_minutes() {
        let end = Utc.timestamp_opt(1_800_000_017, 0).single().expect("a valid time");
        for mark in time_marks(end, (-3600.0, 0.0)) {
            assert_eq!((1_800_000_017.0 + mark.value) % 600.0, 0.0);
        }
    }
}

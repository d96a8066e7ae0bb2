//! Lag at a glance: one small line, with gaps where nothing was known.

use crate::console::theme::{self, Tone};
use crate::control::view::LagSample;
use chrono::TimeDelta;
use eframe::egui::{Pos2, Rect, Shape, Stroke, Ui, pos2};

/// Farther apart, samples are not joined: nothing was known between them.
const PATIENCE: TimeDelta = TimeDelta::seconds(15);

/// Segments of `samples` in `rect`: x by time, y by lag up to `ceiling` milliseconds; a new segment after each gap.
pub fn segments(samples: &[LagSample], rect: Rect, ceiling: u64) -> Vec<Vec<Pos2>> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Vec::new() };
    let span = (last.at - first.at).num_milliseconds().max(1) as f32;
    let columns = (rect.width() as usize).max(1);
    let mut found: Vec<Vec<Pos2>> = vec![Vec::new()];
    let mut column: Option<(usize, f32)> = None;
    let flush = |column: &mut Option<(usize, f32)>, found: &mut Vec<Vec<Pos2>>| {
        if let (Some((x, y)), Some(segment)) = (column.take(), found.last_mut()) {
            segment.push(pos2(rect.left() + x as f32, y));
        }
    };
    let mut before = first.at;
    for sample in samples {
        let lag = sample.lag_ms.filter(|_| sample.at - before <= PATIENCE);
        before = sample.at;
        let Some(lag) = lag else {
            flush(&mut column, &mut found);
            if found.last().is_some_and(|segment| !segment.is_empty()) {
                found.push(Vec::new());
            }
            continue;
        };
        let share = (sample.at - first.at).num_milliseconds() as f32 / span;
        let x = ((share * (columns - 1) as f32) as usize).min(columns - 1);
        let height = (lag as f32 / ceiling.max(1) as f32).min(1.0);
        let y = rect.bottom() - height * rect.height();
        match &mut column {
            // The worst of a column stays: a peak must not be thinned away.
            Some((at, worst)) if *at == x => *worst = worst.min(y),
            _ => {
                flush(&mut column, &mut found);
                column = Some((x, y));
            }
        }
    }
    flush(&mut column, &mut found);
    found.retain(|segment| !segment.is_empty());
    found
}

/// Paints the lag of the last hour into `rect`.
pub fn paint_sparkline(ui: &Ui, rect: Rect, samples: &[LagSample], tone: Tone) {
    let palette = theme::palette(ui);
    let ceiling = samples.iter().filter_map(|sample| sample.lag_ms).max().unwrap_or(0).max(2_000);
    ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, palette.border));
    for segment in segments(samples, rect, ceiling) {
        if let [only] = segment.as_slice() {
            ui.painter().circle_filled(*only, 1.5, palette.tone(tone));
            continue;
        }
        for pair in segment.windows(2) {
            if let [a, b] = pair {
                let below = [*a, *b, pos2(b.x, rect.bottom()), pos2(a.x, rect.bottom())];
                ui.painter().add(Shape::convex_polygon(below.to_vec(), palette.area(tone), Stroke::NONE));
            }
        }
        ui.painter().line(segment, Stroke::new(1.5, palette.tone(tone)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};
    use eframe::egui::vec2;

    #[test]
    fn what_was_not_known_is_a_gap_and_peaks_stay() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let sample = |second: i64, lag_ms| LagSample { at: start + TimeDelta::seconds(second), lag_ms };
        let mut samples: Vec<_> = (0..600).map(|i| sample(i, Some(500))).collect();
        samples[300].lag_ms = Some(9_000);
        samples.extend((600..700).map(|i| sample(i, None)));
        samples.extend((700..1000).map(|i| sample(i, Some(400))));
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(100.0, 20.0));
        let found = segments(&samples, rect, 10_000);
        assert_eq!(found.len(), 2);
        assert!(found.iter().map(Vec::len).sum::<usize>() <= 100);
        let highest = found[0].iter().map(|p| p.y).fold(f32::INFINITY, f32::min);
        assert!((highest - 2.0).abs() < 0.1);
    }
}

//! What a chart of lag draws: connected stretches, gaps, what is over the target, and where the axis ends.

use crate::control::view::LagSample;
use crate::domain::Timestamp;

/// What the chart draws. Time is in seconds before its end, lag in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
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
    /// Stretches of time in which the lag was over the target.
    pub over_target: Vec<(f64, f64)>,
}

/// What a curve is made by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Where the axis ends.
    pub end: Timestamp,
    /// How long the axis is, in seconds.
    pub length: f64,
    /// Two samples farther apart than this, in seconds, are not joined: nothing was known between them.
    pub patience: f64,
    /// The most that the replica may be behind, in seconds.
    pub target: Option<f64>,
    /// Since when the replication point is held back.
    pub held_since: Option<Timestamp>,
}

impl Curve {
    /// The stretches as they are drawn: cut at the ceiling, parted where the breach begins; whether each is in the breach.
    pub fn pieces(&self) -> Vec<(bool, Vec<[f64; 2]>)> {
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

/// How many times the ordinary lag a peak must be to be cut.
const PEAK: f64 = 6.0;
/// Fewer samples than this don't show what is ordinary.
const FEW: usize = 20;

/// Where the axis ends when a few samples lie far above all others; None where they don't. The newest one is always below.
fn ceiling(stretches: &[Vec<[f64; 2]>], highest: f64, target: Option<f64>) -> Option<f64> {
    let mut lags: Vec<f64> = stretches.iter().flatten().map(|point| point[1]).collect();
    if lags.len() < FEW {
        return None;
    }
    lags.sort_by(f64::total_cmp);
    let ordinary = lags.get(lags.len() * 9 / 10).copied()?.max(1.0);
    let newest = stretches.last().and_then(|stretch| stretch.last()).map_or(0.0, |point| point[1]);
    // What is over the target must be seen to be over it.
    let over = target.filter(|target| *target < highest).map_or(0.0, |target| target * 1.3);
    let ceiling = (ordinary * 2.0).max(newest * 1.25).max(over);
    (highest > ordinary * PEAK && highest > ceiling).then_some(ceiling)
}

/// The highest point of each run of points above `ceiling`.
fn peaks(stretches: &[Vec<[f64; 2]>], ceiling: f64) -> Vec<(f64, f64)> {
    let runs = stretches.iter().flat_map(|stretch| stretch.chunk_by(|a, b| (a[1] > ceiling) == (b[1] > ceiling)));
    let above = runs.filter(|run| run.first().is_some_and(|point| point[1] > ceiling));
    above.filter_map(|run| run.iter().max_by(|a, b| a[1].total_cmp(&b[1]))).map(|top| (top[0], top[1])).collect()
}

/// Makes a curve of samples.
pub fn curve(samples: &[LagSample], frame: Frame) -> Curve {
    let x_of = |at: Timestamp| (at - frame.end).num_milliseconds() as f64 / 1000.0;
    let mut curve = Curve { breach: frame.held_since.map(x_of), ..Curve::default() };
    let mut stretch: Vec<[f64; 2]> = Vec::new();
    let mut known_until = -frame.length;
    for sample in samples {
        let x = x_of(sample.at);
        let Some(lag) = sample.lag_ms else { continue };
        if x - known_until > frame.patience {
            if !stretch.is_empty() {
                curve.stretches.push(std::mem::take(&mut stretch));
            }
            curve.gaps.push((known_until, x));
        }
        let lag = lag as f64 / 1000.0;
        if frame.target.is_some_and(|target| lag > target) {
            match curve.over_target.last_mut() {
                Some((_, until)) if x - *until <= frame.patience => *until = x,
                _ => curve.over_target.push((x, x)),
            }
        }
        curve.highest = curve.highest.max(lag);
        stretch.push([x, lag]);
        known_until = x;
    }
    if !stretch.is_empty() {
        curve.stretches.push(stretch);
    }
    if -known_until > frame.patience {
        curve.gaps.push((known_until, 0.0));
    }
    curve.ceiling = ceiling(&curve.stretches, curve.highest, frame.target);
    if let Some(ceiling) = curve.ceiling {
        curve.peaks = peaks(&curve.stretches, ceiling);
    }
    curve
}

impl Curve {
    /// The sample that is nearest to a time, unless nothing was known then.
    pub fn at(&self, x: f64) -> Option<[f64; 2]> {
        if self.gaps.iter().any(|(from, to)| *from < x && x < *to) {
            return None;
        }
        let far = |point: &[f64; 2]| (point[0] - x).abs();
        let nearest = |stretch: &Vec<[f64; 2]>| {
            let after = stretch.partition_point(|point| point[0] < x);
            let around = [after.checked_sub(1).and_then(|before| stretch.get(before)), stretch.get(after)];
            around.into_iter().flatten().copied().min_by(|a, b| far(a).total_cmp(&far(b)))
        };
        self.stretches.iter().filter_map(nearest).min_by(|a, b| far(a).total_cmp(&far(b)))
    }
}

/// The lowest and highest lag of each bucket of `width` seconds: `[time, lowest, highest]`.
pub fn band(points: &[[f64; 2]], width: f64) -> Vec<[f64; 3]> {
    let bucket = |point: &[f64; 2]| (point[0] / width).floor() as i64;
    let range = |chunk: &[[f64; 2]]| {
        let first = chunk.first()?;
        let (low, high) = chunk.iter().fold((first[1], first[1]), |(low, high), p| (low.min(p[1]), high.max(p[1])));
        Some([first[0], low, high])
    };
    points.chunk_by(|a, b| bucket(a) == bucket(b)).filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    /// An hour that ends with the newest sample.
    fn hour(samples: &[LagSample], held_since: Option<Timestamp>) -> Curve {
        let end = samples.last().expect("a sample").at;
        curve(samples, Frame { end, length: 3600.0, patience: 15.0, target: None, held_since })
    }

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
        let curve = hour(&samples, None);
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
        let cut = hour(&samples, None);
        assert_eq!((cut.ceiling, cut.highest), (Some(2.0), 1200.0));
        assert_eq!(cut.peaks, vec![(-139.0, 1200.0)], "and is still told");
        samples.iter_mut().skip(60).for_each(|sample| sample.lag_ms = Some(60_000));
        assert_eq!(hour(&samples, None).ceiling, None, "a lag that stays is the picture");
    }

    #[test]
    fn the_axis_holds_the_newest_value_and_only_what_is_held_back_is_coloured() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let sample = |second: i64, lag| LagSample { at: start + TimeDelta::seconds(second), lag_ms: Some(lag) };
        let mut samples: Vec<_> = (0..600).map(|second| sample(second, 500)).collect();
        samples.extend((600..640).map(|second| sample(second, (second as u64 - 599) * 1000)));
        let held = hour(&samples, Some(start + TimeDelta::seconds(600)));
        let newest = samples.last().and_then(|sample| sample.lag_ms).expect("a lag") as f64 / 1000.0;
        assert!(held.ceiling.is_none_or(|ceiling| ceiling > newest), "{:?} cuts {newest}", held.ceiling);
        let pieces = held.pieces();
        let parts: Vec<(bool, usize)> = pieces.iter().map(|(is_breach, piece)| (*is_breach, piece.len())).collect();
        assert_eq!(parts, [(false, 600), (true, 41)]);
        assert_eq!(pieces[0].1.last(), pieces[1].1.first(), "the line has no hole");
        assert_eq!(pieces[1].1.last().map(|point| point[1]), Some(newest));
        let over = hour(&samples, None);
        assert!(over.pieces().iter().all(|(is_breach, _)| !is_breach));
        // Held back since before the first sample.
        let all = hour(&samples, Some(start - TimeDelta::seconds(5)));
        assert!(all.pieces().iter().all(|(is_breach, _)| *is_breach));
    }

    #[test]
    fn what_was_over_the_target_is_told_by_its_times_and_a_gap_has_no_value() {
        let end = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let lags = [(-100, 2_000), (-95, 6_000), (-90, 7_000), (-85, 1_000), (-40, 9_000), (-35, 1_000)];
        let samples = lags.map(|(at, lag)| LagSample { at: end + TimeDelta::seconds(at), lag_ms: Some(lag) });
        let frame = Frame { end, length: 100.0, patience: 15.0, target: Some(5.0), held_since: None };
        let curve = curve(&samples, frame);
        assert_eq!(curve.over_target, [(-95.0, -90.0), (-40.0, -40.0)]);
        assert_eq!(curve.at(-91.0), Some([-90.0, 7.0]));
        assert_eq!(curve.at(-60.0), None, "nothing was known then");
        assert_eq!(curve.gaps, [(-85.0, -40.0), (-35.0, 0.0)]);
    }
}

//! Pictures that are kept beside the tests and compared with what the window draws now.
//!
//! Fonts, clock, time zone and rasteriser are fixed, so a machine draws what another one drew, but for the last bit of float
//! arithmetic. To be small, a picture is kept at half its size and in 256 colours; what is drawn now is halved too.

use super::{THEMES, album, folder, on_two_threads};
use eframe::egui::Vec2;
use image::RgbImage;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The least size that the console is made for.
const SIZE: Vec2 = Vec2::new(1280.0, 800.0);
/// What is kept: every screen, and the dialogs and states whose look matters most.
const KEPT: [&str; 28] = [
    "groups-empty",
    "groups-many",
    "group-target",
    "group-week",
    "group-objects",
    "group-errors",
    "group-operations",
    "group-left-behind",
    "group-unprotected",
    "run-live",
    "run-done",
    "create-filled",
    "create-problems",
    "edit",
    "fail-over-planned",
    "fail-over-forced",
    "recover",
    "stable-urls",
    "workspaces",
    "regions",
    "activity",
    "settings",
    "palette",
    "keys",
    "wall-1",
    "wall-4",
    "wall-12",
    "wall-stale",
];
/// The most that a channel of a pixel may differ: what the palette costs, and a little.
const SLACK: u8 = 12;
/// Pixels that may differ by more.
const STRAYS: usize = 40;

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console/pictures/kept")
}

/// The picture at half its size; each pixel is the mean of four.
fn halved(image: &image::RgbaImage) -> RgbImage {
    let (width, height) = (image.width() / 2, image.height() / 2);
    let stride = image.width() as usize * 4;
    let raw = image.as_raw();
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height as usize {
        let (upper, lower) = (2 * y * stride, (2 * y + 1) * stride);
        for x in 0..width as usize {
            for channel in 0..3 {
                let at = 8 * x + channel;
                let sum = |row: usize| u16::from(raw[row + at]) + u16::from(raw[row + at + 4]);
                pixels.push(((sum(upper) + sum(lower) + 2) / 4) as u8);
            }
        }
    }
    RgbImage::from_raw(width, height, pixels).expect("as many pixels as a picture has")
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u8 {
    a[0].abs_diff(b[0]).max(a[1].abs_diff(b[1])).max(a[2].abs_diff(b[2]))
}

/// At most 256 colours of the picture, so that every other one is near one of them; as near as can be.
fn palette(image: &RgbImage) -> Vec<[u8; 3]> {
    let mut counted: HashMap<[u8; 3], usize> = HashMap::new();
    for pixel in image.pixels() {
        *counted.entry(pixel.0).or_default() += 1;
    }
    let mut colours: Vec<_> = counted.into_iter().collect();
    colours.sort_by_key(|(colour, count)| (std::cmp::Reverse(*count), *colour));
    for reach in 0..SLACK {
        let mut taken: Vec<[u8; 3]> = Vec::new();
        for (colour, _) in &colours {
            if taken.iter().all(|known| distance(*known, *colour) > reach) {
                taken.push(*colour);
            }
            if taken.len() > 256 {
                break;
            }
        }
        if taken.len() <= 256 {
            return taken;
        }
    }
    panic!("the picture has too many colours");
}

fn write(image: &RgbImage, file: &Path) {
    let palette = palette(image);
    let mut nearest: HashMap<[u8; 3], u8> = HashMap::new();
    let indices: Vec<u8> = image
        .pixels()
        .map(|pixel| {
            *nearest.entry(pixel.0).or_insert_with(|| {
                let near = palette.iter().enumerate().min_by_key(|(_, known)| distance(**known, pixel.0));
                near.map_or(0, |(index, _)| index as u8)
            })
        })
        .collect();
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let file = std::fs::File::create(file).expect("a file");
    let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), image.width(), image.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&indices).expect("a picture");
}

/// Pixels that differ by more than the slack, and a picture of where.
fn differences(kept: &RgbImage, now: &RgbImage) -> (usize, RgbImage) {
    let mut found = 0;
    let mut shown = now.clone();
    for ((kept, now), shown) in kept.pixels().zip(now.pixels()).zip(shown.pixels_mut()) {
        let differs = distance(kept.0, now.0) > SLACK;
        found += usize::from(differs);
        // What is equal fades, what differs is red.
        *shown = if differs { image::Rgb([255, 0, 0]) } else { image::Rgb(now.0.map(|c| c / 4 + 96)) };
    }
    (found, shown)
}

/// Compares one picture with what is kept; what is wrong with it.
fn wrong(name: &str, image: &image::RgbaImage) -> Option<String> {
    let file = place().join(format!("{name}.png"));
    let now = halved(image);
    let kept = std::fs::read(&file).ok().and_then(|bytes| Some(image::load_from_memory(&bytes).ok()?.into_rgb8()));
    let compared = kept.filter(|kept| kept.dimensions() == now.dimensions()).map(|kept| differences(&kept, &now));
    if compared.as_ref().is_some_and(|(count, _)| *count <= STRAYS) {
        return None;
    }
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        write(&now, &file);
        return None;
    }
    std::fs::create_dir_all(folder()).expect("a folder for pictures");
    image.save(folder().join(format!("{name}.new.png"))).expect("a file");
    Some(match compared {
        None => format!("{name}: none of this size is kept"),
        Some((count, shown)) => {
            shown.save(folder().join(format!("{name}.diff.png"))).expect("a file");
            format!("{name}: {count} pixels differ")
        }
    })
}

#[test]
fn every_screen_looks_as_it_did() {
    let every = album::every();
    let missing: Vec<_> = KEPT.iter().filter(|name| !every.iter().any(|picture| picture.name == **name)).collect();
    assert!(missing.is_empty(), "no picture is named {missing:?}");
    let kept: Vec<_> = every.iter().filter(|picture| KEPT.contains(&picture.name)).collect();
    let found = on_two_threads(&kept, |picture| {
        THEMES.map(|(word, theme)| {
            let image = picture.show(theme, SIZE).window.render().expect("a picture");
            wrong(&format!("{}-{word}", picture.name), &image)
        })
    });
    let mut found: Vec<String> = found.into_iter().flatten().flatten().collect();
    found.sort();
    assert!(
        found.is_empty(),
        "Look at {}: NAME.new.png is drawn now, NAME.diff.png shows where it differs. If it is meant, run this test with UPDATE_SNAPSHOTS=1.\n{}",
        folder().display(),
        found.join("\n")
    );
}

#[test]
fn what_differs_is_noticed_and_the_palette_costs_less_than_the_slack() {
    let colours = |x: u32, y: u32| image::Rgb([(x * 2) as u8, (y * 2) as u8, 40]);
    let drawn = RgbImage::from_fn(60, 60, colours);
    let file = tempfile::tempdir().expect("a folder");
    let file = file.path().join("kept.png");
    write(&drawn, &file);
    let kept = image::open(&file).expect("a picture").into_rgb8();
    assert_eq!(differences(&kept, &drawn).0, 0);
    let mut changed = drawn.clone();
    for x in 5..55 {
        changed.put_pixel(x, 40, image::Rgb([200, 200, 200]));
    }
    assert!(differences(&kept, &changed).0 > STRAYS);
}

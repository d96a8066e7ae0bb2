//! What the window looks like, drawn without a display: pictures for people, and a few that are kept and compared.

mod album;
mod kept;
mod raster;

pub use raster::CpuRenderer;

use album::Picture;
use eframe::egui::{Theme, Vec2};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Themes with the words that files are named with.
const THEMES: [(&str, Theme); 2] = [("dark", Theme::Dark), ("light", Theme::Light)];

/// Where pictures for people go.
fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    target.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from).join("screens")
}

/// Does `work` for every one of `things`, on two threads, and gathers what it returns.
fn on_two_threads<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(work(thing));
        }
        done
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(take), scope.spawn(take)];
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread that draws")).collect()
    })
}

/// `PICTURE=word` draws only those whose name has the word, `SIZE=1920x1080` and `SCALE=2` draw them for another screen.
#[test]
#[ignore = "draws pictures for people to look at; packaging/pictures.sh runs it"]
fn pictures() {
    let asked = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let size = asked("SIZE").map_or(Vec2::new(1280.0, 800.0), |size| {
        let (width, height) = size.split_once('x').expect("SIZE is WIDTHxHEIGHT");
        Vec2::new(width.parse().expect("a width"), height.parse().expect("a height"))
    });
    let scale: f32 = asked("SCALE").map_or(1.0, |scale| scale.parse().expect("SCALE is a number"));
    let only = asked("PICTURE");
    let folder = asked("PICTURES").map_or_else(folder, PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder for pictures");
    let wanted = |picture: &Picture| only.as_ref().is_none_or(|only| picture.name.contains(only.as_str()));
    let wanted: Vec<Picture> = album::every().into_iter().filter(wanted).collect();
    on_two_threads(&wanted, |picture| {
        for (word, theme) in THEMES {
            let mut desk = picture.show(theme, size / scale);
            desk.window.set_pixels_per_point(scale);
            desk.window.run();
            let image = desk.window.render().expect("a picture");
            image.save(folder.join(format!("{}-{word}.png", picture.name))).expect("a file");
        }
    });
}

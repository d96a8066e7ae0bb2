//! The real window, once, on a virtual display: it opens, answers keys, rests, and closes cleanly.

#![cfg(feature = "desktop")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn installed(tool: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
}

/// A display of its own, and its name.
fn display() -> (Killed, String) {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb starts");
    let mut number = String::new();
    BufReader::new(server.stdout.take().expect("piped")).read_line(&mut number).expect("Xvfb says its number");
    (Killed(server), format!(":{}", number.trim()))
}

fn xdotool(display: &str, arguments: &[&str]) -> bool {
    let status = Command::new("xdotool").env("DISPLAY", display).args(arguments).stdout(Stdio::null()).status();
    status.expect("xdotool starts").success()
}

/// A picture of the whole display.
fn picture(display: &str, file: &Path) -> Vec<u8> {
    let file = file.with_extension("png");
    let made = Command::new("import").env("DISPLAY", display).args(["-window", "root"]).arg(&file).status();
    assert!(made.expect("import starts").success(), "a picture is taken");
    std::fs::read(&file).expect("the picture is there")
}

/// Waits for a picture that satisfies `wanted`.
fn until_picture(display: &str, file: &Path, what: &str, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let begun = Instant::now();
    loop {
        let seen = picture(display, file);
        if wanted(&seen) {
            return seen;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Ticks of CPU that a process has used, its children left out.
fn cpu_ticks(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process is there");
    let after_name = stat.rsplit_once(')').expect("a name in brackets").1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11].parse::<u64>().expect("user ticks") + fields[12].parse::<u64>().expect("system ticks")
}

#[test]
fn the_window_opens_answers_keys_rests_and_closes_cleanly() {
    let missing: Vec<&str> = ["Xvfb", "xdotool", "import"].into_iter().filter(|tool| !installed(tool)).collect();
    if !missing.is_empty() {
        assert!(std::env::var_os("CI").is_none(), "{missing:?} must be installed; packaging/test.sh does it");
        eprintln!("not run: {missing:?} is not installed; packaging/test.sh installs it");
        return;
    }
    let dir = tempfile::tempdir().expect("a temp dir");
    let (_server, display) = display();
    let window = Command::new(env!("CARGO_BIN_EXE_resilience-console"))
        .args(["--sandbox-commits-per-second", "0", "--data-dir"])
        .arg(dir.path().join("data"))
        .env("DISPLAY", &display)
        .env_remove("WAYLAND_DISPLAY")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .spawn()
        .expect("the program starts");
    let mut window = Killed(window);
    // There is no window manager here, so no one else gives the window the keyboard.
    assert!(xdotool(
        &display,
        &["search", "--sync", "--onlyvisible", "--name", "Resilience Console", "windowfocus", "--sync"]
    ));
    let blank = 20_000;
    let first = until_picture(&display, &dir.path().join("first"), "a drawn window", |png| png.len() > blank);

    xdotool(&display, &["mousemove", "800", "500", "click", "1"]);
    xdotool(&display, &["key", "ctrl+k"]);
    until_picture(&display, &dir.path().join("palette"), "the palette", |png| png != first);
    xdotool(&display, &["key", "Escape"]);

    // Nothing changes now, so nothing may be drawn: a tenth of a second of CPU in three is the two regions being asked.
    std::thread::sleep(Duration::from_secs(3));
    let before = cpu_ticks(window.0.id());
    std::thread::sleep(Duration::from_secs(3));
    let used = cpu_ticks(window.0.id()) - before;
    println!("{{\"idle_cpu_ticks_in_3_s\": {used}}}");

    xdotool(&display, &["key", "ctrl+q"]);
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = window.0.try_wait().expect("its state is known") {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the window did not close");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(status.code(), Some(0), "closing it stops the runtime cleanly");
}

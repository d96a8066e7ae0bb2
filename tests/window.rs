//! The real window on a virtual display: it opens, answers keys, rests, is driven through a creation and a failover, and closes
//! cleanly.

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

/// Whether what the tests need is there; on the machine that decides, it must be.
fn can_run() -> bool {
    let missing: Vec<&str> = ["Xvfb", "xdotool", "import"].into_iter().filter(|tool| !installed(tool)).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "{missing:?} must be installed; packaging/test.sh does it");
    eprintln!("not run: {missing:?} is not installed; packaging/test.sh installs it");
    false
}

/// Opens the window, with its log in a file.
fn open(display: &str, data: &Path, log: &Path) -> Killed {
    let window = Command::new(env!("CARGO_BIN_EXE_resilience-console"))
        .args(["--sandbox-commits-per-second", "0", "--data-dir"])
        .arg(data)
        .env("DISPLAY", display)
        .env_remove("WAYLAND_DISPLAY")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("RUST_LOG", "info")
        .stderr(std::fs::File::create(log).expect("a log"))
        .spawn()
        .expect("the program starts");
    // There is no window manager here, so no one else gives the window the keyboard.
    assert!(xdotool(
        display,
        &["search", "--sync", "--onlyvisible", "--name", "Resilience Console", "windowfocus", "--sync"]
    ));
    Killed(window)
}

/// Closes the window by its key, and waits until its runtime has stopped cleanly.
fn close(display: &str, mut window: Killed) {
    xdotool(display, &["key", "ctrl+q"]);
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

#[test]
fn the_window_opens_answers_keys_rests_and_closes_cleanly() {
    if !can_run() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temp dir");
    let (_server, display) = display();
    let window = open(&display, &dir.path().join("data"), &dir.path().join("log"));
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

    close(&display, window);
}

/// A person at the display: does something, and looks at a part of it until that has changed.
struct Person<'a> {
    display: &'a str,
    file: std::path::PathBuf,
    log: std::path::PathBuf,
}

/// A part of the display: width, height, left, top.
type Part = [u32; 4];

impl Person<'_> {
    fn sees(&self, [width, height, left, top]: Part) -> Vec<u8> {
        let part = format!("{width}x{height}+{left}+{top}");
        let file = self.file.with_extension("rgb");
        let made = Command::new("import")
            .env("DISPLAY", self.display)
            .args(["-window", "root", "-crop", &part, "+repage", "-depth", "8"])
            .arg(&file)
            .status();
        assert!(made.expect("import starts").success(), "a picture is taken");
        std::fs::read(&file).expect("the picture is there")
    }

    /// Does something and waits until a part of the display has changed.
    fn until_changed(&self, what: &str, part: Part, act: impl FnOnce()) {
        let before = self.sees(part);
        act();
        let begun = Instant::now();
        while self.sees(part) == before {
            assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until a part of the display stands still: what moved there has arrived.
    fn until_still(&self, part: Part) {
        let begun = Instant::now();
        let mut before = self.sees(part);
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let now = self.sees(part);
            if now == before {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it doesn't stand still");
            before = now;
        }
    }

    /// Waits until a part of the display holds more than one colour, as a line of text does.
    fn until_written(&self, what: &str, part: Part) {
        let begun = Instant::now();
        loop {
            let seen = self.sees(part);
            if seen.chunks(3).any(|pixel| Some(pixel) != seen.chunks(3).next()) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where the line above a dialog's buttons is: dialogs are as high as what they say.
    fn foot_of_dialog(&self) -> u32 {
        let (x, from) = (472, 500);
        let column = self.sees([1, 500, x, from]);
        let ground = column.chunks(3).next().expect("a pixel");
        let line = column.chunks(3).position(|pixel| pixel != ground).expect("a dialog is open");
        from + u32::try_from(line).expect("a place on the display")
    }

    fn clicks(&self, x: u32, y: u32) {
        let (x, y) = (x.to_string(), y.to_string());
        assert!(xdotool(self.display, &["mousemove", "--sync", &x, &y]));
        assert!(xdotool(self.display, &["click", "1"]));
    }

    fn types(&self, text: &str) {
        assert!(xdotool(self.display, &["type", "--delay", "20", text]));
    }

    /// Waits until the log has a line so many times.
    fn until_logged(&self, line: &str, times: usize) {
        let begun = Instant::now();
        loop {
            let log = std::fs::read_to_string(&self.log).expect("the log is there");
            if log.matches(line).count() >= times {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain for {line}:\n{log}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Where things stand in a window of 1600 by 1000 follows from the layout and from what the regions hold, which is waited for.
#[test]
fn a_group_is_created_and_failed_over_by_mouse_and_keys() {
    if !can_run() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temp dir");
    let (_server, display) = display();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    std::fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("its owner's");
    let place = r#"{"theme":"dark","window":{"at":[0.0,0.0],"size":[1600.0,1000.0],"maximized":false}}"#;
    std::fs::write(data.join("preferences.json"), place).expect("written");
    let log = dir.path().join("log");
    let window = open(&display, &data, &log);
    let person = Person { display: &display, file: dir.path().join("part"), log };
    until_picture(&display, &dir.path().join("first"), "a drawn window", |png| png.len() > 20_000);

    let summary = [300, 500, 1280, 20];
    person.until_changed("the form", summary, || assert!(xdotool(&display, &["key", "ctrl+n"])));
    person.until_changed("the focus", [720, 40, 285, 114], || person.clicks(806, 133));
    person.until_changed("the name", [150, 24, 1365, 52], || person.types("core"));
    person.until_changed("the workspaces", [300, 70, 295, 340], || person.clicks(484, 317));
    person.until_changed("the catalogs", [500, 120, 290, 560], || person.clicks(420, 357));
    // Until the primary's jobs are known, a line is missing, and everything below is higher up.
    person.until_written("the jobs of the primary", [300, 12, 287, 398]);
    person.until_changed("finance ticked", [24, 24, 317, 605], || person.clicks(329, 617));
    person.until_changed("sales ticked", [24, 24, 317, 665], || person.clicks(329, 677));
    person.until_changed("the mappings", [700, 90, 290, 830], || person.clicks(405, 814));
    person.clicks(1428, 531);
    person.until_logged("state=ACTIVE", 1);

    let field = [600, 50, 490, 130];
    person.until_changed("the palette", field, || assert!(xdotool(&display, &["key", "ctrl+k"])));
    person.until_changed("the command", field, || person.types("fail over core"));
    let dialog = [660, 500, 470, 400];
    person.until_changed("the dialog", dialog, || assert!(xdotool(&display, &["key", "Return"])));
    person.until_still(dialog);
    let foot = person.foot_of_dialog();
    person.until_changed("the focus in it", [640, 40, 480, foot - 55], || person.clicks(800, foot - 35));
    person.until_changed("the button that is ready", [180, 30, 925, foot + 17], || person.types("core"));
    person.clicks(1017, foot + 32);
    person.until_logged("state=FAILING_OVER", 1);
    person.until_logged("step=\"cut_over\"", 1);
    person.until_logged("state=ACTIVE", 2);
    close(&display, window);
}

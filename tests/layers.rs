//! Checks the layer map in the crate doc against the sources: imports go down only.
//!
//! The ranks come from the table in `src/lib.rs`, so the map that people read is the one that holds. The sources are
//! read as tokens, without comments and literals, because a path in a sentence isn't an import.

#[path = "layers/circles.rs"]
mod circles;
#[path = "layers/tokens.rs"]
mod tokens;

use circles::{circles, folder, imports};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tokens::{Source, Token, read_source, sources, texts, tokens_of};

/// Most lines that a source file may have.
const MOST_LINES: usize = 500;
/// Crates that the pure rules in `domain` must not know.
const NOT_IN_DOMAIN: [&str; 11] = [
    "axum",
    "delta_kernel",
    "eframe",
    "egui",
    "futures",
    "hyper",
    "object_store",
    "parquet",
    "reqwest",
    "rusqlite",
    "tokio",
];
/// Crates that only the console may know, so that the runtime builds without a window.
const ONLY_IN_CONSOLE: [&str; 8] =
    ["eframe", "egui", "egui_extras", "egui_material_icons", "egui_plot", "epaint", "rfd", "winit"];
/// Calls of the store that write a group: only `control/group` may make them, because every change goes through it.
const WRITES_OF_A_GROUP: [&str; 4] = ["put_group", "put_operation", "put_salvage", "remove_group"];
/// Most files that may form a circle of imports.
const LARGEST_CIRCLE: usize = 4;

/// Module name to rank, from the crate doc.
type Ranks = BTreeMap<String, u32>;

/// Every top-level module that a file names through `crate::` or `super::`, with the line.
fn modules_named(source: &Source) -> Vec<(String, usize)> {
    let (tokens, mut found) = (&source.tokens, Vec::new());
    let mut here = source.modules.clone();
    let (mut depth, mut inline) = (0usize, Vec::new());
    let mut i = 0;
    while i < tokens.len() {
        let text = tokens[i].text.as_str();
        let is_path_start = i == 0 || tokens[i - 1].text != "::";
        match text {
            "mod" if texts(tokens, i + 2, 1) == ["{"] => {
                here.push(tokens[i + 1].text.clone());
                inline.push(depth);
            }
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                    here.pop();
                }
            }
            "crate" if is_path_start && texts(tokens, i + 1, 1) == ["::"] => {
                i += 2;
                found.extend(path_heads(tokens, i));
                continue;
            }
            "super" if is_path_start => {
                let mut ups = 0;
                while texts(tokens, i, 2) == ["super", "::"] {
                    (ups, i) = (ups + 1, i + 2);
                }
                if ups > 0 {
                    if ups == here.len() {
                        found.extend(path_heads(tokens, i));
                    }
                    continue;
                }
            }
            _ => {}
        }
        i += 1;
    }
    found
}

/// The first names of a path or of a braced group of paths.
fn path_heads(tokens: &[Token], from: usize) -> Vec<(String, usize)> {
    let Some(first) = tokens.get(from) else { return Vec::new() };
    if first.text != "{" {
        return vec![(first.text.clone(), first.line)];
    }
    let (mut heads, mut depth) = (Vec::new(), 0);
    for pair in tokens[from..].windows(2) {
        match pair[0].text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(pair[0].text.as_str(), "{" | ",") && pair[1].text != "}" {
            heads.push((pair[1].text.clone(), pair[1].line));
        }
    }
    heads
}

/// Every crate of `names` that a file uses, with the line.
fn crates_named<'a>(source: &Source, names: &[&'a str]) -> Vec<(&'a str, usize)> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let Some(name) = names.iter().find(|n| **n == token.text) else { continue };
        let before = if i == 0 { "" } else { tokens[i - 1].text.as_str() };
        let leads_a_path = texts(tokens, i + 1, 1) == ["::"] && before != "::";
        if leads_a_path || matches!(before, "use" | "crate") {
            found.push((*name, token.line));
        }
    }
    found
}

/// What is wrong with one file, a sentence each.
fn complaints(source: &Source, ranks: &Ranks) -> Vec<String> {
    let mut found = Vec::new();
    let home = source.modules.first().map_or("", String::as_str);
    if source.lines > MOST_LINES {
        found.push(format!("{} has {} lines, more than {MOST_LINES}: split it by idea.", source.shown, source.lines));
    }
    if let Some(rank) = ranks.get(home) {
        for (name, line) in modules_named(source) {
            let place = format!("{}:{line}", source.shown);
            match ranks.get(&name) {
                _ if name == home => {}
                None => found.push(format!("{place} names crate::{name}, which has no row in the layer map of src/lib.rs.")),
                Some(other) if other > rank => found.push(format!(
                    "{place} imports up: {home} (rank {rank}) names {name} (rank {other}). Move what they share to a rank below both."
                )),
                Some(other) if other == rank => found.push(format!(
                    "{place} imports sideways: {home} and {name} are both on rank {rank}. Let a module above join them."
                )),
                Some(_) => {}
            }
        }
    }
    if home == "domain" {
        for (name, line) in crates_named(source, &NOT_IN_DOMAIN) {
            found.push(format!("{}:{line} uses {name}, but domain holds pure rules only.", source.shown));
        }
    }
    if home == "control" && source.modules.get(1).is_none_or(|folder| folder != "group") {
        let product = source.tokens.iter().zip(&source.in_test).filter(|(_, in_test)| !**in_test);
        for (token, _) in product.filter(|(token, _)| WRITES_OF_A_GROUP.contains(&token.text.as_str())) {
            found.push(format!(
                "{}:{} calls {}, but only control/group writes a group. Use a GroupChange.",
                source.shown, token.line, token.text
            ));
        }
    }
    if home != "console" {
        for (name, line) in crates_named(source, &ONLY_IN_CONSOLE) {
            found.push(format!("{}:{line} uses {name}, which only console may know.", source.shown));
        }
    }
    found
}

/// The ranks in the crate doc's table: rows such as ``//! | 2 | [`delta`] | … |``.
fn ranks_of(crate_doc: &str) -> Ranks {
    let mut ranks = Ranks::new();
    for row in crate_doc.lines().filter_map(|line| line.strip_prefix("//! |")) {
        let mut cells = row.split('|').map(str::trim);
        let (Some(rank), Some(name)) = (cells.next(), cells.next()) else { continue };
        if let (Ok(rank), name) = (rank.parse(), name.trim_matches(|c| "[]`".contains(c))) {
            ranks.insert(name.to_owned(), rank);
        }
    }
    ranks
}

fn modules_declared(tokens: &[Token]) -> BTreeSet<String> {
    let declared = (0..tokens.len()).filter(|&i| tokens[i].text == "mod" && texts(tokens, i + 2, 1) == [";"]);
    declared.map(|i| tokens[i + 1].text.clone()).collect()
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn imports_go_down_only() {
    let ranks = ranks_of(&fs::read_to_string(src().join("lib.rs")).expect("src/lib.rs is there"));
    let found: Vec<String> = sources(&src()).iter().flat_map(|source| complaints(source, &ranks)).collect();
    assert!(found.is_empty(), "{} things break the layer rules:\n{}", found.len(), found.join("\n"));
}

#[test]
fn circles_stay_small_and_inside_a_folder() {
    let sources = sources(&src());
    let edges = imports(&sources);
    for group in circles(&edges) {
        let names: Vec<&str> = group.iter().map(|at| sources[*at].shown.as_str()).collect();
        let is_small = names.len() <= LARGEST_CIRCLE;
        assert!(is_small, "{} files form a circle, more than {LARGEST_CIRCLE}: {}.", names.len(), names.join(", "));
    }
    let mut pairs = Vec::new();
    for (a, used) in &edges {
        for b in used.iter().filter(|b| *b > a && edges[b].contains(a)) {
            if folder(&sources[*a], &sources) != folder(&sources[*b], &sources) {
                pairs.push(format!("{} and {}", sources[*a].shown, sources[*b].shown));
            }
        }
    }
    assert!(pairs.is_empty(), "Files of different folders import each other:\n{}", pairs.join("\n"));
}

#[test]
fn every_module_has_one_row_in_the_layer_map() {
    let text = fs::read_to_string(src().join("lib.rs")).expect("src/lib.rs is there");
    let mapped: BTreeSet<String> = ranks_of(&text).into_keys().collect();
    let declared = modules_declared(&tokens_of(&text));
    assert!(!mapped.is_empty(), "The crate doc of src/lib.rs has no layer table: write one row a module.");
    assert_eq!(declared, mapped, "src/lib.rs declares the modules on the left and maps those on the right.");
}

/// What the rules say about `text` as the file of module `module`.
fn judge(module: &str, text: &str) -> Vec<String> {
    let ranks = Ranks::from(
        [("domain", 0), ("delta", 2), ("store", 2), ("control", 4), ("console", 7)].map(|(n, r)| (n.to_owned(), r)),
    );
    complaints(&read_source("a.rs", &[module, "a"], text).0, &ranks)
}

#[test]
fn the_rules_find_what_they_forbid() {
    for (module, text, said) in [
        (
            "domain",
            "use crate::{\n  domain::X,\n  delta::Y,\n};",
            "a.rs:3 imports up: domain (rank 0) names delta (rank 2).",
        ),
        ("delta", "fn f() { crate::store::open() }", "a.rs:1 imports sideways: delta and store are both on rank 2."),
        ("delta", "use super::super::console::X;", "a.rs:1 imports up: delta (rank 2) names console (rank 7)."),
        ("delta", "mod b { use super::super::super::store::X; }", "a.rs:1 imports sideways: delta and store"),
        ("delta", "use crate::typo::X;", "a.rs:1 names crate::typo, which has no row"),
        ("domain", "use tokio::sync::watch;", "a.rs:1 uses tokio, but domain holds pure rules only."),
        ("delta", "fn f(ui: &mut egui::Ui) {}", "a.rs:1 uses egui, which only console may know."),
        ("control", "fn f() { tx.put_group(g) }", "a.rs:1 calls put_group, but only control/group writes a group."),
    ] {
        let found = judge(module, text);
        assert!(found.len() == 1 && found[0].starts_with(said), "{text:?} gave {found:?}, not {said:?}");
    }
    assert_eq!(judge("delta", &"\n".repeat(501)), ["a.rs has 501 lines, more than 500: split it by idea."]);
}

#[test]
fn the_rules_allow_what_they_should() {
    for text in [
        "use crate::domain::X; use crate::delta::Y; use super::b;",
        "// crate::console\n/* x.unwrap() /* nested */ egui::Ui */ /// [`crate::console`]\nfn f() {}",
        "const A: &str = \"crate::console .unwrap()\"; const B: &str = r#\"\" x.unwrap()\"#; const C: char = '\"';",
        "fn f<'a>(x: &'a str) -> char { '\\'' } // '",
    ] {
        assert_eq!(judge("delta", text), Vec::<String>::new(), "{text:?}");
    }
    assert_eq!(judge("console", "use eframe::egui; use crate::{delta::X, domain::{Y, Z}};"), Vec::<String>::new());
}

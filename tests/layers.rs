//! Checks the layer map in the crate doc against the sources: imports go down only.
//!
//! The ranks come from the table in `src/lib.rs`, so the map that people read is the one that holds. The sources are
//! read as tokens, without comments and literals, because a path in a sentence is no import.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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
/// Ways to panic on bad input; outside tests an error is a sentence.
const PANICKING_METHODS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];
const PANICKING_MACROS: [&str; 3] = ["panic", "todo", "unimplemented"];

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// One source file, read.
struct Source {
    /// Path below the package, as messages show it.
    shown: String,
    /// Modules from the crate root down to this file.
    modules: Vec<String>,
    lines: usize,
    tokens: Vec<Token>,
    /// For each token: whether only a test build sees it.
    in_test: Vec<bool>,
}

/// Module name to rank, from the crate doc.
type Ranks = BTreeMap<String, u32>;

/// Splits Rust source into words and signs. Comments vanish; every literal becomes the token `"`.
fn tokens_of(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut found, mut i, mut line) = (Vec::new(), 0, 1);
    while i < chars.len() {
        let (start, start_line) = (i, line);
        let c = at(i);
        if c.is_whitespace() {
            i += 1;
        } else if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            i = end_of_block_comment(&chars, i);
        } else if let Some(end) = end_of_literal(&chars, i) {
            i = end;
            found.push(Token { text: "\"".to_owned(), line: start_line });
        } else if is_word(c) {
            while is_word(at(i)) {
                i += 1;
            }
            found.push(Token { text: chars[start..i].iter().collect(), line: start_line });
        } else {
            i += if c == ':' && at(i + 1) == ':' { 2 } else { 1 };
            found.push(Token { text: chars[start..i].iter().collect(), line: start_line });
        }
        line += chars[start..i].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => (depth, i) = (depth + 1, i + 2),
            ('*', Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    i
}

/// Where the string or character literal that starts at `start` ends; None where none starts.
fn end_of_literal(chars: &[char], start: usize) -> Option<usize> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut i = start;
    let prefixed = matches!(at(i), 'b' | 'c' | 'r');
    if prefixed {
        i += if matches!(at(i), 'b' | 'c') && at(i + 1) == 'r' { 2 } else { 1 };
    }
    let raw = prefixed && at(i - 1) == 'r';
    let mut hashes = 0;
    while raw && at(i) == '#' {
        (hashes, i) = (hashes + 1, i + 1);
    }
    match at(i) {
        '"' => {
            i += 1;
            while i < chars.len() {
                if at(i) == '\\' && !raw {
                    i += 2;
                } else if at(i) == '"' && (1..=hashes).all(|n| at(i + n) == '#') {
                    return Some(i + 1 + hashes);
                } else {
                    i += 1;
                }
            }
            Some(i)
        }
        // A lifetime has no closing quote right after its first character.
        '\'' if !raw && (at(i + 1) == '\\' || at(i + 2) == '\'') => {
            i += if at(i + 1) == '\\' { 3 } else { 2 };
            while i < chars.len() && at(i) != '\'' {
                i += 1;
            }
            Some(i + 1)
        }
        _ => None,
    }
}

fn texts(tokens: &[Token], from: usize, count: usize) -> Vec<&str> {
    tokens.iter().skip(from).take(count).map(|t| t.text.as_str()).collect()
}

/// The index after the item that starts at `from`: past its closing brace or its semicolon.
fn end_of_item(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0i32;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            ";" if depth == 0 => return i + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Marks what stands under `#[cfg(test)]`, and lists the modules of that kind that live in files of their own.
fn test_code(tokens: &[Token]) -> (Vec<bool>, Vec<String>) {
    let (mut marks, mut files) = (vec![false; tokens.len()], Vec::new());
    for i in 0..tokens.len() {
        let direct = texts(tokens, i, 7) == ["#", "[", "cfg", "(", "test", ")", "]"];
        if !direct && texts(tokens, i, 7) != ["#", "[", "cfg", "(", "all", "(", "test"] {
            continue;
        }
        let end = end_of_item(tokens, i);
        // Attributes end in `]`, never in `}` or `;`, so the item's end covers them.
        marks[i..end].fill(true);
        if let Some(at) = (i..end).find(|&j| tokens[j].text == "mod" && end == j + 3) {
            files.push(tokens[at + 1].text.clone());
        }
    }
    (marks, files)
}

/// Reads one file's text as part of the crate.
fn read_source(shown: &str, modules: &[&str], text: &str) -> (Source, Vec<String>) {
    let tokens = tokens_of(text);
    let (in_test, test_files) = test_code(&tokens);
    let modules = modules.iter().map(|m| (*m).to_owned()).collect();
    (Source { shown: shown.to_owned(), modules, lines: text.lines().count(), tokens, in_test }, test_files)
}

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
    if home != "console" {
        for (name, line) in crates_named(source, &ONLY_IN_CONSOLE) {
            found.push(format!("{}:{line} uses {name}, which only console may know.", source.shown));
        }
    }
    for i in 0..source.tokens.len() {
        if source.in_test[i] {
            continue;
        }
        let (line, next) = (source.tokens[i].line, texts(&source.tokens, i, 3));
        if let [".", method, "("] = next[..]
            && PANICKING_METHODS.contains(&method)
        {
            found.push(format!(
                "{}:{line} calls .{method}() outside test code: return an error that is a sentence.",
                source.shown
            ));
        }
        if let [name, "!", "(" | "{" | "["] = next[..]
            && PANICKING_MACROS.contains(&name)
        {
            found.push(format!("{}:{line} calls {name}! outside test code: return an error instead.", source.shown));
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

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Modules from the crate root down to the file at `path`, which is relative to `src`.
fn module_path(path: &Path) -> Vec<String> {
    let mut modules: Vec<String> =
        path.with_extension("").components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    if modules.last().is_some_and(|last| last == "mod")
        || matches!(modules[..], [ref only] if only == "lib" || only == "main")
    {
        modules.pop();
    }
    modules
}

/// Reads every file below `src`, with files that only a test build compiles marked as such.
fn sources(src: &Path) -> Vec<Source> {
    let (mut read, mut test_modules) = (Vec::new(), BTreeSet::new());
    for path in rust_files(src) {
        let below = path.strip_prefix(src).expect("below src");
        let modules = module_path(below);
        let text = fs::read_to_string(&path).expect("the file is UTF-8");
        let names: Vec<&str> = modules.iter().map(String::as_str).collect();
        let (source, test_files) = read_source(&format!("src/{}", below.display()), &names, &text);
        test_modules.extend(test_files.into_iter().map(|name| [&modules[..], &[name]].concat()));
        read.push(source);
    }
    for source in &mut read {
        if (1..=source.modules.len()).any(|n| test_modules.contains(&source.modules[..n])) {
            source.in_test.fill(true);
        }
    }
    read
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn imports_go_down_only_and_nothing_panics_outside_tests() {
    let ranks = ranks_of(&fs::read_to_string(src().join("lib.rs")).expect("src/lib.rs is there"));
    let found: Vec<String> = sources(&src()).iter().flat_map(|source| complaints(source, &ranks)).collect();
    assert!(found.is_empty(), "{} things break the layer rules:\n{}", found.len(), found.join("\n"));
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
    let ranks =
        Ranks::from([("domain", 0), ("delta", 2), ("store", 2), ("console", 7)].map(|(n, r)| (n.to_owned(), r)));
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
        ("delta", "fn f() {\n  x.unwrap()\n}", "a.rs:2 calls .unwrap() outside test code"),
        (
            "delta",
            "#[cfg(test)]\nmod t { fn f() {} }\nfn g() { x.expect(\"y\") }",
            "a.rs:3 calls .expect() outside test code",
        ),
        ("delta", "fn f() { todo!() }", "a.rs:1 calls todo! outside test code"),
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
        "#[cfg(test)]\nmod tests {\n #[test] fn t() { x.unwrap(); panic!(\"no\") }\n}",
        "#[cfg(test)]\nfn t() -> [u8; 2] { x.unwrap() }",
        "fn f() { x.unwrap_or_default(); unwrap(); }",
    ] {
        assert_eq!(judge("delta", text), Vec::<String>::new(), "{text:?}");
    }
    assert_eq!(judge("console", "use eframe::egui; use crate::{delta::X, domain::{Y, Z}};"), Vec::<String>::new());
}

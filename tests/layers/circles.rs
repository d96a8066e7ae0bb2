//! Which file imports which, and the circles among them.

use super::tokens::{Source, Token};
use std::collections::{BTreeMap, BTreeSet};

/// A path in a source: its segments from the crate root, and whether a `pub use` hands it on.
struct Import {
    path: Vec<String>,
    handed_on_as: Option<String>,
}

/// For each file (by its place in `sources`) the files that it uses outside test code. A name that a `mod.rs` hands on
/// counts for the file that defines it, so that a folder's front door makes no circle of everything behind it.
pub fn imports(sources: &[Source]) -> BTreeMap<usize, BTreeSet<usize>> {
    // `main.rs` is a crate of its own.
    let files: BTreeMap<&[String], usize> = sources
        .iter()
        .enumerate()
        .filter(|(_, s)| s.shown != "src/main.rs")
        .map(|(at, s)| (s.modules.as_slice(), at))
        .collect();
    let all: Vec<Vec<Import>> = sources.iter().map(|source| imports_of(source, &files)).collect();
    let mut handed_on: BTreeMap<(usize, &str), &[String]> = BTreeMap::new();
    for (at, found) in all.iter().enumerate() {
        for import in found {
            if let Some(name) = &import.handed_on_as {
                handed_on.insert((at, name), &import.path);
            }
        }
    }
    let mut edges = BTreeMap::new();
    for (at, found) in all.iter().enumerate() {
        let used: BTreeSet<usize> = found
            .iter()
            .filter(|import| import.handed_on_as.is_none())
            .filter_map(|import| file_of(&import.path, &files, &handed_on, 0))
            .filter(|to| *to != at)
            .collect();
        edges.insert(at, used);
    }
    edges
}

/// The file that defines what `path` names.
fn file_of(
    path: &[String],
    files: &BTreeMap<&[String], usize>,
    handed_on: &BTreeMap<(usize, &str), &[String]>,
    depth: usize,
) -> Option<usize> {
    let known = (1..=path.len()).rev().find(|n| files.contains_key(&path[..*n]))?;
    let file = files[&path[..known]];
    match path.get(known).and_then(|name| handed_on.get(&(file, name.as_str()))) {
        Some(onward) if depth < 8 => {
            let rest = [onward, &path[known + 1..]].concat();
            file_of(&rest, files, handed_on, depth + 1).or(Some(file))
        }
        _ => Some(file),
    }
}

fn imports_of(source: &Source, files: &BTreeMap<&[String], usize>) -> Vec<Import> {
    let tokens: Vec<&Token> =
        source.tokens.iter().zip(&source.in_test).filter(|(_, in_test)| !**in_test).map(|(token, _)| token).collect();
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text.as_str());
    let (mut found, mut here, mut inline, mut depth) = (Vec::new(), source.modules.clone(), Vec::new(), 0usize);
    let mut i = 0;
    while i < tokens.len() {
        match text(i) {
            "mod" if text(i + 2) == "{" => {
                here.push(text(i + 1).to_owned());
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
            "use" => {
                let public =
                    i > 0 && (text(i - 1) == "pub" || (text(i - 1) == ")" && is_restricted_pub(&tokens, i - 1)));
                let end = (i..tokens.len()).find(|&j| text(j) == ";").unwrap_or(tokens.len());
                tree(&tokens[i + 1..end], &here, &[], files, &mut |path, name| {
                    found.push(Import { path, handed_on_as: public.then_some(name) });
                });
                i = end;
                continue;
            }
            _ if text(i + 1) == "::" && (i == 0 || text(i - 1) != "::") => {
                let mut path = vec![text(i).to_owned()];
                while text(i + 1) == "::" && text(i + 2).starts_with(|c: char| c.is_alphabetic() || c == '_') {
                    path.push(text(i + 2).to_owned());
                    i += 2;
                }
                if let Some(path) = absolute(&path, &here, files) {
                    found.push(Import { path, handed_on_as: None });
                }
            }
            _ => {}
        }
        i += 1;
    }
    found
}

fn is_restricted_pub(tokens: &[&Token], close: usize) -> bool {
    let open = (0..close).rev().find(|&j| tokens[j].text == "(");
    open.is_some_and(|open| open > 0 && close - open < 8 && tokens[open - 1].text == "pub")
}

/// Walks a `use` tree, and tells each leaf with the name that it gets.
fn tree(
    tokens: &[&Token],
    here: &[String],
    before: &[String],
    files: &BTreeMap<&[String], usize>,
    tell: &mut impl FnMut(Vec<String>, String),
) {
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text.as_str());
    let (mut path, mut i) = (before.to_vec(), 0);
    loop {
        match text(i) {
            "{" => {
                let (mut depth, mut start) = (0, i + 1);
                for j in i..tokens.len() {
                    match text(j) {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        _ => {}
                    }
                    if (depth == 1 && text(j) == ",") || depth == 0 {
                        if j > start {
                            tree(&tokens[start..j], here, &path, files, tell);
                        }
                        start = j + 1;
                    }
                    if depth == 0 {
                        return;
                    }
                }
                return;
            }
            "" | "*" => break,
            "self" if !path.is_empty() => break,
            "::" => {}
            "as" => {
                if let Some(path) = absolute(&path, here, files) {
                    tell(path, text(i + 1).to_owned());
                }
                return;
            }
            word => path.push(word.to_owned()),
        }
        i += 1;
    }
    if let (Some(full), Some(name)) = (absolute(&path, here, files), path.last()) {
        tell(full, name.clone());
    }
}

/// The path from the crate root; None for what lies in another crate.
fn absolute(path: &[String], here: &[String], files: &BTreeMap<&[String], usize>) -> Option<Vec<String>> {
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([here, &path[1..]].concat()),
        "super" => {
            let ups = path.iter().take_while(|p| *p == "super").count();
            Some([here.get(..here.len().checked_sub(ups)?)?, &path[ups..]].concat())
        }
        // A child module, or a name of this crate's in its binary.
        first => {
            let child = [here, &[first.to_owned()]].concat();
            files.contains_key(child.as_slice()).then(|| [here, path].concat())
        }
    }
}

/// Groups of files that all import each other over some way round, largest first (Tarjan's strongly connected components).
pub fn circles(edges: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<Vec<usize>> {
    struct Walk<'a> {
        edges: &'a BTreeMap<usize, BTreeSet<usize>>,
        order: BTreeMap<usize, usize>,
        low: BTreeMap<usize, usize>,
        stack: Vec<usize>,
        found: Vec<Vec<usize>>,
    }
    fn visit(walk: &mut Walk<'_>, at: usize) {
        let number = walk.order.len();
        walk.order.insert(at, number);
        walk.low.insert(at, number);
        walk.stack.push(at);
        for to in walk.edges.get(&at).into_iter().flatten().copied() {
            if !walk.order.contains_key(&to) {
                visit(walk, to);
                walk.low.insert(at, walk.low[&at].min(walk.low[&to]));
            } else if walk.stack.contains(&to) {
                walk.low.insert(at, walk.low[&at].min(walk.order[&to]));
            }
        }
        if walk.low[&at] == number {
            let from = walk.stack.iter().position(|n| *n == at).expect("it is on the stack");
            walk.found.push(walk.stack.split_off(from));
        }
    }
    let mut walk = Walk { edges, order: BTreeMap::new(), low: BTreeMap::new(), stack: Vec::new(), found: Vec::new() };
    for at in edges.keys() {
        if !walk.order.contains_key(at) {
            visit(&mut walk, *at);
        }
    }
    let mut found: Vec<Vec<usize>> = walk.found.into_iter().filter(|group| group.len() > 1).collect();
    found.sort_by_key(|group| std::cmp::Reverse(group.len()));
    found
}

/// The folder that a file belongs to: `a/b.rs` with a folder `a/b/` belongs to that one, as `a/b/mod.rs` would.
pub fn folder<'a>(source: &'a Source, sources: &[Source]) -> &'a [String] {
    let is_front_door =
        sources.iter().any(|s| s.modules.len() > source.modules.len() && s.modules.starts_with(&source.modules));
    if is_front_door { &source.modules } else { &source.modules[..source.modules.len().saturating_sub(1)] }
}

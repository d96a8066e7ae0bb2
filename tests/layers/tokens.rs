//! Rust sources as flat lists of words and signs, with what only a test build sees marked as such.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A word, a sign, or `"` for any literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// One source file.
pub struct Source {
    /// Path below the package, as messages show it.
    pub shown: String,
    /// Modules from the crate root down to this file.
    pub modules: Vec<String>,
    pub lines: usize,
    pub tokens: Vec<Token>,
    /// For each token: whether only a test build sees it.
    pub in_test: Vec<bool>,
}

/// Words and signs in their order. Comments vanish, and both colons of a path are one token.
pub fn tokens_of(text: &str) -> Vec<Token> {
    fn flatten(stream: TokenStream, found: &mut Vec<Token>) {
        let mut colon = false;
        for tree in stream {
            let line = tree.span().start().line;
            let text = match tree {
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    found.push(Token { text: open.to_owned(), line });
                    flatten(group.stream(), found);
                    Token { text: close.to_owned(), line: group.span_close().start().line }
                }
                TokenTree::Ident(word) => Token { text: word.to_string(), line },
                TokenTree::Literal(_) => Token { text: "\"".to_owned(), line },
                TokenTree::Punct(sign) if sign.as_char() == ':' && colon => {
                    found.pop();
                    colon = false;
                    found.push(Token { text: "::".to_owned(), line });
                    continue;
                }
                TokenTree::Punct(sign) => {
                    colon = sign.as_char() == ':' && sign.spacing() == Spacing::Joint;
                    found.push(Token { text: sign.as_char().to_string(), line });
                    continue;
                }
            };
            colon = false;
            found.push(text);
        }
    }
    let mut found = Vec::new();
    flatten(text.parse().expect("the source is Rust"), &mut found);
    found
}

/// The texts of `count` tokens.
pub fn texts(tokens: &[Token], from: usize, count: usize) -> Vec<&str> {
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

/// Reads one file's text as part of the crate; names its modules that only a test build compiles.
pub fn read_source(shown: &str, modules: &[&str], text: &str) -> (Source, Vec<String>) {
    let tokens = tokens_of(text);
    let (in_test, test_files) = test_code(&tokens);
    let modules = modules.iter().map(|m| (*m).to_owned()).collect();
    (Source { shown: shown.to_owned(), modules, lines: text.lines().count(), tokens, in_test }, test_files)
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
pub fn sources(src: &Path) -> Vec<Source> {
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

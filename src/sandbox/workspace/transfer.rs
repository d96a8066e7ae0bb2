//! Content of notebooks and files: imported, exported, downloaded.

use super::tree::DASHBOARD_FILE;
use super::{acl, dashboards, tree};
use crate::sandbox::call::{Answer, Call, answer, done};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::error;
use crate::wire::objects::{
    ExportedObject, FORMAT_AUTO, FORMAT_RAW, FORMAT_SOURCE, ImportObject, MOST_OBJECT_BYTES, OBJECT_DASHBOARD,
    OBJECT_FILE, OBJECT_NOTEBOOK, ObjectInfo,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// Language, extension, and the first line by which a source file is known as a notebook.
const LANGUAGES: [(&str, &str, &str); 4] = [
    ("PYTHON", "py", "# Databricks notebook source\n"),
    ("SQL", "sql", "-- Databricks notebook source\n"),
    ("SCALA", "scala", "// Databricks notebook source\n"),
    ("R", "r", "# Databricks notebook source\n"),
];

/// What an import makes.
struct Wanted {
    path: String,
    object_type: &'static str,
    language: Option<&'static str>,
    content: Vec<u8>,
}

pub fn import(region: &Region, call: &Call) -> Answer {
    let wanted: ImportObject = call.body()?;
    let path = tree::normal(&wanted.path)?;
    let content =
        BASE64_STANDARD.decode(&wanted.content).map_err(|_| Refusal::invalid("The field content is not base64."))?;
    if content.len() > MOST_OBJECT_BYTES {
        let sentence = format!("Notebook size exceeded limit: {} > {MOST_OBJECT_BYTES} bytes.", content.len());
        return Err(Refusal::new(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", sentence));
    }
    let new = read(&wanted, path, content)?;
    if new.object_type == OBJECT_DASHBOARD {
        return dashboards::import(region, call, &new.path, &new.content, wanted.overwrite);
    }
    let mut writing = region.records.write();
    let known = tree::place_for(region, &new.path, new.object_type, wanted.overwrite)?;
    acl::need_to_write(region, call.caller, known.as_ref(), &new.path)?;
    let object = ObjectInfo {
        modified_at: Some(region.now_ms()),
        language: new.language.map(str::to_owned),
        size: (new.object_type == OBJECT_FILE).then_some(new.content.len() as i64),
        ..known.unwrap_or_else(|| tree::fresh(region, &new.path, new.object_type, wanted.object_id))
    };
    writing.put(Kind::WorkspaceObject, &new.path, &object);
    writing.put(Kind::WorkspaceContent, &new.path, &json!(BASE64_STANDARD.encode(&new.content)));
    writing.commit()?;
    done()
}

/// What is meant by a format, a language, a name and a first line.
fn read(wanted: &ImportObject, path: String, content: Vec<u8>) -> Result<Wanted, Refusal> {
    let language = match wanted.language.as_deref() {
        None | Some("") => None,
        Some(name) => Some(LANGUAGES.iter().find(|(known, ..)| *known == name).ok_or_else(|| {
            Refusal::invalid(format!("The language {name:?} is unknown. Use PYTHON, SQL, SCALA or R."))
        })?),
    };
    let file = |path, content| Wanted { path, object_type: OBJECT_FILE, language: None, content };
    match wanted.format.as_deref().unwrap_or(FORMAT_SOURCE) {
        FORMAT_SOURCE | "" => {
            let (language, _, header) = language
                .ok_or_else(|| Refusal::invalid(format!("The import of {path} as SOURCE needs a language.")))?;
            let content = content.strip_prefix(header.as_bytes()).map(<[u8]>::to_vec).unwrap_or(content);
            Ok(Wanted { path, object_type: OBJECT_NOTEBOOK, language: Some(language), content })
        }
        FORMAT_RAW => Ok(file(path, content)),
        FORMAT_AUTO => {
            if path.ends_with(DASHBOARD_FILE) {
                return Ok(Wanted { path, object_type: OBJECT_DASHBOARD, language: None, content });
            }
            let (stem, extension) = path.rsplit_once('.').unwrap_or((&path, ""));
            let source = LANGUAGES.iter().find(|(_, known, header)| {
                known.eq_ignore_ascii_case(extension) && content.starts_with(header.trim_end().as_bytes())
            });
            Ok(match source {
                Some((language, _, header)) => {
                    let body = content.strip_prefix(header.as_bytes()).unwrap_or_default().to_vec();
                    let path = stem.to_owned();
                    Wanted { path, object_type: OBJECT_NOTEBOOK, language: Some(language), content: body }
                }
                None => file(path, content),
            })
        }
        other => Err(unserved(other)),
    }
}

fn unserved(format: &str) -> Refusal {
    let sentence = format!("The sandbox does not read or write the format {format}. Use SOURCE, AUTO or RAW.");
    Refusal::new(501, error::NOT_IMPLEMENTED, sentence)
}

/// An object's bytes as they are exported, and the extension that fits them.
fn content(region: &Region, call: &Call) -> Result<(Vec<u8>, String), Refusal> {
    let object = tree::found(region, call.required("path")?)?;
    acl::need_object(region, call.caller, &object, "CAN_READ")?;
    let format = call.query.get("format").map_or(FORMAT_SOURCE, String::as_str);
    if !["", FORMAT_SOURCE, FORMAT_AUTO, FORMAT_RAW].contains(&format) {
        return Err(unserved(format));
    }
    match object.object_type.as_str() {
        OBJECT_DASHBOARD => {
            let definition = dashboards::definition(region, object.resource_id.as_deref().unwrap_or_default());
            Ok((definition.into_bytes(), "lvdash.json".to_owned()))
        }
        OBJECT_NOTEBOOK => {
            let language = object.language.as_deref().unwrap_or("PYTHON");
            let known = LANGUAGES.iter().find(|(name, ..)| *name == language);
            let (_, extension, header) = known.unwrap_or(&LANGUAGES[0]);
            let body = kept(region, &object);
            let with_header = [header.as_bytes(), body.strip_prefix(header.as_bytes()).unwrap_or(&body)].concat();
            Ok((with_header, (*extension).to_owned()))
        }
        OBJECT_FILE if object.size.is_some_and(|size| size > MOST_OBJECT_BYTES as i64) => {
            let sentence = format!("Size exceeds {MOST_OBJECT_BYTES} bytes. Download it by other means.");
            Err(Refusal::new(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", sentence))
        }
        OBJECT_FILE => {
            let extension = object.path.rsplit_once('.').map(|(_, extension)| extension.to_owned());
            Ok((kept(region, &object), extension.unwrap_or_default()))
        }
        _ => Err(Refusal::invalid(format!("{} is a folder; export what is in it.", object.path))),
    }
}

fn kept(region: &Region, object: &ObjectInfo) -> Vec<u8> {
    let content = match region.records.value(Kind::WorkspaceContent, &object.path) {
        // Kept with the object by an earlier version.
        Value::Null => object.other.get(tree::CONTENT).cloned().unwrap_or_default(),
        content => content,
    };
    content.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok()).unwrap_or_default()
}

pub fn export(region: &Region, call: &Call) -> Answer {
    let (content, file_type) = content(region, call)?;
    answer(&ExportedObject { content: BASE64_STANDARD.encode(content), file_type: Some(file_type) })
}

/// The bytes alone, for a call that asks so; None for any other.
pub fn download(region: &Region, call: &Call) -> Option<Result<Vec<u8>, Refusal>> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let asked = matches!(path.as_slice(), ["api", _, "workspace", "export"]) && call.flag("direct_download");
    asked.then(|| content(region, call).map(|(content, _)| content))
}

//! Deletion vectors: which rows of a data file are gone, in a file of their own.

use super::data_file::{Durability, write_new};
use super::{WriterError, bounds};
use crate::delta::read_regular;
use roaring::RoaringTreemap;
use serde_json::{Value, json};
use std::path::Path;
use uuid::Uuid;

/// Starts a serialized bitmap, little-endian.
const MAGIC: u32 = 1_681_511_377;
const FORMAT_VERSION: u8 = 1;
const Z85: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The deleted rows of a file and what the log says of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DeletionVector {
    pub descriptor: Value,
    pub deleted: RoaringTreemap,
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    })
}

fn z85_encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks_exact(4) {
        let mut number = chunk.iter().fold(0u32, |n, byte| (n << 8) | u32::from(*byte));
        let mut digits = [0u8; 5];
        for digit in digits.iter_mut().rev() {
            *digit = Z85.get((number % 85) as usize).copied().unwrap_or_default();
            number /= 85;
        }
        text.extend(digits.iter().map(|d| char::from(*d)));
    }
    text
}

fn z85_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(5) {
        if chunk.len() != 5 {
            return None;
        }
        let mut number: u64 = 0;
        for digit in chunk {
            number = number * 85 + Z85.iter().position(|c| c == digit)? as u64;
        }
        bytes.extend_from_slice(&u32::try_from(number).ok()?.to_be_bytes());
    }
    Some(bytes)
}

impl DeletionVector {
    /// Writes the vector into a file of its own below `folder`.
    pub fn write(folder: &Path, deleted: RoaringTreemap, durability: Durability) -> Result<Self, WriterError> {
        let id = Uuid::new_v4();
        let path = folder.join(format!("deletion_vector_{id}.bin"));
        let mut data = MAGIC.to_le_bytes().to_vec();
        deleted.serialize_into(&mut data).map_err(WriterError::disk("written", &path))?;
        let mut file = vec![FORMAT_VERSION];
        file.extend_from_slice(&(data.len() as u32).to_be_bytes());
        file.extend_from_slice(&data);
        file.extend_from_slice(&crc32(&data).to_be_bytes());
        write_new(&path, &file, durability)?;
        let descriptor = json!({
            "storageType": "u",
            "pathOrInlineDv": z85_encode(id.as_bytes()),
            "offset": 1,
            "sizeInBytes": data.len(),
            "cardinality": deleted.len(),
        });
        Ok(Self { descriptor, deleted })
    }

    /// Reads the vector that a descriptor of the log names.
    pub fn read(folder: &Path, descriptor: &Value) -> Result<Self, WriterError> {
        let text = descriptor["pathOrInlineDv"].as_str().unwrap_or_default();
        let wrong =
            |reason: &str| WriterError::log(&folder.join("_delta_log"), format!("deletion vector {text}: {reason}"));
        let data = match descriptor["storageType"].as_str() {
            Some("i") => z85_decode(text).ok_or_else(|| wrong("it is no Z85 text"))?,
            Some("u") => {
                let split = text.len().checked_sub(20).filter(|at| text.is_char_boundary(*at));
                let (prefix, id) = split.map(|at| text.split_at(at)).ok_or_else(|| wrong("its name is too short"))?;
                let id =
                    z85_decode(id).and_then(|b| Uuid::from_slice(&b).ok()).ok_or_else(|| wrong("its name is no id"))?;
                let path = folder.join(prefix).join(format!("deletion_vector_{id}.bin"));
                let file = read_regular(&path, bounds::DATA_FILE).map_err(WriterError::disk("read", &path))?;
                let number = |key: &str| descriptor[key].as_u64().and_then(|found| usize::try_from(found).ok());
                let start = number("offset").unwrap_or_default().saturating_add(4);
                let end = start.saturating_add(number("sizeInBytes").unwrap_or_default());
                file.get(start..end).ok_or_else(|| wrong("its file is too short"))?.to_vec()
            }
            _ => return Err(wrong("its storage is not supported")),
        };
        let bitmap = data.strip_prefix(&MAGIC.to_le_bytes()).ok_or_else(|| wrong("it does not start as one"))?;
        let deleted = RoaringTreemap::deserialize_from(bitmap).map_err(|e| wrong(&e.to_string()))?;
        Ok(Self { descriptor: descriptor.clone(), deleted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_names_are_those_of_the_protocol() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(z85_encode(&[0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]), "HelloWorld");
        assert_eq!(z85_decode("HelloWorld"), Some(vec![0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]));
    }

    #[test]
    fn a_vector_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let written =
            DeletionVector::write(folder.path(), RoaringTreemap::from_iter([0u64, 3, 70_000]), Durability::Now)
                .expect("it is written");
        assert_eq!(written.descriptor["cardinality"], 3);
        assert_eq!(DeletionVector::read(folder.path(), &written.descriptor).expect("it is read"), written);
    }
}

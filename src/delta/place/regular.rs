//! Opens and reads what is a file and nothing else, without waiting and up to a bound.
//!
//! In someone else's folder a pipe may stand where a file should, and an ordinary call would wait until its other end is
//! served; a device may never end; a file without content may claim any size.

use rustix::fs::OFlags;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens whatever lies there to read it, without waiting. On files it makes no difference.
pub(super) fn open_at_once(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Opens a file to read it; None where something other than a file lies there, such as a folder, a pipe or a device.
pub fn open_regular(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    let file = open_at_once(path)?;
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata)))
}

/// Reads a file whole. Anything but a regular file, or more than `most` bytes, is an error of kind `InvalidData`.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let wrong = |detail: String| io::Error::new(ErrorKind::InvalidData, detail);
    let (file, metadata) = open_regular(path)?.ok_or_else(|| wrong("it is not a file".to_owned()))?;
    read_up_to(file, metadata.len(), most)?
        .map_err(|size| wrong(format!("it has {size} bytes, more than the {most} that are read of such a file")))
}

/// Reads what is left of a file that says it has `size` bytes. The inner error is its size where that is above `most`.
pub(super) fn read_up_to(file: File, size: u64, most: u64) -> io::Result<Result<Vec<u8>, u64>> {
    /// Room that is taken on a file's word.
    const BELIEVED: u64 = 64 << 10;
    if size > most {
        return Ok(Err(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(BELIEVED)).unwrap_or(0));
    // It may grow while it is read.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let found = bytes.len() as u64;
    Ok(if found > most { Err(found) } else { Ok(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    #[test]
    fn only_files_are_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe");
        std::os::unix::fs::symlink("/dev/zero", at("zero")).expect("a link");
        std::os::unix::fs::symlink(at("pipe"), at("link")).expect("a link");
        std::fs::create_dir(at("folder")).expect("a folder");
        for name in ["pipe", "zero", "link", "folder"] {
            assert!(open_regular(&at(name)).expect(name).is_none(), "{name}");
            assert_eq!(read_regular(&at(name), 10).expect_err(name).to_string(), "it is not a file");
        }
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
        assert!(open_regular(&at("socket")).is_err());
    }

    #[test]
    fn a_file_is_read_up_to_a_bound_whatever_it_claims() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, b"0123456789").expect("a file");
        assert_eq!(read_regular(&path, 10).expect("it fits"), b"0123456789");
        assert!(read_regular(&path, 9).is_err());
        File::options().write(true).open(&path).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
        let error = read_regular(&path, 1 << 20).expect_err("it is too large");
        assert!(error.to_string().starts_with("it has 1099511627776 bytes"), "{error}");
    }
}

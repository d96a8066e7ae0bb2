//! Reads and writes of files that no one will want from memory soon.
//!
//! What is copied goes to the disk at once, instead of all of it at the sync that follows, and neither side of a copy
//! pushes what others read out of the page cache; pages that were in it before stay. Linux does so from 6.14 on, on file
//! systems that support it. Elsewhere these are ordinary reads and writes.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;

/// Smaller files stay in the page cache: they cost it little, and many of them are written faster together.
const UNCACHED_FROM: u64 = 64 << 10;

/// A file that is read or written from its beginning.
pub(super) struct Uncached {
    file: File,
    at: u64,
    /// Through the page cache: the file is small, or the system knows no other way.
    cached: bool,
}

impl Uncached {
    /// Reads or writes `file`, of about `size` bytes.
    pub fn new(file: File, size: u64) -> Self {
        Self { file, at: 0, cached: size < UNCACHED_FROM }
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    pub fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.at += count as u64;
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.cached {
            match system::write(&self.file, bytes, self.at) {
                Err(error) if system::is_unknown(&error) => self.cached = true,
                result => return result,
            }
        }
        self.file.write_at(bytes, self.at)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.cached {
            match system::read(&self.file, buffer, self.at) {
                Err(error) if system::is_unknown(&error) => self.cached = true,
                result => return result,
            }
        }
        self.file.read_at(buffer, self.at)
    }
}

impl Read for Uncached {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_some(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(target_os = "linux")]
mod system {
    use rustix::io::{Errno, ReadWriteFlags, preadv2, pwritev2};
    use std::fs::File;
    use std::io::{self, IoSlice, IoSliceMut};

    /// `RWF_DONTCACHE` of `linux/fs.h`, which rustix has no name for.
    const DONT_CACHE: ReadWriteFlags = ReadWriteFlags::from_bits_retain(0x80);

    pub fn read(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        Ok(preadv2(file, &mut [IoSliceMut::new(buffer)], at, DONT_CACHE)?)
    }

    pub fn write(file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
        Ok(pwritev2(file, &[IoSlice::new(bytes)], at, DONT_CACHE)?)
    }

    /// Older kernels and some file systems know no such reads and writes.
    pub fn is_unknown(error: &io::Error) -> bool {
        [Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io::{self, ErrorKind};

    pub fn read(_file: &File, _buffer: &mut [u8], _at: u64) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }

    pub fn write(_file: &File, _bytes: &[u8], _at: u64) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }

    pub fn is_unknown(error: &io::Error) -> bool {
        error.kind() == ErrorKind::Unsupported
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_past_the_page_cache_is_read_back_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        for size in [0, 1, UNCACHED_FROM - 1, UNCACHED_FROM, 3 * UNCACHED_FROM + 17] {
            let path = folder.path().join(size.to_string());
            let bytes: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            let mut target = Uncached::new(File::create(&path).expect("a file"), size);
            for piece in bytes.chunks(10_000) {
                target.write_all(piece).expect("a write");
            }
            assert_eq!(std::fs::read(&path).expect("the file"), bytes);
            let mut read = Vec::new();
            Uncached::new(File::open(&path).expect("the file"), size).read_to_end(&mut read).expect("a read");
            assert_eq!(read, bytes);
        }
    }

    #[test]
    fn where_the_system_knows_no_other_way_the_page_cache_serves() {
        // A device has no pages to leave alone.
        let mut device = Uncached::new(File::open("/dev/zero").expect("a device"), u64::MAX);
        let mut buffer = [1; 16];
        assert_eq!(device.read(&mut buffer).expect("a read"), 16);
        assert_eq!(buffer, [0; 16]);
    }
}

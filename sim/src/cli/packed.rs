//! Traces that are compressed: a trace says the same words again and again, and gzip makes less than a tenth of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::output::Output;

/// The first bytes of a compressed file. RFC 1952 §2.3.1.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An output that is compressed where its name ends with `.gz`.
pub(super) enum Packing {
    Plain(Output),
    Gzip(Box<GzEncoder<Output>>),
}

impl Packing {
    pub(super) fn new(output: Output) -> Self {
        if output.path().extension().is_some_and(|extension| extension == "gz") {
            return Self::Gzip(Box::new(GzEncoder::new(output, Compression::default())));
        }
        Self::Plain(output)
    }

    /// Everything was written: it has its name from now on.
    ///
    /// # Errors
    /// The I/O error of the operating system.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.finish(),
            Self::Gzip(encoder) => encoder.finish()?.finish(),
        }
    }
}

impl Write for Packing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(output) => output.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(output) => output.flush(),
            // A block that a flush cuts short compresses less well, and nobody reads it before the end.
            Self::Gzip(_) => Ok(()),
        }
    }
}

/// A file, unpacked where it is compressed, whatever it is called.
///
/// # Errors
/// It cannot be read.
pub(super) fn unpacked(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let is_packed = file.fill_buf()?.starts_with(&MAGIC);
    Ok(if is_packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) })
}

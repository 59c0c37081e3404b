//! Pixels as PNG (RFC 2083, and ISO/IEC 15948): one image of eight-bit red, green and blue.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Bytes of a pixel.
const DEPTH: usize = 3;

/// The file. `pixels` holds three bytes a pixel, row after row.
pub(super) fn encode(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(13);
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Eight bits a colour; red, green and blue; the one compression and the one set of filters there are; no interlace.
    header.extend([8, 2, 0, 0, 0]);
    let row = usize::try_from(width).unwrap_or(0) * DEPTH;
    let mut out = SIGNATURE.to_vec();
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &data(row, pixels));
    chunk(&mut out, *b"IEND", &[]);
    out
}

/// Length, type, data, and the CRC of the last two (RFC 2083 3.2).
fn chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&name);
    crc.update(data);
    // A picture has far fewer than 2^31 bytes.
    out.extend(u32::try_from(data.len()).unwrap_or_default().to_be_bytes());
    out.extend(name);
    out.extend(data);
    out.extend(crc.sum().to_be_bytes());
}

/// The rows, each filtered in the way that leaves least (RFC 2083 9.6), compressed.
fn data(row: usize, pixels: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    let mut above = vec![0; row];
    let mut tries = [Vec::new(), Vec::new(), Vec::new()];
    for line in pixels.chunks_exact(row.max(1)) {
        let [plain, sub, up] = &mut tries;
        plain.clear();
        plain.push(0);
        plain.extend(line);
        sub.clear();
        sub.push(1);
        let left = std::iter::repeat_n(&0, DEPTH).chain(line);
        sub.extend(
            line.iter()
                .zip(left)
                .map(|(byte, left)| byte.wrapping_sub(*left)),
        );
        up.clear();
        up.push(2);
        up.extend(
            line.iter()
                .zip(&above)
                .map(|(byte, up)| byte.wrapping_sub(*up)),
        );
        let least = tries.iter().min_by_key(|bytes| -> u64 {
            let distance = |byte: &u8| u64::from((*byte).min(byte.wrapping_neg()));
            bytes.iter().map(distance).sum()
        });
        // Writing to a vector cannot fail.
        let _ = encoder.write_all(least.map_or(&[], Vec::as_slice));
        above.copy_from_slice(line);
    }
    encoder.finish().unwrap_or_default()
}

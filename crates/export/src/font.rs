//! How wide text is, in Inter, the font that pictures are drawn with (`fonts/`).
//!
//! Kerning is left out: it makes text a little narrower, never wider.

/// A weight of the font.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// 500: names and remarks.
    Medium,
    /// 600: titles.
    SemiBold,
}

/// Units of the font in an em.
pub(crate) const UNITS_PER_EM: u16 = 2048;

/// The height of a capital, in ems: text is centred by it.
pub(crate) const CAP_HEIGHT: f64 = 0.7275;

/// Advances of the printable ASCII characters, from the font's `hmtx` table.
const MEDIUM: [u16; 95] = [
    546, 623, 1012, 1308, 1323, 2034, 1338, 641, 755, 755, 1066, 1367, 621, 947, 621, 757, 1322,
    850, 1262, 1284, 1344, 1235, 1290, 1170, 1289, 1290, 621, 646, 1367, 1367, 1367, 1080, 2012,
    1452, 1345, 1502, 1478, 1235, 1207, 1531, 1525, 558, 1178, 1408, 1158, 1869, 1549, 1570, 1314,
    1574, 1327, 1323, 1337, 1516, 1452, 2054, 1435, 1426, 1312, 755, 757, 755, 976, 948, 690, 1163,
    1266, 1182, 1266, 1203, 777, 1269, 1232, 516, 516, 1145, 516, 1819, 1232, 1237, 1266, 1266,
    792, 1103, 697, 1232, 1177, 1698, 1141, 1178, 1145, 902, 708, 902, 1367,
];
const SEMI_BOLD: [u16; 95] = [
    516, 658, 1071, 1318, 1332, 2057, 1357, 667, 764, 764, 1105, 1378, 653, 953, 653, 776, 1351,
    866, 1276, 1303, 1364, 1254, 1310, 1180, 1311, 1310, 653, 674, 1378, 1378, 1378, 1113, 2046,
    1490, 1350, 1509, 1479, 1240, 1204, 1534, 1527, 567, 1187, 1440, 1158, 1889, 1555, 1574, 1321,
    1583, 1336, 1332, 1352, 1507, 1490, 2089, 1474, 1461, 1336, 764, 776, 764, 986, 961, 719, 1176,
    1278, 1193, 1278, 1211, 796, 1281, 1254, 536, 536, 1166, 536, 1844, 1253, 1247, 1278, 1278,
    813, 1125, 723, 1254, 1202, 1719, 1165, 1205, 1159, 931, 735, 931, 1378,
];

/// How far a character moves the pen, in units of the font. What the font lacks counts as what other fonts have at
/// most: an em, or somewhat more for pictographs.
pub(crate) fn advance(c: char, weight: Weight) -> u16 {
    const WIDE: u16 = UNITS_PER_EM / 4 * 5;
    let table = match weight {
        Weight::Medium => &MEDIUM,
        Weight::SemiBold => &SEMI_BOLD,
    };
    let ascii = u32::from(c)
        .checked_sub(0x20)
        .and_then(|at| table.get(usize::try_from(at).ok()?));
    match (ascii, c) {
        (Some(advance), _) => *advance,
        (None, '\u{a0}'..='\u{24f}') => UNITS_PER_EM / 8 * 7,
        (None, '\u{ff00}'..='\u{ffef}' | '\u{1f000}'..) => WIDE,
        (None, _) => UNITS_PER_EM,
    }
}

/// The width of a text of this size.
pub(crate) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let units: u64 = text.chars().map(|c| u64::from(advance(c, weight))).sum();
    // A text has far fewer than 2^52 units.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    let units = units as f64;
    units * size / f64::from(UNITS_PER_EM)
}

/// The text if it is not wider than this, else its start and its end: names that are long differ at both.
pub(crate) fn fitted(text: &str, size: f64, weight: Weight, limit: f64) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width(&shown, size, weight) <= limit {
        return shown;
    }
    let room = limit - width("…", size, weight);
    let fits = |chars: &mut dyn Iterator<Item = char>, room: f64| {
        let mut used = 0.0;
        let mut taken = Vec::new();
        for c in chars {
            used += width(c.encode_utf8(&mut [0; 4]), size, weight);
            if used > room {
                break;
            }
            taken.push(c);
        }
        taken
    };
    let start = fits(&mut shown.chars(), room / 2.0);
    let mut end = fits(&mut shown.chars().rev(), room / 2.0);
    end.reverse();
    start.into_iter().chain(['…']).chain(end).collect()
}

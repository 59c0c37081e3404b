//! Small maps as pictures, byte by byte, and pixels.

use export::{Format, Options};
use map::{Facet, HttpMethod, KafkaOperation, Map, Outcome, Peer};

use crate::golden::check;
use crate::maps::{SEEN, key, port, record, resource, sighting, topic, workload};

const WHOLE: Options = Options {
    external: true,
    attempts: true,
    as_kubernetes_service: false,
};

fn deployment(namespace: &str, name: &str) -> Peer {
    workload(namespace, name, "Deployment")
}

fn odd_names() -> Map {
    let mut map = Map::new();
    let names = [
        "<script>alert(1)</script>",
        "\"quoted\" & 'so' 100%",
        "שלום עולם",
        "rocket-🚀-名前",
        "back\\slash\\",
        "line\nbreak\u{202e}turned",
        "--> end; %% no comment",
        "a-name-so-long-that-nobody-would-want-to-read-it-in-a-box-or-anywhere-else-but-somebody-gave-it",
    ];
    for pair in names.windows(2) {
        record(
            &mut map,
            deployment("<&\"'>", pair[0]),
            deployment("<&\"'>", pair[1]),
            &[SEEN],
        );
    }
    map
}

fn small() -> Vec<(&'static str, Map)> {
    let (shop, web, cart) = (
        "shop",
        deployment("shop", "web"),
        deployment("shop", "cart"),
    );
    let one = |client: &Peer, server: &Peer, facets: &[Facet]| {
        let mut map = Map::new();
        record(&mut map, client.clone(), server.clone(), facets);
        map
    };
    let kafka = workload("kafka", "kafka", "StatefulSet");
    let mut cycle = one(&web, &cart, &[SEEN]);
    record(&mut cycle, cart.clone(), deployment(shop, "stock"), &[SEEN]);
    record(&mut cycle, deployment(shop, "stock"), web.clone(), &[SEEN]);
    let mut attempts = one(&web, &cart, &[SEEN]);
    let gone = key(web.clone(), deployment("data", "gone"));
    attempts.record_attempt(&sighting(gone, &[SEEN, Facet::Outcome(Outcome::Refused)]));
    vec![
        ("empty", Map::new()),
        ("one-edge", one(&web, &cart, &[SEEN, port(7070)])),
        ("itself", one(&web, &web, &[SEEN])),
        ("cycle", cycle),
        (
            "kafka",
            one(
                &web,
                &kafka,
                &[SEEN, topic("orders", KafkaOperation::Produce)],
            ),
        ),
        (
            "http",
            one(
                &web,
                &cart,
                &[SEEN, resource("/items?a=<b>", HttpMethod::Get)],
            ),
        ),
        ("attempts", attempts),
        ("odd-names", odd_names()),
    ]
}

#[test]
fn small_maps() {
    for (name, map) in small() {
        for (ending, format) in [
            ("svg", Format::Svg),
            ("dot", Format::Dot),
            ("mermaid", Format::Mermaid),
        ] {
            check(&format!("{name}.{ending}"), &format.render(&map, WHOLE));
        }
    }
}

#[cfg(feature = "pictures")]
#[test]
fn pixels_have_the_size_of_the_picture_and_show_something() {
    for (name, map) in small() {
        let drawing = export::draw(&map, WHOLE);
        let (width, height, pixels) = decoded(&Format::Png.render(&map, WHOLE));
        assert!(
            (f64::from(width) - drawing.width * 2.0).abs() < 0.1,
            "{name}"
        );
        assert!(
            (f64::from(height) - drawing.height * 2.0).abs() < 0.1,
            "{name}"
        );
        let dark = pixels
            .chunks_exact(3)
            .filter(|pixel| pixel[0] < 128)
            .count();
        assert!(dark > 100, "{name}: {dark} dark pixels");
        let jpg = Format::Jpg.render(&map, WHOLE);
        assert!(jpg.starts_with(&[0xff, 0xd8, 0xff]) && jpg.ends_with(&[0xff, 0xd9]));
    }
}

/// Width, height and pixels of a PNG, by the rules for decoders (RFC 2083 6.1, 6.3 and 6.4).
#[cfg(feature = "pictures")]
fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
    use std::io::Read;

    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let (width, height) = (number(16), number(20));
    let (mut at, mut data) = (8, Vec::new());
    while at < png.len() {
        let length = number(at) as usize;
        let (name, body) = (&png[at + 4..at + 8], &png[at + 8..at + 8 + length]);
        let mut crc = flate2::Crc::new();
        crc.update(&png[at + 4..at + 8 + length]);
        assert_eq!(number(at + 8 + length), crc.sum());
        if name == b"IDAT" {
            data.extend(body);
        }
        at += 12 + length;
    }
    let mut raw = Vec::new();
    flate2::read::ZlibDecoder::new(&data[..])
        .read_to_end(&mut raw)
        .unwrap();
    let row = width as usize * 3;
    let (mut above, mut pixels) = (vec![0_u8; row], Vec::new());
    assert_eq!(raw.len(), (row + 1) * height as usize);
    for line in raw.chunks_exact(row + 1) {
        let mut here = line[1..].to_vec();
        for i in 0..row {
            let before = match line[0] {
                0 => 0,
                1 => i.checked_sub(3).map_or(0, |left| here[left]),
                2 => above[i],
                other => unreachable!("filter {other}"),
            };
            here[i] = here[i].wrapping_add(before);
        }
        pixels.extend(&here);
        above = here;
    }
    (width, height, pixels)
}

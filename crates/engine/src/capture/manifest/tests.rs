use super::{BadEntry, Entry, Item, MAX_INLINE, ManifestFault, ManifestReader, Payload, Text};
use proptest::prelude::*;

fn read_in(pieces: &[&[u8]]) -> (Vec<Item>, Option<ManifestFault>) {
    let mut reader = ManifestReader::default();
    let mut items = Vec::new();
    let mut drain = |reader: &mut ManifestReader| loop {
        match reader.next() {
            Ok(Some(item)) => items.push(item),
            Ok(None) => return None,
            Err(fault) => return Some(fault),
        }
    };
    for piece in pieces {
        reader.feed(piece);
        if let Some(fault) = drain(&mut reader) {
            return (items, Some(fault));
        }
    }
    reader.finish();
    let fault = drain(&mut reader);
    (items, fault)
}

fn read(text: &str) -> (Vec<Item>, Option<ManifestFault>) {
    read_in(&[text.as_bytes()])
}

fn entry(item: &Item) -> &Entry {
    match item {
        Item::Entry(entry) => entry,
        Item::Bad(bad) => panic!("{bad:?}"),
    }
}

fn bad(item: &Item) -> &BadEntry {
    match item {
        Item::Bad(bad) => bad,
        Item::Entry(entry) => panic!("{entry:?}"),
    }
}

const THREE: &str = r#"[
  { "path": "payloads/batch-001.bin", "received_at_ms": 1700000000000, "query_params": {} },
  { "body": "cpu,host=\"a\\\" value=1.5\n", "query_params": { "db": "telegraf", "precision": "ms" },
    "received_at_ms": -5 },
  { "body_base64": "aGk=" }
]
"#;

#[test]
fn entries_of_all_three_kinds() {
    let (items, fault) = read(THREE);
    assert_eq!(fault, None);
    assert_eq!(items.len(), 3);
    assert_eq!(entry(&items[0]).payload, Payload::Path("payloads/batch-001.bin".into()));
    assert_eq!((entry(&items[0]).line, entry(&items[1]).line, entry(&items[2]).line), (2, 3, 5));
    let text = br#"cpu,host=\"a\\\" value=1.5\n"#.to_vec();
    assert_eq!(entry(&items[1]).payload, Payload::Body(Text::Here(text)));
    assert_eq!(entry(&items[1]).query_params["precision"], "ms");
    assert_eq!(entry(&items[1]).received_at_ms, Some(-5));
    assert_eq!(entry(&items[2]).payload, Payload::Base64(Text::Here(b"aGk=".to_vec())));
    assert_eq!((entry(&items[2]).index, entry(&items[2]).received_at_ms), (2, None));
}

#[test]
fn a_bad_entry_leaves_the_others_alone() {
    let (items, fault) = read(
        r#"[ 7, {"body":"a","path":"b"}, {}, {"body":5}, {"body":"x","received_at_ms":"1"},
        {"body":"x","received_at_ms":1.5e3}, {"body":"x","query_params":{"db":1}}, {"body":"x","query_params":[]},
        {"recieved_at_ms":1}, {"body":"x","body":"y"}, {"body":null,"path":null}, null,
        {"body":"good","note":{"a":[1,{"b":"]}\""}]},"recieved_at_ms":3}]"#,
    );
    assert_eq!(fault, None);
    let problems: Vec<&str> = items[..12].iter().map(|item| bad(item).problem.as_str()).collect();
    assert_eq!(
        problems,
        [
            "the entry is a number, not an object",
            "the entry has more than one payload",
            "the entry has no payload",
            "body is a number, not a string",
            "received_at_ms is a string, not a whole number",
            "received_at_ms is a number with a fraction or exponent, not a whole number",
            "query_params.db is a number, not a string",
            "query_params is an array, not an object",
            "the entry has no payload (unknown field \"recieved_at_ms\", did you mean received_at_ms?)",
            "body is given twice",
            "the entry has no payload",
            "the entry is null, not an object",
        ]
    );
    assert!(items[..12].iter().enumerate().all(|(at, item)| bad(item).index == at as u64));
    let good = entry(&items[12]);
    assert_eq!(good.index, 12);
    assert_eq!(good.hint.as_deref(), Some("unknown field \"note\""));
}

#[test]
fn what_is_no_manifest_says_where_and_what_to_do() {
    for (text, line, word) in [
        ("{\"source\":{}}", 1, "object"),
        ("cpu value=1", 1, "not a JSON array"),
        ("[\n{\"body\":\"a\"}\n{\"body\":\"b\"}]", 3, "expected , or ]"),
        ("[{\"body\" \"a\"}]", 1, "expected :"),
        ("[{\"body\":\"a\",}]", 1, "name"),
        ("[{\"body\":\"a\"},]", 1, "expected value"),
        ("[{\"body\":\"a\"}", 1, "breaks off"),
        ("[{\"body\":\"a", 1, "breaks off"),
        ("[{\"body\":\"a\"}] x", 1, "behind"),
        ("", 1, "breaks off"),
        ("[{\"received_at_ms\":01}]", 1, "number"),
    ] {
        let (_, fault) = read(text);
        let fault = fault.unwrap_or_else(|| panic!("{text} is read"));
        assert!(fault.problem.contains(word), "{text}: {fault}");
        assert_eq!(fault.line, line, "{text}");
        assert!(!fault.remedy.is_empty());
    }
}

#[test]
fn entries_before_a_broken_one_stand() {
    let (items, fault) = read("[{\"body\":\"a\"},{\"body\":\"b\"},{\"body\":tru}]");
    assert_eq!(items.len(), 2);
    assert!(fault.is_some());
}

#[test]
fn a_long_body_is_told_by_its_place() {
    let mut text = b"\xef\xbb\xbf[{\"body\":\"".to_vec();
    let start = text.len();
    text.resize(start + MAX_INLINE + 1, b'x');
    let end = text.len();
    text.extend_from_slice(b"\",\"received_at_ms\":4},{\"body\":\"short\"}]");
    let pieces: Vec<&[u8]> = text.chunks(1 << 20).collect();
    let (items, fault) = read_in(&pieces);
    assert_eq!(fault, None);
    assert_eq!(entry(&items[0]).payload, Payload::Body(Text::At(start as u64..end as u64)));
    assert_eq!(entry(&items[0]).received_at_ms, Some(4));
    assert_eq!(entry(&items[1]).payload, Payload::Body(Text::Here(b"short".to_vec())));
}

#[test]
fn an_endless_value_is_not_collected() {
    let mut reader = ManifestReader::default();
    reader.feed(b"[{\"query_params\":{\"a\":\"");
    let piece = vec![b'x'; 1 << 18];
    let fault = (0..100).find_map(|_| {
        reader.feed(&piece);
        reader.next().err()
    });
    assert!(fault.unwrap().problem.contains("more than"));
}

proptest! {
    #[test]
    fn pieces_make_no_difference(cuts in proptest::collection::vec(0usize..THREE.len(), 0..12)) {
        let mut cuts = cuts;
        cuts.push(0);
        cuts.push(THREE.len());
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &THREE.as_bytes()[pair[0]..pair[1]]).collect();
        prop_assert_eq!(read_in(&pieces), read(THREE));
    }

    #[test]
    fn nothing_makes_it_panic(text in "[\\[\\]{}\":,a-z0-9\\\\ \n]{0,60}") {
        let whole = read(&text);
        let halves = text.as_bytes().split_at(text.len() / 2);
        prop_assert_eq!(read_in(&[halves.0, halves.1]), whole);
    }
}

use super::*;

fn row(target: &str, case: &str, verdict: Verdict) -> Row {
    Row {
        target: target.to_owned(),
        case: case.to_owned(),
        group: case.rsplit_once('/').unwrap().0.to_owned(),
        protocol: Protocol::Dubbo,
        why: "because".to_owned(),
        verdict,
        relayed: target == "b",
        runs: 3,
        passes: 1,
        millis: 12,
        first_failure: (case == "dubbo/wire/one" && target == "a").then(|| "a stall".to_owned()),
    }
}

fn report() -> Report {
    let odd = "a <b> & \"c\" | d\u{1}\nsecond line".to_owned();
    let targets = [("a", "1.0 <x>"), ("b", "2")];
    let rows = vec![
        row("a", "dubbo/wire/one", Verdict::Pass),
        row("a", "dubbo/wire/two", Verdict::Fail(odd.clone())),
        row("a", "dubbo/drain/three", Verdict::Crashed(odd.clone())),
        row("b", "dubbo/wire/one", Verdict::NotApplicable(odd.clone())),
        row("b", "dubbo/wire/two", Verdict::Pass),
        row("b", "dubbo/drain/three", Verdict::NotStarted(odd)),
    ];
    let targets = targets.map(|(name, version)| (name.to_owned(), version.to_owned()));
    Report::new(targets.into(), Duration::from_secs(7), rows)
}

/// The elements of a well-formed document, or what is wrong with it. Knows what the writer can write.
fn elements(xml: &str) -> Result<Vec<String>, String> {
    let (mut open, mut all, mut rest) = (Vec::new(), Vec::new(), xml);
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        plain(text)?;
        let end = tag.find('>').ok_or("a tag without an end")?;
        let (inside, behind) = (&tag[1..end], &tag[end + 1..]);
        rest = behind;
        if inside.starts_with('?') {
            continue;
        }
        if let Some(name) = inside.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (inside, empty) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let name = inside.split(' ').next().unwrap().to_owned();
        let mut attributes = inside[name.len()..].trim_start();
        while !attributes.is_empty() {
            let (key, value) = attributes
                .split_once("=\"")
                .ok_or("an attribute without a value")?;
            if !key.chars().all(|c| c.is_ascii_lowercase()) {
                return Err(format!("attribute {key:?}"));
            }
            let (value, behind) = value.split_once('"').ok_or("a value without an end")?;
            plain(value)?;
            attributes = behind.trim_start();
        }
        all.push(name.clone());
        if !empty {
            open.push(name);
        }
    }
    plain(rest)?;
    match open.is_empty() {
        true => Ok(all),
        false => Err(format!("{open:?} are open")),
    }
}

fn plain(text: &str) -> Result<(), String> {
    for part in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;"]
            .iter()
            .any(|it| part.starts_with(it));
        if !known {
            return Err(format!("&{part}"));
        }
    }
    match text.chars().find(|c| *c < ' ' && *c != '\n' && *c != '\t') {
        Some(c) => Err(format!("{c:?}")),
        None => Ok(()),
    }
}

#[test]
fn counts_and_exit() {
    let report = report();
    assert_eq!(
        (report.passed, report.failed, report.not_applicable),
        (2, 3, 1)
    );
    assert!(!report.is_good());
    let good = Report::new(
        Vec::new(),
        Duration::ZERO,
        vec![row("a", "x/y/z", Verdict::Pass)],
    );
    assert!(good.is_good());
    let nothing = vec![row("a", "x/y/z", Verdict::NotApplicable(String::new()))];
    assert!(!Report::new(Vec::new(), Duration::ZERO, nothing).is_good());
}

#[test]
fn junit_is_well_formed() {
    let xml = report().junit();
    let elements = elements(&xml).unwrap_or_else(|error| panic!("{error} in\n{xml}"));
    let count = |name: &str| elements.iter().filter(|it| *it == name).count();
    assert_eq!(elements[0], "testsuites");
    assert_eq!(count("testsuite"), 2);
    assert_eq!(count("testcase"), 6);
    assert_eq!(
        (count("failure"), count("error"), count("skipped")),
        (1, 2, 1)
    );
}

#[test]
fn the_checker_knows_what_is_not_well_formed() {
    for bad in [
        "<a>",
        "<a></b>",
        "<a x=\"1></a>",
        "<a>&nope;</a>",
        "<a>\u{1}</a>",
        "<a b></a>",
    ] {
        assert!(elements(bad).is_err(), "{bad}");
    }
}

#[test]
fn json_has_every_row() {
    let json: serde_json::Value =
        serde_json::from_str(&serde_json::to_string(&report()).unwrap()).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[0]["verdict"], "pass");
    assert_eq!(rows[2]["verdict"], "crashed");
    assert!(rows[2]["reason"].as_str().unwrap().contains("second line"));
    assert_eq!(json["targets"][0]["version"], "1.0 <x>");
}

#[test]
fn markdown_has_a_column_for_each_target() {
    let page = report().markdown();
    assert!(
        page.contains("| dubbo/wire | 2 | **1 of 2** | 1 ᵗ |"),
        "{page}"
    );
    assert!(page.contains("| dubbo/wire/two | ✗ | ✓ |"), "{page}");
    assert!(
        page.contains("| dubbo/drain/three | crash | not started |"),
        "{page}"
    );
    assert!(
        !page.contains("| dubbo/wire/one | ✓"),
        "nobody fails it: {page}"
    );
    assert!(
        page.contains("- `dubbo/wire/two` (passed 1 of 3 times): a \\<b> & \"c\" \\| d"),
        "{page}"
    );
    // Every row of a table has as many cells as its head.
    let mut cells = 0;
    for line in page.lines() {
        let own = line.replace("\\|", "").matches('|').count();
        match (line.starts_with('|'), cells) {
            (true, 0) => cells = own,
            (true, _) => assert_eq!(own, cells, "{line}"),
            (false, _) => cells = 0,
        }
    }
}

#[test]
fn second_tries_are_told() {
    let page = report().markdown();
    assert!(page.contains("- a `dubbo/wire/one`: a stall"), "{page}");
    let text = report().text();
    assert!(
        text.contains("2nd try a dubbo/wire/one: at first a stall"),
        "{text}"
    );
}

#[test]
fn the_terminal_shows_what_failed_and_why() {
    let text = report().text();
    assert!(
        text.contains("FAIL a dubbo/wire/two\n    passed 1 of 3 times\n    a <b>"),
        "{text}"
    );
    assert!(text.contains("CRASHED a dubbo/drain/three"), "{text}");
    assert!(
        text.contains(
            "a (1.0 <x>): 1 passed, 1 failed, 1 crashed, 0 not started, 0 not applicable"
        ),
        "{text}"
    );
}

#[test]
fn the_end_of_a_name_is_the_kind() {
    let dir = tempfile::tempdir().unwrap();
    for (name, begins) in [
        ("a.md", "# "),
        ("a.json", "{"),
        ("a.xml", "<?xml"),
        ("a.junit", "<?xml"),
    ] {
        let path = dir.path().join(name);
        report().write(&path).unwrap();
        assert!(
            std::fs::read_to_string(&path).unwrap().starts_with(begins),
            "{name}"
        );
    }
    assert!(check(&["a.txt".into()]).is_err());
    assert!(check(&["a.md".into(), "b.xml".into()]).is_ok());
}

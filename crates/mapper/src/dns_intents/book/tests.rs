//! What is written and looked up, and when.

use super::*;

const NOW: Time = Time::from_secs(1000);

fn after(secs: u64) -> Time {
    NOW.plus(Duration::from_secs(secs))
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, last])
}

fn key(name: &str) -> IntentsKey {
    IntentsKey {
        namespace: "shop".into(),
        name: name.into(),
    }
}

fn intents(name: &str, domains: &[&str]) -> ClientIntents {
    ClientIntents {
        key: key(name),
        domains: domains.iter().map(|domain| (*domain).into()).collect(),
        resolved: Resolved::new(),
    }
}

/// A book in which these are all that there are.
fn book(all: &[ClientIntents]) -> Book {
    let mut book = Book::new(100);
    for one in all {
        book.update(IntentsUpdate::Applied(one.clone()), NOW);
    }
    let present = all.iter().map(|one| one.key.clone()).collect();
    let version = "v2alpha1";
    book.update(IntentsUpdate::Listed { version, present }, NOW);
    book
}

fn learn(book: &mut Book, name: &str, last: u8) {
    book.learn(name, ip(last), after(500), NOW);
}

fn names(patches: &[Patch]) -> Vec<&str> {
    patches
        .iter()
        .map(|patch| patch.key.name.as_str())
        .collect()
}

fn end(book: &mut Book, patches: Vec<Patch>, written: Written, now: Time) {
    for patch in patches {
        book.written(patch, written, now);
    }
}

#[test]
fn of_two_with_domains_of_the_table_and_one_without_two_are_written() {
    let mut book = Book::new(100);
    learn(&mut book, "a.org", 1);
    learn(&mut book, "b.org", 2);
    for one in [
        intents("one", &["a.org"]),
        intents("two", &["b.org"]),
        intents("three", &[]),
    ] {
        book.update(IntentsUpdate::Applied(one), NOW);
    }
    assert_eq!(book.patches(NOW), [], "not all are known yet");
    let present = ["one", "two", "three"].map(key).into();
    let version = "v2alpha1";
    book.update(IntentsUpdate::Listed { version, present }, NOW);
    let patches = book.patches(NOW);
    assert_eq!(names(&patches), ["one", "two"]);
    assert_eq!(patches[0].resolved["a.org"], ["203.0.113.1".into()].into());
    assert_eq!((book.intents(), book.patches(NOW)), (2, Vec::new()));
}

#[test]
fn without_intents_or_domains_nothing_is_written_or_looked_up() {
    for all in [vec![], vec![intents("one", &[])]] {
        let mut book = book(&all);
        learn(&mut book, "a.org", 1);
        assert_eq!(book.patches(NOW), []);
        assert_eq!(book.lookups(9, NOW), [""; 0]);
        assert_eq!(book.next(true), None);
    }
}

#[test]
fn a_name_never_seen_is_looked_up_and_written_when_it_was_found() {
    let mut book = book(&[intents("one", &["a.org", "*.b.org", "not a name"])]);
    assert_eq!(book.patches(NOW), []);
    assert_eq!(book.lookups(9, NOW), ["a.org"]);
    assert_eq!(book.lookups(9, NOW), [""; 0], "it is being looked up");
    book.found(&"a.org".into(), &[ip(1), ip(2)], NOW);
    let patches = book.patches(NOW);
    assert_eq!(patches[0].resolved["a.org"].len(), 2);
    assert_eq!(book.lookups(9, after(120)), [""; 0]);
    assert_eq!(book.lookups(9, after(121)), ["a.org"], "it counts no more");
}

#[test]
fn a_name_that_pods_ask_for_is_not_looked_up() {
    let mut book = book(&[intents("one", &["a.org"])]);
    learn(&mut book, "a.org", 1);
    assert_eq!(book.lookups(9, NOW), [""; 0]);
    assert_eq!(book.lookups(9, after(500)), [""; 0]);
    assert_eq!(book.lookups(9, after(501)), ["a.org"]);
}

#[test]
fn a_name_that_cannot_be_found_is_tried_less_and_less_often_and_hinders_no_other() {
    let mut book = book(&[intents("one", &["bad.org", "good.org"])]);
    let mut now = NOW;
    assert_eq!(book.lookups(1, now), ["bad.org"]);
    let mut waits = Vec::new();
    for _ in 0..12 {
        book.found(&"bad.org".into(), &[], now);
        assert!(!book.lookups(9, now).contains(&"bad.org".into()));
        let failed = now;
        while !book.lookups(9, now).contains(&"bad.org".into()) {
            now = now.plus(Duration::from_secs(1));
        }
        waits.push(now.since(failed).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    book.found(&"good.org".into(), &[ip(1)], now);
    assert_eq!(names(&book.patches(now)), ["one"]);
}

#[test]
fn a_new_address_concerns_those_whose_domains_it_is_under_and_only_them() {
    let all = [
        intents("all", &["*"]),
        intents("exact", &["a.example.com"]),
        intents("other", &["b.example.com"]),
        intents("under", &["*.Example.com"]),
        intents("up", &["*.a.example.com"]),
    ];
    let mut book = book(&all);
    assert_eq!(book.patches(NOW), []);
    learn(&mut book, "a.example.com", 1);
    assert_eq!(book.dirty.len(), 3);
    assert_eq!(names(&book.patches(NOW)), ["all", "exact", "under"]);
    learn(&mut book, "a.example.com", 1);
    assert_eq!(book.dirty.len(), 0, "nothing new");
}

#[test]
fn what_changes_while_it_is_written_is_written_after_it() {
    let mut book = book(&[intents("one", &["a.org"])]);
    learn(&mut book, "a.org", 1);
    let first = book.patches(NOW);
    learn(&mut book, "a.org", 2);
    assert_eq!(book.patches(NOW), []);
    end(&mut book, first, Written::Done, NOW);
    let second = book.patches(NOW);
    assert_eq!(second[0].resolved["a.org"].len(), 2);
    end(&mut book, second, Written::Done, NOW);
    assert_eq!(book.patches(NOW), []);
    assert_eq!(book.next(false), None);
}

#[test]
fn one_that_cannot_be_written_waits_longer_and_longer_and_hinders_no_other() {
    let mut book = book(&[intents("one", &["a.org"]), intents("two", &["b.org"])]);
    learn(&mut book, "a.org", 1);
    let failing = book.patches(NOW);
    end(&mut book, failing, Written::Failed, NOW);
    learn(&mut book, "b.org", 2);
    assert_eq!(names(&book.patches(NOW)), ["two"]);
    assert_eq!(book.next(false), Some(after(1)));
    let again = book.patches(after(1));
    assert_eq!(names(&again), ["one"]);
    end(&mut book, again, Written::Failed, after(1));
    assert_eq!(book.patches(after(2)), []);
    assert_eq!(names(&book.patches(after(3))), ["one"]);
}

#[test]
fn a_domain_that_leaves_the_spec_goes_and_is_not_looked_up_any_more() {
    let mut one = intents("one", &["a.org", "b.org"]);
    let status = |domain: &str| (domain.into(), ["203.0.113.9".into()].into());
    one.resolved = Resolved::from([status("a.org"), status("b.org")]);
    let mut book = book(&[one.clone()]);
    one.domains.remove("a.org");
    book.update(IntentsUpdate::Applied(one.clone()), NOW);
    let patches = book.patches(NOW);
    assert_eq!(patches[0].resolved, Resolved::from([status("b.org")]));
    assert_eq!(book.lookups(9, NOW), ["b.org"]);
    one.domains.clear();
    book.update(IntentsUpdate::Applied(one.clone()), NOW);
    end(&mut book, patches, Written::Done, NOW);
    assert_eq!(book.patches(NOW)[0].resolved, Resolved::new());
    one.resolved.clear();
    book.update(IntentsUpdate::Applied(one), NOW);
    assert_eq!(
        (book.intents(), book.holders.len(), book.due.len()),
        (0, 0, 0)
    );
}

#[test]
fn those_that_are_not_listed_or_not_served_any_more_are_forgotten_with_their_work() {
    let mut book = book(&[intents("one", &["a.org"]), intents("two", &["*.b.org"])]);
    learn(&mut book, "a.org", 1);
    let patches = book.patches(NOW);
    let version = "v2beta1";
    let present = [key("two")].into();
    book.update(IntentsUpdate::Listed { version, present }, NOW);
    end(&mut book, patches, Written::Done, NOW);
    assert_eq!((book.intents(), book.writing), (1, 0));
    learn(&mut book, "x.b.org", 1);
    assert_eq!(book.patches(NOW)[0].version, "v2beta1");
    book.update(IntentsUpdate::Absent, NOW);
    assert_eq!(
        (book.intents(), book.holders.len(), book.wildcards),
        (0, 0, 0)
    );
    assert_eq!((book.next(true), book.writing), (None, 0));
}

#[test]
fn so_many_are_written_at_the_same_time_and_the_rest_after_them() {
    let all: Vec<_> = (0..MAX_PATCHES + 3)
        .map(|n| intents(&format!("n{n:02}"), &["*.org"]))
        .collect();
    let mut book = book(&all);
    learn(&mut book, "a.org", 1);
    let first = book.patches(NOW);
    assert_eq!((first.len(), book.patches(NOW)), (MAX_PATCHES, Vec::new()));
    assert_eq!(book.next(false), None, "nothing to do until one is done");
    end(&mut book, first, Written::Done, NOW);
    assert_eq!(book.patches(NOW).len(), 3);
}

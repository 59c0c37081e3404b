//! What of a path is told.

use istio_watcher::{Folded, MAX_PATHS, Paths, cut, template};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn a_path_is_whole_and_ends_before_query_and_fragment() {
    for (target, path) in [
        ("/api/v1.2/items", Some("/api/v1.2/items")),
        ("/index.html?x=1&y=/2", Some("/index.html")),
        ("/a#b?c", Some("/a")),
        ("/a b/\"ü\"/%2F", Some("/a b/\"ü\"/%2F")),
        ("http://shop.example:80/a/b?c", Some("/a/b")),
        ("http://shop.example", Some("/")),
        ("/redirect/http://other/x", Some("/redirect/http://other/x")),
        ("/pkg.Service/Method", Some("/pkg.Service/Method")),
        ("", None),
        ("?x", None),
        ("*", None),
    ] {
        assert_eq!(cut(target), path, "{target}");
    }
}

#[test]
fn identifiers_are_numbers_uuids_and_long_hexadecimal_numbers() {
    for (path, as_template) in [
        ("/users/42/orders/7", "/users/{id}/orders/{id}"),
        ("/o/0B8B5A50-3c3e-4d4f-9e9a-0123456789ab", "/o/{id}"),
        ("/blob/9f86d081884c7d65", "/blob/{id}"),
        ("/v1/items", "/v1/items"),
        ("/deadbeef/facade", "/deadbeef/facade"),
        ("/a1b2c3d", "/a1b2c3d"),
        ("/", "/"),
        ("/1.2/x", "/1.2/x"),
    ] {
        assert_eq!(template(path), as_template, "{path}");
    }
}

fn told(paths: &mut Paths, path: &str) -> String {
    match paths.take(path) {
        Folded::No => path.to_owned(),
        Folded::To(folder) => folder.to_string(),
    }
}

#[test]
fn beyond_a_hundred_paths_a_full_folder_stands_for_its_paths_and_others_stay() {
    let mut paths = Paths::default();
    for (at, path) in ["/health", "/api/items", "/api/items/a.b", "/login"]
        .iter()
        .enumerate()
    {
        assert_eq!(told(&mut paths, path), *path);
        assert_eq!(paths.len(), at + 1);
    }
    let users = |user: usize| format!("/api/users/{user}/orders");
    for user in 0..MAX_PATHS - 4 {
        assert_eq!(told(&mut paths, &users(user)), users(user));
    }
    assert_eq!(told(&mut paths, &users(1_000)), "/api/users/*");
    for path in ["/api/items", "/api/items/a.b", "/health"] {
        assert_eq!(told(&mut paths, path), path);
    }
    assert_eq!(paths.len(), 5);
    for page in 0..1_000 {
        told(&mut paths, &format!("/page-{page}"));
    }
    assert_eq!(told(&mut paths, "/anything"), "/*");
    assert_eq!(paths.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn paths_stay_few_and_each_is_told_as_itself_or_as_a_folder_above_it(
        all in vec("(/[a-c0-9é]{0,3}){1,5}|[a-z]{1,3}", 0..600)
    ) {
        let mut paths = Paths::default();
        for path in &all {
            let told = told(&mut paths, path);
            prop_assert!(paths.len() <= MAX_PATHS);
            match told.strip_suffix('*') {
                Some("/") => {}
                Some(folder) => prop_assert!(folder.ends_with('/') && path.starts_with(folder)),
                None => prop_assert_eq!(&told, path),
            }
        }
    }
}

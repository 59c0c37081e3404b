# shellcheck shell=bash
# The tests of the workspace, built once: whatever runs some of them selects the whole workspace, because for one package
# alone cargo would choose other features of dependencies, and build them and all that stands on them again.

# workspace_tests FLAG…: the tests of libraries and binaries, and those in tests/. It builds the binaries too.
workspace_tests() {
  cargo test --workspace ${CI:+--locked} --lib --bins --tests "$@"
}

# built_test PACKAGE NAME: the program that holds the tests of tests/NAME of a package.
built_test() {
  workspace_tests --no-run --message-format json-render-diagnostics |
    sed -n "s|.*\"package_id\":\"[^\"]*/$1#.*\"executable\":\"\([^\"]*/$2-[^\"]*\)\".*|\1|p"
}

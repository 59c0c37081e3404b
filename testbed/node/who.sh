#!/bin/sh
# For busybox's httpd: a page that says who asked whom.
printf 'Content-Type: text/plain\r\n\r\n%s asked %s\n' "$REMOTE_ADDR" "$(hostname)"

//! Bytes from the kernel: packets, DNS messages, capture files, socket tables, /proc.

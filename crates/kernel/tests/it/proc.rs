use kernel::proc::{
    Capabilities, Mount, ProcessStat, ProcessStatus, SocketCounts, file_capabilities,
    local_addresses, local_addresses_v6, mount_of, pod_uid, process_stat, process_status,
    socket_counts,
};
use proptest::prelude::*;

const UID: &str = "146b5ec2-3767-4943-afa7-42218263b9bf";
const NUMBER: u128 = 0x146b_5ec2_3767_4943_afa7_4221_8263_b9bf;

fn systemd(class: &str) -> String {
    let uid = UID.replace('-', "_");
    format!("/kubepods.slice/kubepods{class}.slice/kubepods{class}-pod{uid}.slice")
}

#[test]
fn every_form_of_a_control_group_names_its_pod() {
    for group in [
        format!("/kubepods/burstable/pod{UID}/0123abcd"),
        format!("/kubepods/pod{UID}"),
        format!("{}/cri-containerd-0123abcd.scope", systemd("-besteffort")),
        systemd(""),
        // As a container sees a neighbour's group, from inside its own.
        format!("/../../pod{UID}/0123abcd"),
        // A kubelet below an outer group, and a runtime without systemd.
        format!(
            "/outer.slice/outer-kubepods.slice/outer-kubepods-pod{}.slice:cri-containerd:0123",
            UID.replace('-', "_")
        ),
        // A node that is a pod itself.
        format!(
            "/kubepods/pod00000000-0000-0000-0000-000000000001/abc/kubelet/kubepods/pod{UID}/def"
        ),
        // The configuration hash of a static pod has no dashes.
        format!("/kubepods/pod{}", UID.replace('-', "")),
    ] {
        let version2 = format!("0::{group}\n");
        assert_eq!(pod_uid(version2.as_bytes()), Some(NUMBER), "{group}");
        let version1 = format!("12:hugetlb:/\n11:cpu,cpuacct:{group}\n");
        assert_eq!(pod_uid(version1.as_bytes()), Some(NUMBER), "{group}");
    }
}

#[test]
fn what_is_no_pod_has_no_uid() {
    for group in [
        "/",
        "/system.slice/kubelet.service",
        "/kubepods/burstable",
        "/kubepods/pod146b5ec2",
        "/kubepods/pod146b5ec2-3767-4943-afa7-42218263b9bf0",
        "/user.slice/podman-146b5ec2-3767-4943-afa7-42218263b9bf",
    ] {
        assert_eq!(pod_uid(format!("0::{group}\n").as_bytes()), None, "{group}");
    }
}

/// The trie as `net/ipv4/fib_trie.c` prints it: addresses come twice, in Main and Local.
#[test]
fn a_namespaces_own_addresses() {
    let trie = b"Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.244.0.7\n        /32 host LOCAL\n     |-- 10.244.0.0\n        \
        /24 link UNICAST\n     |-- 10.244.0.255\n        /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n\
        Local:\n     |-- 10.244.0.7\n        /32 host LOCAL\n     |-- 192.168.5.1\n        /32 host LOCAL\n";
    let expected =
        ["10.244.0.7", "192.168.5.1"].map(|text| text.parse::<std::net::Ipv4Addr>().unwrap());
    assert_eq!(local_addresses(trie), expected);
}

#[test]
fn sockets_are_counted_over_both_versions() {
    let v4 = b"sockets: used 294\nTCP: inuse 35 orphan 0 tw 4 alloc 40 mem 3\nUDP: inuse 2 mem 1\nRAW: inuse 0\n";
    let v6 = b"TCP6: inuse 7\nUDP6: inuse 1\nFRAG6: inuse 0 memory 0\n";
    let counts = SocketCounts {
        tcp_in_use: 42,
        tcp_time_wait: 4,
        udp_in_use: 3,
    };
    assert_eq!(socket_counts(v4, v6), counts);
    assert_eq!(
        socket_counts(b"TCP: inuse x tw", b""),
        SocketCounts::default()
    );
}

proptest! {
    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = (pod_uid(&bytes), socket_counts(&bytes, &bytes));
        prop_assert!(local_addresses(&bytes).len() <= bytes.len());
    }
}

#[test]
fn a_process_is_read_whatever_it_calls_itself() {
    let rest =
        "S 1 1 1 0 -1 4194560 9 9 9 9 9 9 9 9 20 0 1 0 8712345 4096 1 18446744073709551615 1 1";
    let process = ProcessStat {
        is_kernel_thread: false,
        start_ticks: 8_712_345,
    };
    for name in ["pause", "a b", ") S 1 2 3 (", "", "\u{fffd}"] {
        let stat = format!("42 ({name}) {rest}\n");
        assert_eq!(process_stat(stat.as_bytes()), Some(process), "{name}");
    }
    let mut invalid = b"42 (\xff\xfe) ".to_vec();
    invalid.extend(rest.as_bytes());
    assert_eq!(process_stat(&invalid), Some(process));
    let kernel_thread = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0";
    let stat = process_stat(kernel_thread.as_bytes()).unwrap();
    assert!(stat.is_kernel_thread);
    for broken in ["", "42", "42 (pause)", "42 (pause) S 1 1", "42 pause S 1"] {
        assert_eq!(process_stat(broken.as_bytes()), None, "{broken}");
    }
}

#[test]
fn ipv6_addresses_of_a_namespace_are_those_beyond_its_link() {
    let file = b"00000000000000000000000000000001 01 80 10 80       lo\n\
                 fd00000000000000000000000000012a 02 40 00 80     eth0\n\
                 fe80000000000000a8aaaafffeaaaaaa 02 40 20 80     eth0\n\
                 fd00 02 40 00 80 short\n\nnonsense";
    assert_eq!(
        local_addresses_v6(file),
        ["fd00::12a".parse::<std::net::Ipv6Addr>().unwrap()]
    );
}

#[test]
fn a_status_tells_what_a_process_may_do() {
    let status = b"Name:\tsniffer\nUmask:\t0022\nUid:\t0\t65532\t65532\t65532\nNSpid:\t4711\t1\n\
        CapInh:\t0000000000000000\nCapPrm:\t0000000000002000\nCapEff:\t0000000000000000\n\
        CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000002000\nNoNewPrivs:\t1\nSeccomp:\t2\n";
    let wanted = ProcessStatus {
        user: 65_532,
        permitted: Capabilities(1 << 13),
        effective: Capabilities(0),
        bounding: Capabilities(0xa804_25fb),
        ambient: Capabilities(1 << 13),
        no_new_privileges: true,
        is_filtered: true,
        levels: 2,
    };
    assert_eq!(process_status(status), wanted);
    assert!(wanted.permitted.has(13) && !wanted.permitted.has(12));
    assert_eq!(
        process_status(b"\xff\nUid\nUid:\nCapPrm:\tx\n"),
        ProcessStatus::default()
    );
}

#[test]
fn the_mount_of_a_path_is_the_nearest_and_the_last() {
    let mountinfo = b"22 1 0:21 / / rw - overlay overlay rw,lowerdir=/a\n\
        30 22 0:5 / /proc rw,nosuid - proc proc rw\n\
        31 22 0:5 / /hostproc ro,nosuid master:1 shared:2 - proc proc rw,gid=27,hidepid=invisible\n\
        32 22 0:6 / /hostproc2 ro - tmpfs none rw\n\
        33 31 0:5 / /hostproc ro - proc proc rw,hidepid=2\n\
        broken\n";
    let hidden = mount_of(mountinfo, "/hostproc").unwrap();
    assert_eq!(
        (hidden.kind.as_str(), hidden.option("hidepid")),
        ("proc", Some("2"))
    );
    assert_eq!(hidden.option("gid"), None);
    assert_eq!(mount_of(mountinfo, "/hostproc/1").unwrap(), hidden);
    assert_eq!(mount_of(mountinfo, "/hostproc2").unwrap().kind, "tmpfs");
    let root = Mount {
        point: "/".to_owned(),
        kind: "overlay".to_owned(),
        options: "rw,lowerdir=/a".to_owned(),
    };
    assert_eq!(mount_of(mountinfo, "/etc"), Some(root));
    assert_eq!(mount_of(b"", "/etc"), None);
}

#[test]
fn a_file_tells_what_it_permits() {
    // As `setcap cap_net_raw,cap_bpf+p` writes it.
    let [raw, bpf] = [0x2000_u32, 1 << (39 - 32)].map(u32::to_le_bytes);
    let none = [0; 4];
    let attribute = [&[0, 0, 0, 2][..], &raw, &none, &bpf, &none].concat();
    assert_eq!(
        file_capabilities(&attribute),
        Some(Capabilities(1 << 39 | 1 << 13))
    );
    // Of a user namespace, with its root's number behind.
    let attribute = [&[1, 0, 0, 3][..], &raw, &none, &none, &none, &[1, 0, 0, 0]].concat();
    assert_eq!(file_capabilities(&attribute), Some(Capabilities(1 << 13)));
    assert_eq!(file_capabilities(&attribute[..10]), None);
    assert_eq!(file_capabilities(&[0, 0, 0, 9, 0, 0, 0, 0]), None);
}

//! The order in which documents are read does not matter.

use proptest::prelude::*;
use serde_json::Value;
use testkit::cluster::{deployment, node, service};

use crate::{after_start, holder, index, workload};

fn objects() -> Vec<Value> {
    let mut objects = vec![node("n1", "172.18.0.2", "10.244.0.0/24")];
    objects.extend(deployment("shop", "cart", &["10.244.0.5"]));
    objects.extend(service(
        "shop",
        "cart",
        Some("10.96.0.20"),
        (80, 8080),
        &[("cart-5d7677ff9f-00000", "10.244.0.5")],
    ));
    // The same pod in an earlier snapshot, before it had an address.
    let mut earlier = objects[3].clone();
    earlier["status"] = serde_json::json!({ "phase": "Pending" });
    objects.push(earlier);
    objects
}

proptest! {
    #[test]
    fn any_order_gives_the_same_answers(objects in Just(objects()).prop_shuffle()) {
        let index = index(&objects);
        prop_assert_eq!(holder(&index, "10.244.0.5", after_start(60)), "cart-5d7677ff9f-00000");
        prop_assert_eq!(workload(&index, "10.244.0.5"), "shop/cart (Deployment)");
        let to = "10.96.0.20:80".parse().unwrap();
        let (service, port) = index.service_at(to, map::Protocol::Tcp, after_start(60)).unwrap();
        let backends = index.backends(service, port, after_start(60));
        prop_assert_eq!(backends.len(), 1);
        prop_assert_eq!(backends[0].port, Some(8080));
        prop_assert_eq!(backends[0].pod.map(|pod| pod.name.as_str()), Some("cart-5d7677ff9f-00000"));
    }
}

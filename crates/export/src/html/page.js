"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const view = document.getElementById("view");
  const svg = view.querySelector("svg");
  const nodes = [...svg.querySelectorAll(".n")];
  // The legend's lines come behind those of the edges.
  const arrows = [...svg.querySelectorAll(".a")].slice(0, data.arrows.length);
  const search = document.getElementById("search");
  const namespaces = document.getElementById("namespace");
  const body = document.querySelector("tbody");
  const more = document.getElementById("more");
  const said = document.getElementById("said");
  const PAGE = 300;
  const whole = { ...svg.viewBox.baseVal };
  for (const side of ["x", "y", "width", "height"]) whole[side] = svg.viewBox.baseVal[side];
  let box = { ...whole };
  let chosen = -1;
  let shown = PAGE;
  let order = { column: 0, up: true };

  // ---- looking

  const look = (to) => {
    box = to;
    svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
  };
  /** Pixels of the drawing for a pixel of the screen, and where its corner is. */
  const scale = () => {
    const { width, height, left, top } = svg.getBoundingClientRect();
    const unit = Math.max(box.width / width, box.height / height);
    return {
      unit,
      at: (x, y) => ({
        x: box.x + (x - left - (width - box.width / unit) / 2) * unit,
        y: box.y + (y - top - (height - box.height / unit) / 2) * unit,
      }),
    };
  };
  const zoom = (factor, at) => {
    const width = Math.min(Math.max(box.width * factor, 120), whole.width * 3);
    const f = width / box.width;
    at ??= { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    look({ x: at.x + (box.x - at.x) * f, y: at.y + (box.y - at.y) * f, width, height: box.height * f });
  };
  const fit = () => look({ ...whole });
  /** Shows these nodes with some room around them. */
  const show = (indexes) => {
    const boxes = indexes.map((v) => nodes[v].querySelector("rect").getBBox());
    if (!boxes.length) return;
    const x = Math.min(...boxes.map((b) => b.x)) - 120;
    const y = Math.min(...boxes.map((b) => b.y)) - 90;
    look({
      x,
      y,
      width: Math.max(...boxes.map((b) => b.x + b.width)) + 120 - x,
      height: Math.max(...boxes.map((b) => b.y + b.height)) + 90 - y,
    });
  };

  // ---- what is picked

  /** The picked nodes; `null` when nothing is. */
  const picked = () => {
    if (chosen >= 0) return new Set([chosen]);
    const words = search.value.trim().toLowerCase();
    const namespace = namespaces.value === "" ? -1 : Number(namespaces.value);
    if (words === "" && namespace < 0) return null;
    const fits = (node) =>
      (namespace < 0 || node.group === namespace) && node.about.toLowerCase().includes(words);
    return new Set(data.nodes.flatMap((node, v) => (fits(node) ? [v] : [])));
  };

  const refresh = () => {
    const set = picked();
    svg.classList.toggle("picked", set !== null);
    const on = new Set(set ?? []);
    arrows.forEach((line, i) => {
      const [client, server] = data.arrows[i];
      const is = set !== null && (set.has(client) || set.has(server));
      line.classList.toggle("on", is);
      if (is) on.add(client).add(server);
    });
    nodes.forEach((node, v) => {
      node.classList.toggle("on", on.has(v));
      node.classList.toggle("chosen", v === chosen);
      node.setAttribute("aria-pressed", String(v === chosen));
    });
    table(set);
    return { set, on };
  };

  const choose = (v) => {
    chosen = chosen === v ? -1 : v;
    shown = PAGE;
    refresh();
  };
  const clear = () => {
    chosen = -1;
    search.value = "";
    namespaces.value = "";
    shown = PAGE;
    refresh();
    fit();
  };

  // ---- the table

  const cell = (row, text) => {
    // As text: names in a cluster may be anything.
    row.insertCell().textContent = text;
  };
  const table = (set) => {
    const is = (row) => {
      const [client, server] = data.arrows[row.arrow];
      return set === null || set.has(client) || set.has(server);
    };
    const rows = data.rows.filter(is);
    const { column, up } = order;
    // The map's own order is that of the clients.
    rows.sort((a, b) => {
      const [x, y] = [a.cells[column], b.cells[column]];
      const less = x.localeCompare(y, "en", { numeric: true });
      return up ? less : -less;
    });
    body.replaceChildren(
      ...rows.slice(0, shown).map((row) => {
        const tr = document.createElement("tr");
        row.cells.forEach((text) => cell(tr, text));
        tr.addEventListener("click", () => {
          choose(data.arrows[row.arrow][0]);
          show(data.arrows[row.arrow]);
        });
        return tr;
      }),
    );
    more.hidden = rows.length <= shown;
    more.textContent = `Show more of ${rows.length} edges`;
    const count = set === null ? "" : `${set.size} picked, `;
    said.textContent = `${count}${rows.length} of ${data.rows.length} edges`;
  };

  // ---- hands

  search.addEventListener("input", () => {
    chosen = -1;
    shown = PAGE;
    refresh();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const { set, on } = refresh();
    if (set?.size) show([...on]);
  });
  namespaces.addEventListener("change", () => {
    chosen = -1;
    shown = PAGE;
    const { set } = refresh();
    if (set?.size) show([...set]);
  });
  more.addEventListener("click", () => {
    shown += PAGE;
    refresh();
  });
  document.querySelectorAll("th button").forEach((button, column) => {
    button.addEventListener("click", () => {
      order = { column, up: order.column === column ? !order.up : true };
      document.querySelectorAll("th").forEach((th, i) => {
        if (i === column) th.setAttribute("aria-sort", order.up ? "ascending" : "descending");
        else th.removeAttribute("aria-sort");
      });
      refresh();
    });
  });
  document.getElementById("in").addEventListener("click", () => zoom(0.75));
  document.getElementById("out").addEventListener("click", () => zoom(1 / 0.75));
  document.getElementById("fit").addEventListener("click", fit);
  document.getElementById("clear").addEventListener("click", clear);

  nodes.forEach((node, v) => {
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", data.nodes[v].about.split("\n").join(", "));
    node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(v);
    });
  });
  let grip = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    grip = { x: event.clientX, y: event.clientY, box: { ...box }, moved: false, at: event.target };
  });
  addEventListener("pointermove", (event) => {
    if (grip === null) return;
    const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!grip.moved && Math.hypot(dx, dy) < 4) return;
    grip.moved = true;
    view.classList.add("moving");
    const { unit } = scale();
    look({ ...box, x: grip.box.x - dx * unit, y: grip.box.y - dy * unit });
  });
  addEventListener("pointerup", () => {
    if (grip !== null && !grip.moved) {
      const v = nodes.indexOf(grip.at.closest(".n"));
      if (v >= 0) choose(v);
      else if (chosen >= 0) choose(chosen);
    }
    grip = null;
    view.classList.remove("moving");
  });
  view.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoom(Math.exp(event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), scale().at(event.clientX, event.clientY));
    },
    { passive: false },
  );
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") clear();
    if (event.target.closest("input, select")) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step && !event.target.closest("#edges")) {
      event.preventDefault();
      look({ ...box, x: box.x + (step[0] * box.width) / 10, y: box.y + (step[1] * box.height) / 10 });
    } else if (event.key === "+" || event.key === "=") zoom(0.75);
    else if (event.key === "-") zoom(1 / 0.75);
    else if (event.key === "0") fit();
    else if (event.key === "/") {
      event.preventDefault();
      search.focus();
    }
  });

  fit();
  refresh();
})();

// Single keys for who works without a mouse.  They move the real focus, so that screen readers
// follow; they are silent where text is written, and can be switched off (WCAG 2.1.4).
(() => {
  const help = document.getElementById("keys");
  if (!help) return;
  const KEPT = "wardwatch-keys";
  const FOLLOWS_MS = 1500;
  const PAGES = { o: "/", c: "/cases", e: "/endpoints", m: "/media" };
  const choice = help.querySelector("[data-keys-on]");
  let went = -Infinity;
  let last = "";

  const kept = () => {
    try {
      return localStorage.getItem(KEPT) !== "off";
    } catch {
      return true; // a browser that keeps nothing
    }
  };
  const keep = (on) => {
    try {
      localStorage.setItem(KEPT, on ? "on" : "off");
    } catch {
      // holds until the page is left
    }
  };

  const rows = () => [...document.querySelectorAll("main [data-row]")];
  const place = (all) => {
    const focused = document.activeElement?.closest("[data-row]");
    if (focused) last = focused.dataset.row;
    return all.findIndex((row) => row.dataset.row === last);
  };
  const current = () => {
    const all = rows();
    return all[place(all)];
  };
  const move = (by) => {
    const all = rows();
    const at = place(all);
    const row = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
    if (!row) return false;
    last = row.dataset.row;
    const link = row.querySelector(".ww-main a, a");
    link?.focus();
    link?.scrollIntoView({ block: "nearest" });
    return true;
  };

  const box = (row) => row?.querySelector("input[name=case]");
  const tickSomething = () => {
    const one = box(current());
    if (one && !document.querySelector("main input[name=case]:checked, main input[name=all]:checked")) one.checked = true;
  };
  const press = (element) => {
    element?.click();
    return Boolean(element);
  };
  const acknowledge = () => {
    tickSomething();
    return press(document.querySelector("main button[name=act][value=acknowledge]"));
  };
  const comment = () => {
    tickSomething();
    const field = document.querySelector("main textarea[name=reason]");
    if (!field) return false;
    const fold = field.closest("details");
    if (fold) fold.open = true;
    field.focus();
    return true;
  };
  const search = () => {
    const field = document.querySelector("main input[type=search]");
    field?.focus();
    return Boolean(field);
  };
  const go = (key) => {
    const link = document.querySelector(`.ww-side a[href="${PAGES[key]}"]`);
    return press(link);
  };
  const open = () => {
    choice.checked = kept();
    help.showModal();
    return true;
  };

  const ACTS = {
    j: () => move(1),
    k: () => move(-1),
    x: () => press(box(current())),
    a: acknowledge,
    c: comment,
    "/": search,
    "?": open,
  };
  const WRITING = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit], [type=button])";
  const silent = (event) =>
    event.defaultPrevented ||
    event.isComposing ||
    event.repeat && event.key !== "j" && event.key !== "k" ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    Boolean(document.querySelector("dialog[open]")) ||
    Boolean(event.target.closest?.(WRITING));

  document.addEventListener("keydown", (event) => {
    if (silent(event) || !kept()) return;
    const follows = event.timeStamp - went < FOLLOWS_MS;
    went = event.key === "g" ? event.timeStamp : -Infinity;
    if (follows && event.key in PAGES) {
      if (go(event.key)) event.preventDefault();
    } else if (Object.hasOwn(ACTS, event.key) && ACTS[event.key]()) {
      event.preventDefault();
    }
  });

  choice.addEventListener("change", () => keep(choice.checked));
  document.querySelectorAll("[data-keys-open]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", open);
  });
})();

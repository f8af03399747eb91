// Live parts, and small comforts.  The pages work without any of this.
(() => {
  const state = document.getElementById("live-state");
  const known = new Set();
  let source = null;
  let missed = false;
  let waiting = null;
  let told = { cases: new Set(), endpoints: new Set() };

  const rows = () => document.querySelectorAll("[data-row]");
  const remember = () => rows().forEach((row) => known.add(row.dataset.row));

  const say = (live) => {
    state.classList.toggle("ww-live-on", live);
    state.classList.toggle("ww-live-lost", !live);
    state.querySelector(".ww-live-word").textContent = live ? state.dataset.live : state.dataset.lost;
  };

  // A part is left alone while somebody writes in it, or has chosen in a list of it.
  const chosenAtFirst = (list) => Math.max(0, [...list.options].findIndex((each) => each.defaultSelected));
  const differs = (field) =>
    field.options ? field.selectedIndex !== chosenAtFirst(field) : field.value !== field.defaultValue;
  const busy = (part) =>
    [...part.querySelectorAll("textarea, select")].some((field) => field === document.activeElement || differs(field));

  const concerns = (part, all) => {
    const about = part.dataset.live.split(" ");
    const own = part.closest("[data-live-case]")?.dataset.liveCase;
    return (
      all ||
      (about.includes("this-case") && told.cases.has(own)) ||
      (about.includes("cases") && told.cases.size > 0) ||
      (about.includes("endpoints") && told.endpoints.size > 0)
    );
  };

  const refresh = (all) => {
    document.querySelectorAll("[data-live]").forEach((part) => {
      if (concerns(part, all) && !busy(part)) htmx.trigger(part, "changed");
    });
    told = { cases: new Set(), endpoints: new Set() };
  };

  // Changes that come in a burst are shown together.  A case is shown at once; of 3,000 endpoints
  // some are heard every moment, and no page is drawn anew as often.
  const soon = (delay) => {
    const at = performance.now() + delay;
    if (waiting && waiting.at <= at) return;
    clearTimeout(waiting?.timer);
    const timer = setTimeout(() => {
      waiting = null;
      refresh(false);
    }, delay);
    waiting = { at, timer };
  };

  const listen = () => {
    source = new EventSource("/live");
    source.onopen = () => {
      say(true);
      if (missed) refresh(true);
      missed = false;
    };
    source.onerror = () => {
      say(false);
      missed = true;
    };
    source.addEventListener("changed", (event) => {
      const change = JSON.parse(event.data);
      change.cases.forEach((id) => told.cases.add(id));
      change.endpoints.forEach((id) => told.endpoints.add(id));
      soon(change.cases.length ? 150 : 2000);
    });
  };

  // Browsers allow six connections to one host: a hidden page gives its own back.
  const seen = () => {
    if (document.hidden) {
      source?.close();
      source = null;
      missed = true;
    } else if (!source) {
      listen();
    }
  };

  if (state) {
    remember();
    seen();
    document.addEventListener("visibilitychange", seen);
    addEventListener("pagehide", () => source?.close());
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
    });
  }

  const kept = new Map();
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    kept.set(part.id, {
      ticked: [...part.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value),
      folded: [...part.querySelectorAll("details[id]")].map((fold) => [fold.id, fold.open]),
      focus: part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null,
    });
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const part = document.getElementById(event.detail.target.id);
    const before = kept.get(part?.id);
    if (!before) return;
    kept.delete(part.id);
    part.querySelectorAll("input[type=checkbox]").forEach((box) => {
      box.checked = before.ticked.includes(box.value);
    });
    before.folded.forEach(([id, open]) => {
      const fold = document.getElementById(id);
      if (fold) fold.open = open;
    });
    if (before.focus) part.querySelector(`[href="${CSS.escape(before.focus)}"]`)?.focus();
    rows().forEach((row) => {
      if (!known.has(row.dataset.row)) row.classList.add("ww-fresh");
    });
    remember();
  });

  // An open menu closes when somebody goes on elsewhere, or presses Escape.
  const fold = (except) => {
    document.querySelectorAll("details.ww-menu[open]").forEach((menu) => {
      if (!menu.contains(except)) menu.open = false;
    });
  };
  document.addEventListener("click", (event) => fold(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") fold(null);
  });

  document.querySelectorAll("form[data-auto]").forEach((form) => {
    form.addEventListener("change", () => form.requestSubmit());
  });
})();

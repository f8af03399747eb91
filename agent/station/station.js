// The station's page: everything it shows is what /live said last.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const LOOKS = {
  inserted: "works", waiting: "works", scanning: "works", clean: "good",
  infected: "bad", incomplete: "doubt", not_scanned: "doubt", unreadable: "doubt", emergency: "doubt",
  not_opened: "doubt",
};
const MARKS = { works: "", good: "✓ ", bad: "✕ ", doubt: "! " };
const KIB = 1024;
const MIB = 1024 * KIB;

let words = {};
let page = null;
let language = null;
let lost = false;

function say(name, values = {}) {
  const text = words[language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

function element(tag, content = [], attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...[content].flat());
  return made;
}

function amount(octets) {
  const units = [["GiB", 1024 * MIB], ["MiB", MIB], ["KiB", KIB]];
  const unit = units.find(([, size]) => octets >= size) ?? units.at(-1);
  const number = new Intl.NumberFormat(say("locale"), { maximumFractionDigits: 1 });
  return `${number.format(octets / unit[1])} ${unit[0]}`;
}

function lasting(seconds) {
  return seconds < 60
    ? say("seconds", { n: Math.max(5, Math.ceil(seconds / 5) * 5) })
    : say("minutes", { n: Math.ceil(seconds / 60) });
}

function progress(medium) {
  const now = medium.progress;
  if (!now || now.waiting) return [];
  const bar = element("progress", [], { max: now.used || 1, "aria-label": say("scanning") });
  if (now.used && now.bytes <= now.used) bar.value = now.bytes;
  const rest = now.rest === null ? say("rest_unknown") : say("rest", { time: lasting(now.rest) });
  return [
    bar,
    element("p", say("so_far", { files: now.files, amount: amount(now.bytes) })),
    element("p", rest),
  ];
}

function receipt(medium) {
  if (!medium.receipt) return [];
  const code = page.codes[medium.receipt];
  const parts = [element("p", [say("receipt"), element("br"), element("code", medium.receipt)])];
  if (code) {
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", "-4 -4 37 37");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", say("code"));
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", code);
    picture.append(path);
    parts.unshift(picture);
  }
  return [element("div", parts, { class: "receipt" })];
}

function leftOut(medium) {
  return Object.entries(medium.skipped ?? {}).map(([reason, n]) =>
    element("p", say("left_out", { n, why: say(`skipped_${reason}`) })));
}

function why(medium) {
  if (!medium.reason || medium.reason === "skipped") return [];
  const told = words[language][`why_${medium.reason}`];
  return [element("p", told ?? say("why_other"))];
}

function copying(medium) {
  const now = page.copy;
  const told = [];
  if (now && now.source === medium.key) {
    const name = page.media.find((one) => one.key === now.target)?.number ?? "";
    const text = now.state === "failed"
      ? `${say("copy_failed")} ${say(`copy_${now.reason}`)}`
      : say(`copy_${now.state}`, { files: now.files, folder: now.folder, number: name });
    told.push(element("p", text, { role: "status" }));
  }
  if (medium.state !== "clean" || !medium.points?.length || now?.state === "running") return told;
  const targets = page.media.filter((one) => one.takes && one.key !== medium.key);
  return told.concat(targets.map((target) => {
    const button = element("button", say("copy_to", { number: target.number }), { type: "button" });
    button.addEventListener("click", () => copy(medium.key, target.key));
    return button;
  }));
}

function card(medium) {
  const state = medium.state ?? "inserted";
  const look = LOOKS[state];
  return element("article", [
    element("h2", MARKS[look] + say(state)),
    element("p", [medium.name, medium.number ? `  ${medium.number}` : ""].join(""), { class: "name" }),
    element("p", say(`${state}_more`, {
      files: medium.files ?? 0, amount: amount(medium.bytes ?? 0),
    })),
    ...progress(medium),
    ...(state === "infected" ? [element("p", say("found", { names: (medium.threats ?? []).join(", ") }))] : []),
    ...(look === "doubt" ? [...why(medium), ...leftOut(medium)] : []),
    ...(look === "bad" || look === "doubt" ? call() : []),
    ...receipt(medium),
    ...copying(medium),
  ], { class: look, "data-state": state });
}

function call() {
  return page.phone ? [element("p", say("call", { phone: page.phone }))] : [];
}

function notice(name, look) {
  const more = element("p", say(`${name}_more`));
  return element("section", [element("h2", say(name)), more, ...(look ? call() : [])],
    { class: `invite ${look}`, "data-state": name });
}

function show() {
  document.documentElement.lang = say("locale");
  document.title = say("title");
  document.getElementById("title").textContent = say("title");
  document.getElementById("language").textContent = say("other_language");
  document.getElementById("language").lang = say("other_locale");
  document.getElementById("phone").textContent = page?.phone ? say("help", { phone: page.phone }) : "";
  const focused = document.activeElement?.textContent;
  const media = document.getElementById("media");
  if (lost || !page?.running) media.replaceChildren(notice("out_of_order", "doubt"));
  else if (!page.media.length) media.replaceChildren(notice("insert", ""));
  else media.replaceChildren(...page.media.map(card));
  [...media.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();
}

async function copy(source, target) {
  const wish = JSON.stringify({ source, target });
  await fetch("/copy", { method: "POST", body: wish }).catch(() => { lost = true; show(); });
}

function live() {
  const source = new EventSource("/live");
  source.addEventListener("message", (told) => {
    page = JSON.parse(told.data);
    language ??= words[page.language] ? page.language : "zh_CN";
    lost = false;
    show();
  });
  source.addEventListener("error", () => {
    lost = true;
    language ??= "zh_CN";
    show();
  });
}

document.getElementById("language").addEventListener("click", () => {
  language = language === "en" ? "zh_CN" : "en";
  show();
});
fetch("/words.json").then((answer) => answer.json()).then((told) => { words = told; live(); });

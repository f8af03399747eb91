// The wall: clocks that count down, a tone for a new critical case, and no silence about silence.
(() => {
  const REFRESH_MS = 60_000;
  const STALE_MS = 150_000;
  const state = document.getElementById("live-state");
  const sound = document.getElementById("wall-sound");
  const wall = () => document.getElementById("wall");
  const alarms = () => wall().dataset.alarms.split(" ").filter(Boolean);
  const known = new Set(alarms());
  let ahead = 0;
  let updated = 0;
  let audio = null;

  // The collector's clock, whatever this screen's says.
  const now = () => Date.now() + ahead;
  const read = () => {
    ahead = Number(wall().dataset.now) - Date.now();
    updated = performance.now();
  };

  const two = (number) => String(number).padStart(2, "0");
  const span = (ms) => {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const hours = Math.floor(seconds / 3600);
    return `${hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  };
  const time = document.getElementById("wall-now");
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: time.dataset.zone, timeStyle: "medium" });

  // A stream that is open and says nothing may be dead: what counts is the last answer.
  const warn = (stale) => {
    if (stale === document.body.classList.contains("ww-wall-stale")) return;
    const live = !stale && state.classList.contains("ww-live-on");
    state.querySelector(".ww-live-word").textContent = live ? state.dataset.live : state.dataset.lost;
    document.body.classList.toggle("ww-wall-stale", stale);
  };

  const tick = () => {
    time.textContent = format.format(now());
    document.querySelectorAll("[data-due]").forEach((clock) => {
      const left = Number(clock.dataset.due) - now();
      clock.textContent = left < 0 ? clock.dataset.over.replace("{span}", span(left)) : span(left);
      clock.parentElement.classList.toggle("ww-wall-over", left < 0);
    });
    warn(performance.now() - updated > STALE_MS);
  };

  // Two falling notes, three times: made here, no file.
  const tone = (times) => {
    if (!audio) return;
    for (let n = 0; n < times * 2; n += 1) {
      const note = audio.createOscillator();
      const volume = audio.createGain();
      const at = audio.currentTime + n * 0.28;
      note.frequency.value = n % 2 ? 660 : 880;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.4, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.26);
      note.connect(volume).connect(audio.destination);
      note.start(at);
      note.stop(at + 0.27);
    }
    sound.dataset.sounded = String(Number(sound.dataset.sounded ?? 0) + 1);
  };

  const say = () => {
    const on = audio?.state === "running";
    sound.setAttribute("aria-pressed", String(on));
    sound.querySelector("span").textContent = on ? sound.dataset.on : sound.dataset.off;
  };

  // A browser makes no sound before somebody pressed something.
  sound.addEventListener("click", async () => {
    if (audio?.state === "running") {
      await audio.suspend();
    } else {
      audio ??= new AudioContext();
      audio.onstatechange = say;
      await audio.resume();
      tone(1);
    }
    say();
  });

  document.getElementById("wall-full").addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  });

  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id !== "wall") return;
    read();
    const fresh = alarms().filter((id) => !known.has(id));
    fresh.forEach((id) => known.add(id));
    if (fresh.length && audio?.state === "running") tone(3);
    tick();
  });

  read();
  tick();
  setInterval(tick, 1000);
  setInterval(() => htmx.trigger(wall(), "changed"), REFRESH_MS);
})();

// Keeps a page that was complete when it arrived up to date. Without it everything works by reload.

const places = document.querySelectorAll("[data-live-part]");
const pulse = document.querySelector("[data-live]");

function show(state) {
  if (pulse) pulse.dataset.live = state;
}

const drawn = new Map();

// Takes away what was said of something that has been answered now: the page looks otherwise.
function pass(part, html) {
  if (drawn.has(part) && drawn.get(part) !== html) {
    for (const said of document.querySelectorAll("[data-live-passes]")) said.remove();
  }
  drawn.set(part, html);
}

const held = new Map();
let isPressed = false;

// Replaces one part of the page by what the server drew; never while somebody is using it.
function replace({ part, html }) {
  for (const place of places) {
    if (place.dataset.livePart !== part) continue;
    if (isPressed || place.contains(document.activeElement)) {
      held.set(part, html);
      return;
    }
    held.delete(part);
    const known = new Set([...place.querySelectorAll("[data-key]")].map((e) => e.dataset.key));
    const opened = new Set([...place.querySelectorAll("details[open][id]")].map((e) => e.id));
    place.innerHTML = html;
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    for (const row of place.querySelectorAll("[data-key]")) {
      if (!known.has(row.dataset.key)) row.classList.add("fresh");
    }
  }
}

// Once the focus has arrived where it goes, and a click is over: until then what was pressed must
// be what is let go.
function release() {
  setTimeout(() => {
    for (const [part, html] of [...held]) replace({ part, html });
  });
}

function press(isDown) {
  isPressed = isDown;
  if (!isDown) release();
}

addEventListener("pointerdown", (event) => press(event.button === 0), { capture: true });
addEventListener("pointerup", () => press(false), { capture: true });
addEventListener("pointercancel", () => press(false), { capture: true });
addEventListener("focusout", release);

// What a form had to say was said: a reload does not say it again.
const here = new URL(location.href);
if (here.searchParams.has("said")) {
  here.searchParams.delete("said");
  history.replaceState(history.state, "", here);
}

// A browser that may not write to the clipboard shows no button; the address is selected by a click.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    });
  }
}

const from = document.querySelector("[data-live-url]")?.dataset.liveUrl;

if (places.length && from && "EventSource" in window) {
  const url = new URL(from, location.href);
  url.searchParams.set("parts", [...places].map((place) => place.dataset.livePart).join(","));
  const source = new EventSource(url);
  source.addEventListener("open", () => show("yes"));
  source.addEventListener("error", () => show("no"));
  source.addEventListener("part", (event) => {
    const told = JSON.parse(event.data);
    pass(told.part, told.html);
    replace(told);
  });
  addEventListener("pagehide", () => source.close());
}

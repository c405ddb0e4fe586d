// Lets a phone's camera fill in a serial where the browser can read codes. Without it one types.
// What the code means is not decided here: its text goes into the field as it was read.

const FORMATS = ["qr_code", "code_128", "code_39", "ean_13", "data_matrix"];
const LOOK_EVERY_MS = 150;
const GIVE_UP_AFTER_MS = 60_000;

async function detector() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return null;
  const known = await BarcodeDetector.getSupportedFormats();
  const formats = FORMATS.filter((format) => known.includes(format));
  return formats.length ? new BarcodeDetector({ formats }) : null;
}

function made(name, fields) {
  return Object.assign(document.createElement(name), fields);
}

// Shows the camera under the field until a code is read, the person stops it or time is up.
async function scan(place, button, reader) {
  const said = made("p", { className: "soft small", role: "status" });
  const video = made("video", { muted: true, playsInline: true, autoplay: true });
  button.disabled = true;
  place.after(said);
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    said.textContent = "The camera is not allowed or not there: type the serial.";
    button.disabled = false;
    return;
  }
  said.textContent = "Hold the code into the picture.";
  video.srcObject = stream;
  place.after(video);
  const stop = made("button", { type: "button", textContent: "Stop" });
  video.after(stop);
  const until = performance.now() + GIVE_UP_AFTER_MS;
  let found = "";
  let isStopped = false;
  stop.addEventListener("click", () => { isStopped = true; });
  while (!found && !isStopped && performance.now() < until) {
    const codes = await reader.detect(video).catch(() => []);
    found = codes[0]?.rawValue ?? "";
    if (!found) await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
  }
  for (const track of stream.getTracks()) track.stop();
  for (const element of [video, stop, said]) element.remove();
  button.disabled = false;
  const field = place.querySelector("input");
  if (found) field.value = found;
  field.focus();
}

const reader = await detector().catch(() => null);
for (const place of reader ? document.querySelectorAll("[data-scan]") : []) {
  const button = made("button", { type: "button", textContent: "Scan" });
  button.addEventListener("click", () => scan(place, button, reader));
  place.append(button);
}
